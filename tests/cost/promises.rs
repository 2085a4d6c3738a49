//! What no budget may give up, whatever was accepted: the file itself is judged.

use super::budget::{self, Budget};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new(
        "cost::what_is_relayed_allocates_nothing",
        relaying_allocates_nothing,
    ));
    tests.push(Test::new(
        "cost::an_idle_session_costs_nothing",
        idle_sessions_cost_nothing,
    ));
    tests.push(Test::new(
        "cost::what_is_not_used_costs_nothing",
        unused_costs_nothing,
    ));
    tests.push(Test::new(
        "cost::no_system_call_is_in_vain",
        no_call_in_vain,
    ));
    tests.push(Test::new("cost::timers_wake_once", timers_wake_once));
}

fn relaying_allocates_nothing() -> Outcome {
    let messages = ["message, 64 B", "message, 16 KiB", "message, 1000 idle"];
    for name in messages.into_iter().chain(["MiB up", "MiB down"]) {
        at_most(name, "allocations", of(name)?.data.allocations, 0.0)?;
    }
    Ok(())
}

/// Neither other sessions, nor the clock, nor a page know how many sessions say nothing.
fn idle_sessions_cost_nothing() -> Outcome {
    alike("connection, client closes", "connection, 1000 idle", 1.05)?;
    alike("message, 64 B", "message, 1000 idle", 1.03)?;
    alike("csv, no session", "csv, 1000 idle", 1.2)?;
    alike("page, no session", "page, 1000 idle", 1.2)?;
    let wakes = |name| of(name).map(|budget| budget.data.syscalls.values().sum::<f64>());
    at_most(
        "second, 1000 idle",
        "system calls",
        wakes("second, 1000 idle")?,
        wakes("second, no session")? + 2.0,
    )
}

fn unused_costs_nothing() -> Outcome {
    alike("connection, client closes", "connection, 500 proxies", 1.03)?;
    // Picking one of a thousand may cost a logarithm.
    alike(
        "connection, client closes",
        "connection, 1000 servers",
        1.15,
    )
}

/// A message is two waits, two receives and two sends.
fn no_call_in_vain() -> Outcome {
    for name in ["message, 64 B", "message, 16 KiB"] {
        let calls = of(name)?.data.syscalls;
        at_most(name, "system calls", calls.values().sum(), 6.0)?;
        at_most(name, "kinds of them", calls.len() as f64, 3.0)?;
    }
    Ok(())
}

/// Who waits for a timer is woken when it is due, not before.
fn timers_wake_once() -> Outcome {
    let waits = of("session, timed out")?.data.syscalls;
    let waits = waits.get("epoll_pwait").copied().unwrap_or(0.0);
    // The connection, the server's answer, the time that is over, and the two ends.
    at_most("session, timed out", "waits", waits, 6.0)
}

fn alike(one: &str, other: &str, factor: f64) -> Outcome {
    // The main thread's part counts where it is what works: its clocks tick during all else.
    let works = |budget: &Budget| budget.data.instructions.max(budget.main.instructions);
    let most = works(&of(one)?) * factor;
    at_most(
        other,
        &format!("instructions ({one} and a little)"),
        works(&of(other)?),
        most,
    )
}

fn of(name: &str) -> Result<Budget, Failure> {
    let budget = budget::all()?.remove(name);
    budget.ok_or_else(|| Failure::from(format!("{name} has no budget")))
}

fn at_most(name: &str, what: &str, value: f64, most: f64) -> Outcome {
    if value <= most {
        return Ok(());
    }
    Err(Failure::from(format!(
        "{name}: {value} {what}, at most {most} are allowed"
    )))
}
