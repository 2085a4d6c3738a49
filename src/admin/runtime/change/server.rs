//! `set server` and its older forms.

use std::{net::IpAddr, time::Instant};

use pontoon_config::haproxy::{added, model::Access};
use pontoon_engine::{backend::HealthRuling, server::AdminState};

use super::{Change, path, refused};
use crate::{
    admin::runtime::{
        answer::{Answer, Severity},
        command::{Arguments, Command},
        table::Row,
    },
    checks::Checks,
    state::{
        Running,
        operate::{AddressChange, PortChange, ProbeAddress, Refusal, ServerChange},
    },
};

pub(in crate::admin::runtime) const ROWS: &[Row] = &[
    Row {
        name: "add server",
        usage: "add server <bk>/<srv>",
        what: "create a new server",
        access: Access::Admin,
        parse: added,
    },
    Row {
        name: "del server",
        usage: "del server <bk>/<srv>",
        what: "remove a dynamically added server",
        access: Access::Admin,
        parse: |arguments| match arguments.get(0).split_once('/') {
            Some(_) => Ok(Command::Change(Change::Delete(arguments.get(0).to_owned()))),
            None => Err(curt(&Refusal::NeedsPath)),
        },
    },
    Row {
        name: "disable agent",
        usage: "disable agent",
        what: "disable agent checks",
        access: Access::Admin,
        parse: |arguments| server(arguments, ServerChange::AgentChecks(false)),
    },
    Row {
        name: "disable health",
        usage: "disable health",
        what: "disable health checks",
        access: Access::Admin,
        parse: |arguments| server(arguments, ServerChange::Checks(false)),
    },
    Row {
        name: "disable server",
        usage: "disable server (DEPRECATED)",
        what: "disable a server for maintenance (use 'set server' instead)",
        access: Access::Admin,
        parse: |arguments| server(arguments, ServerChange::State(AdminState::Maintenance)),
    },
    Row {
        name: "enable agent",
        usage: "enable agent",
        what: "enable agent checks",
        access: Access::Admin,
        parse: |arguments| server(arguments, ServerChange::AgentChecks(true)),
    },
    Row {
        name: "enable health",
        usage: "enable health",
        what: "enable health checks",
        access: Access::Admin,
        parse: |arguments| server(arguments, ServerChange::Checks(true)),
    },
    Row {
        name: "enable server",
        usage: "enable server  (DEPRECATED)",
        what: "enable a disabled server (use 'set server' instead)",
        access: Access::Admin,
        parse: |arguments| server(arguments, ServerChange::State(AdminState::Ready)),
    },
    Row {
        name: "get weight",
        usage: "get weight <bk>/<srv>",
        what: "report a server's current weight",
        access: Access::User,
        parse: |arguments| Ok(Command::Change(Change::GetWeight(path(arguments)?))),
    },
    Row {
        name: "set maxconn server",
        usage: "set maxconn server <bk>/<srv>",
        what: "change a server's maxconn setting",
        access: Access::Admin,
        parse: |arguments| {
            path(arguments)?;
            server(arguments, ServerChange::Limit(limit(arguments.get(1))?))
        },
    },
    Row {
        name: "set server",
        usage: "set server <bk>/<srv> [opts]",
        what: "change a server's state, weight, address or ssl",
        access: Access::Admin,
        parse: set,
    },
    Row {
        name: "set weight",
        usage: "set weight <bk>/<srv>  (DEPRECATED)",
        what: "change a server's weight (use 'set server' instead)",
        access: Access::Admin,
        parse: |arguments| {
            path(arguments)?;
            server(arguments, weight(arguments.get(1))?)
        },
    },
];

const USAGE: &str = "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port \
                     | agent-send | check-addr | check-port | fqdn | health | ssl | state | weight";

fn added(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    match arguments.get(0).split_once('/') {
        Some((backend, name)) if !name.is_empty() => {
            let parameters = arguments.words.iter().skip(1).cloned();
            let words = [name.to_owned()].into_iter().chain(parameters).collect();
            Ok(Command::Change(Change::Add(backend.to_owned(), words)))
        }
        _ => Err(curt(&Refusal::NeedsPath)),
    }
}

/// HAProxy leaves the empty line out behind most answers of these two commands.
fn curt(refusal: &Refusal) -> Answer {
    Answer::Curt(Severity::Error, refusal.to_string())
}

pub(super) fn add(running: &Running, backend: &str, words: &[String], now: Instant) -> Answer {
    let proxy = match running.backend_for_more(backend) {
        Ok(proxy) => proxy,
        Err(refusal) => return curt(&refusal),
    };
    let added = added::read(words).and_then(|server| {
        Checks::would_do(running, proxy, &server)?;
        let added = running.add_server(proxy, server, now);
        added.map_err(|refusal| refusal.to_string())
    });
    match added {
        Ok(_) => Answer::Feedback(Severity::Notice, "New server registered.".into()),
        Err(problem) => Answer::error(problem),
    }
}

pub(super) fn delete(running: &Running, path: &str, now: Instant) -> Answer {
    let found = running.find_server(path);
    match found.and_then(|at| running.delete_server(at, now)) {
        Ok(()) => Answer::Curt(Severity::Notice, "Server deleted.".into()),
        Err(refusal) => curt(&refusal),
    }
}

fn server(arguments: &Arguments<'_>, change: ServerChange) -> Result<Command, Answer> {
    Ok(Command::Change(Change::Server(path(arguments)?, change)))
}

fn set(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    path(arguments)?;
    let value = arguments.get(2);
    let change = match arguments.get(1) {
        "state" => ServerChange::State(state(value)?),
        "weight" => weight(value)?,
        "health" => ServerChange::Health(health(value)?),
        "agent" => ServerChange::Agent(agent(value)?),
        "addr" => return address(arguments),
        "check-addr" => ServerChange::CheckAddress(probe(arguments, "check-addr")?),
        "check-port" => ServerChange::CheckAddress(probe_port(value, "check-port")?),
        "agent-addr" => ServerChange::AgentAddress(probe(arguments, "agent-addr")?),
        "agent-port" => ServerChange::AgentAddress(probe_port(value, "agent-port")?),
        "agent-send" => ServerChange::AgentSend(value.as_bytes().to_vec()),
        "fqdn" if value.is_empty() => {
            return Err(Answer::error("set server <b>/<s> fqdn requires a FQDN."));
        }
        "fqdn" => {
            return Err(Answer::error(
                "set server <b>/<s> fqdn failed because no resolution is configured.",
            ));
        }
        "ssl" => {
            return Err(Answer::error(
                "'set server <srv> ssl' cannot be set.  default-server should define ssl settings",
            ));
        }
        _ => return Err(Answer::error(USAGE)),
    };
    server(arguments, change)
}

fn state(word: &str) -> Result<AdminState, Answer> {
    match word {
        "ready" => Ok(AdminState::Ready),
        "drain" => Ok(AdminState::Drain),
        "maint" => Ok(AdminState::Maintenance),
        _ => Err(Answer::error(
            "'set server <srv> state' expects 'ready', 'drain' and 'maint'.",
        )),
    }
}

fn health(word: &str) -> Result<HealthRuling, Answer> {
    match word {
        "up" => Ok(HealthRuling::Up),
        "stopping" => Ok(HealthRuling::Stopping),
        "down" => Ok(HealthRuling::Down),
        _ => Err(Answer::error(
            "'set server <srv> health' expects 'up', 'stopping', or 'down'.",
        )),
    }
}

fn agent(word: &str) -> Result<bool, Answer> {
    match word {
        "up" => Ok(true),
        "down" => Ok(false),
        _ => Err(Answer::error(
            "'set server <srv> agent' expects 'up' or 'down'.",
        )),
    }
}

fn weight(word: &str) -> Result<ServerChange, Answer> {
    let weight = word.parse().map_err(|refusal: Refusal| refused(&refusal))?;
    Ok(ServerChange::Weight(weight))
}

fn limit(word: &str) -> Result<u32, Answer> {
    if word.is_empty() {
        return Err(Answer::error("Require <maxconn>."));
    }
    let garbage = "maxconn string empty or preceded by garbage";
    word.parse()
        .map_err(|_| Answer::Curt(Severity::Error, garbage.to_owned()))
}

fn address(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    let word = arguments.get(2);
    if word.is_empty() {
        return Err(needs_address("addr"));
    }
    let address: IpAddr = word
        .parse()
        .map_err(|_| Answer::error(format!("Invalid addr '{word}' by 'stats socket command'")))?;
    let port = match (arguments.get(3), arguments.get(4)) {
        ("port", port) => Some(port_change(port)?),
        _ => None,
    };
    let change = AddressChange { address, port };
    Ok(Command::Change(Change::Address(path(arguments)?, change)))
}

fn port_change(word: &str) -> Result<PortChange, Answer> {
    let port = if word.starts_with(['+', '-']) {
        word.parse().ok().map(PortChange::Offset)
    } else {
        word.parse().ok().map(PortChange::Fixed)
    };
    port.ok_or_else(|| {
        Answer::error(format!(
            "problem converting port '{word}' to an int by 'stats socket command'"
        ))
    })
}

fn probe(arguments: &Arguments<'_>, what: &str) -> Result<ProbeAddress, Answer> {
    let word = arguments.get(2);
    if word.is_empty() {
        return Err(needs_address(what));
    }
    let invalid = |_| Answer::Curt(Severity::Error, format!("invalid addr '{word}'"));
    let address: IpAddr = word.parse().map_err(invalid)?;
    let port = match arguments.get(3) {
        "port" => port(arguments.get(4)).map(Some)?,
        _ => None,
    };
    Ok(ProbeAddress {
        address: Some(address),
        port,
    })
}

fn probe_port(word: &str, what: &str) -> Result<ProbeAddress, Answer> {
    if word.is_empty() {
        let text = format!("set server <b>/<s> {what} requires a port.");
        return Err(Answer::error(text));
    }
    Ok(ProbeAddress {
        address: None,
        port: Some(port(word)?),
    })
}

fn port(word: &str) -> Result<u16, Answer> {
    let curt = |text: &str| Answer::Curt(Severity::Error, text.to_owned());
    let number: i64 = word
        .parse()
        .map_err(|_| curt("provided port is not an integer"))?;
    u16::try_from(number).map_err(|_| curt("provided port is invalid"))
}

fn needs_address(what: &str) -> Answer {
    Answer::error(format!(
        "set server <b>/<s> {what} requires an address and optionally a port."
    ))
}
