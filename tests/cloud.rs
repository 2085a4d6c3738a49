//! The clients of the providers: against moto, which is EC2 as others understand it, and against strict
//! fakes of their documented APIs, which throttle, are slow, lose answers and lag as the real ones do.

mod digitalocean;
mod ec2;
mod hetzner;
mod moto;
mod numbers;
mod stage;
mod tool;

use crate::harness::Test;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    ec2::register(tests);
    hetzner::register(tests);
    digitalocean::register(tests);
    moto::register(tests);
    tool::register(tests);
}
