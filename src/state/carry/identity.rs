//! Whether a server of the same name is still the same, as far as its checks go.

use std::{
    fmt::Debug,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use pontoon_config::haproxy::model::{Server, ServerSide};
use pontoon_engine::backend::Sameness;
use serde::{Deserialize, Serialize};

/// What is checked, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// Where the server is.
    place: String,
    /// How it is checked, hashed. Another version of us may hash otherwise; then the check counts
    /// as another, which does no harm.
    check: Option<u64>,
    /// Which agent is asked, hashed.
    agent: Option<u64>,
}

impl Identity {
    pub(super) fn of(side: &ServerSide, server: &Server) -> Self {
        let check = server.check.as_ref();
        let agent = server.agent.as_ref();
        Self {
            place: format!("{:?} {:?}", server.address, server.port),
            check: check.map(|check| hash(&(check, &side.check, &side.external_check_path))),
            agent: agent.map(|agent| hash(&agent)),
        }
    }

    /// How far what is checked is still what it was.
    pub(super) fn check_under(&self, now: &Self) -> Sameness {
        if self.place != now.place {
            Sameness::Elsewhere
        } else if self.check == now.check {
            Sameness::Same
        } else {
            Sameness::OtherCheck
        }
    }

    /// Whether the same agent speaks for the same server.
    pub(super) fn same_agent(&self, now: &Self) -> bool {
        self.place == now.place && self.agent == now.agent
    }
}

/// What a thing looks like, as a number.
fn hash(thing: &impl Debug) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{thing:?}").hash(&mut hasher);
    hasher.finish()
}
