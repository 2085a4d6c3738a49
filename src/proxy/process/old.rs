//! Processes of an earlier start, which leave once this one is ready (`-sf`, `-st`).
//!
//! One that can hand over does; the others are told by signals, as HAProxy's are.

use std::{io, thread, time::Duration};

use pontoon_config::haproxy::model::Model;
use pontoon_sys::process::{Pid, Signal, child::signal_pid};

use super::announce::Announcer;
use crate::{
    handover::take::{Giver, Refusal},
    proxy::listen::{BindError, Inherited, Listeners, bind_all},
};

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

/// One of them that hands over.
#[derive(Debug)]
pub(super) struct Predecessor {
    pub(super) giver: Giver,
    pub(super) pid: Pid,
    /// It refuses connections because this process asked it to.
    pub(super) paused: bool,
}

/// The first of them that hands over, and its sockets. There is one time, one state and one set of
/// listeners to take over, so the others are told by signals.
pub(super) fn ask(
    old: Option<&OldProcesses>,
    announcer: &Announcer,
) -> (Option<Predecessor>, Inherited) {
    for &pid in old.map_or(&[][..], |old| &old.pids) {
        match Giver::ask(pid) {
            Ok((giver, inherited)) => {
                let predecessor = Predecessor {
                    giver,
                    pid,
                    paused: false,
                };
                return (Some(predecessor), inherited);
            }
            Err(Refusal::Unable) => {}
            Err(refusal) => announcer.warning(format!(
                "Process {} does not hand its sessions over: {refusal}. It is told to drain.",
                pid.as_raw_pid()
            )),
        }
    }
    (None, Inherited::default())
}

/// The listeners of a process that serves on. One that does not lend them lets go of them when it
/// is told to leave.
pub(super) fn borrow(lender: Option<Pid>) -> Inherited {
    let asked = lender.and_then(|pid| Giver::ask(pid).ok());
    asked.map_or_else(Inherited::default, |(_, inherited)| inherited)
}

/// Binds all addresses. If they are taken, old processes are asked to let go of them first; if
/// that does not help, they are asked to go on.
///
/// # Errors
/// Every address that could not be bound.
pub(super) fn bind(
    model: &Model,
    old: Option<&OldProcesses>,
    predecessor: Option<&mut Predecessor>,
    inherited: &Inherited,
) -> Result<Listeners, Vec<BindError>> {
    let errors = match (bind_all(model, inherited), old) {
        (Err(errors), Some(_)) if is_taken(&errors) => errors,
        (other, _) => return other,
    };
    let Some(old) = old else { return Err(errors) };
    old.signal(Signal::TTOU);
    let mut outcome = Err(errors);
    for _ in 0..ATTEMPTS {
        thread::sleep(PAUSE);
        outcome = bind_all(model, inherited);
        if !matches!(&outcome, Err(errors) if is_taken(errors)) {
            break;
        }
    }
    if outcome.is_err() {
        old.signal(Signal::TTIN);
    } else if let Some(predecessor) = predecessor {
        predecessor.paused = true;
    }
    outcome
}

/// Everything is bound: old processes may leave, or get ready for it. As another user we could not tell them.
pub(super) fn leave(predecessor: Option<&Predecessor>, old: Option<&OldProcesses>) {
    if let Some(predecessor) = predecessor {
        predecessor.giver.silence_unused();
    }
    if let Some(old) = old {
        old.dismiss(predecessor.map(|it| it.pid));
    }
}

fn is_taken(errors: &[BindError]) -> bool {
    errors
        .iter()
        .any(|error| error.cause.kind() == io::ErrorKind::AddrInUse)
}

impl OldProcesses {
    /// This process takes over: the old ones may leave, but for the one that hands over.
    fn dismiss(&self, except: Option<Pid>) {
        let signal = match self.leave {
            Leave::Softly => Signal::USR1,
            Leave::AtOnce => Signal::TERM,
        };
        self.signal_but(except, signal);
    }

    fn signal(&self, signal: Signal) {
        self.signal_but(None, signal);
    }

    fn signal_but(&self, except: Option<Pid>, signal: Signal) {
        for pid in self.pids.iter().filter(|pid| except != Some(**pid)) {
            // One that has left already needs no signal.
            let _gone = signal_pid(*pid, signal);
        }
    }
}
