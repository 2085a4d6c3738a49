//! Pairs of nodes that share an address, on hosts of their own; the peers are real.

mod exchange;
mod frr;
mod hosts;
mod keepalived;
mod pontoon;
mod setup;
mod standstill;
mod street;
mod switchover;
mod upgrade;

use pontoon_lab::needs::Need;

use crate::harness::{Outcome, Test};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    exchange::register(tests);
    frr::register(tests);
    hosts::register(tests);
    keepalived::register(tests);
    pontoon::register(tests);
    standstill::register(tests);
    switchover::register(tests);
    upgrade::register(tests);
}

/// A test on hosts.
fn on_hosts(name: &str, run: impl FnOnce() -> Outcome + Send + 'static) -> Test {
    Test::new(format!("failover::{name}"), run)
        .needs(Need::Root)
        .needs(Need::Namespaces)
        .needs(Need::Hosts)
}
