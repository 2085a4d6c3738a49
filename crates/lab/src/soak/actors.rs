//! Those who load the program: each does one thing again and again until it is told to stop.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    ledger::{Act, Ledger},
    rude::{self, Stage},
};
use crate::{
    load::{self, Backend, Close, Direction, Held, Outcome, Pace, Service, Workload},
    problem::Result,
    statistics,
};

/// Size of the messages of all but those who say otherwise.
pub(super) const SMALL: usize = 64;
pub(super) const MIDDLE: usize = 1024;
pub(super) const LARGE: usize = 16_384;

/// Sessions that do nothing.
const IDLE: usize = 200;
const PAGE_PATH: &str = "/stats;csv";

/// Where the program listens for each of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fronts {
    pub(super) small: SocketAddr,
    pub(super) middle: SocketAddr,
    pub(super) large: SocketAddr,
    pub(super) closing: SocketAddr,
    pub(super) sink: SocketAddr,
    pub(super) source: SocketAddr,
    pub(super) both: SocketAddr,
    pub(super) flap: SocketAddr,
    pub(super) page: SocketAddr,
}

/// What all actors see.
pub(super) struct Stagecraft<'a> {
    pub(super) fronts: Fronts,
    /// The server that comes and goes.
    pub(super) flapping: SocketAddr,
    pub(super) ledger: &'a Ledger,
    pub(super) stop: &'a AtomicBool,
    /// How long sessions last that stay.
    pub(super) stay: Duration,
}

/// Everything that goes on at once.
pub(super) const ALL: [fn(&Stagecraft<'_>); 11] = [
    connects,
    closing_connects,
    small_messages,
    middle_messages,
    large_messages,
    bulk,
    idle,
    half_closes,
    aborts,
    flapping_server,
    flap_and_page,
];

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

const fn connect(close: Close, parallel: usize) -> Workload {
    Workload::Connect {
        request: SMALL,
        response: SMALL,
        close,
        parallel,
    }
}

fn connects(stage: &Stagecraft<'_>) {
    stage.every(ms(400), |_| {
        let workload = connect(Close::Client, 8);
        stage.load(Act::Connect, stage.fronts.small, workload, ms(80));
    });
}

fn closing_connects(stage: &Stagecraft<'_>) {
    stage.every(ms(400), |_| {
        let workload = connect(Close::Server, 8);
        stage.load(Act::ConnectServer, stage.fronts.closing, workload, ms(80));
    });
}

fn small_messages(stage: &Stagecraft<'_>) {
    stage.messages(Act::Messages64, stage.fronts.small, SMALL, 400);
}

fn middle_messages(stage: &Stagecraft<'_>) {
    stage.messages(Act::Messages1k, stage.fronts.middle, MIDDLE, 200);
}

fn large_messages(stage: &Stagecraft<'_>) {
    stage.messages(Act::Messages16k, stage.fronts.large, LARGE, 100);
}

fn bulk(stage: &Stagecraft<'_>) {
    let fronts = stage.fronts;
    let ways = [
        (Act::Up, fronts.sink, Direction::Up),
        (Act::Down, fronts.source, Direction::Down),
        (Act::Both, fronts.both, Direction::Both),
    ];
    stage.every(ms(300), |turn| {
        let (act, target, direction) = ways[turn % ways.len()];
        let workload = Workload::Bulk {
            direction,
            streams: 2,
        };
        stage.load(act, target, workload, ms(60));
    });
}

fn idle(stage: &Stagecraft<'_>) {
    while !stage.is_over() {
        let held = Held::gather(stage.fronts.small, IDLE).and_then(|mut held| {
            stage.rest(Instant::now() + stage.stay);
            let units = held.check()?;
            Ok(Outcome {
                units: units as u64,
                errors: (IDLE - units) as u64,
                ..Outcome::default()
            })
        });
        stage.note(Act::Idle, held);
    }
}

fn half_closes(stage: &Stagecraft<'_>) {
    let fronts = stage.fronts;
    let kinds = [
        (fronts.small, SMALL),
        (fronts.middle, MIDDLE),
        (fronts.large, LARGE),
    ];
    stage.every(ms(200), |turn| {
        for (target, size) in kinds {
            let number = turn as u64;
            stage.single(Act::HalfClose, || rude::half_close(target, size, number));
        }
    });
}

fn aborts(stage: &Stagecraft<'_>) {
    let fronts = stage.fronts;
    let kinds = [
        (fronts.small, Stage::Connected),
        (fronts.small, Stage::HalfRequest),
        (fronts.small, Stage::Request),
        (fronts.closing, Stage::Request),
        (fronts.sink, Stage::Sending(100_000)),
        (fronts.source, Stage::Receiving(100_000)),
        (fronts.sink, Stage::Sending(5_000_000)),
        (fronts.source, Stage::Receiving(5_000_000)),
        (fronts.both, Stage::Receiving(1_000_000)),
    ];
    stage.every(ms(200), |turn| {
        // The large ones not each time.
        let count = if turn % 4 == 0 { kinds.len() } else { 6 };
        for (target, how) in &kinds[..count] {
            stage.single(Act::Abort, || rude::abort(*target, *how));
        }
    });
}

/// A server that is there for a while, and then is not.
fn flapping_server(stage: &Stagecraft<'_>) {
    let service = Service::Echo {
        request: SMALL,
        response: SMALL,
        close: Close::Client,
    };
    stage.every(ms(1500), |_| {
        match Backend::start(service, stage.flapping) {
            Ok(_server) => stage.rest(Instant::now() + ms(800)),
            Err(problem) => stage.note(Act::Flap, Err(problem)),
        }
    });
}

fn flap_and_page(stage: &Stagecraft<'_>) {
    stage.every(ms(200), |turn| {
        let workload = connect(Close::Client, 4);
        stage.load(Act::Flap, stage.fronts.flap, workload, ms(40));
        if turn % 5 == 0 {
            stage.single(Act::Page, || {
                let answer = statistics::get(stage.fronts.page, PAGE_PATH, "");
                let right = answer.is_ok_and(|answer| answer.status == 200);
                right.then_some(()).ok_or(std::io::ErrorKind::Other.into())
            });
        }
    });
}

impl Stagecraft<'_> {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Does nothing until then, or until all is over.
    fn rest(&self, until: Instant) {
        const NAP: Duration = ms(50);
        while !self.is_over() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(NAP));
        }
    }

    /// Acts at this pace, or as fast as it can if that is slower.
    fn every(&self, pace: Duration, mut act: impl FnMut(usize)) {
        let mut next = Instant::now();
        for turn in 0.. {
            if self.is_over() {
                return;
            }
            act(turn);
            next = (next + pace).max(Instant::now());
            self.rest(next);
        }
    }

    fn messages(&self, act: Act, target: SocketAddr, size: usize, per_second: u32) {
        while !self.is_over() {
            let workload = Workload::Messages {
                size,
                sessions: 16,
                pace: Pace::Open { per_second },
            };
            self.load(act, target, workload, self.stay);
        }
    }

    fn load(&self, act: Act, target: SocketAddr, workload: Workload, time: Duration) {
        self.note(act, load::run(target, &workload, time));
    }

    /// A unit, or an error.
    fn single(&self, act: Act, what: impl FnOnce() -> std::io::Result<()>) {
        let mut outcome = Outcome::default();
        match what() {
            Ok(()) => outcome.units = 1,
            Err(error) => {
                outcome.errors = 1;
                self.ledger.complain(format!("{}: {error}", act.name()));
            }
        }
        self.ledger.add(act, &outcome);
    }

    fn note(&self, act: Act, result: Result<Outcome>) {
        let outcome = result.unwrap_or_else(|problem| {
            self.ledger.complain(format!("{}: {problem}", act.name()));
            Outcome {
                errors: 1,
                ..Outcome::default()
            }
        });
        if outcome.errors > 0 && !act.may_lose() {
            self.ledger.complain(format!("{}: {outcome:?}", act.name()));
        }
        self.ledger.add(act, &outcome);
    }
}
