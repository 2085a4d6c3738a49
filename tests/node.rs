//! A node: processes that watch each other, and what can be seen of them.

mod twin;

use crate::harness::Test;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    twin::register(tests);
}
