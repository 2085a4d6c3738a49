//! The election's hands, on real interfaces: what it hears, sends and holds.

mod addresses;
mod adverts;
mod interfaces;
mod keepalived;
mod reload;
mod stage;
mod wire;

use pontoon_lab::needs::Need;

use crate::harness::{Outcome, Test};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    addresses::register(tests);
    adverts::register(tests);
    interfaces::register(tests);
    keepalived::register(tests);
    reload::register(tests);
    wire::register(tests);
}

fn on_a_stage(name: &str, run: impl FnOnce() -> Outcome + Send + 'static) -> Test {
    Test::new(format!("network::{name}"), run)
        .needs(Need::Root)
        .needs(Need::Namespaces)
}
