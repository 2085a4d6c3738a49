//! The election as a program under the name `keepalived`: arguments, exit codes, pid files,
//! signals, dumps, log lines, reloads; most of it beside the real one.

mod arguments;
mod dumps;
mod duo;
mod features;
mod lines;
mod processes;
mod reload;
pub(crate) mod sandbox;
mod stage;

use pontoon_lab::needs::Need;

use self::stage::Kind;
use crate::harness::{Outcome, Test};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    arguments::register(tests);
    dumps::register(tests);
    features::register(tests);
    lines::register(tests);
    processes::register(tests);
    reload::register(tests);
    sandbox::register(tests);
}

/// A test on hosts.
fn on_hosts(name: &str, run: impl FnOnce() -> Outcome + Send + 'static) -> Test {
    Test::new(format!("election::{name}"), run)
        .needs(Need::Root)
        .needs(Need::Namespaces)
        .needs(Need::Hosts)
}

/// The same of ours and of the real one.
fn of_both(tests: &mut Vec<Test>, name: &str, run: fn(Kind) -> Outcome) {
    tests.push(on_hosts(&format!("{name} (Pontoon)"), move || {
        run(Kind::Pontoon)
    }));
    let real = on_hosts(&format!("{name} (Keepalived)"), move || {
        run(Kind::Keepalived)
    });
    tests.push(real.needs(Need::Program("keepalived")));
}
