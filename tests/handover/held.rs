//! Many sessions that stay through many reloads, with bytes on their way in both directions all the
//! time. Each byte tells its place, so none can be lost, doubled or misled.

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use pontoon_lab::{
    crowd::{raise_file_limit, usage},
    needs::{self, Need},
};

use super::{Chain, reloads};
use crate::harness::{Failure, Outcome, Test, measured};

pub(super) fn register(tests: &mut Vec<Test>) {
    let held = Test::new("handover::held_sessions_lose_no_byte", held);
    tests.push(held.needs(Need::OpenFiles(12_000)));
}

/// Sessions.
fn count() -> usize {
    if needs::full() { 5000 } else { 300 }
}

/// Bytes of one direction that are on their way, at most.
const IN_FLIGHT: usize = 64 << 10;
/// Bytes written or read at once, at most.
const PIECE: usize = 6000;
/// How long the last bytes may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// One direction of a session.
#[derive(Debug, Default)]
struct Way {
    /// No two directions carry the same.
    offset: usize,
    sent: usize,
    got: usize,
}

impl Way {
    fn byte(&self, place: usize) -> u8 {
        u8::try_from((place + self.offset) % 251).unwrap_or(0)
    }

    /// Sends a little more, if less than [`IN_FLIGHT`] is on its way.
    fn send(&mut self, mut to: &TcpStream) -> Outcome {
        if self.sent - self.got >= IN_FLIGHT {
            return Ok(());
        }
        let piece: Vec<_> = (self.sent..self.sent + PIECE)
            .map(|place| self.byte(place))
            .collect();
        match to.write(&piece) {
            Ok(n) => self.sent += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Takes a little of what has come; the rest stays on its way.
    fn receive(&mut self, mut from: &TcpStream, buffer: &mut [u8]) -> Outcome {
        let n = match from.read(buffer) {
            Ok(0) => return Err(Failure::from(format!("it ended: {self:?}"))),
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let wrong = (0..n).find(|&i| buffer[i] != self.byte(self.got + i));
        self.got += n;
        match wrong {
            None if self.got <= self.sent => Ok(()),
            None => Err(Failure::from(format!("more came than was sent: {self:?}"))),
            Some(at) => Err(Failure::from(format!("wrong at {at} of {n}: {self:?}"))),
        }
    }
}

/// Both ends of a session.
struct Held {
    client: TcpStream,
    server: TcpStream,
    up: Way,
    down: Way,
}

impl Held {
    fn open(chain: &Chain, listener: &TcpListener, number: usize) -> Result<Self, Failure> {
        let client = TcpStream::connect(chain.front)?;
        let (server, _) = listener.accept()?;
        client.set_nonblocking(true)?;
        server.set_nonblocking(true)?;
        let way = |offset| Way {
            offset,
            ..Way::default()
        };
        Ok(Self {
            client,
            server,
            up: way(2 * number),
            down: way(2 * number + 1),
        })
    }

    fn send(&mut self) -> Outcome {
        self.up.send(&self.client)?;
        self.down.send(&self.server)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Outcome {
        self.up.receive(&self.server, buffer)?;
        self.down.receive(&self.client, buffer)
    }

    const fn is_quiet(&self) -> bool {
        self.up.sent == self.up.got && self.down.sent == self.down.got
    }
}

fn held() -> Outcome {
    raise_file_limit()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let section = format!(
        "listen px\n bind {{front}}\n server s1 {}\n",
        listener.local_addr()?
    );
    let mut chain = Chain::start_with("maxconn 6000\n nbthread 2", &section)?;
    let before = usage(chain.current.pid())?.descriptors;
    let mut sessions = (0..count())
        .map(|number| Held::open(&chain, &listener, number))
        .collect::<Result<Vec<_>, _>>()?;
    let over = AtomicBool::new(false);
    let reloaded = thread::scope(|scope| {
        let traffic = scope.spawn(|| keep_busy(&mut sessions, &over));
        let reloaded = reload_often(&mut chain, &section, || traffic.is_finished());
        over.store(true, Ordering::Relaxed);
        let traffic = traffic.join();
        traffic.map_err(|_| Failure::from("the traffic panicked"))??;
        reloaded
    });
    reloaded?;
    let bytes: usize = sessions.iter().map(|it| it.up.got + it.down.got).sum();
    measured(&format!(
        "{bytes} bytes of {} sessions, all in their places",
        sessions.len()
    ));
    chain.wait_for_value("px/s1", "scur", &count().to_string())?;
    drop(sessions);
    chain.wait_for_value("px/s1", "scur", "0")?;
    let after = usage(chain.current.pid())?.descriptors;
    // Some pipes are kept for the next bulk: two descriptors each.
    if after <= before + 64 {
        return Ok(());
    }
    Err(Failure::from(format!(
        "{before} descriptors became {after}"
    )))
}

/// Goes round all sessions until it is over; then takes what is left.
fn keep_busy(sessions: &mut [Held], over: &AtomicBool) -> Outcome {
    let mut buffer = [0; PIECE];
    while !over.load(Ordering::Relaxed) {
        for session in &mut *sessions {
            session.send()?;
            session.receive(&mut buffer)?;
        }
    }
    let deadline = Instant::now() + PATIENCE;
    while !sessions.iter().all(Held::is_quiet) {
        if Instant::now() > deadline {
            return Err(Failure::from("bytes are lost"));
        }
        for session in &mut *sessions {
            session.receive(&mut buffer)?;
        }
    }
    Ok(())
}

fn reload_often(chain: &mut Chain, section: &str, is_over: impl Fn() -> bool) -> Outcome {
    let mut slowest = Duration::ZERO;
    for number in 0..reloads() {
        if number == reloads() / 2 {
            chain.upgrade()?;
        }
        let replaced = chain.reload(section)?;
        slowest = slowest.max(replaced.within);
        replaced
            .is_clean()
            .map_err(|failure| failure.with(&format!("at reload {number}")))?;
        if is_over() {
            break;
        }
    }
    let output = chain.current.output();
    let last = output.iter().find(|line| line.contains("Took over"));
    measured(&format!(
        "{}; the old process was gone after {slowest:?} at most",
        last.map_or("", |line| line)
    ));
    Ok(())
}
