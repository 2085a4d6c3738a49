//! Metrics, next to those of the real HAProxy's exporter, and what Prometheus makes of them.

mod endpoints;
mod haproxy;
mod node;
mod peers;
mod scrape;

use crate::harness::Test;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    endpoints::register(tests);
    haproxy::register(tests);
    node::register(tests);
    peers::register(tests);
}
