//! What an administrator may do from the page: parsed first, applied second.
//!
//! The form is HAProxy's: `b` names a backend (or `#` and its number), each `s` a server,
//! `action` says what to do. The answer is a redirection whose `;st=` tells what came of it.

use std::time::Instant;

use pontoon_config::haproxy::model::Proxy;
use pontoon_engine::{
    backend::{Channel, HealthRuling},
    server::AdminState,
    units::ServerId,
};

use super::http::form;
use crate::state::{
    Running,
    operate::{ServerAt, ServerChange},
};

/// Something to do to some servers of one backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    backend: String,
    servers: Vec<String>,
    action: Action,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// A state, under the word of the form if that is an older one.
    State(AdminState, Channel),
    /// Out of maintenance, if it is in it (an older word).
    Enable,
    /// Into maintenance, if it is not (an older word).
    Disable,
    /// Switch its checks on (true) or off.
    Checks(bool),
    /// Switch its agent on (true) or off.
    AgentChecks(bool),
    /// Overrule its checks.
    Health(HealthRuling),
    /// Overrule its agent: up (true) or down.
    Agent(bool),
    /// End its sessions.
    Shutdown,
}

/// What came of it, as the four letters behind `;st=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything was done.
    Done,
    /// Some servers do not exist.
    Partly,
    /// Nothing had to change.
    Unchanged,
    /// The form makes no sense.
    Invalid,
    /// The form is too large.
    TooLarge,
    /// Nobody may do this here.
    Denied,
}

/// The actions the page offers.
pub(crate) const OFFERED: [(&str, &str); 13] = [
    ("ready", "Set state to READY"),
    ("drain", "Set state to DRAIN"),
    ("maint", "Set state to MAINT"),
    ("dhlth", "Health: disable checks"),
    ("ehlth", "Health: enable checks"),
    ("hrunn", "Health: force UP"),
    ("hnolb", "Health: force NOLB"),
    ("hdown", "Health: force DOWN"),
    ("dagent", "Agent: disable checks"),
    ("eagent", "Agent: enable checks"),
    ("arunn", "Agent: force UP"),
    ("adown", "Agent: force DOWN"),
    ("shutdown", "Kill Sessions"),
];

impl Command {
    /// Reads a form.
    ///
    /// # Errors
    /// It says nothing that could be done.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Outcome> {
        let (mut backend, mut action, mut servers) = (None, None, Vec::new());
        for (name, value) in form::fields(body) {
            match &*name {
                "b" => backend = Some(value),
                "s" => servers.push(value),
                "action" => action = Some(value),
                _ => {}
            }
        }
        if backend.is_none() && action.is_none() && servers.is_empty() {
            return Err(Outcome::Unchanged);
        }
        Ok(Self {
            backend: backend.ok_or(Outcome::Invalid)?,
            servers,
            action: action.ok_or(Outcome::Invalid)?.parse()?,
        })
    }

    /// Carries it out.
    pub(crate) fn apply(&self, running: &Running, now: Instant) -> Outcome {
        let Some(proxy) = find_backend(running, &self.backend) else {
            return Outcome::Invalid;
        };
        let (mut changed, mut unknown) = (0, 0);
        for name in &self.servers {
            match find_server(running, proxy, name) {
                Some(server) => {
                    let at = ServerAt {
                        backend: proxy.id,
                        server,
                    };
                    changed += u32::from(self.action.apply(running, at, now));
                }
                None => unknown += 1,
            }
        }
        let known = self.servers.len() - unknown;
        match (changed, unknown) {
            (0, 0) => Outcome::Unchanged,
            (_, 0) => Outcome::Done,
            _ if known == 0 => Outcome::Invalid,
            _ => Outcome::Partly,
        }
    }
}

impl std::str::FromStr for Action {
    type Err = Outcome;

    fn from_str(word: &str) -> Result<Self, Outcome> {
        let state = |state| Ok(Self::State(state, Channel::Page));
        match word {
            "ready" => state(AdminState::Ready),
            "drain" => state(AdminState::Drain),
            "maint" => state(AdminState::Maintenance),
            "start" => Ok(Self::State(AdminState::Ready, Channel::PageWord("start"))),
            "stop" => Ok(Self::State(AdminState::Drain, Channel::PageWord("stop"))),
            "enable" => Ok(Self::Enable),
            "disable" => Ok(Self::Disable),
            "ehlth" => Ok(Self::Checks(true)),
            "dhlth" => Ok(Self::Checks(false)),
            "eagent" => Ok(Self::AgentChecks(true)),
            "dagent" => Ok(Self::AgentChecks(false)),
            "hrunn" => Ok(Self::Health(HealthRuling::Up)),
            "hnolb" => Ok(Self::Health(HealthRuling::Stopping)),
            "hdown" => Ok(Self::Health(HealthRuling::Down)),
            "arunn" => Ok(Self::Agent(true)),
            "adown" => Ok(Self::Agent(false)),
            "shutdown" => Ok(Self::Shutdown),
            _ => Err(Outcome::Invalid),
        }
    }
}

impl Action {
    /// Does it to one server; false if there was nothing to do.
    fn apply(self, running: &Running, at: ServerAt, now: Instant) -> bool {
        let change = match self {
            Self::State(state, channel) => {
                return running
                    .change_server(at, ServerChange::State(state), channel, now)
                    .is_ok();
            }
            Self::Enable if in_maintenance(running, at, now) => {
                ServerChange::State(AdminState::Ready)
            }
            Self::Disable if !in_maintenance(running, at, now) => {
                ServerChange::State(AdminState::Maintenance)
            }
            Self::Enable | Self::Disable => return false,
            Self::Checks(on) if running.has_checks(at) => ServerChange::Checks(on),
            Self::AgentChecks(on) if running.has_agent(at) => ServerChange::AgentChecks(on),
            Self::Checks(_) | Self::AgentChecks(_) => return false,
            Self::Health(ruling) => ServerChange::Health(ruling),
            Self::Agent(up) => ServerChange::Agent(up),
            Self::Shutdown => {
                running.shut_down_sessions(at);
                return true;
            }
        };
        let changed = running.change_server(at, change, Channel::Page, now);
        changed.is_ok()
    }
}

fn in_maintenance(running: &Running, at: ServerAt, now: Instant) -> bool {
    running.backend(at.backend).is_some_and(|state| {
        state.balancer().server_view(at.server, now).admin == AdminState::Maintenance
    })
}

/// A backend by `#` and number, or by name.
fn find_backend<'r>(running: &'r Running, wanted: &str) -> Option<&'r Proxy> {
    let number: Option<u32> = wanted
        .strip_prefix('#')
        .and_then(|digits| digits.parse().ok());
    running
        .model
        .proxies
        .iter()
        .filter(|proxy| proxy.backend.is_some() && !proxy.disabled)
        .find(|proxy| number.map_or(&*proxy.name == wanted, |number| proxy.number == number))
}

fn find_server(running: &Running, proxy: &Proxy, name: &str) -> Option<ServerId> {
    let mut servers = running.servers(proxy);
    let (server, _) = servers.find(|(server, _)| &*server.settings.name == name)?;
    Some(server.id)
}

impl Outcome {
    /// The letters behind `;st=`.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Done => "DONE",
            Self::Partly => "PART",
            Self::Unchanged => "NONE",
            Self::Invalid => "ERRP",
            Self::TooLarge => "EXCD",
            Self::Denied => "DENY",
        }
    }

    /// Reads such letters.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        [
            Self::Done,
            Self::Partly,
            Self::Unchanged,
            Self::Invalid,
            Self::TooLarge,
            Self::Denied,
        ]
        .into_iter()
        .find(|outcome| outcome.code() == code)
    }

    /// A sentence for the page.
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::Done => "Done.",
            Self::Partly => "Partly done: some of these servers do not exist.",
            Self::Unchanged => "Nothing had to change.",
            Self::Invalid => {
                "Not done: the action, the backend or the server is unknown. Reload the page and \
                 try again."
            }
            Self::TooLarge => "Not done: that was too much at once. Choose fewer servers.",
            Self::Denied => "Denied: nobody may change anything from here (see `stats admin`).",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_a_backend_servers_and_an_action() {
        let command = Command::parse(b"action=drain&s=web1&b=%233&s=web2").unwrap();
        assert_eq!(command.backend, "#3");
        assert_eq!(command.servers, ["web1", "web2"]);
        let drain = Action::State(AdminState::Drain, Channel::Page);
        assert_eq!(command.action, drain);
    }

    #[test]
    fn what_cannot_be_done_is_told_apart_from_nonsense() {
        let outcome = |body: &str| Command::parse(body.as_bytes()).unwrap_err();
        assert_eq!(outcome(""), Outcome::Unchanged);
        assert_eq!(outcome("b=be&s=x&action="), Outcome::Invalid);
        assert_eq!(outcome("b=be&s=x&action=explode"), Outcome::Invalid);
        assert_eq!(outcome("s=x&action=ready"), Outcome::Invalid);
    }

    #[test]
    fn every_outcome_is_found_by_its_code() {
        assert_eq!(Outcome::from_code("PART"), Some(Outcome::Partly));
        assert_eq!(Outcome::from_code("<script>"), None);
    }
}
