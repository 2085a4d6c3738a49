//! Two data threads do not wait for each other: hardly a call of `futex` for a thousand sessions or
//! messages, however many come at once.

use pontoon_lab::{
    cost::{self, Case, Scene, Work},
    needs::Need,
};

use super::program;
use crate::harness::{Failure, Outcome, Test, measured};

/// Calls for a unit of work, at most: a list grows now and then while another thread looks on.
const MOST: f64 = 0.02;

pub(super) fn register(tests: &mut Vec<Test>) {
    for (name, work, log) in [
        ("connections", Work::Rush, false),
        ("logged_connections", Work::Rush, true),
        ("messages", Work::Chatter, false),
    ] {
        let test = Test::new(format!("cost::threads_do_not_wait_{name}"), move || {
            gate(name, work, log)
        });
        let test = test.needs(Need::Program("strace"));
        tests.push(test.needs(Need::Build("gate")));
    }
}

fn gate(name: &'static str, work: Work, log: bool) -> Outcome {
    let case = Case {
        name,
        scene: Scene {
            threads: 1,
            log,
            ..Scene::default()
        },
        work,
        amounts: (800, 8800),
    };
    let calls = cost::waiting(program()?, &case)?;
    measured(&format!("{name}, two threads: {calls:.4} futex calls each"));
    if calls <= MOST {
        return Ok(());
    }
    Err(Failure::from(format!(
        "{name}: {calls} calls of futex each, at most {MOST} are allowed"
    )))
}
