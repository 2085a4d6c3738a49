//! Many sessions at once and one after the other: all are served, and what they used comes back.

mod bulk;

use std::{net::SocketAddr, time::Duration};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    crowd::{self, Crowd, EchoServer, Usage, raise_file_limit, short_sessions, usage},
    needs::{self, Need},
    soak::{Finding, Plan},
    statistics, wait,
};

use crate::harness::{Failure, Outcome, Test, measured, pontoon};

/// Sessions that stay.
const AT_ONCE: usize = 9000;
/// Descriptors of the test itself: a client and a server side each, and some to spare.
const FILES: u64 = 2 * AT_ONCE as u64 + 1000;
/// Sessions one after the other; a million with `PONTOON_FULL=1`.
const SHORT: usize = 20_000;
const SHORT_IN_FULL: usize = 1_000_000;
const CLIENTS: usize = 8;

/// Memory of the process that may remain after its sessions: what an allocator keeps for the
/// next ones.
const KEPT: u64 = 8 << 20;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    let crowd = Test::new("load::nine_thousand_sessions_at_once", many_at_once);
    tests.push(crowd.needs(Need::OpenFiles(FILES)));
    tests.push(Test::new("load::short_sessions_leave_nothing", many_short));
    bulk::register(tests);
    let soak = Test::new("load::a_short_soak_is_good", soak);
    tests.push(soak.needs(Need::Root).needs(Need::Namespaces));
}

fn many_at_once() -> Outcome {
    let scene = Scene::set()?;
    let before = scene.idle()?;
    for _ in 0..2 {
        let mut crowd = Crowd::gather(scene.front, AT_ONCE)?;
        crowd.exchange()?;
        let during = usage(scene.balancer.program.pid())?;
        if during.descriptors < 2 * AT_ONCE {
            return Err(Failure::from(format!("not all are held: {during:?}")));
        }
        let each = during.memory.saturating_sub(before.memory) / AT_ONCE as u64;
        measured(&format!(
            "{AT_ONCE} idle sessions take {each} bytes of the process each"
        ));
        drop(crowd);
        scene.all_came_back(before)?;
    }
    Ok(())
}

fn many_short() -> Outcome {
    let scene = Scene::set()?;
    // What the first sessions allocate for good is no leak.
    short_sessions(scene.front, 1000, CLIENTS)?;
    let before = scene.idle()?;
    let count = if needs::full() { SHORT_IN_FULL } else { SHORT };
    short_sessions(scene.front, count, CLIENTS)?;
    scene.all_came_back(before)
}

/// Latency says little while other tests run; everything else must hold.
fn soak() -> Outcome {
    let seconds = if needs::full() { 60 } else { 15 };
    let plan = Plan {
        program: pontoon().into(),
        duration: Duration::from_secs(seconds),
        engine: None,
        threads: 2,
        congestion_control: "cubic".into(),
    };
    let report = pontoon_lab::soak::run(&plan)?;
    let bad = |finding: &&Finding| !finding.good && !finding.is_latency;
    let bad: Vec<_> = report.findings().iter().filter(bad).collect();
    if bad.is_empty() {
        return Ok(());
    }
    Err(Failure::from(format!(
        "{bad:#?}\n{:#?}",
        report.complaints()
    )))
}

/// Our program before an echo server.
struct Scene {
    server: EchoServer,
    balancer: Balancer,
    front: SocketAddr,
    page: SocketAddr,
}

impl Scene {
    fn set() -> Result<Self, Failure> {
        raise_file_limit()?;
        let server = EchoServer::start()?;
        let (front, page) = (free_address()?, free_address()?);
        let config = format!(
            "global\n maxconn 9500\n\
             defaults\n mode tcp\n timeout connect 20s\n timeout client 60s\n timeout server 60s\n\
             listen echo\n bind {front} backlog 4096\n server s1 {}\n\
             listen page\n bind {page}\n mode http\n stats enable\n stats uri /stats\n",
            server.address()
        );
        let balancer = Balancer::start(Kind::Pontoon, pontoon(), &config, page)?;
        Ok(Self {
            server,
            balancer,
            front,
            page,
        })
    }

    /// What the program uses once no session is left, as it counts them and as the server does.
    fn idle(&self) -> Result<Usage, Failure> {
        wait::until("all sessions to end", wait::PATIENCE, || {
            let csv = statistics::get(self.page, "/stats;csv", "").ok()?;
            let rows = statistics::rows(&csv.body).ok()?;
            let none = rows.get("echo/FRONTEND")?.get("scur")? == "0";
            (none && self.server.open() == 0).then_some(())
        })?;
        Ok(usage(self.balancer.program.pid())?)
    }

    fn all_came_back(&self, before: Usage) -> Outcome {
        self.idle()?;
        // The page's own connection may be closing still.
        let settled = wait::until("descriptors to come back", wait::PATIENCE, || {
            let now = crowd::usage(self.balancer.program.pid()).ok()?;
            (now.descriptors <= before.descriptors).then_some(now)
        });
        let after = match settled {
            Ok(after) => after,
            Err(problem) => {
                let now = usage(self.balancer.program.pid())?;
                return Err(Failure::from(format!(
                    "{problem}: {before:?}, then {now:?}"
                )));
            }
        };
        if after.memory > before.memory + KEPT {
            return Err(Failure::from(format!(
                "memory stays: {before:?}, then {after:?}"
            )));
        }
        Ok(())
    }
}
