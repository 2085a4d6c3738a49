//! The clients of the providers against strict fakes of their documented APIs, which throttle, are
//! slow, lose answers and lag as the real ones do.

mod digitalocean;
mod hetzner;
mod stage;

use crate::harness::Test;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    hetzner::register(tests);
    digitalocean::register(tests);
}
