//! Sessions that are there and do nothing.

use std::{net::SocketAddr, time::Instant};

use super::{Count, GRACE, Outcome, SETUP, SMALL, messages::Parlour};
use crate::problem::Result;

/// Sessions that have been served once and are held until this is dropped.
pub struct Held(Parlour);

impl Held {
    /// Connects so many, each of which gets one answer.
    ///
    /// # Errors
    /// Not all are served, or this process may not have so many sockets.
    pub fn gather(target: SocketAddr, sessions: usize) -> Result<Self> {
        Ok(Self(Parlour::gather(target, SMALL, sessions)?))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.alive()
    }

    /// Asks each for one more answer; those that give a right one stay.
    ///
    /// # Errors
    /// None that a correct program meets.
    pub fn check(&mut self) -> Result<usize> {
        let mut unsent = Outcome::default();
        self.0.ask_all(&mut unsent);
        self.0.settle(Instant::now() + SETUP)?;
        Ok(self.0.alive())
    }
}

/// Holds so many until the time is over.
pub(super) fn hold(target: SocketAddr, sessions: usize, count: &mut Count<'_>) -> Result<()> {
    let mut held = Held::gather(target, sessions)?;
    let end = count.begin();
    let noise = held.0.listen(end)?;
    count.end();
    held.0.ask_all(&mut count.outcome);
    let answers = held.0.settle(Instant::now() + GRACE)?;
    count.outcome.units = answers.units;
    count.outcome.bytes = answers.bytes;
    count.outcome.errors += noise.errors + answers.errors;
    Ok(())
}
