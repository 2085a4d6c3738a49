//! What a file can say, said to two elections of ours: each word is seen to do its work.

mod addresses;
mod checksums;
mod groups;
mod process;
mod timing;
mod told;
mod tracking;
mod written;

use super::{duo, on_hosts};
use crate::harness::{Outcome, Test};

/// Adds them.
pub(super) fn register(tests: &mut Vec<Test>) {
    addresses::register(tests);
    checksums::register(tests);
    groups::register(tests);
    process::register(tests);
    timing::register(tests);
    told::register(tests);
    tracking::register(tests);
    written::register(tests);
}

/// A name and what is done under it.
type Named<'a> = (&'a str, fn() -> Outcome);

/// Adds these.
fn add(tests: &mut Vec<Test>, all: &[Named<'_>]) {
    for (name, run) in all {
        tests.push(on_hosts(name, *run));
    }
}
