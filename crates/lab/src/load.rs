//! Load: clients that open, talk, count and check every answer, the servers behind whatever they talk through, and what
//! that costs.
//!
//! One thread carries any number of sessions over one epoll. Nothing is allocated for a message, and a message takes
//! two system calls: the generator must not be what is measured. Processor time is told by [`crate::processor`], memory
//! by [`memory`]; [`ground`] is a network of one's own.

mod backend;
mod bulk;
mod connect;
mod dial;
pub mod ground;
mod idle;
mod letters;
pub mod memory;
mod messages;
mod pattern;
mod streams;

use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use crate::problem::Result;

pub use self::{
    backend::{Backend, Served, Service},
    idle::Held,
};

/// How long answers that are due may take once the time is over. Then they are lost.
const GRACE: Duration = Duration::from_secs(3);
/// How long it may take until all sessions are there.
const SETUP: Duration = Duration::from_secs(20);

/// Who closes a connection first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The client, once it has the answer.
    Client,
    /// The server, right after its answer.
    Server,
}

/// When a client sends its next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// When it has the answer to the last one.
    Closed,
    /// At a time set beforehand, however late answers are. Latency counts from that time, waiting
    /// for an earlier answer included.
    Open {
        /// Messages a second, of all sessions together.
        per_second: u32,
    },
}

/// Which way bytes flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
    /// Both at once.
    Both,
}

/// What clients do. Sizes are in bytes, from 1 to 128 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Connect, one request, its answer, close. A unit is a connection; latency is the time from
    /// connecting to the whole answer.
    Connect {
        /// Size of a request.
        request: usize,
        /// Size of an answer.
        response: usize,
        /// Who closes.
        close: Close,
        /// Connections at a time.
        parallel: usize,
    },
    /// Requests and answers on sessions that stay. A unit is a request with its answer.
    Messages {
        /// Size of a request, and of an answer.
        size: usize,
        /// How many sessions.
        sessions: usize,
        /// When the next request goes out.
        pace: Pace,
    },
    /// Streams without end. A unit is a byte; latency is not known.
    Bulk {
        /// Which way.
        direction: Direction,
        /// How many streams.
        streams: usize,
    },
    /// Sessions that do nothing between a message at the begin and one at the end. A unit is a
    /// session that was still there at the end.
    Idle {
        /// How many.
        sessions: usize,
    },
    /// Connections that all come at once, 64 bytes each way on each; when all are served, the next
    /// burst. A unit is a connection, latency is from connecting to the whole answer.
    Burst {
        /// How many at once.
        connections: usize,
    },
}

/// Size of the messages of bursts and idle sessions.
const SMALL: usize = 64;

impl Workload {
    /// What must listen at the other end.
    #[must_use]
    pub fn service(&self) -> Service {
        let echo = |request, response, close| Service::Echo {
            request,
            response,
            close,
        };
        match *self {
            Self::Connect {
                request,
                response,
                close,
                ..
            } => echo(request, response, close),
            Self::Messages { size, .. } => echo(size, size, Close::Client),
            Self::Bulk {
                direction: Direction::Up,
                ..
            } => Service::Sink,
            Self::Bulk {
                direction: Direction::Down,
                ..
            } => Service::Source,
            Self::Bulk {
                direction: Direction::Both,
                ..
            } => Service::Both,
            Self::Idle { .. } | Self::Burst { .. } => echo(SMALL, SMALL, Close::Client),
        }
    }
}

/// What came of it.
#[derive(Clone)]
pub struct Outcome {
    /// Connections, messages, bytes or sessions: see [`Workload`].
    pub units: u64,
    /// Bytes of requests and answers, or of streams.
    pub bytes: u64,
    /// For how long that was counted.
    pub elapsed: Duration,
    /// In nanoseconds.
    pub latency: Histogram<u64>,
    /// Connections that were refused or broke, answers that were wrong or never came.
    pub errors: u64,
}

/// The begin or the end of the time that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// All sessions are there, and nothing has been counted yet.
    Begin,
    /// Nothing is counted any more; the sessions are still there.
    End,
}

/// A request that a server of this size answers with the same bytes; for clients that do something
/// with it that no [`Workload`] does.
#[must_use]
pub fn message(size: usize, number: u64) -> Vec<u8> {
    letters::Desk::new(size, size).write(number)
}

/// What belongs to this place of a stream to a [`Service::Sink`]; at most `length` bytes.
#[must_use]
pub fn stream(place: u64, length: usize) -> &'static [u8] {
    pattern::stream(place, length)
}

/// Runs a workload for a time, on the calling thread.
///
/// # Errors
/// This machine gives no sockets to wait on, or the sessions that a workload needs cannot be made.
/// What goes wrong later is counted.
pub fn run(target: SocketAddr, workload: &Workload, duration: Duration) -> Result<Outcome> {
    run_watched(target, workload, duration, &mut |_| ())
}

/// As [`run`], and tells when counting begins and ends, so that others can measure the same time.
///
/// # Errors
/// As [`run`].
pub fn run_watched(
    target: SocketAddr,
    workload: &Workload,
    duration: Duration,
    watch: &mut dyn FnMut(Edge),
) -> Result<Outcome> {
    let mut count = Count::new(duration, watch);
    match *workload {
        Workload::Connect {
            request,
            response,
            close,
            parallel,
        } => {
            let calls = connect::Form {
                request,
                response,
                close,
            };
            connect::steady(target, calls, parallel, &mut count)?;
        }
        Workload::Burst { connections } => {
            let calls = connect::Form {
                request: SMALL,
                response: SMALL,
                close: Close::Client,
            };
            connect::bursts(target, calls, connections, &mut count)?;
        }
        Workload::Messages {
            size,
            sessions,
            pace,
        } => {
            messages::exchange(target, size, sessions, pace, &mut count)?;
        }
        Workload::Bulk { direction, streams } => {
            bulk::stream(target, direction, streams, &mut count)?;
        }
        Workload::Idle { sessions } => idle::hold(target, sessions, &mut count)?,
    }
    Ok(count.outcome)
}

/// What is counted, and for how long.
struct Count<'a> {
    outcome: Outcome,
    duration: Duration,
    watch: &'a mut dyn FnMut(Edge),
    began: Instant,
}

impl<'a> Count<'a> {
    fn new(duration: Duration, watch: &'a mut dyn FnMut(Edge)) -> Self {
        Self {
            outcome: Outcome::default(),
            duration,
            watch,
            began: Instant::now(),
        }
    }

    /// From now on; returns when that will be over.
    fn begin(&mut self) -> Instant {
        (self.watch)(Edge::Begin);
        self.began = Instant::now();
        self.began + self.duration
    }

    fn end(&mut self) {
        self.outcome.elapsed = self.began.elapsed();
        (self.watch)(Edge::End);
    }

    const fn unit(&mut self, bytes: usize) {
        self.outcome.units += 1;
        self.outcome.bytes += bytes as u64;
    }
}

impl Outcome {
    /// Counts units a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
        let units = self.units as f64;
        units / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    fn took(&mut self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.latency.saturating_record(nanoseconds);
    }

    /// Adds what another thread has counted in the same time.
    pub fn add(&mut self, other: &Self) {
        self.units += other.units;
        self.bytes += other.bytes;
        self.errors += other.errors;
        self.elapsed = self.elapsed.max(other.elapsed);
        // Both have the same bounds.
        let _same = self.latency.add(&other.latency);
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            units,
            bytes,
            elapsed,
            latency,
            errors,
        } = self;
        let (count, median) = (latency.len(), latency.value_at_quantile(0.5));
        write!(
            f,
            "{units} units, {bytes} bytes, {errors} errors in {elapsed:?}; {count} latencies, median {median} ns"
        )
    }
}

impl Default for Outcome {
    fn default() -> Self {
        const LONGEST: u64 = 120_000_000_000;
        Self {
            units: 0,
            bytes: 0,
            elapsed: Duration::ZERO,
            latency: Histogram::new_with_bounds(1, LONGEST, 3)
                .unwrap_or_else(|_| unreachable!("the bounds are right")),
            errors: 0,
        }
    }
}

#[cfg(test)]
mod tests;
