//! A bad run is called bad, for the right reason.

use std::{collections::BTreeMap, path::PathBuf};

use super::*;

const WINDOWS: u64 = 30;

fn plan() -> Plan {
    Plan {
        program: PathBuf::from("pontoon"),
        duration: Duration::from_secs(60 * WINDOWS),
        engine: None,
        threads: 2,
        congestion_control: "cubic".into(),
    }
}

const fn sample() -> Sample {
    Sample {
        memory: 20 << 20,
        descriptors: 500,
        processor: Duration::ZERO,
        tcp_buffers: 0,
        slab: 0,
        log_lines: 7,
    }
}

fn window(number: u64) -> Window {
    let tally = Tally {
        units: 1000,
        errors: 0,
        p50: Duration::from_micros(200),
        p99: Duration::from_micros(3000),
    };
    Window {
        at: Duration::from_secs(60 * (number + 1)),
        sample: sample(),
        tallies: Act::ALL.into_iter().map(|act| (act, tally)).collect(),
    }
}

const fn rest() -> Rest {
    let (before, mut after) = (sample(), sample());
    after.log_lines = 1000;
    Rest {
        before,
        after,
        sessions: 0,
        wrong: 0,
    }
}

/// What is not good about a run that was spoilt so.
fn bad(spoil: impl Fn(u64, &mut Window), rest: Rest) -> Vec<String> {
    let windows = (0..WINDOWS).map(|number| {
        let mut window = window(number);
        spoil(number, &mut window);
        window
    });
    let report = Report::new(&plan(), windows.collect(), rest, Vec::new());
    let bad = report.findings().iter().filter(|finding| !finding.good);
    let bad: Vec<_> = bad.map(|finding| finding.what.clone()).collect();
    assert_eq!(report.is_good(), bad.is_empty());
    assert_eq!(report.markdown().contains("NOT"), !bad.is_empty());
    assert_eq!(report.json()["good"], bad.is_empty());
    bad
}

fn spoilt(spoil: impl Fn(u64, &mut Window)) -> Vec<String> {
    bad(spoil, rest())
}

#[test]
fn a_quiet_run_is_good() {
    assert!(spoilt(|_, _| ()).is_empty());
}

#[test]
fn leaks_are_named() {
    // A hundred bytes each second of the 30 minutes are tolerated, a KiB is not.
    assert!(spoilt(|number, window| window.sample.memory += number * 60 * 100).is_empty());
    let leak = spoilt(|number, window| window.sample.memory += number * 60 * 1024);
    assert_eq!(leak, ["memory (KiB) stays flat"]);
    let leak = spoilt(|number, window| {
        window.sample.descriptors += usize::try_from(2 * number).unwrap();
    });
    assert_eq!(leak, ["descriptors stays flat"]);
}

#[test]
fn slowing_down_is_named() {
    let slow = spoilt(|number, window| {
        let tally = window.tallies.get_mut(&Act::Messages1k).unwrap();
        tally.p50 += Duration::from_micros(10 * number);
    });
    assert_eq!(slow, ["p50 of messages, 1 KiB (us) stays flat"]);
    let slow = spoilt(|number, window| {
        let tally = window.tallies.get_mut(&Act::Messages64).unwrap();
        tally.p99 += Duration::from_micros(100 * number);
    });
    assert_eq!(slow, ["p99 of messages, 64 B (us) stays flat"]);
}

#[test]
fn one_error_in_half_an_hour_is_named() {
    let lost = spoilt(|number, window| {
        if number == 17 {
            window.tallies.get_mut(&Act::Idle).unwrap().errors = 1;
        }
    });
    assert_eq!(lost, ["no faults: idle sessions"]);
}

#[test]
fn a_few_are_lost_with_a_server_that_flaps() {
    let flap = |errors| {
        spoilt(move |_, window| window.tallies.get_mut(&Act::Flap).unwrap().errors = errors)
    };
    assert!(flap(20).is_empty());
    assert_eq!(flap(21), ["no faults: connections to flapping servers"]);
}

#[test]
fn what_has_come_to_a_stop_is_named() {
    let stuck = spoilt(|number, window| {
        if number >= WINDOWS / 3 {
            window.tallies.remove(&Act::Down);
        }
    });
    assert_eq!(stuck, ["goes on to the end: bulk down"]);
    let nothing = spoilt(|_, window| window.tallies = BTreeMap::new());
    assert!(nothing.len() >= Act::ALL.len());
}

#[test]
fn what_remains_is_named() {
    let remains = |spoil: fn(&mut Rest)| {
        let mut rest = rest();
        spoil(&mut rest);
        bad(|_, _| (), rest)
    };
    assert_eq!(remains(|rest| rest.sessions = 1), ["every session ends"]);
    assert_eq!(
        remains(|rest| rest.after.descriptors += 33),
        ["descriptors come back"]
    );
    assert_eq!(
        remains(|rest| rest.after.memory += 9 << 20),
        ["memory comes back (KiB)"]
    );
    assert_eq!(
        remains(|rest| rest.wrong = 1),
        ["servers get no wrong bytes"]
    );
    assert_eq!(
        remains(|rest| rest.after.log_lines = rest.before.log_lines),
        ["the log is written"]
    );
}
