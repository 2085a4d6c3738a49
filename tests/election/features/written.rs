//! Definitions, conditions, includes and reloads of a running pair.

use pontoon_sys::process::Signal;

use super::{
    add,
    duo::{Duo, FAST, fast, one},
};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    add(
        tests,
        &[
            ("one_file_serves_two_nodes_by_conditions", one_file),
            ("a_reload_of_a_master_moves_nothing_else", reloads),
        ],
    );
}

/// Both have the same text; `-i` tells them who they are.
fn one_file() -> Outcome {
    let file = format!(
        "$VIP=10.0.1.100/24\n$BODY=\\\n interface eth0\\\n advert_int 0.1\n{FAST}\
         include /etc/keepalived/conf.d/*.conf\n"
    );
    let part = "vrrp_instance VI_1 {\n $BODY\n virtual_router_id 51\n\
                @first priority 150\n@^first priority 100\n \
                virtual_ipaddress {\n ${VIP}\n }\n}\n";
    let mut duo = Duo::new([&file, &file])?;
    for which in [0, 1] {
        duo.host(which)
            .write("/etc/keepalived/conf.d/one.conf", part)?;
    }
    duo.start_with(0, &["-i", "first"])?;
    duo.start_with(1, &["-i", "second"])?;
    duo.master(0)?;
    duo.stop(0)?;
    duo.master(1)?;
    // What a definition holds is read again, too.
    for which in [0, 1] {
        let path = "/etc/keepalived/conf.d/one.conf";
        duo.host(which)
            .write(path, part.replace("${VIP}", "${VIP}\n 10.0.1.103/24"))?;
    }
    duo.signal(1, Signal::HUP)?;
    duo.until("the second address", || duo.holds(1, "10.0.1.103"))?;
    assert!(duo.holds(1, "10.0.1.100"));
    assert_eq!(duo.count(1, "Entering MASTER STATE"), 1);
    Ok(())
}

/// Instances and addresses come and go; what is the same in both files is left alone.
fn reloads() -> Outcome {
    let second = |priority| fast("VI_2", 52, priority, "10.0.1.110/24", "");
    let file = |priority| format!("{FAST}{}", one(priority, ""));
    let duo = Duo::settled([&file(150), &file(100)])?;
    let index = |duo: &Duo| duo.ip(0, "-o addr show dev eth0");
    let before = index(&duo)?;
    // The new one stands first in the file, and the second node is to be its master.
    duo.reload(1, &format!("{FAST}{}{}", second(200), one(100, "")))?;
    duo.until("the new instance's master", || duo.holds(1, "10.0.1.110"))?;
    duo.reload(0, &format!("{FAST}{}{}", second(120), one(150, "")))?;
    duo.says(0, "(VI_2) Entering BACKUP STATE")?;
    let more = "10.0.1.100/24\n 10.0.1.105/24";
    duo.reload(0, &format!("{FAST}{}", fast("VI_1", 51, 150, more, "")))?;
    duo.held_by(0, "10.0.1.105")?;
    duo.reload(0, &file(150))?;
    duo.until("it to go", || !duo.holds(0, "10.0.1.105"))?;
    duo.reload(1, &file(100))?;
    duo.until("it to go", || !duo.holds(1, "10.0.1.110"))?;
    assert_eq!(index(&duo)?, before);
    assert_eq!(
        duo.count(0, "(VI_1) Entering"),
        2,
        "{}",
        duo.output(0).join("\n")
    );
    assert_eq!(
        duo.count(1, "(VI_1) Entering"),
        1,
        "{}",
        duo.output(1).join("\n")
    );
    Ok(())
}
