//! `pontoon demo`, as a newcomer sees it: the tour, the picture on a terminal, the fallback; and
//! that nothing is left behind.

mod footprint;
mod local;
mod terminal;
mod tour;

use crate::harness::Test;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    local::register(tests);
    terminal::register(tests);
    tour::register(tests);
}
