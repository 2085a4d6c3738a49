//! A time to wake up at, for code that is polled.

use std::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep, sleep_until};

/// One time, or none.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Wakes whoever polls at this time.
    pub(super) fn set(&mut self, at: Instant) {
        match &mut self.0 {
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.0 = Some(Box::pin(sleep_until(at))),
        }
    }

    /// True once, when the time has come.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> bool {
        let Some(sleep) = &mut self.0 else {
            return false;
        };
        if sleep.as_mut().poll(context) == Poll::Pending {
            return false;
        }
        self.0 = None;
        true
    }
}
