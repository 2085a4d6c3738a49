//! Exasol through Pontoon: the real client pyexasol before the lab's database.

mod checks;
mod client;
mod clients;
mod idle;
mod scene;

use pontoon_lab::needs::Need;

use crate::harness::Test;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    checks::register(tests);
    clients::register(tests);
    idle::register(tests);
}

/// What the client needs.
const PYEXASOL: Need = Need::PythonModule("pyexasol");
