//! Commands that change something: what they do to sessions, and what they answer, each beside
//! the real HAProxy on the same file.

mod acls;
mod added;
mod answers;
mod checks;
mod limits;
mod servers;
mod sessions;
mod stage;

use crate::harness::Test;
pub(crate) use stage::{Stage, ask, both, expect};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    acls::register(tests);
    added::register(tests);
    answers::register(tests);
    checks::register(tests);
    limits::register(tests);
    servers::register(tests);
    sessions::register(tests);
}
