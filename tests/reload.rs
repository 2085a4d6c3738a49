//! Reloads, seen from outside: who is started, who leaves, what is refused, and what is said of it.

mod between;
mod command;
mod failures;
mod master;
mod node;
mod plan;
mod renewal;
mod scene;

use crate::harness::Test;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    between::register(tests);
    command::register(tests);
    failures::register(tests);
    master::register(tests);
    node::register(tests);
    plan::register(tests);
    renewal::register(tests);
}
