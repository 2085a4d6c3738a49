//! Placing, waiting and health, told as timetables.

mod health;
mod invariants;
mod joining;
mod moving;
mod placing;
mod readiness;
mod rotation;
mod rulings;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use super::*;
use crate::{
    balance::{Hash, HashMethod},
    health::{InitialState, Settings as HealthSettings},
    units::Weight,
};

/// What every test begins with: `balance roundrobin`, nothing else.
fn backend_settings(algorithm: Algorithm) -> Settings {
    Settings {
        algorithm,
        all_backups: false,
        full_connections: None,
        redispatch: false,
    }
}

fn server(name: &str) -> ServerSettings {
    ServerSettings {
        name: Arc::from(name),
        weight: Weight::ONE,
        backup: false,
        disabled: false,
        max_connections: None,
        min_connections: None,
        max_queue: None,
        slow_start: Duration::ZERO,
        health: None,
        tracks: false,
        agent: None,
        observe: None,
        shutdown_sessions_on_down: false,
        shutdown_backup_sessions_on_up: false,
    }
}

fn checked(name: &str) -> ServerSettings {
    let health = HealthSettings {
        rise: 2,
        fall: 3,
        interval: Duration::from_secs(2),
        fast_interval: Some(Duration::from_secs(1)),
        down_interval: Some(Duration::from_secs(5)),
        initial: InitialState::Up,
    };
    ServerSettings {
        health: Some(health),
        ..server(name)
    }
}

fn weighted(weights: &[u16]) -> Vec<ServerSettings> {
    let weight = |weight: &u16| Weight::new(*weight).unwrap();
    weights
        .iter()
        .map(|w| ServerSettings {
            weight: weight(w),
            ..server("s")
        })
        .collect()
}

fn limited(servers: usize, most: u32) -> Vec<ServerSettings> {
    vec![
        ServerSettings {
            max_connections: Some(most),
            ..server("s")
        };
        servers
    ]
}

const fn session(slot: u32) -> SessionKey {
    SessionKey {
        thread: 0,
        slot,
        generation: 0,
    }
}

const fn ask(slot: u32) -> Request {
    Request {
        session: session(slot),
        client: None,
        forced: None,
        avoid: None,
        random: 0,
    }
}

fn client(last: u8) -> Option<IpAddr> {
    Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)))
}

/// A backend, a clock, and a counter of sessions.
struct Bench {
    backend: Backend,
    now: Instant,
    sessions: u32,
}

impl Bench {
    fn new(algorithm: Algorithm, servers: Vec<ServerSettings>) -> Self {
        Self::with(backend_settings(algorithm), servers)
    }

    fn with(settings: Settings, servers: Vec<ServerSettings>) -> Self {
        let now = Instant::now();
        Self {
            backend: Backend::new(settings, servers, now),
            now,
            sessions: 0,
        }
    }

    fn place(&mut self) -> Placement {
        self.place_as(|request| request)
    }

    fn place_as(&mut self, adapt: impl FnOnce(Request) -> Request) -> Placement {
        self.sessions += 1;
        self.backend.place(adapt(ask(self.sessions)), self.now)
    }

    /// Where the next session goes, 1 for the first server; it ends at once.
    fn short(&mut self) -> u32 {
        let Placement::Server(id) = self.place() else {
            panic!("nobody to take it")
        };
        self.backend.release(id, self.now);
        id.0 + 1
    }

    /// Where the next session goes, 1 for the first server; it stays.
    fn long(&mut self) -> u32 {
        let Placement::Server(id) = self.place() else {
            panic!("nobody to take it")
        };
        id.0 + 1
    }

    fn check(&mut self, server: u32, status: CheckStatus) {
        let result = CheckResult {
            status,
            code: None,
            info: None,
            duration: Duration::ZERO,
        };
        self.backend
            .check_finished(ServerId(server), result, self.now);
    }

    fn take_down(&mut self, server: u32) {
        for _ in 0..3 {
            self.check(server, CheckStatus::L4Connection);
        }
    }

    fn bring_up(&mut self, server: u32) {
        for _ in 0..2 {
            self.check(server, CheckStatus::L4Ok);
        }
    }

    fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.backend.poll_action()).collect()
    }

    /// Actions without the check reports.
    fn orders(&mut self) -> Vec<Action> {
        let mut actions = self.actions();
        actions.retain(|action| !matches!(action, Action::HealthReport(_)));
        actions
    }

    fn view(&self, server: u32) -> ServerView {
        self.backend.server_view(ServerId(server), self.now)
    }

    fn status(&self, server: u32) -> String {
        self.view(server).status.to_string()
    }
}
