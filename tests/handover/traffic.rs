//! Under load: every byte arrives, once and in its order.

use std::{
    net::SocketAddr,
    process::Stdio,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use pontoon_lab::{
    balancer::free_address,
    crowd::usage,
    load::{self, Backend, Close, Direction, Pace, Workload},
    needs::Need,
    postgres::{Postgres, benchmark},
    wait,
};

use super::{Chain, reloads};
use crate::harness::{Failure, Outcome, Test, measured};

/// Streams both ways that are under way all the time.
const STREAMS: usize = 60;

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new(
        "handover::streams_both_ways_arrive_whole",
        both_ways,
    ));
    tests.push(Test::new("handover::one_way_bulk_arrives_whole", one_way));
    tests.push(Test::new("handover::messages_are_answered", messages));
    tests.push(Test::new(
        "handover::new_connections_are_all_served",
        connections,
    ));
    let test = Test::new("handover::pgbench_goes_on", pgbench).needs(Need::User("postgres"));
    tests.push(
        ["initdb", "postgres", "pg_ctl", "psql", "pgbench", "setpriv"]
            .into_iter()
            .fold(test, |test, program| test.needs(Need::Program(program))),
    );
}

fn both_ways() -> Outcome {
    let workload = Workload::Bulk {
        direction: Direction::Both,
        streams: STREAMS,
    };
    through_reloads(&[workload])
}

fn one_way() -> Outcome {
    let bulk = |direction| Workload::Bulk {
        direction,
        streams: 3,
    };
    through_reloads(&[bulk(Direction::Up), bulk(Direction::Down)])
}

fn messages() -> Outcome {
    let messages = |size, sessions| Workload::Messages {
        size,
        sessions,
        pace: Pace::Closed,
    };
    through_reloads(&[messages(64, 50), messages(100_000, 5)])
}

fn connections() -> Outcome {
    let connections = |close| Workload::Connect {
        request: 64,
        response: 64,
        close,
        parallel: 4,
    };
    through_reloads(&[connections(Close::Client), connections(Close::Server)])
}

/// Runs all of these at once, each before a server of its own, until so many reloads are done; none
/// of them may notice.
fn through_reloads(workloads: &[Workload]) -> Outcome {
    let loads: Vec<_> = workloads
        .iter()
        .map(|workload| Load::new(*workload))
        .collect::<Result<_, _>>()?;
    let sections: String = (0..).zip(&loads).map(|(n, load)| load.section(n)).collect();
    let mut chain = Chain::start_with("maxconn 6000\n nbthread 2", &sections)?;
    let before = usage(chain.current.pid())?.descriptors;
    let over = AtomicBool::new(false);
    let reloaded = thread::scope(|scope| {
        let runs: Vec<_> = loads
            .iter()
            .map(|load| scope.spawn(|| load.run_until(&over)))
            .collect();
        let reloaded = reload_often(&mut chain, &sections, &loads);
        over.store(true, Ordering::Relaxed);
        for run in runs {
            run.join().map_err(|_| Failure::from("a load panicked"))??;
        }
        reloaded
    });
    reloaded?;
    for load in &loads {
        load.was_served_whole()?;
    }
    wait::until("descriptors to come back", wait::PATIENCE, || {
        let now = usage(chain.current.pid()).ok()?.descriptors;
        // Pipes stay for the next bulk: two descriptors each.
        (now <= before + 64).then_some(())
    })?;
    Ok(())
}

fn reload_often(chain: &mut Chain, sections: &str, loads: &[Load]) -> Outcome {
    for load in loads {
        load.is_under_way()?;
    }
    for number in 0..reloads() {
        let replaced = chain.reload(sections)?;
        replaced
            .is_clean()
            .map_err(|failure| failure.with(&format!("at reload {number}")))?;
    }
    let took = chain.current.output();
    let last = took.iter().find(|line| line.contains("Took over"));
    measured(last.map_or("", |line| line));
    Ok(())
}

/// A workload, its server, and the address between them.
struct Load {
    workload: Workload,
    server: Backend,
    front: SocketAddr,
}

/// One run of a workload: the sessions of the next begin when it is over.
const RUN: Duration = Duration::from_secs(2);

impl Load {
    fn new(workload: Workload) -> Result<Self, Failure> {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Ok(Self {
            workload,
            server: Backend::start(workload.service(), anywhere)?,
            front: free_address()?,
        })
    }

    fn section(&self, number: usize) -> String {
        let (front, server) = (self.front, self.server.address());
        format!("listen load{number}\n bind {front} backlog 4096\n server s1 {server}\n")
    }

    fn run_until(&self, over: &AtomicBool) -> Outcome {
        while !over.load(Ordering::Relaxed) {
            let outcome = load::run(self.front, &self.workload, RUN)?;
            if outcome.errors > 0 || outcome.units == 0 {
                let workload = self.workload;
                return Err(Failure::from(format!("{workload:?}: {outcome:?}")));
            }
        }
        Ok(())
    }

    fn is_under_way(&self) -> Outcome {
        wait::until("the load to begin", wait::PATIENCE, || {
            (self.server.served().connections > 0).then_some(())
        })?;
        Ok(())
    }

    fn was_served_whole(&self) -> Outcome {
        let served = self.server.served();
        if served.wrong == 0 && served.cut == 0 {
            return Ok(());
        }
        Err(Failure::from(format!("the server saw {served:?}")))
    }
}

fn pgbench() -> Outcome {
    let mut database = Postgres::create(free_address()?)?;
    database.start()?;
    database.prepare_benchmark()?;
    let address = database.address();
    let sections = format!("listen db\n bind {{front}}\n server db1 {address}\n");
    let mut chain = Chain::start(&sections)?;
    let mut command = benchmark(chain.front)?;
    command.args(["--client=4", "--time=5"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    while child.try_wait()?.is_none() {
        chain.reload(&sections)?.is_clean()?;
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && said.contains("number of failed transactions: 0 ") {
        return Ok(());
    }
    Err(Failure::from(format!("pgbench says\n{said}{errors}")))
}
