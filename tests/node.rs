//! A node: processes that watch each other, and what can be seen of them.

mod apart;
mod crash;
mod floating;
mod flood;
mod hung;
mod killed_in_reload;
mod kills;
mod links;
mod nuisance;
mod status;
mod storm;
mod supervision;
mod twin;
mod upgrade;
mod whole;

use pontoon_lab::needs::Need;

use crate::{
    chaos::{dice::Dice, seeded},
    harness::{Outcome, Test},
};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    apart::register(tests);
    crash::register(tests);
    floating::register(tests);
    flood::register(tests);
    hung::register(tests);
    killed_in_reload::register(tests);
    kills::register(tests);
    links::register(tests);
    nuisance::register(tests);
    status::register(tests);
    storm::register(tests);
    supervision::register(tests);
    twin::register(tests);
    upgrade::register(tests);
    whole::register(tests);
}

/// A test that a seed varies.
type Seeded = fn(Dice) -> Outcome;

/// Adds tests of one node that are run for several seeds.
fn register_seeded(tests: &mut Vec<Test>, all: &'static [(&str, Seeded)]) {
    for (name, run) in all {
        let test = Test::new(format!("node::{name}"), move || seeded(run));
        tests.push(test.needs(Need::Root).needs(Need::Namespaces));
    }
}
