//! `set server … state` and `… weight`: whether a server gets sessions, and how many (HAProxy
//! management manual, 9.3).

use std::{sync::Arc, time::Instant};

use pontoon_config::haproxy::model::Access;
use pontoon_engine::{
    server::AdminState,
    units::{ProxyId, ServerId, Weight},
};

use super::{
    answer::Answer,
    command::{Arguments, Command},
    table::Row,
};
use crate::state::Running;

/// What is to become of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    backend: String,
    server: String,
    wish: Wish,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    State(AdminState),
    Weight(Weight),
}

pub(super) const ROWS: &[Row] = &[Row {
    name: "set server",
    usage: "set server <bk>/<srv> [opts]",
    what: "change a server's state or weight",
    access: Access::Admin,
    parse,
}];

fn parse(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    let Some((backend, server)) = arguments.get(0).split_once('/') else {
        return Err(Answer::error("Require 'backend/server'."));
    };
    let wish = match arguments.get(1) {
        "state" => Wish::State(state(arguments.get(2))?),
        "weight" => Wish::Weight(weight(arguments.get(2))?),
        _ => {
            let text = "usage: set server <backend>/<server> state | weight";
            return Err(Answer::error(text));
        }
    };
    Ok(Command::Standing(Standing {
        backend: backend.to_owned(),
        server: server.to_owned(),
        wish,
    }))
}

fn state(word: &str) -> Result<AdminState, Answer> {
    match word {
        "ready" => Ok(AdminState::Ready),
        "drain" => Ok(AdminState::Drain),
        "maint" => Ok(AdminState::Maintenance),
        _ => {
            let text = "'set server <srv> state' expects 'ready', 'drain' and 'maint'.";
            Err(Answer::error(text))
        }
    }
}

fn weight(word: &str) -> Result<Weight, Answer> {
    let number: Result<u16, _> = word.parse();
    let number = number.map_err(|_| Answer::error("Require <weight>."))?;
    Weight::new(number)
        .ok_or_else(|| Answer::error("Absolute weight can only be between 0 and 256 inclusive."))
}

impl Standing {
    pub(super) fn apply(&self, running: &Arc<Running>) -> Answer {
        let (backend, server) = match self.find(running) {
            Ok(found) => found,
            Err(answer) => return answer,
        };
        let now = Instant::now();
        running.with_backend(backend, now, |balancer| match self.wish {
            Wish::State(state) => balancer.set_admin(server, state, now),
            Wish::Weight(weight) => balancer.set_weight(server, weight, now),
        });
        Answer::Done
    }

    fn find(&self, running: &Running) -> Result<(ProxyId, ServerId), Answer> {
        let mut proxies = running.model.proxies.iter();
        let proxy = proxies.find(|it| *it.name == *self.backend && it.backend.is_some());
        let proxy = proxy.ok_or_else(|| Answer::error("No such backend."))?;
        let servers = proxy.backend.iter().flat_map(|side| &side.servers);
        let found = { servers }.find(|it| *it.settings.name == *self.server);
        let server = found.ok_or_else(|| Answer::error("No such server."))?;
        Ok((proxy.id, server.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::fixture;

    fn answer(line: &str) -> Answer {
        let running = fixture::running("stats enable");
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let arguments = Arguments {
            words: &words,
            payload: None,
        };
        match parse(&arguments) {
            Ok(Command::Standing(standing)) => standing.apply(&running),
            Ok(other) => panic!("{other:?}"),
            Err(answer) => answer,
        }
    }

    /// As HAProxy 2.6 answers.
    #[test]
    fn what_is_wrong_is_told_in_haproxys_words() {
        let cases = [
            ("", "Require 'backend/server'."),
            ("nobody/s1 state ready", "No such backend."),
            (
                "nobody/s1 state foo",
                "'set server <srv> state' expects 'ready', 'drain' and 'maint'.",
            ),
            (
                "nobody/s1 weight 257",
                "Absolute weight can only be between 0 and 256 inclusive.",
            ),
        ];
        for (line, wanted) in cases {
            assert_eq!(answer(line), Answer::error(wanted), "{line}");
        }
    }
}
