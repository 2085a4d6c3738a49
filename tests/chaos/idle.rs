//! A process with nothing to do does nothing.

use std::time::Duration;

use crate::harness::{Failure, Outcome};

/// How long it is watched, and how much of a processor its checks and timers may take meanwhile.
const WATCHED: Duration = Duration::from_secs(1);
const BUSY: Duration = Duration::from_millis(150);

/// Watches a process that should be idle.
pub(super) fn expect(pid: u32) -> Outcome {
    let before = processor_time(pid)?;
    std::thread::sleep(WATCHED);
    let used = processor_time(pid)?.saturating_sub(before);
    if used > BUSY {
        return Err(Failure::from(format!(
            "it is busy with nothing: {used:?} in a second"
        )));
    }
    Ok(())
}

/// User and system time of a process so far.
fn processor_time(pid: u32) -> Result<Duration, Failure> {
    const TICK: Duration = Duration::from_millis(10);
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = text.rsplit(") ").next().unwrap_or_default();
    let ticks: u32 = after_name
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|number| number.parse::<u32>().ok())
        .sum();
    Ok(TICK * ticks)
}
