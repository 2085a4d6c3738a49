//! Processes of an earlier start, which leave once this one is ready (`-sf`, `-st`).

use std::{io, thread, time::Duration};

use pontoon_config::haproxy::model::Model;
use pontoon_sys::process::{Pid, Signal, child::signal_pid};

use crate::proxy::listen::{BindError, Listeners, bind_all};

/// Processes that are to make room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldProcesses {
    /// Their numbers.
    pub pids: Vec<Pid>,
    /// How they are to leave.
    pub leave: Leave,
}

/// How an old process is to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// `-sf`: when its last session has ended.
    Softly,
    /// `-st`: at once.
    AtOnce,
}

/// Paused processes let go of their addresses within milliseconds.
const ATTEMPTS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// Binds all addresses. If they are taken, old processes are asked to let go of them first; if
/// that does not help, they are asked to go on.
///
/// # Errors
/// Every address that could not be bound.
pub(super) fn bind(model: &Model, old: Option<&OldProcesses>) -> Result<Listeners, Vec<BindError>> {
    let errors = match (bind_all(model), old) {
        (Err(errors), Some(_)) if is_taken(&errors) => errors,
        (other, _) => return other,
    };
    let Some(old) = old else { return Err(errors) };
    old.signal(Signal::TTOU);
    let mut outcome = Err(errors);
    for _ in 0..ATTEMPTS {
        thread::sleep(PAUSE);
        outcome = bind_all(model);
        if !matches!(&outcome, Err(errors) if is_taken(errors)) {
            break;
        }
    }
    if outcome.is_err() {
        old.signal(Signal::TTIN);
    }
    outcome
}

fn is_taken(errors: &[BindError]) -> bool {
    errors
        .iter()
        .any(|error| error.cause.kind() == io::ErrorKind::AddrInUse)
}

impl OldProcesses {
    /// This process takes over: the old ones may leave.
    pub(super) fn dismiss(&self) {
        self.signal(match self.leave {
            Leave::Softly => Signal::USR1,
            Leave::AtOnce => Signal::TERM,
        });
    }

    fn signal(&self, signal: Signal) {
        for pid in &self.pids {
            // One that has left already needs no signal.
            let _gone = signal_pid(*pid, signal);
        }
    }
}
