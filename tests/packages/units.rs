//! The units: systemd understands them, and calls what they leave a process "OK".

use std::{fs, process::Command};

use pontoon_lab::{needs::Need, temp::TempDir};

use super::packaging;
use crate::harness::{Failure, Outcome, Test};

const UNITS: [&str; 3] = [
    "systemd/pontoon.service",
    "compat/haproxy.service",
    "compat/keepalived.service",
];
/// Exposure from 0 to 10; from here on systemd calls it "MEDIUM".
const MEDIUM: f64 = 5.0;

pub(super) fn register(tests: &mut Vec<Test>) {
    for unit in UNITS {
        let name = unit.split(['/', '.']).nth(1).unwrap_or(unit);
        let verified = Test::new(format!("packages::unit_{name}_is_understood"), || {
            understood(unit)
        });
        let exposed = Test::new(format!("packages::unit_{name}_is_confined"), || {
            confined(unit)
        });
        tests.push(verified.needs(Need::Program("systemd-analyze")));
        tests.push(exposed.needs(Need::Program("systemd-analyze")));
    }
    tests.push(Test::new("packages::units_are_confined_alike", alike));
}

/// The unit as it is, but for programs and pages that are not installed here.
fn understood(unit: &str) -> Outcome {
    let folder = TempDir::new("unit")?;
    let text = fs::read_to_string(packaging(unit))?;
    let programs = [
        "/usr/bin/pontoon",
        "/usr/sbin/haproxy",
        "/usr/sbin/keepalived",
    ];
    let text = programs.into_iter().fold(text, |text, program| {
        text.replace(&format!("={program} "), "=/bin/true ")
    });
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("Documentation="));
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    let name = unit.rsplit('/').next().unwrap_or(unit);
    let path = folder.write(name, text)?;
    let verified = Command::new("systemd-analyze")
        .arg("verify")
        .arg(path)
        .output()?;
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    if verified.status.success() && said.is_empty() {
        return Ok(());
    }
    Err(Failure::from(said))
}

fn confined(unit: &str) -> Outcome {
    let mut command = Command::new("systemd-analyze");
    command.args(["security", "--offline=yes", "--no-pager"]);
    let told = command.arg(packaging(unit)).output()?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let overall = told.split("Overall exposure level for ").nth(1);
    let level = overall.and_then(|text| text.split_whitespace().nth(1)?.parse::<f64>().ok());
    match level {
        Some(level) if level < MEDIUM => Ok(()),
        Some(_) | None => Err(Failure::from(told)),
    }
}

/// A unit has no way to include what others say.
fn alike() -> Outcome {
    let confinement = |unit: &str| -> Result<String, Failure> {
        let text = fs::read_to_string(packaging(unit))?;
        let begin = text
            .find("CapabilityBoundingSet=")
            .ok_or("nothing is confined")?;
        Ok(text[begin..].to_owned())
    };
    let first = confinement(UNITS[0])?;
    for unit in &UNITS[1..] {
        assert_eq!(confinement(unit)?, first, "{unit}");
    }
    Ok(())
}
