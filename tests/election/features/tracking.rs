//! Files, processes and interfaces that move the mastership, by weight or by fault.

use super::{
    add,
    duo::{Duo, FAST, one},
};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    add(
        tests,
        &[
            ("a_tracked_file_s_number_moves_the_address", file_by_weight),
            ("a_tracked_file_can_fault", file_by_fault),
            ("a_tracked_process_moves_the_address", process),
            ("a_tracked_interface_moves_the_address", interface_by_weight),
            ("a_tracked_interface_can_fault", interface_by_fault),
        ],
    );
}

fn file_by_weight() -> Outcome {
    let watched = one(110, "track_file {\n level weight 2\n }");
    let first = format!("{FAST}track_file level {{\n file /tmp/level\n}}\n{watched}");
    let duo = Duo::settled([&first, &format!("{FAST}{}", one(100, ""))])?;
    duo.host(0).write("/tmp/level", "-6\n")?;
    duo.master(1)?;
    duo.says(0, "(VI_1) Changing effective priority from 110 to 98")?;
    duo.host(0).write("/tmp/level", "-5\n")?;
    // The same priority: the higher address, which is the second one's, stays.
    duo.says(0, "(VI_1) Changing effective priority from 98 to 100")?;
    duo.host(0).write("/tmp/level", "1\n")?;
    duo.master(0)?;
    duo.says(0, "(VI_1) Changing effective priority from 100 to 112")
}

/// The priority stays what it is, and nothing is told of it.
fn file_by_fault() -> Outcome {
    let watched = one(110, "track_file {\n level\n }");
    let first = format!("{FAST}track_file level {{\n file /tmp/level\n}}\n{watched}");
    let duo = Duo::settled([&first, &format!("{FAST}{}", one(100, ""))])?;
    duo.host(0).write("/tmp/level", "-254\n")?;
    duo.says(0, "(VI_1) Entering FAULT STATE (file level")?;
    duo.master(1)?;
    duo.host(0).write("/tmp/level", "0\n")?;
    duo.master(0)?;
    assert_eq!(
        duo.count(0, "Changing effective priority"),
        0,
        "{}",
        duo.output(0).join("\n")
    );
    Ok(())
}

fn process() -> Outcome {
    let watched = one(90, "track_process {\n worker weight 20\n }");
    let first =
        format!("{FAST}vrrp_track_process worker {{\n process pontoon-worker\n}}\n{watched}");
    let mut duo = Duo::new([&first, &format!("{FAST}{}", one(100, ""))])?;
    duo.host(0)
        .run(&["cp", "/bin/sleep", "/tmp/pontoon-worker"])?;
    let worker = duo.host(0).start(&["/tmp/pontoon-worker", "1000"])?;
    duo.start(0)?;
    duo.start(1)?;
    duo.master(0)?;
    drop(worker);
    duo.master(1)?;
    duo.says(0, "(VI_1) Changing effective priority from 110 to 90")?;
    let _worker = duo.host(0).start(&["/tmp/pontoon-worker", "1000"])?;
    duo.master(0)
}

fn with_link(more: &str) -> Result<Duo, crate::harness::Failure> {
    let first = format!("{FAST}{}", one(110, more));
    let mut duo = Duo::new([&first, &format!("{FAST}{}", one(100, ""))])?;
    for line in [
        "link add up0 type veth peer name up1",
        "link set up1 up",
        "link set up0 up",
    ] {
        duo.ip(0, line)?;
    }
    duo.start(0)?;
    duo.start(1)?;
    duo.master(0)?;
    Ok(duo)
}

fn interface_by_weight() -> Outcome {
    let duo = with_link("track_interface {\n up0 weight -20\n }")?;
    duo.ip(0, "link set up0 down")?;
    duo.master(1)?;
    duo.says(0, "(VI_1) Changing effective priority from 110 to 90")?;
    duo.ip(0, "link set up0 up")?;
    duo.master(0)
}

fn interface_by_fault() -> Outcome {
    let duo = with_link("track_interface {\n up0\n }")?;
    duo.ip(0, "link set up0 down")?;
    duo.master(1)?;
    duo.says(0, "(VI_1) Entering FAULT STATE (interface up0 is down)")?;
    duo.ip(0, "link set up0 up")?;
    duo.master(0)
}
