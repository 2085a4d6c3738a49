//! Streams without end, as many as wanted.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use pontoon_sys::{
    epoll::{Epoll, Interest},
    option::set_no_delay,
};

use super::{
    Count, Direction,
    dial::{connect, events, wait},
    streams::{Incoming, Outgoing, Pumped, Stream, room},
};
use crate::problem::{Result, Trying};

/// How long the last bytes may take. Dozens of streams at once fill what memory the kernel gives to
/// TCP; what it drops then is sent again after 0.2, 0.4, 0.8 … s.
const LAST_BYTES: Duration = Duration::from_secs(15);

/// Streams until the time is over, then until the last byte has arrived, which is in the time
/// that counts.
pub(super) fn stream(
    target: SocketAddr,
    direction: Direction,
    streams: usize,
    count: &mut Count<'_>,
) -> Result<()> {
    let mut works = Works::open(target, direction, streams)?;
    let end = count.begin();
    works.run(end)?;
    works.finish();
    works.run(end + LAST_BYTES)?;
    count.end();
    works.sum_up(direction, count);
    Ok(())
}

struct Works {
    epoll: Epoll,
    room: Box<[u8]>,
    streams: Vec<Stream>,
    /// Those that have stopped although there may be more to do.
    again: Vec<usize>,
    /// Those that are over, and those that broke.
    over: usize,
    broken: u64,
}

impl Works {
    fn open(target: SocketAddr, direction: Direction, streams: usize) -> Result<Self> {
        let mut works = Self {
            epoll: Epoll::new().trying("make an epoll")?,
            room: room(),
            streams: Vec::with_capacity(streams),
            again: (0..streams).collect(),
            over: 0,
            broken: 0,
        };
        let (outgoing, incoming) = match direction {
            Direction::Up => (Outgoing::Endless, Incoming::Total),
            Direction::Down => (Outgoing::Silent, Incoming::Pattern),
            Direction::Both => (Outgoing::Endless, Incoming::Pattern),
        };
        for place in 0..streams {
            let socket = connect(target).trying(format!("connect to {target}"))?;
            set_no_delay(&socket).trying("set TCP_NODELAY")?;
            works
                .epoll
                .add(&socket, place as u64, Interest::Everything)
                .trying("watch a socket")?;
            works.streams.push(Stream::new(socket, outgoing, incoming));
        }
        Ok(works)
    }

    /// Until then, or until all streams are over.
    fn run(&mut self, end: Instant) -> Result<()> {
        let mut events = events();
        while self.over < self.streams.len() {
            let now = Instant::now();
            if now >= end {
                break;
            }
            for place in std::mem::take(&mut self.again) {
                self.pump(place);
            }
            let patience = if self.again.is_empty() { end } else { now };
            wait(&self.epoll, &mut events, patience)?;
            for ready in events.iter() {
                self.pump(usize::try_from(ready.token).unwrap_or(usize::MAX));
            }
        }
        Ok(())
    }

    fn pump(&mut self, place: usize) {
        let Some(stream) = self.streams.get_mut(place) else {
            return;
        };
        if stream.is_over() {
            return;
        }
        match both_ways(stream, &mut self.room) {
            Ok(Pumped::More) => self.again.push(place),
            Ok(Pumped::Waits) => {}
            Err(_) => {
                stream.break_off();
                self.broken += 1;
            }
        }
        self.over += usize::from(self.streams[place].is_over());
    }

    fn finish(&mut self) {
        for stream in &mut self.streams {
            stream.finish();
        }
        self.again = (0..self.streams.len()).collect();
    }

    fn sum_up(&self, direction: Direction, count: &mut Count<'_>) {
        let bytes = |stream: &Stream| match direction {
            Direction::Up => stream.sent,
            Direction::Down => stream.received,
            Direction::Both => stream.sent + stream.received,
        };
        count.outcome.bytes = self.streams.iter().map(bytes).sum();
        count.outcome.units = count.outcome.bytes;
        count.outcome.errors = self.broken + (self.streams.len() - self.over) as u64;
    }
}

fn both_ways(stream: &mut Stream, room: &mut [u8]) -> io::Result<Pumped> {
    let incoming = stream.pump_in(room)?;
    let outgoing = stream.pump_out()?;
    Ok(incoming.or(outgoing))
}
