//! Commands that change something.

mod limits;
mod server;

use std::{sync::Arc, time::Instant};

use pontoon_config::haproxy::model::Access;
use pontoon_engine::backend::Channel;

use self::limits::LimitChange;
use super::{
    acl::AclChange,
    answer::{Answer, Severity},
    command::{Arguments, Command},
    table::Row,
};
use crate::state::{
    Running,
    operate::{AddressChange, Refusal, ServerChange, SessionId},
};

/// What is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Add a server: its backend, its name, address and parameters.
    Add(String, Vec<String>),
    /// Delete a server.
    Delete(String),
    /// Something of a server, named as `backend/server`.
    Server(String, ServerChange),
    /// Where a server is.
    Address(String, AddressChange),
    /// Tell the weight of a server.
    GetWeight(String),
    /// Whether a frontend listens.
    Frontend(String, FrontendChange),
    /// A list of patterns.
    Acl(AclChange),
    /// A limit.
    Limit(LimitChange),
    /// End a session.
    EndSession(SessionId),
    /// End the sessions of a server.
    EndSessions(String),
    /// Maxima begin anew.
    ClearMaxima,
    /// Everything that is counted begins anew.
    ClearCounters,
}

/// What becomes of a frontend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrontendChange {
    /// It listens again.
    Enable,
    /// It listens no more, for now.
    Disable,
    /// It listens no more.
    ShutDown,
}

pub(super) use self::{limits::ROWS as LIMITS, server::ROWS as SERVERS};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "clear counters",
        usage: "clear counters [all]",
        what: "clear max statistics counters (or all counters)",
        access: Access::Operator,
        parse: |_| Ok(Command::Change(Change::ClearMaxima)),
    },
    Row {
        name: "clear counters all",
        usage: "clear counters all",
        what: "clear all statistics counters",
        access: Access::Admin,
        parse: |_| Ok(Command::Change(Change::ClearCounters)),
    },
    Row {
        name: "disable frontend",
        usage: "disable frontend <frontend>",
        what: "temporarily disable specific frontend",
        access: Access::Admin,
        parse: |arguments| frontend(arguments, FrontendChange::Disable),
    },
    Row {
        name: "enable frontend",
        usage: "enable frontend <frontend>",
        what: "re-enable specific frontend",
        access: Access::Admin,
        parse: |arguments| frontend(arguments, FrontendChange::Enable),
    },
    Row {
        name: "shutdown frontend",
        usage: "shutdown frontend <frontend>",
        what: "stop a specific frontend",
        access: Access::Admin,
        parse: |arguments| frontend(arguments, FrontendChange::ShutDown),
    },
    Row {
        name: "shutdown session",
        usage: "shutdown session [id]",
        what: "kill a specific session",
        access: Access::Admin,
        parse: |arguments| match arguments.get(0).parse() {
            Ok(id) => Ok(Command::Change(Change::EndSession(id))),
            Err(refusal) => Err(refused(&refusal)),
        },
    },
    Row {
        name: "shutdown sessions server",
        usage: "shutdown sessions server <bk>/<srv>",
        what: "kill sessions on a server",
        access: Access::Admin,
        parse: |arguments| Ok(Command::Change(Change::EndSessions(path(arguments)?))),
    },
];

fn frontend(arguments: &Arguments<'_>, change: FrontendChange) -> Result<Command, Answer> {
    match arguments.get(0) {
        "" => Err(Answer::error("A frontend name is expected.")),
        name => Ok(Command::Change(Change::Frontend(name.to_owned(), change))),
    }
}

/// The first argument, which names a server with its backend.
fn path(arguments: &Arguments<'_>) -> Result<String, Answer> {
    let path = arguments.get(0);
    if path.contains('/') {
        Ok(path.to_owned())
    } else {
        Err(refused(&Refusal::NeedsPath))
    }
}

/// The answer to what cannot be done.
pub(super) fn refused(refusal: &Refusal) -> Answer {
    if refusal.is_curt() {
        Answer::Curt(Severity::Error, refusal.to_string())
    } else {
        Answer::error(refusal.to_string())
    }
}

impl Change {
    pub(super) async fn answer(self, running: &Arc<Running>) -> Answer {
        match self.apply(running).await {
            Ok(answer) => answer,
            Err(refusal) => refused(&refusal),
        }
    }

    async fn apply(self, running: &Arc<Running>) -> Result<Answer, Refusal> {
        let now = Instant::now();
        match self {
            Self::Add(backend, words) => return Ok(server::add(running, &backend, &words, now)),
            Self::Delete(path) => return Ok(server::delete(running, &path, now)),
            Self::Server(path, change) => {
                let at = running.find_server(&path)?;
                running.change_server(at, change, Channel::Socket, now)?;
            }
            Self::Address(path, change) => {
                let at = running.find_server(&path)?;
                let moved = running.move_server(at, change)?;
                return Ok(Answer::Feedback(Severity::Notice, moved.to_string()));
            }
            Self::GetWeight(path) => {
                let at = running.find_server(&path)?;
                let (weight, initial) = running.weights(at, now).ok_or(Refusal::NoSuchServer)?;
                let text = format!("{} (initial {})", weight.get(), initial.get());
                return Ok(Answer::info(text));
            }
            Self::Frontend(name, change) => {
                let id = running.find_frontend(&name)?;
                match change {
                    FrontendChange::Enable => running.enable_frontend(id)?,
                    FrontendChange::Disable => running.disable_frontend(id)?,
                    FrontendChange::ShutDown => running.shut_down_frontend(id)?,
                }
            }
            Self::Acl(change) => return Ok(change.answer(running)),
            Self::Limit(limit) => limit.apply(running)?,
            Self::EndSession(id) => running.shut_down_session(id).await?,
            Self::EndSessions(path) => running.shut_down_sessions(running.find_server(&path)?),
            Self::ClearMaxima => running.clear_maxima(),
            Self::ClearCounters => running.clear_counters().await,
        }
        Ok(Answer::Done)
    }
}
