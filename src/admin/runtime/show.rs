//! Commands that tell something and change nothing.

mod info;
mod servers;
mod stat;
mod why;

use std::sync::Arc;

use pontoon_config::haproxy::model::Access;

use super::{answer::Answer, command::Command, table::Row};
use crate::{admin::why::Subject, state::Running};

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Show {
    /// `show info`.
    Info(info::Form),
    /// `show servers state`, of one backend or of all.
    ServersState(Option<String>),
    /// `show stat`.
    Stat(stat::Wanted),
    /// `show version`.
    Version,
    /// `show why`.
    Why(Subject),
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "show info",
        usage: "show info [desc|json|typed|float]*",
        what: "report information about the running process",
        access: Access::User,
        parse: |arguments| Ok(Command::Show(Show::Info(info::parse(arguments)))),
    },
    Row {
        name: "show servers state",
        usage: "show servers state [<backend>]",
        what: "dump volatile server information (all or for a single backend)",
        access: Access::User,
        parse: |arguments| {
            let backend = Some(arguments.get(0)).filter(|name| !name.is_empty());
            Ok(Command::Show(Show::ServersState(
                backend.map(str::to_owned),
            )))
        },
    },
    Row {
        name: "show stat",
        usage: "show stat [desc|json|no-maint|typed|up]*",
        what: "report counters for each proxy and server",
        access: Access::User,
        parse: |arguments| Ok(Command::Show(Show::Stat(stat::parse(arguments)))),
    },
    Row {
        name: "show version",
        usage: "show version",
        what: "show version of the current process",
        access: Access::User,
        parse: |_| Ok(Command::Show(Show::Version)),
    },
    Row {
        name: "show why",
        usage: "show why [<backend>[/<server>]]",
        what: "report why servers are as they are, and what has happened to them",
        access: Access::User,
        parse: |arguments| Ok(Command::Show(Show::Why(Subject::of(arguments.get(0))))),
    },
];

impl Show {
    pub(super) fn answer(self, running: &Arc<Running>) -> Answer {
        match self {
            Self::Info(form) => info::answer(running, form),
            Self::ServersState(backend) => servers::state(running, backend.as_deref()),
            Self::Stat(wanted) => stat::answer(running, &wanted),
            Self::Version => Answer::info(crate::VERSION),
            Self::Why(subject) => why::answer(running, &subject),
        }
    }
}
