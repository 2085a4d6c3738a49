//! A client that connects every few milliseconds, whatever happened to its last attempts, and
//! tells for how long nobody was served.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read},
    net::{SocketAddr, TcpStream},
    os::fd::AsFd,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Socket, Type};

use crate::{
    netns,
    problem::{Problem, Result, Trying},
};

/// Between two attempts.
pub const INTERVAL: Duration = Duration::from_millis(5);
/// What an attempt may take: less than the second after which the kernel sends a lost SYN again,
/// so that every success tells of the moment at which its attempt began.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// One attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub began: Instant,
    /// Whether the server's word came; `None`: not decided yet.
    pub served: Option<bool>,
}

/// A client at work on a thread of its own.
#[derive(Debug)]
pub struct Probe {
    attempts: Arc<Mutex<Attempts>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Probe {
    /// Starts connecting to `target` from a network namespace. The server there must speak first.
    ///
    /// # Errors
    /// The namespace cannot be entered.
    pub fn start(namespace: &str, target: SocketAddr) -> Result<Self> {
        netns::inside(namespace, || Ok(Self::here(target)))
    }

    /// Starts connecting to `target` from the network namespace of the calling thread. The server
    /// there must speak first.
    #[must_use]
    pub fn here(target: SocketAddr) -> Self {
        Self::remembering(target, Duration::MAX)
    }

    /// The same, for a client that may be at work for days: attempts that began longer ago than
    /// `memory` are forgotten. It must be longer than [`PATIENCE`].
    #[must_use]
    pub fn remembering(target: SocketAddr, memory: Duration) -> Self {
        let attempts = Arc::new(Mutex::new(Attempts::new(memory)));
        let stop = Arc::new(AtomicBool::new(false));
        let mut client = Client {
            target,
            attempts: Arc::clone(&attempts),
            open: Vec::new(),
        };
        let thread = {
            let stop = Arc::clone(&stop);
            // A thread stays in the namespace it was started in.
            thread::spawn(move || client.run(&stop))
        };
        Self {
            attempts,
            stop,
            thread: Some(thread),
        }
    }

    /// All attempts so far that are remembered.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        lock(&self.attempts).kept.iter().copied().collect()
    }

    /// The attempts that began after `since`, in their order.
    #[must_use]
    pub fn since(&self, since: Instant) -> Vec<Attempt> {
        let attempts = lock(&self.attempts);
        let first = attempts.kept.partition_point(|one| one.began <= since);
        attempts.kept.range(first..).copied().collect()
    }

    /// Whether all decided attempts that began after `since` were served, and some were.
    #[must_use]
    pub fn serves_since(&self, since: Instant) -> bool {
        let attempts = lock(&self.attempts);
        let kept = attempts.kept.iter().rev();
        let late = kept.take_while(|one| one.began > since);
        let mut decided = late.filter_map(|one| one.served).peekable();
        decided.peek().is_some() && decided.all(|served| served)
    }

    /// Waits until the open attempts are decided and returns all.
    ///
    /// # Errors
    /// The client has panicked.
    pub fn finish(mut self) -> Result<Vec<Attempt>> {
        self.end()?;
        Ok(self.attempts())
    }

    fn end(&mut self) -> Result<()> {
        self.stop.store(true, Ordering::SeqCst);
        let ended = self.thread.take().map_or(Ok(()), JoinHandle::join);
        ended.map_err(|_| Problem::Unexpected("the client panicked".into()))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ended = self.end();
    }
}

/// What is remembered, in the order in which it began.
#[derive(Debug)]
struct Attempts {
    kept: VecDeque<Attempt>,
    /// So many were forgotten.
    forgotten: usize,
    memory: Duration,
}

impl Attempts {
    const fn new(memory: Duration) -> Self {
        Self {
            kept: VecDeque::new(),
            forgotten: 0,
            memory,
        }
    }

    /// Adds the latest one, and forgets those that are too old by then. Tells its number.
    fn add(&mut self, attempt: Attempt) -> usize {
        let now = attempt.began;
        let memory = self.memory;
        let old = |one: &Attempt| now.duration_since(one.began) > memory;
        while self.kept.front().is_some_and(old) {
            self.kept.pop_front();
            self.forgotten += 1;
        }
        self.kept.push_back(attempt);
        self.forgotten + self.kept.len() - 1
    }

    /// How one ended; nobody asks any more about one that is forgotten.
    fn decide(&mut self, number: usize, served: bool) {
        let place = number.checked_sub(self.forgotten);
        if let Some(attempt) = place.and_then(|place| self.kept.get_mut(place)) {
            attempt.served = Some(served);
        }
    }
}

struct Client {
    target: SocketAddr,
    attempts: Arc<Mutex<Attempts>>,
    open: Vec<Open>,
}

/// An undecided attempt.
struct Open {
    number: usize,
    began: Instant,
    stream: TcpStream,
}

impl Client {
    fn run(&mut self, stop: &AtomicBool) {
        let mut next = Instant::now();
        loop {
            let stopping = stop.load(Ordering::SeqCst);
            if stopping && self.open.is_empty() {
                return;
            }
            let now = Instant::now();
            if now >= next && !stopping {
                self.begin(now);
                // A client that was held up does not make up for it with a burst.
                next = (next + INTERVAL).max(now);
            }
            let wait = next.saturating_duration_since(Instant::now());
            self.look(if stopping { INTERVAL } else { wait });
        }
    }

    fn begin(&mut self, now: Instant) {
        let connecting = connect(self.target);
        let number = lock(&self.attempts).add(Attempt {
            began: now,
            served: connecting.is_err().then_some(false),
        });
        if let Ok(stream) = connecting {
            self.open.push(Open {
                number,
                began: now,
                stream,
            });
        }
    }

    /// Sleeps until an attempt is decided or the time is over.
    fn look(&mut self, wait: Duration) {
        let mut polled: Vec<_> = self
            .open
            .iter()
            .map(|open| PollFd::from_borrowed_fd(open.stream.as_fd(), PollFlags::IN))
            .collect();
        let wait = Timespec::try_from(wait).ok();
        // Interrupted: the next turn looks again.
        let _ready = poll(&mut polled, wait.as_ref());
        let ready: Vec<bool> = polled.iter().map(|one| !one.revents().is_empty()).collect();
        let now = Instant::now();
        let mut attempts = lock(&self.attempts);
        let mut ready = ready.into_iter();
        self.open.retain_mut(|open| {
            let ready = ready.next().unwrap_or(false);
            let decided = if ready { hear(&mut open.stream) } else { None };
            let late = now.duration_since(open.began) > PATIENCE;
            let decided = decided.or(late.then_some(false));
            if let Some(served) = decided {
                attempts.decide(open.number, served);
            }
            decided.is_none()
        });
    }
}

fn connect(target: SocketAddr) -> Result<TcpStream> {
    let what = "connect";
    let socket = Socket::new(Domain::for_address(target), Type::STREAM, None).trying(what)?;
    socket.set_nonblocking(true).trying(what)?;
    // Leaves nothing behind that later attempts could run into.
    socket.set_linger(Some(Duration::ZERO)).trying(what)?;
    match socket.connect(&target.into()) {
        Err(error)
            if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
        {
            Err(error).trying(what)
        }
        _ => Ok(socket.into()),
    }
}

/// Whether the server's word came, or never will.
fn hear(stream: &mut TcpStream) -> Option<bool> {
    match stream.read(&mut [0; 16]) {
        Ok(length) => Some(length > 0),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(_) => Some(false),
    }
}

fn lock(attempts: &Mutex<Attempts>) -> MutexGuard<'_, Attempts> {
    attempts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a client saw of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outage {
    /// From the beginning of the last attempt served before to that of the first served after;
    /// zero if no attempt failed.
    pub length: Duration,
    /// Whether anybody was served after it. If not, `length` ends with the last attempt.
    pub recovered: bool,
    /// Attempts that failed.
    pub failed: usize,
    /// All attempts.
    pub attempts: usize,
}

impl Outage {
    /// The longest one in these attempts, which must begin with one that was served.
    #[must_use]
    pub fn longest(attempts: &[Attempt]) -> Self {
        let mut outage = Self {
            recovered: true,
            attempts: attempts.len(),
            ..Self::default()
        };
        let mut last_served = attempts.first().map(|one| one.began);
        let mut failed = false;
        for attempt in attempts {
            if attempt.served == Some(true) {
                outage.extend(last_served, attempt.began, failed);
                (last_served, failed) = (Some(attempt.began), false);
            } else {
                outage.failed += 1;
                failed = true;
            }
        }
        if let (true, Some(end)) = (failed, attempts.last()) {
            outage.extend(last_served, end.began, true);
            outage.recovered = false;
        }
        outage
    }

    fn extend(&mut self, from: Option<Instant>, to: Instant, failed: bool) {
        let length = from.map_or(Duration::ZERO, |from| to.duration_since(from));
        // Without a failed attempt between them, it was the client that was held up.
        if failed && length > self.length {
            self.length = length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(pattern: &str) -> Vec<Attempt> {
        let start = Instant::now();
        let one = |(mark, at): (char, u32)| Attempt {
            began: start + INTERVAL * at,
            served: Some(mark == '+'),
        };
        pattern
            .chars()
            .zip(0..)
            .filter(|(mark, _)| *mark != ' ')
            .map(one)
            .collect()
    }

    #[test]
    fn what_is_old_is_forgotten_and_the_rest_keeps_its_number() {
        let start = Instant::now();
        let began = |number: u32| Attempt {
            began: start + INTERVAL * number,
            served: None,
        };
        let mut attempts = Attempts::new(INTERVAL * 10);
        let numbers: Vec<_> = (0..30).map(|number| attempts.add(began(number))).collect();
        assert_eq!(numbers, (0..30).collect::<Vec<_>>());
        assert_eq!(attempts.kept.len(), 11);
        attempts.decide(18, true);
        attempts.decide(19, true);
        let first = attempts.kept.front().copied().unwrap();
        assert_eq!((first.began, first.served), (began(19).began, Some(true)));
    }

    #[test]
    fn an_outage_reaches_from_success_to_success() {
        let outage = Outage::longest(&attempts("+++--+-+++"));
        assert_eq!(outage.length, INTERVAL * 3);
        assert_eq!(
            (outage.failed, outage.attempts, outage.recovered),
            (3, 10, true)
        );
    }

    #[test]
    fn a_pause_of_the_client_is_no_outage() {
        let outage = Outage::longest(&attempts("++       ++"));
        assert_eq!(outage.length, Duration::ZERO);
    }

    #[test]
    fn an_outage_without_end_is_told() {
        let outage = Outage::longest(&attempts("+-++----"));
        assert_eq!(outage.length, INTERVAL * 4);
        assert!(!outage.recovered);
    }
}
