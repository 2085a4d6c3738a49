//! Commands that tell something and change nothing.

mod info;
mod process;
mod servers;
mod sessions;
mod stat;
mod why;

use std::sync::Arc;

use pontoon_config::haproxy::model::Access;

pub(super) use self::sessions::Listing;
use super::{
    acl::AclQuestion,
    answer::Answer,
    command::{Arguments, Command},
    map,
    table::Row,
};
use crate::{
    admin::{json, why::Subject},
    state::Running,
};

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Show {
    /// `show info`.
    Info(info::Form),
    /// `show stat`.
    Stat(stat::Wanted),
    /// `show version`.
    Version,
    /// `show env`, of this variable or of all.
    Environment(String),
    /// `show cli sockets`.
    Sockets,
    /// `show activity`.
    Activity,
    /// `show errors`, of this proxy or of all.
    Errors(String),
    /// `show backend`.
    Backends,
    /// `show servers state`, of this backend or of all.
    ServerStates(String),
    /// `show servers conn`, of this backend or of all.
    ServerConnections(String),
    /// `show schema json`.
    Schema,
    /// `show table`: there is none of this name.
    Table(String),
    /// `show acl`.
    Acl(AclQuestion),
    /// `show map`: there is none of this name.
    Map(String),
    /// `show resolvers`: there are none of this name.
    Resolvers(String),
    /// `show sess`.
    Sessions(sessions::Wanted),
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
    Row {
        name: "show sess",
        usage: "show sess [id]",
        what: "report the list of current sessions or dump this exact session",
        access: Access::Operator,
        parse: |arguments| Ok(Command::Show(Show::Sessions(sessions::parse(arguments)?))),
    },
    Row {
        name: "show env",
        usage: "show env [var]",
        what: "dump environment variables known to the process",
        access: Access::Operator,
        parse: |arguments| Ok(Command::Show(Show::Environment(first(arguments)))),
    },
    Row {
        name: "show cli sockets",
        usage: "show cli sockets",
        what: "dump list of cli sockets",
        access: Access::User,
        parse: |_| Ok(Command::Show(Show::Sockets)),
    },
    Row {
        name: "show activity",
        usage: "show activity",
        what: "show per-thread activity stats (for support/developers)",
        access: Access::User,
        parse: |_| Ok(Command::Show(Show::Activity)),
    },
    Row {
        name: "show errors",
        usage: "show errors [<px>] [request|response]",
        what: "report last request and/or response errors for each proxy",
        access: Access::Operator,
        parse: |arguments| Ok(Command::Show(Show::Errors(first(arguments)))),
    },
    Row {
        name: "show backend",
        usage: "show backend",
        what: "list backends in the current running config",
        access: Access::User,
        parse: |_| Ok(Command::Show(Show::Backends)),
    },
    Row {
        name: "show servers state",
        usage: "show servers state [<backend>]",
        what: "dump volatile server information (all or for a single backend)",
        access: Access::User,
        parse: |arguments| Ok(Command::Show(Show::ServerStates(first(arguments)))),
    },
    Row {
        name: "show servers conn",
        usage: "show servers conn [<backend>]",
        what: "dump server connections status (all or for a single backend)",
        access: Access::User,
        parse: |arguments| Ok(Command::Show(Show::ServerConnections(first(arguments)))),
    },
    Row {
        name: "show schema json",
        usage: "show schema json",
        what: "report schema used for stats",
        access: Access::User,
        parse: |_| Ok(Command::Show(Show::Schema)),
    },
    Row {
        name: "show table",
        usage: "show table <table> [<filter>]*",
        what: "report table usage stats or dump this table's contents (filter: data/key)",
        access: Access::User,
        parse: |arguments| Ok(Command::Show(Show::Table(first(arguments)))),
    },
    Row {
        name: "show resolvers",
        usage: "show resolvers [id]",
        what: "dumps counters from all resolvers section and associated name servers",
        access: Access::User,
        parse: |arguments| Ok(Command::Show(Show::Resolvers(first(arguments)))),
    },
];

fn first(arguments: &Arguments<'_>) -> String {
    arguments.get(0).to_owned()
}

impl Show {
    pub(super) async fn answer(self, running: &Arc<Running>) -> Answer {
        match self {
            Self::Info(form) => info::answer(running, form),
            Self::Stat(wanted) => stat::answer(running, &wanted),
            Self::Version => Answer::info(crate::VERSION),
            Self::Environment(name) => process::environment(&name),
            Self::Sockets => process::sockets(running),
            Self::Activity => process::activity(running),
            Self::Errors(proxy) => process::errors(running, &proxy),
            Self::Backends => servers::backends(running),
            Self::ServerStates(backend) => servers::state(running, &backend),
            Self::ServerConnections(backend) => servers::connections(running, &backend),
            Self::Schema => Answer::Text(json::schema() + "\n"),
            // None of these can be configured: the files that would are refused.
            Self::Table(name) if name.is_empty() => Answer::Done,
            Self::Table(_) => Answer::error("No such table"),
            Self::Acl(question) => question.answer(running),
            Self::Map(name) if name.is_empty() => Answer::info("# id (file) description"),
            Self::Map(_) => Answer::error(map::UNKNOWN),
            Self::Resolvers(name) if name.is_empty() => Answer::Done,
            Self::Resolvers(_) => Answer::error("Can't find that resolvers section"),
            Self::Sessions(wanted) => sessions::answer(running, wanted).await,
            Self::Why(subject) => why::answer(running, &subject),
        }
    }
}
