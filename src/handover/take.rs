//! The new side: asks an old process for what it has, and goes on with it.

use std::{
    os::fd::{AsFd as _, OwnedFd},
    time::{Duration, Instant},
};

use pontoon_sys::{
    clock, option, packet,
    process::{Pid, child::Handle, wait},
};

use super::{
    door,
    line::{Broken, Heard, Line, connect},
    names::Names,
    wire::{self, FromNew, FromOld, VERSION, Welcome},
};
use crate::{
    proxy::{
        adopt::{self, Arrival, Luggage},
        listen::Inherited,
    },
    state::{Running, carry::Carried},
};

/// How long the old process may take for a word.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a process that closes its line for good may take to end.
const MOMENT: Duration = Duration::from_millis(500);

/// An old process that is willing to hand over.
#[derive(Debug)]
pub struct Giver {
    line: Line,
    welcome: Welcome,
    /// The process, if it can be watched.
    pub(super) process: Option<Handle>,
    /// Listeners of its that this process has no use for.
    unused: Vec<(wire::Bound, OwnedFd)>,
}

/// Why an old process does not hand over; signals work with any.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is no Pontoon, or one of an early version.
    #[error("it cannot hand over")]
    Unable,
    /// It does not want to.
    #[error("{0}")]
    Unwilling(String),
    /// It is not the one.
    #[error("another process uses its name")]
    Impostor,
    /// They could not talk.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// What was taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Sessions that go on here.
    pub sessions: usize,
    /// Sessions that stay in the old process, to their end.
    pub staying: usize,
}

impl Giver {
    /// Asks the process of this number; with its listening sockets, if it is willing. It serves on
    /// until [`Giver::take`].
    ///
    /// # Errors
    /// It does not hand over.
    pub fn ask(pid: Pid) -> Result<(Self, Inherited), Refusal> {
        let number = pid.as_raw_pid().unsigned_abs();
        let socket = connect(&door(number)).map_err(|_nobody| Refusal::Unable)?;
        // Anybody on this machine may take a name that is free.
        let peer = packet::peer(&socket).map_err(Broken::System)?;
        if !peer.may_listen_for(number) {
            return Err(Refusal::Impostor);
        }
        let process = Handle::open(pid).ok();
        let (giver, inherited) = Self::ask_over(Line::new(socket))?;
        Ok((Self { process, ..giver }, inherited))
    }

    pub(super) fn ask_over(line: Line) -> Result<(Self, Inherited), Refusal> {
        let hello = FromNew::Hello { version: VERSION };
        line.say(&hello, &[], &[], PATIENCE)?;
        let welcome = match line.hear(Some(PATIENCE))?.word {
            FromOld::Welcome(welcome) => welcome,
            FromOld::Refused { why } => return Err(Refusal::Unwilling(why)),
            _ => return Err(Broken::Unexpected.into()),
        };
        let sockets = listeners(&line, welcome.listeners)?;
        let giver = Self {
            line,
            welcome,
            process: None,
            unused: Vec::new(),
        };
        Ok((giver, Inherited::new(sockets)))
    }

    /// Whatever is to listen has been bound: these sockets stay with the old process alone.
    pub fn leave_behind(&mut self, unused: Vec<(wire::Bound, OwnedFd)>) {
        self.unused = unused;
    }

    /// Listeners of proxies that stay behind hear of no new connections; who waits there is served by the
    /// old process. To be called with all rights: some kernels ask for them, and the old process has none.
    /// Until [`Giver::take`] has succeeded, the old process can take it back by itself.
    pub fn silence_unused(&self) {
        let proxies = &self.welcome.proxies;
        let is_of_proxy = |bound: &wire::Bound| {
            proxies
                .iter()
                .flat_map(|proxy| &proxy.binds)
                .flatten()
                .any(|it| it == bound)
        };
        for (_, socket) in self.unused.iter().filter(|(bound, _)| is_of_proxy(bound)) {
            // UNIX sockets have nothing of that kind.
            let _heard = option::ignore_new_connections(socket);
        }
    }

    /// The zero of all moments of the old process: that of ours, too.
    #[must_use]
    pub fn zero(&self) -> Instant {
        clock::from_monotonic(self.welcome.zero)
    }

    /// Takes state and sessions; then the old process leaves. To be called when all is set up that
    /// can fail, and nothing is accepted yet.
    ///
    /// # Errors
    /// They cannot be had: the old process keeps its sessions to their end. If it is overruled, that
    /// one serves on as if nobody had asked, and this process is not wanted.
    pub fn take(self, running: &Running, without_sessions: bool) -> Result<Taken, Broken> {
        let names = Names::new(&self.welcome.proxies, &running.model);
        match self.receive(&names, without_sessions) {
            Ok((carried, arrivals, staying)) => {
                running.take_over(&carried, Instant::now());
                self.claim()?;
                let sessions = arrivals.len();
                adopt::settle(running, arrivals);
                Ok(Taken { sessions, staying })
            }
            Err(broken @ Broken::Overruled(_)) => Err(broken),
            Err(broken) => {
                let why = broken.to_string();
                let said = self.line.say(&FromNew::Drain { why }, &[], &[], PATIENCE);
                if said.is_err() && self.lives_on() {
                    return Err(Broken::Overruled(broken.to_string()));
                }
                self.line.hang_up(PATIENCE);
                Err(broken)
            }
        }
    }

    /// Whether the old process has only hung up: then it serves on. If it has ended, that shows within
    /// a moment.
    fn lives_on(&self) -> bool {
        self.process.as_ref().is_some_and(|process| {
            let ended = wait::readable([Some(process.descriptor().as_fd())], Some(MOMENT));
            !matches!(ended, Ok([true]))
        })
    }

    /// Tells the old process that its sessions go on here, unless it goes on with them itself because
    /// we were too slow. If it is gone, it has no more use for its copies.
    fn claim(&self) -> Result<(), Broken> {
        if self.line.say(&FromNew::Taken, &[], &[], PATIENCE).is_ok() {
            return Ok(());
        }
        match self.line.last_word::<FromOld>() {
            Ok(Heard {
                word: FromOld::Refused { why },
                ..
            }) => Err(Broken::Overruled(why)),
            _ if self.lives_on() => Err(Broken::Overruled(Broken::Gone.to_string())),
            _ => Ok(()),
        }
    }

    fn receive(
        &self,
        names: &Names,
        without_sessions: bool,
    ) -> Result<(Carried, Vec<Arrival>, usize), Broken> {
        let mut lack = names.lack(&self.welcome.proxies);
        lack.all_sessions = without_sessions;
        let unused = self.unused.iter().map(|(bound, _)| bound.clone());
        lack.listeners = unused.collect();
        self.line.say(&FromNew::Ready(lack), &[], &[], PATIENCE)?;
        let carried = match self.line.hear(Some(PATIENCE))?.word {
            FromOld::State(carried) => carried,
            FromOld::Refused { why } => return Err(Broken::Overruled(why)),
            _ => return Err(Broken::Unexpected),
        };
        let mut arrivals = Vec::new();
        loop {
            let heard = self.line.hear::<FromOld>(Some(PATIENCE))?;
            match heard.word {
                FromOld::Sessions(forms) => {
                    unpack(forms, heard.bytes, heard.descriptors, names, &mut arrivals)?;
                    self.line.say(&FromNew::Received, &[], &[], PATIENCE)?;
                }
                FromOld::Refused { why } => return Err(Broken::Overruled(why)),
                FromOld::Done { staying } => return Ok((*carried, arrivals, staying)),
                _ => return Err(Broken::Unexpected),
            }
        }
    }
}

fn unpack(
    forms: Vec<wire::Session>,
    bytes: Vec<u8>,
    descriptors: Vec<OwnedFd>,
    names: &Names,
    arrivals: &mut Vec<Arrival>,
) -> Result<(), Broken> {
    let mut luggage = Luggage {
        descriptors: descriptors.into_iter(),
        bytes: &bytes,
    };
    for form in forms {
        let arrival = Arrival::new(form, &mut luggage, names).map_err(Broken::Nonsense)?;
        arrivals.push(arrival);
    }
    Ok(())
}

fn listeners(line: &Line, wanted: usize) -> Result<Vec<(wire::Bound, OwnedFd)>, Broken> {
    let mut sockets = Vec::new();
    while sockets.len() < wanted {
        let Heard {
            word, descriptors, ..
        } = line.hear(Some(PATIENCE))?;
        let FromOld::Listeners(bounds) = word else {
            return Err(Broken::Unexpected);
        };
        if bounds.is_empty() || bounds.len() != descriptors.len() {
            return Err(Broken::Nonsense("listeners without sockets".into()));
        }
        sockets.extend(bounds.into_iter().zip(descriptors));
        line.say(&FromNew::Received, &[], &[], PATIENCE)?;
    }
    Ok(sockets)
}
