//! Waiting for a condition, with a deadline; never sleeping for luck.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::problem::{Problem, Result};

/// How long most things may take on a slow, busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again and again until there is an answer.
///
/// # Errors
/// [`Problem::Timeout`] naming `what` after `patience`.
pub fn until<T>(what: &str, patience: Duration, mut ask: impl FnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            return Err(Problem::Timeout {
                what: what.into(),
                seconds: patience.as_secs(),
            });
        }
        thread::sleep(Duration::from_millis(5));
    }
}
