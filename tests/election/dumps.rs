//! What signals make it write into files: the keys are the real one's.

use std::os::unix::fs::PermissionsExt as _;

use pontoon_lab::{host::wait_for_file, needs::Need, wait};
use pontoon_sys::process::Signal;

use super::{
    of_both, on_hosts,
    stage::{Kind, PARENT, Stage, with_script},
};
use crate::harness::{Failure, Outcome, Test};

const DATA: &str = "/tmp/keepalived.data";
const STATISTICS: &str = "/tmp/keepalived.stats";
const JSON: &str = "/tmp/keepalived.json";

pub(super) fn register(tests: &mut Vec<Test>) {
    for (name, run) in [
        (
            "json_has_the_originals_names_in_its_order",
            same_json as fn() -> Outcome,
        ),
        ("statistics_have_the_originals_lines", same_statistics),
        ("data_has_the_originals_keys", same_data),
    ] {
        tests.push(on_hosts(name, run).needs(Need::Program("keepalived")));
    }
    of_both(tests, "statistics_can_be_cleared", clears);
    tests.push(on_hosts("a_dump_is_for_nobody_else", private));
}

/// What a signal makes a master write into a file.
fn dump(kind: Kind, signal: i32, file: &str) -> Result<String, Failure> {
    let stage = Stage::new(kind)?;
    stage.write(&with_script())?;
    let _election = stage.start_master("")?;
    stage.signal_number(PARENT, signal)?;
    let whole = |text: &str| text.contains("VI_1") && text.len() > 200;
    Ok(wait_for_file(&stage.host, file, whole)?)
}

fn both(signal: i32, file: &str) -> Result<[String; 2], Failure> {
    Ok([
        dump(Kind::Pontoon, signal, file)?,
        dump(Kind::Keepalived, signal, file)?,
    ])
}

/// The names in a JSON text, in its order.
fn names(json: &str) -> Vec<&str> {
    let quoted: Vec<_> = json.split('"').collect();
    let pairs = quoted.windows(2);
    pairs
        .filter(|pair| pair[1].starts_with(':'))
        .map(|pair| pair[0])
        .collect()
}

fn same_json() -> Outcome {
    let [ours, theirs] = both(libc::SIGRTMIN() + 2, JSON)?;
    assert_eq!(names(&ours), names(&theirs), "{ours}\n{theirs}");
    let value = |text: &str| -> Result<serde_json::Value, String> {
        serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))
    };
    let (ours, theirs) = (value(&ours)?, value(&theirs)?);
    for name in [
        "iname",
        "ifp_ifname",
        "vrid",
        "base_priority",
        "effective_priority",
        "vipset",
        "adver_int",
        "garp_delay",
        "garp_rep",
        "accept",
        "nopreempt",
        "state",
        "wantstate",
        "version",
        "vips",
        "auth_type",
    ] {
        assert_eq!(ours[0]["data"][name], theirs[0]["data"][name], "{name}");
    }
    Ok(())
}

/// Each line up to its number.
fn keys(text: &str) -> Vec<&str> {
    text.lines()
        .map(|line| line.trim_end_matches(|c: char| c.is_ascii_digit()))
        .collect()
}

fn same_statistics() -> Outcome {
    let [ours, theirs] = both(Signal::USR2.as_raw(), STATISTICS)?;
    assert_eq!(keys(&ours), keys(&theirs));
    Ok(())
}

/// The names before ` = `, with their depth.
fn entries(text: &str) -> Vec<&str> {
    let topology = text.split("------< VRRP Topology >------").nth(1);
    let topology = topology.and_then(|rest| rest.split("------<").next());
    let lines = topology.unwrap_or_default().lines();
    lines
        .filter_map(|line| line.split_once(" = "))
        .map(|(key, _)| key)
        .collect()
}

fn same_data() -> Outcome {
    let [ours, theirs] = both(Signal::USR1.as_raw(), DATA)?;
    let known = entries(&theirs);
    for key in entries(&ours) {
        assert!(known.contains(&key), "{key} is not in\n{theirs}");
    }
    for line in [
        " VRRP Instance = VI_1",
        "   State = MASTER",
        "   Interface = eth0",
        "   Virtual Router ID = 51",
        "   Priority = 100",
        "   Effective priority = 102",
        "   Advert interval = 1 sec",
        "   Preempt = enabled",
        "     10.0.1.100/24 dev eth0 scope global set",
        "     chk weight 2",
        "   Status = GOOD",
    ] {
        for (whose, text) in [("ours", &ours), ("theirs", &theirs)] {
            let found = text.lines().any(|shown| shown == line);
            assert!(found, "{line} is not in {whose}:\n{text}");
        }
    }
    Ok(())
}

fn clears(kind: Kind) -> Outcome {
    let stage = Stage::new(kind)?;
    let _election = stage.start_master("")?;
    let clear = String::from_utf8_lossy(&stage.run("--signum=STATS_CLEAR")?.stdout).into_owned();
    let clear = clear
        .trim()
        .parse()
        .map_err(|_| format!("no number: {clear}"))?;
    stage.signal_number(PARENT, clear)?;
    wait_for_file(&stage.host, STATISTICS, |text| {
        text.contains("Became master: 1")
    })?;
    wait::until("a dump after it", wait::PATIENCE, || {
        stage.signal(PARENT, Signal::USR2).ok()?;
        let text = stage.host.read(STATISTICS);
        text.contains("Became master: 0").then_some(())
    })?;
    Ok(())
}

fn private() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    stage.host.write("/tmp/victim", "untouched")?;
    stage.host.run(&["ln", "-s", "/tmp/victim", DATA])?;
    let _election = stage.start_master("")?;
    stage.signal(PARENT, Signal::USR1)?;
    wait_for_file(&stage.host, DATA, |text| text.contains("VI_1"))?;
    assert_eq!(stage.host.read("/tmp/victim"), "untouched");
    let mode = std::fs::metadata(stage.host.path(DATA))?
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    Ok(())
}
