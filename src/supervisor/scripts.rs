//! Ending what a dead election's notify scripts are still about: a new election would run others
//! beside them, and another node may be master by now.

use pontoon_sys::process::{Pid, Signal};
use rustix::process::kill_process_group;

use super::voice::Voice;

/// Kills these process groups, and says so.
pub(super) fn end(groups: &[i32], voice: &Voice) {
    for number in groups {
        // The kernel has ended the script itself; what it has started goes on in its group.
        if let Some(group) = Pid::from_raw(*number)
            && kill_process_group(group, Signal::KILL).is_ok()
        {
            voice.warning(format!(
                "ended a notify script of the election (process group {number})"
            ));
        }
    }
}
