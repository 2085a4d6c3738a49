//! Bulk gathers a moment before it is moved.
//!
//! A thread that is woken for each segment of a fast stream spends more on waking than on moving.
//! Once a session has carried bulk fast and for long, its sockets are watched by an epoll instance
//! of their own, which wakes nobody while bulk is flowing: the thread looks at it every [`GATHER`].
//! As soon as a look finds nothing, the next arrival wakes the thread again. A session stays calm
//! only as long as nothing but bulk passes and gathering does not slow it down. So other sessions
//! never wait, and a calm one waits for one gathering time at most.

use std::{
    io,
    time::{Duration, Instant},
};

use pontoon_engine::units::SessionKey;
use pontoon_sys::epoll::{Epoll, Events, Interest};

use super::{
    session::{Session, Side},
    thread::Worker,
};

/// The time between two looks. (The kernel adds some 50 µs, its slack for timers.)
const GATHER: Duration = Duration::from_micros(100);
/// Bytes in a row that make a session calm.
const RUN: u64 = 8 << 20;
/// They must come in this time, or waking for them is no burden.
const BRISK: Duration = Duration::from_millis(80);
/// The longest run asked for of a session that gathering has slowed down.
const LONGEST_RUN: u64 = RUN << 10;
/// After so many looks, sessions that nothing came for are calm no longer.
const SWEEP: u32 = 64;
/// Sessions of a thread that may be calm at once. A thread with more is too busy to be woken often.
const MOST: usize = 64;

/// The sessions of a thread whose sockets wake nobody.
pub(super) struct Calm {
    /// Their sockets.
    epoll: Epoll,
    events: Events,
    sessions: Vec<SessionKey>,
    /// The next look; `None` while the next arrival wakes the thread.
    due: Option<Instant>,
    looks: u32,
}

/// How a session that carries bulk is doing.
pub(super) struct Pace {
    /// Where the run began: what had been carried by then, in each direction, and when.
    request: u64,
    response: u64,
    since: Instant,
    /// How long the run has to be, in bytes.
    needed: u64,
    /// While calm, what a run took before.
    before: Option<Duration>,
    /// While calm: all that had been carried at the last sweep.
    swept: u64,
}

impl Pace {
    const fn new(session: &Session, needed: u64, now: Instant) -> Self {
        Self {
            request: session.record.bytes_in,
            response: session.record.bytes_out,
            since: now,
            needed,
            before: None,
            swept: 0,
        }
    }

    pub(super) const fn is_calm(&self) -> bool {
        self.before.is_some()
    }

    /// Bytes of this run.
    const fn run(&self, session: &Session) -> u64 {
        let carried = session.record.bytes_in + session.record.bytes_out;
        carried - self.request - self.response
    }

    /// Something else than bulk has passed.
    fn is_disturbed(&self, session: &Session) -> bool {
        (self.request < session.record.bytes_in && !session.request.is_bulk())
            || (self.response < session.record.bytes_out && !session.response.is_bulk())
    }
}

impl Calm {
    /// Nobody is calm yet.
    ///
    /// # Errors
    /// Out of descriptors.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: Epoll::new()?,
            events: Events::with_capacity(2 * MOST),
            sessions: Vec::new(),
            due: None,
            looks: 0,
        })
    }

    /// When to look again; `None`: when [`super::token::Token::Calm`] tells.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }
}

impl Worker {
    /// After a relay: sees whether the session becomes calm, or is calm no longer.
    pub(super) fn keep_pace(&mut self, session: &mut Session) {
        let bulk = session.request.is_bulk() || session.response.is_bulk();
        let Some(mut pace) = session.pace.take() else {
            if bulk {
                session.pace = Some(Box::new(Pace::new(session, RUN, self.now)));
            }
            return;
        };
        let calm = pace.is_calm();
        if !bulk || pace.is_disturbed(session) {
            self.rouse(session, calm);
            if bulk {
                *pace = Pace::new(session, pace.needed, self.now);
                session.pace = Some(pace);
            }
            return;
        }
        let wanted = if calm { RUN } else { pace.needed };
        if pace.run(session) >= wanted {
            self.end_run(session, &mut pace);
        }
        session.pace = Some(pace);
    }

    /// A run is complete.
    fn end_run(&mut self, session: &mut Session, pace: &mut Pace) {
        let took = self.now.saturating_duration_since(pace.since);
        let shares = u32::try_from(pace.needed / RUN).unwrap_or(u32::MAX).max(1);
        let next = match pace.before {
            // Twice as long as before: the sender waits for us.
            Some(before) if took > before * 2 => {
                self.rouse(session, true);
                Pace::new(session, (pace.needed * 2).min(LONGEST_RUN), self.now)
            }
            Some(before) => Pace {
                before: Some(before),
                ..Pace::new(session, (pace.needed / 2).max(RUN), self.now)
            },
            None => {
                let took = took / shares;
                let calmed = took < BRISK && self.calm_down(session);
                Pace {
                    before: calmed.then_some(took),
                    ..Pace::new(session, pace.needed, self.now)
                }
            }
        };
        *pace = next;
    }

    fn calm_down(&mut self, session: &mut Session) -> bool {
        if self.calm.sessions.len() >= MOST || !self.rest(session) {
            return false;
        }
        self.calm.sessions.push(session.key);
        self.calm.due.get_or_insert(self.now + GATHER);
        true
    }

    /// Its sockets wake the thread no more.
    fn rest(&mut self, session: &mut Session) -> bool {
        let tokens = [session.token(Side::Client), session.token(Side::Server)];
        let Some(server) = &mut session.server else {
            return false;
        };
        let added = [&mut session.client, server]
            .into_iter()
            .zip(tokens)
            .try_for_each(|(leg, token)| {
                self.io.leave(leg);
                let epoll = &self.calm.epoll;
                epoll.add(&leg.socket, token.pack(), Interest::Everything)
            });
        if added.is_err() {
            self.rouse(session, true);
        }
        added.is_ok()
    }

    /// Its sockets wake the thread again. What is there already is told.
    pub(super) fn rouse(&mut self, session: &mut Session, calm: bool) {
        if !calm {
            return;
        }
        let tokens = [session.token(Side::Client), session.token(Side::Server)];
        let legs = std::iter::once(&mut session.client).chain(&mut session.server);
        for (leg, token) in legs.zip(tokens) {
            let _calm = self.calm.epoll.delete(&leg.socket);
            self.io.join(leg, token);
        }
    }

    /// Moves what the calm sessions have gathered, if it is time.
    pub(super) fn look_if_due(&mut self) {
        if self.calm.due.is_some_and(|due| due <= self.now) {
            self.look_at_calm();
        }
    }

    /// Moves what the calm sessions have gathered.
    pub(super) fn look_at_calm(&mut self) {
        let mut events = std::mem::take(&mut self.calm.events);
        let found = self
            .calm
            .epoll
            .wait(&mut events, Some(Duration::ZERO))
            .is_ok()
            && !events.is_empty();
        for ready in events.iter() {
            self.handle(ready);
        }
        self.calm.events = events;
        self.calm.due = found.then(|| self.now + GATHER);
        if !found {
            self.io.watch_calm(&self.calm.epoll);
        }
        self.calm.looks += 1;
        if self.calm.looks >= SWEEP {
            self.calm.looks = 0;
            self.sweep();
        }
    }

    /// Who has fallen silent is calm no longer.
    fn sweep(&mut self) {
        for key in std::mem::take(&mut self.calm.sessions) {
            let Some(mut session) = self.sessions.take(key.slot, key.generation) else {
                continue;
            };
            if self.is_still_calm(&mut session) {
                self.calm.sessions.push(key);
            }
            self.sessions.put(session);
        }
    }

    fn is_still_calm(&mut self, session: &mut Session) -> bool {
        let carried = session.record.bytes_in + session.record.bytes_out;
        let Some(mut pace) = session.pace.take().filter(|pace| pace.is_calm()) else {
            return false;
        };
        let silent = std::mem::replace(&mut pace.swept, carried) == carried;
        if silent {
            self.rouse(session, true);
            *pace = Pace::new(session, pace.needed, self.now);
        }
        session.pace = Some(pace);
        !silent
    }
}
