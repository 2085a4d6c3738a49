//! Large files: what a line costs to check and a server to start with, that it does not cost more
//! the more there are, and, in the long form, how long the largest take.

use std::{
    net::SocketAddr,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use pontoon_lab::{
    balancer::{Balancer, Kind as Whose, free_address},
    cost::{self, Cost},
    large::{self, Fleet},
    needs,
    temp::TempDir,
};

use super::{
    budget::{self, Budget, Kind},
    counted, program, report,
};
use crate::harness::{Failure, Outcome, Test, measured};

/// Lines, or servers: from the first to the second tells the price, from the second to the third
/// whether it stays.
const SIZES: [usize; 3] = [500, 1500, 4500];
/// What it may rise by.
const RISE: f64 = 1.1;
/// The largest.
const LINES: usize = 50_000;
const SERVERS: usize = 10_000;
/// What they may take.
const PROMISED: Duration = Duration::from_secs(1);
/// A busy machine may need another try.
const TRIES: usize = 3;

/// A kind of file: its budget, its name, its maker.
type Text = (&'static str, &'static str, fn(usize) -> String);
const TEXTS: [Text; 4] = [
    (
        "line of haproxy.cfg, checked",
        "haproxy.cfg",
        large::haproxy,
    ),
    (
        "line of mistakes, haproxy.cfg",
        "haproxy.cfg",
        large::haproxy_of_mistakes,
    ),
    (
        "line of keepalived.conf, checked",
        "keepalived.conf",
        large::keepalived,
    ),
    (
        "line of mistakes, keepalived.conf",
        "keepalived.conf",
        large::keepalived_of_mistakes,
    ),
];

pub(super) fn register(tests: &mut Vec<Test>) {
    for text in TEXTS {
        let name = format!("cost::{}", text.0.replace(", ", "_").replace(' ', "_"));
        tests.push(counted(Test::new(name, move || lines(text))));
    }
    tests.push(counted(Test::new("cost::server_at_start", servers)));
    if needs::full() {
        let large = Test::new("cost::large_files_are_read_in_a_second", large_files);
        tests.push(large.needs(needs::Need::Build("gate")));
    }
}

fn lines((name, file, make): Text) -> Outcome {
    per_piece(name, |lines| {
        Ok(cost::check(program()?, file, &make(lines))?)
    })
}

fn servers() -> Outcome {
    per_piece("server, at start", |servers| {
        let page = free_address()?;
        Ok(cost::start(program()?, &fleet(servers, page)?, page)?)
    })
}

fn fleet(servers: usize, page: SocketAddr) -> Result<String, Failure> {
    let fleet = Fleet {
        front: free_address()?,
        proxies: 1,
        servers,
        port: 9,
        parameters: String::new(),
    };
    Ok(format!(
        "defaults\n mode tcp\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n\
         {}listen page\n bind {page}\n mode http\n stats enable\n stats uri /stats\n",
        fleet.sections()
    ))
}

/// Compares the price of a piece with its budget, and with that of pieces in a larger whole.
fn per_piece(name: &str, measure: impl Fn(usize) -> Result<Cost, Failure>) -> Outcome {
    let [few, more, most] = SIZES;
    let (small, middle, large) = (measure(few)?, measure(more)?, measure(most)?);
    let price = middle.since(&small, pieces(more - few));
    let later = large.since(&middle, pieces(most - more));
    let instructions = |cost: &Cost| cost.data.instructions + cost.main.instructions;
    if instructions(&later) > instructions(&price) * RISE {
        let problem = format!(
            "{name}: {:.0} instructions each, but {:.0} where there are many",
            instructions(&price),
            instructions(&later)
        );
        return Err(Failure::from(problem).with(&report::places(&later)));
    }
    budget::compare(name, Kind::Reading, &Budget::of(&price))
        .map_err(|failure| failure.with(&report::places(&price)))
}

#[expect(clippy::cast_precision_loss, reason = "thousands")]
fn pieces(count: usize) -> f64 {
    count as f64
}

fn large_files() -> Outcome {
    let program = program()?;
    for (name, file, make) in TEXTS {
        let folder = TempDir::new("large")?;
        let file = folder.write(file, make(LINES))?;
        promptly(name, || check(program, &file))?;
    }
    promptly("start with all servers", || {
        let page = free_address()?;
        let text = fleet(SERVERS, page)?;
        let start = Instant::now();
        let _running = Balancer::start(Whose::Pontoon, program, &text, page)?;
        Ok(start.elapsed())
    })
}

fn check(program: &Path, file: &Path) -> Result<Duration, Failure> {
    let start = Instant::now();
    Command::new(program).arg("check").arg(file).output()?;
    Ok(start.elapsed())
}

fn promptly(what: &str, once: impl Fn() -> Result<Duration, Failure>) -> Outcome {
    let mut best = Duration::MAX;
    for _ in 0..TRIES {
        best = best.min(once()?);
    }
    measured(&format!("{what}, the largest: {} ms", best.as_millis()));
    if best <= PROMISED {
        return Ok(());
    }
    Err(format!("{what}: {best:?}, promised are {PROMISED:?}").into())
}
