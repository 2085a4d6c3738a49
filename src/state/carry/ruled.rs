//! What an administrator set while the process ran: limits and addresses.

use std::net::{IpAddr, SocketAddr};

use pontoon_config::haproxy::model::{Global, ServerPort};
use pontoon_engine::address::{Endpoint, ServerAddr};
use serde::{Deserialize, Serialize};

use crate::state::{
    ProcessState,
    limits::ProcessLimit,
    whereabouts::{Moved, Whereabouts},
};

/// A limit as the file had it, and as it was set since. Where a new file says something else, that
/// counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Ruled {
    said: Option<u32>,
    now: Option<u32>,
}

impl Ruled {
    pub(super) const fn of(said: Option<u32>, now: Option<u32>) -> Self {
        Self { said, now }
    }

    /// What counts under a file that says so much; `None`: just that.
    pub(super) fn under(self, said: Option<u32>) -> Option<u32> {
        self.now.filter(|_| said == self.said && self.now != said)
    }
}

/// The limits of the process, each with what the file says of it.
fn said(global: &Global) -> [(ProcessLimit, Option<u32>); 3] {
    let rate = |limit: Option<u32>| Some(limit.unwrap_or(0));
    [
        (ProcessLimit::Sessions, global.max_connections),
        (
            ProcessLimit::ConnectionRate,
            rate(global.max_connection_rate),
        ),
        (ProcessLimit::SessionRate, rate(global.max_session_rate)),
    ]
}

pub(super) fn limits(global: &Global, process: &ProcessState) -> [Ruled; 3] {
    said(global).map(|(limit, said)| {
        let now = Some(process.limits.get(limit));
        // Without a word in the file, it follows from limits of the system, which may change.
        let most = (limit == ProcessLimit::Sessions).then_some(process.max_connections);
        Ruled::of(said, now.filter(|_| now != most))
    })
}

pub(super) fn restore_limits(carried: &[Ruled; 3], global: &Global, process: &ProcessState) {
    for (ruled, (limit, said)) in carried.iter().zip(said(global)) {
        match (ruled.under(said), limit) {
            (None, _) => {}
            (Some(now), ProcessLimit::Sessions) => {
                process.limits.set(limit, now.min(process.max_connections));
            }
            (Some(now), ProcessLimit::ConnectionRate | ProcessLimit::SessionRate) => {
                process.limits.set(limit, now);
            }
        }
    }
}

/// [`Moved`], as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Moves {
    address: Option<(SocketAddr, Port)>,
    check_address: Option<IpAddr>,
    check_port: Option<u16>,
    agent_address: Option<IpAddr>,
    agent_port: Option<u16>,
    agent_send: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Port {
    Fixed,
    Client,
    Offset(i32),
}

impl Moves {
    pub(super) fn of(moved: Option<Moved>) -> Self {
        let moved = moved.unwrap_or_default();
        let port = |port| match port {
            ServerPort::Fixed => Port::Fixed,
            ServerPort::Client => Port::Client,
            ServerPort::Offset(offset) => Port::Offset(offset),
        };
        let address = moved.address.and_then(|(address, rule)| {
            let ip = address.0.ip()?;
            Some((ip, port(rule)))
        });
        Self {
            address,
            check_address: moved.check_address,
            check_port: moved.check_port,
            agent_address: moved.agent_address,
            agent_port: moved.agent_port,
            agent_send: moved.agent_send,
        }
    }

    pub(super) fn restore(&self, whereabouts: &Whereabouts) {
        if *self == Self::default() {
            return;
        }
        let port = |port| match port {
            Port::Fixed => ServerPort::Fixed,
            Port::Client => ServerPort::Client,
            Port::Offset(offset) => ServerPort::Offset(offset),
        };
        let address = self
            .address
            .map(|(ip, rule)| (ServerAddr(Endpoint::Ip(ip)), port(rule)));
        whereabouts.change(|moved| {
            *moved = Moved {
                address,
                check_address: self.check_address,
                check_port: self.check_port,
                agent_address: self.agent_address,
                agent_port: self.agent_port,
                agent_send: self.agent_send.clone(),
            };
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_stays_unless_the_file_says_something_new() {
        let ruled = Ruled::of(Some(50), Some(7));
        assert_eq!(ruled.under(Some(50)), Some(7));
        assert_eq!(ruled.under(Some(60)), None);
        assert_eq!(Ruled::of(None, None).under(None), None);
    }

    #[test]
    fn a_move_survives_as_json() {
        let address = ServerAddr(Endpoint::Ip(SocketAddr::from(([10, 0, 0, 1], 80))));
        let moved = Moved {
            address: Some((address, ServerPort::Offset(-3))),
            check_port: Some(81),
            agent_send: Some(b"up?".to_vec()),
            ..Moved::default()
        };
        let json = serde_json::to_string(&Moves::of(Some(moved.clone()))).unwrap();
        let back: Moves = serde_json::from_str(&json).unwrap();
        let whereabouts = Whereabouts::default();
        back.restore(&whereabouts);
        assert_eq!(whereabouts.get(), Some(moved));
    }
}
