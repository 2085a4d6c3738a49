//! `set maxconn`, `set rate-limit`: limits of frontends and of the process.

use pontoon_config::haproxy::model::Access;

use super::Change;
use crate::{
    admin::runtime::{
        answer::Answer,
        command::{Arguments, Command},
        table::Row,
    },
    state::{Running, limits::ProcessLimit, operate::Refusal},
};

/// A limit that is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LimitChange {
    /// Of the process.
    Process(ProcessLimit, u32),
    /// Of the sessions of the frontend of this name.
    Frontend(String, u32),
}

pub(in crate::admin::runtime) const ROWS: &[Row] = &[
    Row {
        name: "set maxconn frontend",
        usage: "set maxconn frontend <frontend> <value>",
        what: "change a frontend's maxconn setting",
        access: Access::Admin,
        parse: frontend,
    },
    Row {
        name: "set maxconn global",
        usage: "set maxconn global <value>",
        what: "change the per-process maxconn setting",
        access: Access::Admin,
        parse: |arguments| process(ProcessLimit::Sessions, arguments.get(0)),
    },
    Row {
        name: "set rate-limit",
        usage: "set rate-limit <setting> <value>",
        what: "change a rate limiting value",
        access: Access::Admin,
        parse: rate,
    },
];

const RATES: &str = "'set rate-limit' only supports :
   - 'connections global' to set the per-process maximum connection rate
   - 'sessions global' to set the per-process maximum session rate";

fn frontend(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    match arguments.get(0) {
        "" => Err(Answer::error("A frontend name is expected.")),
        name => {
            let limit = number(arguments.get(1), "Integer value expected.")?;
            let change = LimitChange::Frontend(name.to_owned(), limit);
            Ok(Command::Change(Change::Limit(change)))
        }
    }
}

fn rate(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    let limit = match (arguments.get(0), arguments.get(1)) {
        ("connections", "global") => ProcessLimit::ConnectionRate,
        ("sessions", "global") => ProcessLimit::SessionRate,
        // Not kept: TLS passes through, and nothing is compressed.
        _ => return Err(Answer::error(RATES)),
    };
    process(limit, arguments.get(2))
}

fn process(limit: ProcessLimit, value: &str) -> Result<Command, Answer> {
    let value = number(value, "Expects an integer value.")?;
    let change = LimitChange::Process(limit, value);
    Ok(Command::Change(Change::Limit(change)))
}

fn number(text: &str, none: &str) -> Result<u32, Answer> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Answer::error(none));
    }
    // The highest number means in the state that nothing is said.
    let number = text.parse().ok().filter(|number| *number < u32::MAX);
    number.ok_or_else(|| super::refused(&Refusal::OutOfRange))
}

impl LimitChange {
    pub(super) fn apply(self, running: &Running) -> Result<(), Refusal> {
        match self {
            Self::Process(limit, value) => running.set_limit(limit, value)?,
            Self::Frontend(name, value) => {
                running.set_frontend_limit(running.find_frontend(&name)?, value);
            }
        }
        Ok(())
    }
}
