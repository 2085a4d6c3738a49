//! What the actors have done, by window.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::watch::Sample;
use crate::load::Outcome;

/// What is done to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Short connections, the client closing.
    Connect,
    /// Short connections, the server closing.
    ConnectServer,
    /// Messages of 64 bytes at a given rate.
    Messages64,
    /// Messages of 1 KiB at a given rate.
    Messages1k,
    /// Messages of 16 KiB at a given rate.
    Messages16k,
    /// Streams to the server.
    Up,
    /// Streams to the client.
    Down,
    /// Streams both ways.
    Both,
    /// Sessions that do nothing.
    Idle,
    /// Requests whose client ends its side before it has the answer.
    HalfClose,
    /// Clients that reset their connection in the midst of something.
    Abort,
    /// Short connections to servers one of which comes and goes.
    Flap,
    /// A look at the statistics page.
    Page,
}

impl Act {
    /// All there are.
    pub const ALL: [Self; 13] = [
        Self::Connect,
        Self::ConnectServer,
        Self::Messages64,
        Self::Messages1k,
        Self::Messages16k,
        Self::Up,
        Self::Down,
        Self::Both,
        Self::Idle,
        Self::HalfClose,
        Self::Abort,
        Self::Flap,
        Self::Page,
    ];

    /// In a word or two.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connections, client closing",
            Self::ConnectServer => "connections, server closing",
            Self::Messages64 => "messages, 64 B",
            Self::Messages1k => "messages, 1 KiB",
            Self::Messages16k => "messages, 16 KiB",
            Self::Up => "bulk up",
            Self::Down => "bulk down",
            Self::Both => "bulk both ways",
            Self::Idle => "idle sessions",
            Self::HalfClose => "half-closed requests",
            Self::Abort => "aborted connections",
            Self::Flap => "connections to flapping servers",
            Self::Page => "statistics pages",
        }
    }

    /// A session may be lost with the server that it was on.
    #[must_use]
    pub const fn may_lose(self) -> bool {
        matches!(self, Self::Flap)
    }

    /// Its latency says how the program does: it is asked at a given rate, and always alike.
    #[must_use]
    pub const fn is_timed(self) -> bool {
        matches!(
            self,
            Self::Messages64 | Self::Messages1k | Self::Messages16k
        )
    }
}

/// What one act has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Connections, messages, bytes or sessions.
    pub units: u64,
    /// What went wrong.
    pub errors: u64,
    /// Latency: half of the units took no longer.
    pub p50: Duration,
    /// Latency: 99 of 100 took no longer.
    pub p99: Duration,
}

impl From<&Outcome> for Tally {
    fn from(outcome: &Outcome) -> Self {
        let quantile = |quantile| Duration::from_nanos(outcome.latency.value_at_quantile(quantile));
        Self {
            units: outcome.units,
            errors: outcome.errors,
            p50: quantile(0.5),
            p99: quantile(0.99),
        }
    }
}

/// A part of the run.
#[derive(Debug, Clone)]
pub struct Window {
    /// Its end, since the begin of the run.
    pub at: Duration,
    /// What the program held then.
    pub sample: Sample,
    /// What was done in it.
    pub tallies: BTreeMap<Act, Tally>,
}

/// Where actors write what they have done.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: Mutex<BTreeMap<Act, Outcome>>,
    complaints: Mutex<Vec<String>>,
}

/// That many complaints show what is wrong.
const COMPLAINTS: usize = 20;

impl Ledger {
    pub(super) fn add(&self, act: Act, outcome: &Outcome) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.entry(act).or_default().add(outcome);
    }

    /// Keeps in words what has gone wrong.
    pub(super) fn complain(&self, complaint: String) {
        let complaints = self.complaints.lock();
        let mut complaints = complaints.unwrap_or_else(PoisonError::into_inner);
        if complaints.len() < COMPLAINTS {
            complaints.push(complaint);
        }
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        let complaints = self.complaints.lock();
        complaints.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was written since this was last called.
    pub(super) fn close(&self) -> BTreeMap<Act, Outcome> {
        mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
