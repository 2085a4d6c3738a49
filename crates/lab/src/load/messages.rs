//! Requests and answers on sessions that stay.

use std::{
    io,
    net::SocketAddr,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use pontoon_sys::{
    epoll::{Epoll, Interest},
    option::set_no_delay,
};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::{
    Count, GRACE, Outcome, Pace, SETUP,
    dial::{Hall, connect},
    letters::{Arrival, Desk, Line},
};
use crate::problem::{Problem, Result, Trying};

/// Sets up the sessions, then lets them talk.
pub(super) fn exchange(
    target: SocketAddr,
    size: usize,
    sessions: usize,
    pace: Pace,
    count: &mut Count<'_>,
) -> Result<()> {
    let mut parlour = Parlour::gather(target, size, sessions)?;
    match pace {
        Pace::Closed => parlour.closed(count),
        Pace::Open { per_second } => parlour.open(per_second.max(1), count),
    }
}

/// A session.
struct Talk {
    line: Line,
    /// From when the latency of what is under way counts.
    due: Instant,
    busy: bool,
    /// Messages whose time has come while another one was under way.
    owed: u64,
}

/// Sessions that have been served once, and whoever waits for them.
pub(super) struct Parlour {
    hall: Hall,
    desk: Desk,
    talks: Vec<Option<Talk>>,
    sent: u64,
}

/// What a session does once it has its answer.
#[derive(Clone, Copy)]
enum Next {
    /// Nothing.
    Rest,
    /// The next message.
    AtOnce,
    /// The next message if it is due, which is so long after the one before.
    Owed(Duration),
}

impl Parlour {
    /// Connects so many sessions, each of which gets one answer.
    pub(super) fn gather(target: SocketAddr, size: usize, sessions: usize) -> Result<Self> {
        // In portions, so that no listener's queue is asked for more than it may have.
        const PORTION: usize = 256;
        let mut parlour = Self {
            hall: Hall::new()?,
            desk: Desk::new(size, size),
            talks: Vec::with_capacity(sessions),
            sent: 0,
        };
        let deadline = Instant::now() + SETUP;
        while parlour.talks.len() < sessions {
            let portion = PORTION.min(sessions - parlour.talks.len());
            for _ in 0..portion {
                parlour
                    .invite(target)
                    .trying(format!("connect to {target}"))?;
            }
            let answered = parlour.settle(deadline)?.units;
            if answered < portion as u64 {
                let what = format!("only {answered} of {portion} sessions were served");
                return Err(Problem::Unexpected(what));
            }
        }
        Ok(parlour)
    }

    fn invite(&mut self, target: SocketAddr) -> io::Result<()> {
        let socket = connect(target)?;
        set_no_delay(&socket)?;
        let mut line = Line::new(socket, [0; 8]);
        let interest = if line.send(&mut self.desk)? {
            Interest::Arrivals
        } else {
            Interest::Everything
        };
        let place = self.talks.len() as u64;
        self.hall.epoll.add(&line.socket, place, interest)?;
        self.talks.push(Some(Talk {
            line,
            due: Instant::now(),
            busy: true,
            owed: 0,
        }));
        Ok(())
    }

    /// Sends a message on every session that is free.
    pub(super) fn ask_all(&mut self, lost: &mut Outcome) {
        for place in 0..self.talks.len() {
            self.begin(place, Instant::now(), lost);
        }
    }

    /// Waits for the answers that are due; sessions without one are lost.
    pub(super) fn settle(&mut self, deadline: Instant) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        while self.is_busy() && Instant::now() < deadline {
            self.hall.wait(deadline)?;
            self.hear(Next::Rest, &mut outcome);
        }
        for talk in &mut self.talks {
            if let Some(lost) = talk.take_if(|talk| talk.busy) {
                outcome.errors += 1 + lost.owed;
            }
        }
        Ok(outcome)
    }

    /// Waits while nothing is asked: whatever comes is an error.
    pub(super) fn listen(&mut self, end: Instant) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        while Instant::now() < end {
            self.hall.wait(end)?;
            self.hear(Next::Rest, &mut outcome);
        }
        Ok(outcome)
    }

    /// Sessions that are there.
    pub(super) fn alive(&self) -> usize {
        self.talks.iter().flatten().count()
    }

    fn is_busy(&self) -> bool {
        self.talks.iter().flatten().any(|talk| talk.busy)
    }

    /// Each session sends when it has its answer.
    fn closed(&mut self, count: &mut Count<'_>) -> Result<()> {
        let end = count.begin();
        self.ask_all(&mut count.outcome);
        while Instant::now() < end {
            self.hall.wait(end)?;
            self.hear(Next::AtOnce, &mut count.outcome);
        }
        count.end();
        count.outcome.errors += self.settle(end + GRACE)?.errors;
        Ok(())
    }

    /// Message number k is due at k times the interval, on the session whose turn it is.
    fn open(&mut self, per_second: u32, count: &mut Count<'_>) -> Result<()> {
        let places = self.talks.len();
        let interval = Duration::from_secs(1) / per_second;
        let rhythm = Next::Owed(interval * u32::try_from(places).unwrap_or(u32::MAX));
        let end = count.begin();
        let (mut due, mut turn) = (Instant::now(), 0);
        let ticks = metronome(interval).trying("make a timer")?;
        let watched = self.hall.epoll.add(&ticks, METRONOME, Interest::Arrivals);
        watched.trying("watch a timer")?;
        loop {
            let now = Instant::now();
            if now >= end {
                break;
            }
            while due <= now {
                self.begin(turn, due, &mut count.outcome);
                (due, turn) = (due + interval, (turn + 1) % places);
            }
            self.hall.wait(end)?;
            // A timer that is not read does not tick on; it may not have ticked at all.
            let _ticks = rustix::io::read(&ticks, &mut [0; 8]);
            self.hear(rhythm, &mut count.outcome);
        }
        count.end();
        self.catch_up(rhythm, end + GRACE, count)
    }

    /// What was due in time is answered yet, and its latency counts.
    fn catch_up(&mut self, rhythm: Next, deadline: Instant, count: &mut Count<'_>) -> Result<()> {
        let mut late = Outcome::default();
        while self.is_busy() && Instant::now() < deadline {
            self.hall.wait(deadline)?;
            self.hear(rhythm, &mut late);
        }
        late.errors += self.settle(deadline)?.errors;
        late.units = 0;
        late.bytes = 0;
        count.outcome.add(&late);
        Ok(())
    }

    /// Sends the next message of a session, or remembers that it is owed.
    fn begin(&mut self, place: usize, due: Instant, outcome: &mut Outcome) {
        let Some(talk) = &mut self.talks[place] else {
            // It broke, and so does every message that was to go over it.
            outcome.errors += 1;
            return;
        };
        if talk.busy {
            talk.owed += 1;
            return;
        }
        self.sent += 1;
        if talk
            .begin(self.sent, due, &mut self.desk, &self.hall.epoll, place)
            .is_err()
        {
            outcome.errors += 1;
            self.talks[place] = None;
        }
    }

    /// Takes in the answers that have come.
    fn hear(&mut self, next: Next, outcome: &mut Outcome) {
        let Self {
            hall,
            desk,
            talks,
            sent,
        } = self;
        for ready in hall.events.iter() {
            let place = usize::try_from(ready.token).unwrap_or(usize::MAX);
            let Some(talk) = talks.get_mut(place).and_then(Option::as_mut) else {
                continue;
            };
            let went_on = talk.hear(desk).and_then(|answered| {
                if !answered {
                    return Ok(());
                }
                let now = Instant::now();
                outcome.took(now.saturating_duration_since(talk.due));
                outcome.units += 1;
                outcome.bytes += desk.bytes() as u64;
                let Some(due) = talk.next_due(next, now) else {
                    return Ok(());
                };
                *sent += 1;
                talk.begin(*sent, due, desk, &hall.epoll, place)
            });
            if went_on.is_err() {
                outcome.errors += 1 + talk.owed;
                talks[place] = None;
            }
        }
    }
}

/// No session's place.
const METRONOME: u64 = u64::MAX;

/// Becomes readable at this interval, to the microsecond: the epoll itself counts milliseconds.
fn metronome(interval: Duration) -> io::Result<OwnedFd> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
    let interval = Timespec {
        tv_sec: i64::try_from(interval.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(interval.subsec_nanos()),
    };
    let rhythm = Itimerspec {
        it_interval: interval,
        it_value: interval,
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &rhythm)?;
    Ok(timer)
}

impl Talk {
    fn begin(
        &mut self,
        number: u64,
        due: Instant,
        desk: &mut Desk,
        epoll: &Epoll,
        place: usize,
    ) -> io::Result<()> {
        (self.due, self.busy) = (due, true);
        self.line.turn(desk.tag(number));
        if !self.line.send(desk)? {
            let token = place as u64;
            epoll.modify(&self.line.socket, token, Interest::Everything)?;
        }
        Ok(())
    }

    /// Whether the answer is there.
    fn hear(&mut self, desk: &mut Desk) -> io::Result<bool> {
        if !self.busy {
            // Nothing was asked, so nothing may come, not even the end.
            return match self.line.end()? {
                None => Ok(false),
                Some(()) => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        if !self.line.is_sent(desk) && !self.line.send(desk)? {
            return Ok(false);
        }
        match self.line.answer(desk)? {
            Arrival::Partly => Ok(false),
            Arrival::Whole => {
                self.busy = false;
                Ok(true)
            }
            Arrival::End => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// When the next message was due, if it is.
    fn next_due(&mut self, next: Next, now: Instant) -> Option<Instant> {
        match next {
            Next::Rest => None,
            Next::AtOnce => Some(now),
            Next::Owed(interval) => {
                self.owed = self.owed.checked_sub(1)?;
                Some(self.due + interval)
            }
        }
    }
}
