//! Metrics, next to those of the real HAProxy's exporter, and what Prometheus makes of them.

mod haproxy;
mod scrape;

use crate::harness::Test;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    haproxy::register(tests);
}
