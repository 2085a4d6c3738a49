//! The program, its servers and all who load it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    Plan,
    actors::{self, Fronts, LARGE, MIDDLE, SMALL, Stagecraft},
    ledger::{Act, Ledger, Window},
    report::{KEPT_DESCRIPTORS, Report, Rest},
    watch::{LogSink, Sample},
};
use crate::{
    balancer::{Balancer, Kind},
    crowd,
    load::{Backend, Close, Outcome, Service},
    problem::{Problem, Result},
    statistics, wait,
};

/// Before the first reading: pools, pipes and the allocator get what they keep.
const WARM_UP: Duration = Duration::from_secs(3);
/// A session that stays does so for no longer than this.
const LONGEST_STAY: Duration = Duration::from_secs(10);

/// Nobody else is in this network: every port is free.
const fn at(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), port)
}

const FRONTS: Fronts = Fronts {
    small: at(7001),
    middle: at(7002),
    large: at(7003),
    closing: at(7004),
    sink: at(7005),
    source: at(7006),
    both: at(7007),
    flap: at(7008),
    page: at(7009),
};
const FLAPPING: SocketAddr = at(9109);

/// A proxy: its name, where it listens, its servers, and what they do.
type Proxy = (&'static str, SocketAddr, &'static [u16], Service);

const PROXIES: [Proxy; 8] = [
    (
        "small",
        FRONTS.small,
        &[9001, 9101],
        echo(SMALL, Close::Client),
    ),
    (
        "middle",
        FRONTS.middle,
        &[9002],
        echo(MIDDLE, Close::Client),
    ),
    ("large", FRONTS.large, &[9003], echo(LARGE, Close::Client)),
    (
        "closing",
        FRONTS.closing,
        &[9004],
        echo(SMALL, Close::Server),
    ),
    ("sink", FRONTS.sink, &[9005], Service::Sink),
    ("source", FRONTS.source, &[9006], Service::Source),
    ("both", FRONTS.both, &[9007], Service::Both),
    ("flap", FRONTS.flap, &[9008], echo(SMALL, Close::Client)),
];

const fn echo(size: usize, close: Close) -> Service {
    Service::Echo {
        request: size,
        response: size,
        close,
    }
}

/// Sets the scene, plays on it and clears it.
pub(super) fn run(plan: &Plan) -> Result<Report> {
    crowd::raise_file_limit()?;
    let scene = Scene::set(plan)?;
    scene.play(WARM_UP, WARM_UP, &mut |_, _| Ok(()))?;
    let before = scene.at_rest(None)?;
    let mut windows = Vec::new();
    let mut keep = |at, outcomes: BTreeMap<Act, Outcome>| {
        let tallies = outcomes.iter().map(|(act, outcome)| (*act, outcome.into()));
        windows.push(Window {
            at,
            sample: Sample::of(scene.pid(), &scene.log)?,
            tallies: tallies.collect(),
        });
        Ok(())
    };
    scene.play(plan.duration, plan.window(), &mut keep)?;
    let after = scene.at_rest(Some(before.descriptors + KEPT_DESCRIPTORS))?;
    let wrong = scene.backends.iter().map(|it| it.served().wrong).sum();
    let rest = Rest {
        before,
        after,
        sessions: scene.sessions()?,
        wrong,
    };
    Ok(Report::new(plan, windows, rest, scene.ledger.complaints()))
}

struct Scene {
    backends: Vec<Backend>,
    balancer: Balancer,
    log: LogSink,
    ledger: Ledger,
    stay: Duration,
}

impl Scene {
    fn set(plan: &Plan) -> Result<Self> {
        let mut backends = Vec::new();
        for (_, _, ports, service) in PROXIES {
            for port in ports {
                backends.push(Backend::start(service, at(*port))?);
            }
        }
        let log = LogSink::start()?;
        let config = configuration(plan, log.address());
        let balancer = Balancer::start(Kind::Pontoon, &plan.program, &config, FRONTS.page)?;
        Ok(Self {
            backends,
            balancer,
            log,
            ledger: Ledger::default(),
            stay: (plan.window() / 2).min(LONGEST_STAY),
        })
    }

    fn pid(&self) -> u32 {
        self.balancer.program.pid()
    }

    /// All act at once for a time; at the end of each window somebody is told what was done in it.
    fn play(
        &self,
        time: Duration,
        window: Duration,
        told: &mut dyn FnMut(Duration, BTreeMap<Act, Outcome>) -> Result<()>,
    ) -> Result<()> {
        let stop = AtomicBool::new(false);
        let stage = Stagecraft {
            fronts: FRONTS,
            flapping: FLAPPING,
            ledger: &self.ledger,
            stop: &stop,
            stay: self.stay,
        };
        thread::scope(|scope| {
            for act in actors::ALL {
                let stage = &stage;
                scope.spawn(move || act(stage));
            }
            let told = self.conduct(time, window, told);
            stop.store(true, Ordering::Relaxed);
            told
        })?;
        // What ended after the last window.
        self.ledger.close();
        Ok(())
    }

    fn conduct(
        &self,
        time: Duration,
        window: Duration,
        told: &mut dyn FnMut(Duration, BTreeMap<Act, Outcome>) -> Result<()>,
    ) -> Result<()> {
        let begin = Instant::now();
        let mut end = window;
        while end <= time {
            thread::sleep(end.saturating_sub(begin.elapsed()));
            told(begin.elapsed(), self.ledger.close())?;
            end += window;
        }
        Ok(())
    }

    /// What the program holds once no session is left, or what it holds still when that takes too
    /// long.
    fn at_rest(&self, descriptors: Option<usize>) -> Result<Sample> {
        let settled = wait::until("sessions to end", wait::PATIENCE, || {
            let sample = Sample::of(self.pid(), &self.log).ok()?;
            let few = descriptors.is_none_or(|wanted| sample.descriptors <= wanted);
            (self.sessions().ok()? == 0 && few).then_some(sample)
        });
        settled.or_else(|_| Sample::of(self.pid(), &self.log))
    }

    /// Sessions of all proxies but the page's.
    fn sessions(&self) -> Result<u64> {
        let csv = statistics::get(FRONTS.page, "/stats;csv", "")?;
        let rows = statistics::rows(&csv.body)?;
        let current = |(name, _, _, _): Proxy| {
            let row = rows.get(&format!("{name}/FRONTEND"));
            let current = row.and_then(|row| row.get("scur")?.parse::<u64>().ok());
            current.ok_or_else(|| Problem::Unexpected(format!("no sessions of {name} are told")))
        };
        PROXIES.into_iter().map(current).sum()
    }
}

// Writing into a String cannot fail.
fn configuration(plan: &Plan, log: SocketAddr) -> String {
    let mut text = format!(
        "global\n maxconn 3000\n nbthread {}\n log {log} local0\n",
        plan.threads
    );
    if let Some(engine) = &plan.engine {
        let _ok = writeln!(text, " tune.pontoon.engine {engine}");
    }
    text.push_str(
        "defaults\n mode tcp\n log global\n option tcplog\n retries 3\n option redispatch 1\n \
         timeout connect 5s\n timeout client 30s\n timeout server 30s\n timeout queue 10s\n",
    );
    for (name, front, ports, _) in PROXIES {
        let _ok = writeln!(text, "listen {name}\n bind {front} backlog 4096");
        // Some of its clients wait in the queue.
        let limit = if name == "closing" { " maxconn 4" } else { "" };
        for port in ports {
            let _ok = writeln!(text, " server s{port} {}{limit}", at(*port));
        }
    }
    // The last one's other server.
    let _ok = writeln!(
        text,
        " server flapping {FLAPPING} check inter 100ms fall 1 rise 1\n\
         listen page\n bind {}\n mode http\n stats enable\n stats uri /stats\n",
        FRONTS.page
    );
    text
}
