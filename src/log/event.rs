//! Wording of what happens to servers and proxies, as HAProxy words it.

use std::fmt::{self, Display};

use pontoon_config::haproxy::model::{LogLevel, Proxy, Server};
use pontoon_engine::{
    backend::{Channel, HealthReport, Reason, StateChange},
    health::{CheckResult, CheckStatus},
    server::{AdminState, OperState},
};

use super::text::Reported;

/// A line and its level.
pub(super) type Event = (LogLevel, String);

/// The lines of a state change; the second one recalls that the server stays in drain mode.
pub(super) fn state_changed(proxy: &Proxy, change: &StateChange) -> Vec<Event> {
    let Some(side) = &proxy.backend else {
        return Vec::new();
    };
    let Some(server) = side.servers.get(change.server.index()) else {
        return Vec::new();
    };
    let wording = Wording {
        name: Name::new(proxy, server),
        change,
        // With `option log-health-checks`, the check's own line gave the reason.
        explain: !side.log_health_checks,
    };
    wording.events()
}

/// The line of a finished check.
pub(super) fn health_report(proxy: &Proxy, report: &HealthReport) -> Option<Event> {
    let side = proxy.backend.as_ref()?;
    let server = side.servers.get(report.server.index())?;
    let limits = match server.settings.health {
        Some(settings) if !report.agent => (settings.rise, settings.fall),
        _ => (1, 1),
    };
    let text = check_line(&Name::new(proxy, server), report, limits);
    Some((LogLevel::Notice, text))
}

fn check_line(name: &Name<'_>, report: &HealthReport, (rise, fall): (u32, u32)) -> String {
    let kind = if report.agent { "Agent" } else { "Health" };
    let backup = if name.backup { "backup " } else { "" };
    let verdict = match report.result.status {
        CheckStatus::L7OkConditional => "conditionally succeeded",
        status if status.passed() => "succeeded",
        _ => "failed",
    };
    format!(
        "{kind} check for {backup}server {}/{} {verdict}{}, status: {}.",
        name.proxy,
        name.server,
        Because(&report.result),
        Progress { rise, fall, report }
    )
}

/// `backend be has no server available!`, or `proxy …` for a `listen`.
pub(super) fn no_server_left(proxy: &Proxy) -> Event {
    let text = format!("{} {} has no server available!", kind(proxy), proxy.name);
    (LogLevel::Emergency, text)
}

/// What a section is called in such lines.
pub(super) fn kind(proxy: &Proxy) -> &'static str {
    match (&proxy.frontend, &proxy.backend) {
        (Some(_), Some(_)) => "proxy",
        (Some(_), None) => "frontend",
        _ => "backend",
    }
}

/// `Server be/s`.
struct Name<'a> {
    proxy: &'a str,
    server: &'a str,
    backup: bool,
}

impl<'a> Name<'a> {
    fn new(proxy: &'a Proxy, server: &'a Server) -> Self {
        Self {
            proxy: &proxy.name,
            server: &server.settings.name,
            backup: server.settings.backup,
        }
    }
}

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let backup = if self.backup { "Backup " } else { "" };
        write!(f, "{backup}Server {}/{}", self.proxy, self.server)
    }
}

struct Wording<'a> {
    name: Name<'a>,
    change: &'a StateChange,
    explain: bool,
}

impl Wording<'_> {
    fn events(&self) -> Vec<Event> {
        use AdminState::{Drain, Maintenance, Ready};
        let (was, now) = (self.change.was, self.change.now);
        let mut events = match (was.admin, now.admin) {
            (was, now) if was == now => self.oper_changed(),
            (_, Maintenance) => vec![self.enters_maintenance()],
            (Maintenance, _) => vec![self.leaves_maintenance()],
            (Ready, Drain) => vec![self.enters_drain()],
            (Drain, Ready) => vec![self.leaves_drain()],
            _ => Vec::new(),
        };
        let still_drains = now.admin == Drain && was.admin != Ready;
        if still_drains && !events.is_empty() {
            events.push(self.remains_in_drain());
        }
        events
    }

    fn oper_changed(&self) -> Vec<Event> {
        let (was, now) = (self.change.was, self.change.now);
        let told = [was.oper, now.oper].contains(&OperState::Stopping);
        if is_up(was.oper) == is_up(now.oper) && !told {
            return Vec::new();
        }
        let (word, counts) = match now.oper {
            OperState::Down => ("DOWN", self.left()),
            OperState::Stopping => ("stopping", self.online()),
            OperState::Up | OperState::Starting => ("UP", self.online()),
        };
        let in_use = was.admin == AdminState::Ready && was.oper != OperState::Stopping;
        let alarming = now.oper == OperState::Down && in_use;
        let level = if alarming {
            LogLevel::Alert
        } else {
            LogLevel::Notice
        };
        let name = &self.name;
        vec![(level, format!("{name} is {word}{}. {counts}", self.why()))]
    }

    fn enters_maintenance(&self) -> Event {
        let (name, via, was) = (&self.name, self.via(), self.change.was);
        if was.oper == OperState::Down {
            let text = format!("{name} was DOWN and now enters maintenance{via}.");
            return (LogLevel::Notice, text);
        }
        let in_use = was.admin == AdminState::Ready && was.oper != OperState::Stopping;
        let level = if in_use {
            LogLevel::Alert
        } else {
            LogLevel::Notice
        };
        let left = self.left();
        let text = format!("{name} is going DOWN for maintenance{via}. {left}");
        (level, text)
    }

    fn leaves_maintenance(&self) -> Event {
        let wish = match self.change.now.admin {
            AdminState::Drain => "DRAIN",
            AdminState::Ready | AdminState::Maintenance => "READY",
        };
        let forced = if self.tracked().is_some() {
            ""
        } else {
            "forced "
        };
        let (name, oper) = (&self.name, self.up_or_down());
        let text = format!("{name} is {oper}/{wish} (leaving {forced}maintenance).");
        (LogLevel::Notice, text)
    }

    fn enters_drain(&self) -> Event {
        let counts = if is_up(self.change.now.oper) {
            self.online()
        } else {
            self.left()
        };
        let (name, via) = (&self.name, self.via());
        let text = format!("{name} enters drain state{via}. {counts}");
        (LogLevel::Notice, text)
    }

    fn leaves_drain(&self) -> Event {
        let (name, oper) = (&self.name, self.up_or_down());
        let text = format!("{name} is {oper} (leaving forced drain).");
        (LogLevel::Notice, text)
    }

    fn remains_in_drain(&self) -> Event {
        let name = &self.name;
        let text = match self.tracked() {
            Some(of) => {
                format!("{name} is leaving forced drain but remains in drain mode via {of}.")
            }
            None => format!("{name} remains in forced drain mode."),
        };
        (LogLevel::Notice, text)
    }

    fn up_or_down(&self) -> &'static str {
        if is_up(self.change.now.oper) {
            "UP"
        } else {
            "DOWN"
        }
    }

    fn tracked(&self) -> Option<&str> {
        match &self.change.reason {
            Reason::Tracked(of) => Some(of),
            _ => None,
        }
    }

    /// Whose state it follows, or which word of the statistics page asked for it.
    fn via(&self) -> String {
        match &self.change.reason {
            Reason::Tracked(of) => format!(" via {of}"),
            Reason::Admin(Channel::PageWord(word)) => format!(" ('{word}' on stats page)"),
            _ => String::new(),
        }
    }

    fn why(&self) -> String {
        match &self.change.reason {
            Reason::Check(result) | Reason::Agent(result) if self.explain => {
                Because(result).to_string()
            }
            Reason::Check(_) | Reason::Agent(_) => String::new(),
            Reason::Tracked(_) => self.via(),
            Reason::Admin(Channel::Socket) => ", changed from CLI".to_owned(),
            Reason::Admin(_) => ", changed from Web interface".to_owned(),
        }
    }

    fn left(&self) -> String {
        let StateChange {
            active_left,
            backup_left,
            sessions,
            requeued,
            queued,
            ..
        } = self.change;
        let backup = self.on_backup();
        format!(
            "{active_left} active and {backup_left} backup servers left.{backup} \
             {sessions} sessions active, {requeued} requeued, {queued} remaining in queue."
        )
    }

    fn online(&self) -> String {
        let StateChange {
            active_left,
            backup_left,
            requeued,
            queued,
            ..
        } = self.change;
        let backup = self.on_backup();
        format!(
            "{active_left} active and {backup_left} backup servers online.{backup} \
             {requeued} sessions requeued, {queued} total in queue."
        )
    }

    fn on_backup(&self) -> &'static str {
        if self.change.active_left == 0 && self.change.backup_left > 0 {
            " Running on backup."
        } else {
            ""
        }
    }
}

const fn is_up(oper: OperState) -> bool {
    !matches!(oper, OperState::Down)
}

/// `, reason: Layer7 wrong status, code: 404, info: "Not Found", check duration: 1ms`.
struct Because<'a>(&'a CheckResult);

impl Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CheckResult {
            status,
            code,
            info,
            duration,
        } = self.0;
        write!(f, ", reason: {}", status.description())?;
        if let Some(code) = code {
            write!(f, ", code: {code}")?;
        }
        if let Some(info) = info.as_deref().filter(|info| !info.is_empty()) {
            write!(f, ", info: \"{}\"", Reported(info))?;
        }
        // What live traffic found took no time of its own.
        if *status != CheckStatus::Observed {
            write!(f, ", check duration: {}ms", duration.as_millis())?;
        }
        Ok(())
    }
}

/// `1/2 DOWN`: how far a server is on its way.
struct Progress<'a> {
    rise: u32,
    fall: u32,
    report: &'a HealthReport,
}

impl Display for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rise, fall, report } = *self;
        let health = report.health;
        if health < rise {
            return write!(f, "{health}/{rise} DOWN");
        }
        let left = health - rise + 1;
        let word = if report.weightless { "DRAIN" } else { "UP" };
        write!(f, "{left}/{fall} {word}")
    }
}

#[cfg(test)]
mod tests;
