//! `keepalived.conf`, compared with the real keepalived: it accepts the files that are valid
//! here, and complains about the faults that are faults here.

use std::{path::Path, process::Command};

use pontoon_lab::needs::Need;

use crate::harness::{Failure, Outcome, Test};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    let needing_keepalived = |test: Test| {
        test.needs(Need::Program("keepalived"))
            .needs(Need::Root)
            .needs(Need::Namespaces)
    };
    tests.push(needing_keepalived(Test::new(
        "language::keepalived_accepts_the_valid_files",
        valid_files,
    )));
    tests.push(needing_keepalived(Test::new(
        "language::keepalived_complains_about_the_same_faults",
        faults,
    )));
}

/// Checks each file of a folder in a network namespace with eth0 and eth1. A file that defines
/// something by itself keeps keepalived busy for ever.
const SCRIPT: &str = "\
for i in 0 1; do
    ip link add eth$i type veth peer name p$i
    ip link set eth$i up
    ip link set p$i up
done
ip link set lo up
ip addr add 10.0.1.207/24 dev eth0
for file in \"$1\"/*.conf; do
    said=$(timeout -s KILL 5 keepalived -t -f \"$file\" 2>&1)
    echo \"=== $(basename \"$file\" .conf) $?\"
    echo \"$said\"
done";

/// What keepalived says about a file.
struct Verdict {
    file: String,
    code: i32,
    said: String,
}

fn verdicts(folder: &str) -> Result<Vec<Verdict>, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/config/tests/keepalived");
    let output = Command::new("unshare")
        .args(["--net", "--mount", "sh", "-c", SCRIPT, "sh"])
        .arg(root.join(folder))
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let verdicts: Vec<Verdict> = said.split("=== ").filter_map(verdict).collect();
    if verdicts.len() < 10 {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::from(format!("keepalived was not asked: {why}")));
    }
    Ok(verdicts)
}

fn verdict(text: &str) -> Option<Verdict> {
    let (head, said) = text.split_once('\n')?;
    let (file, code) = head.split_once(' ')?;
    Some(Verdict {
        file: file.to_owned(),
        code: code.parse().ok()?,
        said: said.to_owned(),
    })
}

/// Complaints that a valid file must not cause.
const COMPLAINTS: [&str; 6] = [
    "Unknown",
    "nvalid",
    "outside range",
    "missing '}'",
    "not found",
    "ignoring",
];

/// The file that keepalived ships with pauses of 0, which its own version 2.2.7 calls invalid.
const SHIPPED: &str = "classic";

fn valid_files() -> Outcome {
    let complaints: Vec<String> = verdicts("valid")?
        .into_iter()
        .filter(|verdict| verdict.file != SHIPPED)
        .filter(|verdict| COMPLAINTS.iter().any(|it| verdict.said.contains(it)))
        .map(|verdict| format!("{}:\n{}", verdict.file, verdict.said))
        .collect();
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(Failure::from(complaints.join("\n")))
    }
}

/// Faults here only: what Pontoon does not do, and slips that keepalived overlooks.
const OURS: &[&str] = &[
    "auth-ah",
    "block-bfd",
    "block-net-namespace",
    "block-track-group",
    "block-virtual-server",
    "block-virtual-server-group",
    "definition-random",
    "global-ipvs-namespace",
    "global-relative-fifo",
    "instance-mcast-dst-ip",
    "instance-no-peer",
    "notify-unknown-user",
    "notify-unquoted",
    "repeat-list-count",
];

fn faults() -> Outcome {
    let mut silent: Vec<String> = verdicts("corpus")?
        .into_iter()
        .filter(|verdict| verdict.code == 0)
        .map(|verdict| verdict.file)
        .collect();
    silent.sort();
    if silent == OURS {
        Ok(())
    } else {
        let text = format!("overlooked: {silent:?}\nexpected:   {OURS:?}");
        Err(Failure::from(text))
    }
}
