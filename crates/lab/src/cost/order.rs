//! One processor for us and the program, and always us first: whatever the program does for us, we
//! answer before it does anything else. So it meets the same events in the same turns, no matter
//! how busy the machine is.

use std::{
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use rustix::thread::{CpuSet, gettid, sched_getaffinity, sched_setaffinity};

use crate::problem::{Result, Trying};

/// The calling thread, and what it starts, on one processor until this is dropped.
pub(super) struct Order(CpuSet);

impl Order {
    pub(super) fn begin() -> Result<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let all = sched_getaffinity(None).trying("ask for the processors")?;
        let ours: Vec<_> = (0..CpuSet::MAX_CPU)
            .filter(|cpu| all.is_set(*cpu))
            .collect();
        let turn = NEXT.fetch_add(1, Ordering::Relaxed) % ours.len().max(1);
        let mut one = CpuSet::new();
        one.set(ours.get(turn).copied().unwrap_or(0));
        sched_setaffinity(None, &one).trying("keep to one processor")?;
        us(&["--fifo", "--pid", "1"]);
        Ok(Self(all))
    }

    /// A command that starts this program behind us: a batch task takes the processor from nobody.
    #[expect(clippy::unused_self, reason = "without the order nothing is behind us")]
    pub(super) fn behind_us(&self, program: &str) -> Command {
        let mut command = Command::new("chrt");
        command.args(["--batch", "0", program]);
        command
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        us(&["--other", "--pid", "0"]);
        // It was allowed before.
        let _back = sched_setaffinity(None, &self.0);
    }
}

/// How the calling thread is scheduled. Not everybody may choose: then the order is usual, not
/// certain.
fn us(arguments: &[&str]) {
    let mut command = Command::new("chrt");
    command
        .args(arguments)
        .arg(gettid().as_raw_nonzero().to_string());
    let _refused = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
}
