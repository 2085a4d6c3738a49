//! Sync groups: what befalls one member befalls all of them, and is told in order.

use super::{
    add,
    duo::{Duo, FAST, NOTE, fast},
};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    add(
        tests,
        &[
            ("a_group_moves_as_one", moves_as_one),
            ("a_group_s_scripts_and_fifo_hear_it_in_order", told_in_order),
        ],
    );
}

/// Two instances in a group; the second one watches a file.
fn file(priority: u8, group: &str) -> String {
    let watched = "track_file {\n trouble weight 0\n }";
    format!(
        "{FAST}track_file trouble {{\n file /tmp/trouble\n}}\n\
         vrrp_sync_group VG_1 {{\n group {{\n VI_1\n VI_2\n }}\n{group}\n}}\n{}{}",
        fast("VI_1", 51, priority, "10.0.1.100/24", ""),
        fast("VI_2", 52, priority, "10.0.1.101/24", watched),
    )
}

const BOTH: [&str; 2] = ["10.0.1.100", "10.0.1.101"];

fn held_by(duo: &Duo, which: usize) -> Outcome {
    BOTH.into_iter()
        .try_for_each(|address| duo.held_by(which, address))
}

fn moves_as_one() -> Outcome {
    let duo = Duo::settled([&file(150, ""), &file(100, "")])?;
    held_by(&duo, 0)?;
    duo.host(0).write("/tmp/trouble", "1\n")?;
    held_by(&duo, 1)?;
    duo.says(0, "VRRP_Group(VG_1) Syncing instances to FAULT state")?;
    duo.says(0, "(VI_1) Entering FAULT STATE (with its group VG_1)")?;
    duo.says(1, "VRRP_Group(VG_1) Syncing instances to MASTER state")?;
    duo.host(0).write("/tmp/trouble", "0\n")?;
    held_by(&duo, 0)
}

fn told_in_order() -> Outcome {
    let told = format!("notify {NOTE}\n notify_fault \"{NOTE} the fault\"");
    let fifo =
        "script_user root\n notify_fifo /run/fifo\n notify_fifo_script /etc/keepalived/read.sh";
    let first = file(150, &told).replace("script_user root", fifo);
    let mut duo = Duo::new([&first, &file(100, "")])?;
    let reader = "#!/bin/sh\nexec cat \"$1\" >/tmp/heard\n";
    duo.host(0)
        .write_script("/etc/keepalived/read.sh", reader)?;
    duo.start(0)?;
    held_by(&duo, 0)?;
    duo.start(1)?;
    duo.says(1, "(VI_2) Entering BACKUP STATE")?;
    duo.host(0).write("/tmp/trouble", "1\n")?;
    held_by(&duo, 1)?;
    duo.host(0).write("/tmp/trouble", "0\n")?;
    held_by(&duo, 0)?;
    duo.stop(0)?;
    let roles = ["BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER", "STOP"];
    let group: Vec<String> = roles
        .iter()
        .flat_map(|role| {
            let own = (*role == "FAULT").then(|| "the fault".to_owned());
            own.into_iter().chain([format!("GROUP VG_1 {role} 0")])
        })
        .collect();
    duo.noted(0, &group.iter().map(String::as_str).collect::<Vec<_>>())?;
    let heard = duo.host(0).read("/tmp/heard");
    for subject in ["INSTANCE \"VI_1\"", "INSTANCE \"VI_2\"", "GROUP \"VG_1\""] {
        let lines = heard.lines().filter_map(|line| line.strip_prefix(subject));
        let told = lines.filter_map(|line| line.split(' ').nth(1));
        // A node that yields says so once more, and the master may hear it.
        let told: Vec<_> = told.filter(|word| *word != "MASTER_RX_LOWER_PRI").collect();
        assert_eq!(told, roles, "{subject} in\n{heard}");
    }
    Ok(())
}
