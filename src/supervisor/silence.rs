//! An election that hangs: its peers have taken over, and its addresses are still here.

use std::time::{Duration, Instant};

use pontoon_sys::process::Signal;

use super::{
    Supervisor,
    child::{Child, State},
};

/// An election that says nothing for so long hangs: six signs of life have not come.
const HUNG_AFTER: Duration = Duration::from_secs(3);
/// How long it may take to start.
const STARTS_WITHIN: Duration = Duration::from_secs(15);
/// When we find out so much too late, it was us, or the whole machine, that stood still.
const OUR_OWN_SLEEP: Duration = Duration::from_secs(1);

/// How long the election has said nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Silence(Instant);

impl Silence {
    /// It spoke, or was started, just now.
    pub(super) const fn since(now: Instant) -> Self {
        Self(now)
    }

    /// When it will have lasted too long.
    fn is_over_at(self, state: &State, stopping: bool) -> Option<Instant> {
        match state {
            // Once it has given its addresses back, only the patience with its scripts counts.
            _ if stopping => None,
            State::Up { .. } => Some(self.0 + HUNG_AFTER),
            State::Starting(_) => Some(self.0 + STARTS_WITHIN),
            State::Waiting { .. } | State::HandedOver | State::Ended => None,
        }
    }
}

impl Supervisor {
    /// When an election that goes on saying nothing is taken for hung.
    pub(super) fn silence_is_over(&self) -> Option<Instant> {
        let election = self.children.election.as_ref()?;
        let stopping = self.stop.is_some() && self.held.is_empty();
        self.silence.is_over_at(election.state(), stopping)
    }

    /// Two nodes with one address are worse than none: it is killed and its addresses are removed,
    /// before its end is told, which an election that hangs in the kernel may keep waiting for.
    pub(super) fn election_is_silent(&mut self, now: Instant) {
        let late = self
            .silence_is_over()
            .map(|at| now.saturating_duration_since(at));
        let since = std::mem::replace(&mut self.silence, Silence::since(now)).0;
        if late.is_some_and(|late| late >= OUR_OWN_SLEEP) {
            return;
        }
        let Some(process) = self.children.election.as_ref().and_then(Child::process) else {
            return;
        };
        let (pid, seconds) = (process.pid(), now.duration_since(since).as_secs());
        self.voice.warning(format!(
            "the election (process {pid}) has not answered for {seconds} s; it is killed, and its \
             addresses are removed"
        ));
        process.signal(Signal::KILL);
        self.clean_up_after_election();
    }
}
