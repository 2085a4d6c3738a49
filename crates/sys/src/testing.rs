//! For tests: a network of one's own.

use std::thread;

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
