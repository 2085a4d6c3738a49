//! Asking a task to end.

use std::convert::Infallible;

use tokio::sync::oneshot;

/// Dropping it asks the task to end.
#[derive(Debug)]
pub(super) struct Reins(
    #[expect(dead_code, reason = "it acts when it is dropped")] oneshot::Sender<Infallible>,
);

/// The task's side.
#[derive(Debug)]
pub(super) struct Stop(Option<oneshot::Receiver<Infallible>>);

/// A pair.
pub(super) fn reins() -> (Reins, Stop) {
    let (sender, receiver) = oneshot::channel();
    (Reins(sender), Stop(Some(receiver)))
}

impl Stop {
    /// Waits until the task is to end; can be given up and called again.
    pub(super) async fn asked(&mut self) {
        if let Some(receiver) = &mut self.0 {
            // It never brings anything but the sender's end.
            let _dropped = receiver.await;
            self.0 = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_is_asked_when_the_reins_are_dropped() {
        let (reins, mut stop) = reins();
        tokio::select! {
            biased;
            () = stop.asked() => panic!("nobody asked"),
            () = std::future::ready(()) => {}
        }
        drop(reins);
        stop.asked().await;
        stop.asked().await;
    }
}
