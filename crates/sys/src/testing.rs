//! For tests: a network of one's own.

use std::{process::Command, thread};

use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Does something on a thread in a network namespace of its own. Without the right to make one
/// nothing is done, and the test says so.
pub(crate) fn in_private_network(work: impl FnOnce() + Send) {
    let done = thread::scope(|scope| {
        let worker = scope.spawn(|| {
            // SAFETY: descriptors stay shared; only the network namespace of this thread, which
            // ends soon, becomes another.
            let entered = unsafe { unshare_unsafe(UnshareFlags::NEWNET) };
            match entered {
                Ok(()) => work(),
                Err(error) => eprintln!("skipped: no network namespace: {error}"),
            }
        });
        worker.join()
    });
    if let Err(panic) = done {
        std::panic::resume_unwind(panic);
    }
}

/// Runs `ip` with these words in the namespace of this thread and returns what it says.
pub(crate) fn ip(line: &str) -> String {
    let output = Command::new("ip").args(line.split(' ')).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {line}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
