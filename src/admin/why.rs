//! Why servers are as they are: what `pontoon why` is told by a proxy process.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use pontoon_config::haproxy::model::{Proxy, Server};
use pontoon_engine::{
    backend::ServerView,
    health::CheckStatus,
    server::{AdminState, OperState, Status},
};
use serde::{Deserialize, Serialize};

use crate::state::{
    Running, ServerState,
    timeline::{Change, Check},
};

/// What is told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// The servers that were asked for; if none was, those that are not simply up.
    pub servers: Vec<ServerWhy>,
    /// How many there are altogether.
    pub servers_total: usize,
    /// The last changes of state, of these servers or of all, the latest first.
    pub events: Vec<Happened>,
}

/// Why a server is as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerWhy {
    /// `be/s1`.
    pub name: String,
    /// As in the statistics: `UP`, `DOWN 1/2`, `MAINT`.
    pub status: String,
    /// Since so many seconds.
    pub status_for: f64,
    /// `ready`, `drain` or `maint`: what an administrator wants.
    pub admin: String,
    /// `up`, `down`, `starting` or `stopping`: what checks say.
    pub oper: String,
    /// It gets new sessions.
    pub usable: bool,
    /// A `backup` server: it gets some only if no other is usable.
    pub backup: bool,
    /// `be/s2`, if it goes by the state of that one.
    pub tracks: Option<String>,
    /// How checks are counted; `None`: it is not checked.
    pub checked: Option<Counting>,
    /// The agent's last words.
    pub agent: Option<String>,
    /// The weight in force, of the weight that is set.
    pub weight: [u32; 2],
    /// Sessions now, and at most.
    pub sessions: u32,
    /// `maxconn` as it is in force.
    pub limit: Option<u32>,
    /// Sessions that wait for this very server.
    pub queued: u32,
    /// The last checks, the latest first.
    pub checks: Vec<CheckWhy>,
}

/// How checks are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counting {
    /// Passes in a row that bring it up.
    pub rise: u32,
    /// Failures in a row that take it down.
    pub fall: u32,
    /// So far: below `rise` it is down, and that many passes have been counted; `rise + fall - 1` is
    /// full health.
    pub health: u32,
    /// Failed checks since the start.
    pub failed: u64,
    /// How often it has gone down.
    pub went_down: u64,
}

/// A finished check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckWhy {
    /// Seconds since the epoch.
    pub at: f64,
    /// An agent was asked.
    pub agent: bool,
    /// It is well.
    pub passed: bool,
    /// As in the statistics: `L4CON`.
    pub status: String,
    /// In words: `Layer4 connection problem`.
    pub description: String,
    /// The protocol's own code.
    pub code: Option<u16>,
    /// What else is known: `Connection refused`.
    pub info: Option<String>,
    /// Seconds it took.
    pub took: f64,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Happened {
    /// Seconds since the epoch.
    pub at: f64,
    /// As the log has it.
    pub text: String,
}

/// Whom it is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The backend; `None`: whatever is noteworthy.
    pub backend: Option<String>,
    /// The server; `None`: all of the backend.
    pub server: Option<String>,
}

impl Subject {
    /// `be/s1`, `be`, or nothing.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::default();
        }
        let (backend, server) = match text.split_once('/') {
            Some((backend, server)) => (backend, Some(server.to_owned())),
            None => (text, None),
        };
        Self {
            backend: Some(backend.to_owned()),
            server,
        }
    }

    fn is_about(&self, proxy: &Proxy, server: &Server) -> bool {
        let fits = |wanted: &Option<String>, name: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == name)
        };
        fits(&self.backend, &proxy.name) && fits(&self.server, &server.settings.name)
    }
}

/// Why they are as they are; `None`: there is no such server.
#[must_use]
pub fn gather(running: &Running, subject: &Subject, now: Instant) -> Option<Why> {
    let mut why = Why::default();
    let mut meant = 0;
    for proxy in &running.model.proxies {
        let (Some(side), Some(state)) = (&proxy.backend, running.backend(proxy.id)) else {
            continue;
        };
        for (server, shared) in state.servers(side) {
            why.servers_total += 1;
            if !subject.is_about(proxy, server) {
                continue;
            }
            meant += 1;
            let view = state.balancer().server_view(server.id, now);
            if subject.backend.is_some() || is_noteworthy(&view) {
                let source = Source {
                    running,
                    proxy,
                    server,
                    shared,
                    view,
                    now,
                };
                why.servers.push(source.why());
            }
        }
    }
    if meant == 0 && subject.backend.is_some() {
        return None;
    }
    let changes = running.timeline.changes().into_iter();
    let concerned = changes.filter(|it| concerns(running, subject, it));
    why.events = concerned.map(happened).collect();
    Some(why)
}

fn concerns(running: &Running, subject: &Subject, change: &Change) -> bool {
    let proxy = running.model.proxies.get(change.backend.index());
    let server = proxy.and_then(|it| it.backend.as_ref()?.servers.get(change.server.index()));
    // One that is in no file was added while it ran.
    proxy
        .zip(server)
        .map_or(subject.backend.is_none(), |(proxy, server)| {
            subject.is_about(proxy, server)
        })
}

fn happened(change: Change) -> Happened {
    Happened {
        at: since_epoch(change.at),
        text: change.text,
    }
}

const fn is_noteworthy(view: &ServerView) -> bool {
    !matches!(view.status, Status::Up | Status::NoCheck)
}

/// Everything that a server's part is made of.
struct Source<'a> {
    running: &'a Running,
    proxy: &'a Proxy,
    server: &'a Server,
    shared: &'a ServerState,
    view: ServerView,
    now: Instant,
}

impl Source<'_> {
    fn why(&self) -> ServerWhy {
        let view = &self.view;
        let changed = self.now.saturating_duration_since(view.last_change);
        ServerWhy {
            name: format!("{}/{}", self.proxy.name, self.server.settings.name),
            status: view.status.to_string(),
            status_for: seconds(changed),
            admin: admin(view.admin).to_owned(),
            oper: oper(view.oper).to_owned(),
            usable: view.usable,
            backup: view.backup,
            tracks: self.tracked(),
            checked: self.counting(),
            agent: view.last_agent.as_ref().map(|it| it.text.clone()),
            weight: [view.effective_weight, view.weight].map(|it| u32::from(it.get())),
            sessions: self.shared.sessions.get(),
            limit: view.connection_limit,
            queued: view.queued,
            checks: self.shared.checks.checks().iter().map(check).collect(),
        }
    }

    fn counting(&self) -> Option<Counting> {
        let settings = self.server.settings.health.as_ref()?;
        Some(Counting {
            rise: settings.rise,
            fall: settings.fall,
            health: self.view.health,
            failed: self.view.failed_checks,
            went_down: self.view.went_down,
        })
    }

    fn tracked(&self) -> Option<String> {
        let (backend, server) = self.server.track?;
        let proxy = self.running.model.proxies.get(backend.index())?;
        let server = proxy.backend.as_ref()?.servers.get(server.index())?;
        Some(format!("{}/{}", proxy.name, server.settings.name))
    }
}

fn check(check: &Check) -> CheckWhy {
    let result = &check.result;
    CheckWhy {
        at: since_epoch(check.at),
        agent: check.agent,
        passed: result.status.passed(),
        status: result.status.code().to_owned(),
        description: match result.status {
            CheckStatus::Observed => "live traffic failed too often".to_owned(),
            status => status.description().to_owned(),
        },
        code: result.code,
        info: result.info.clone(),
        took: seconds(result.duration),
    }
}

/// As `set server … state` has it.
const fn admin(state: AdminState) -> &'static str {
    match state {
        AdminState::Ready => "ready",
        AdminState::Drain => "drain",
        AdminState::Maintenance => "maint",
    }
}

const fn oper(state: OperState) -> &'static str {
    match state {
        OperState::Up => "up",
        OperState::Down => "down",
        OperState::Starting => "starting",
        OperState::Stopping => "stopping",
    }
}

/// In thousandths: more would only pretend to be exact.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

fn since_epoch(at: SystemTime) -> f64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    seconds(since.unwrap_or_default())
}

/// As JSON on one line, as the runtime socket answers.
#[must_use]
pub fn json(why: &Why) -> Arc<str> {
    // Plain structs can always be written.
    serde_json::to_string(why).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::fixture;

    fn why(subject: &str) -> Option<Why> {
        let running = fixture::running("stats enable");
        gather(&running, &Subject::of(subject), Instant::now())
    }

    #[test]
    fn without_a_subject_whatever_is_not_simply_up_is_told() {
        let all = why("").unwrap();
        assert!(!all.servers.is_empty() && all.servers.len() < all.servers_total);
        assert!(
            all.servers
                .iter()
                .all(|it| it.status != "UP" && it.status != "no check")
        );
        assert!(!all.events.is_empty());
        let events: Vec<_> = all.events.iter().map(|it| &it.text).collect();
        assert!(
            events.iter().any(|it| it.contains(" is DOWN, reason: ")),
            "{events:?}"
        );
    }

    #[test]
    fn a_server_tells_its_checks_and_how_they_are_counted() {
        let all = why("").unwrap();
        let down = all.servers.iter().find(|it| it.status == "DOWN").unwrap();
        let asked = why(&down.name).unwrap();
        let [server] = &asked.servers[..] else {
            panic!("{asked:?}");
        };
        assert_eq!(
            (server.admin.as_str(), server.oper.as_str()),
            ("ready", "down")
        );
        assert!(!server.usable);
        let check = &server.checks[0];
        assert_eq!((check.status.as_str(), check.passed), ("L4CON", false));
        assert_eq!(check.info.as_deref(), Some("Connection refused"));
        let counting = server.checked.unwrap();
        assert!(counting.health < counting.rise, "{counting:?}");
        assert!(
            asked.events.iter().all(|it| it.text.contains(&down.name)),
            "{asked:?}"
        );
    }

    #[test]
    fn what_is_not_there_is_told_from_what_is_well() {
        assert_eq!(why("nonsense/s1"), None);
        assert_eq!(why("nonsense"), None);
    }

    #[test]
    fn it_is_read_as_it_is_written() {
        let all = why("").unwrap();
        let read: Why = serde_json::from_str(&json(&all)).unwrap();
        assert_eq!(read, all);
    }
}
