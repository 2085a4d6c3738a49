//! A node: processes that watch each other, and what can be seen of them.

mod apart;
mod crash;
mod flood;
mod hung;
mod kills;
mod links;
mod nuisance;
mod status;
mod storm;
mod supervision;
mod twin;

use crate::harness::Test;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    apart::register(tests);
    crash::register(tests);
    flood::register(tests);
    hung::register(tests);
    kills::register(tests);
    links::register(tests);
    nuisance::register(tests);
    status::register(tests);
    storm::register(tests);
    supervision::register(tests);
    twin::register(tests);
}
