//! Whole files, realistic or with one fault: `haproxy -c` says the same of each, or there is a
//! reason why not (`docs/differences.md`).

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use pontoon_lab::balancer::Kind;

use crate::harness::{Failure, Outcome, pontoon};

/// Files that end otherwise here, with our exit code and why.
const DIFFERENT: [(&str, i32, &str); 11] = [
    (
        "acl-below",
        0,
        "an `acl` may stand below the line that names it",
    ),
    ("dispatch", 1, "refused by name"),
    ("monitor-net", 0, "obsolete, accepted with a warning"),
    ("no-last-newline", 0, "accepted with a warning"),
    ("old-style", 0, "obsolete, accepted with a warning"),
    ("peers", 1, "refused by name"),
    ("rdp-cookie", 1, "refused by name"),
    ("resolvers", 1, "refused by name"),
    ("rules-on-answers", 1, "refused by name"),
    ("stick-table", 1, "refused by name"),
    ("variables", 1, "refused by name"),
];

/// The exit code, and whether there were warnings.
type Verdict = (Option<i32>, bool);

pub(super) fn are_those_of_haproxy() -> Outcome {
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in files()? {
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let (theirs, ours) = (
            verdict(Kind::Haproxy, &file)?,
            verdict(Kind::Pontoon, &file)?,
        );
        let explained = DIFFERENT.iter().find(|row| row.0 == name);
        let (code, may_warn) = match explained {
            Some((_, code, _)) => (Some(*code), true),
            None => (theirs.0, theirs.1),
        };
        // More warnings than HAProxy's are advice; fewer would hide something.
        let hides = code == Some(0) && may_warn && explained.is_none() && !ours.1;
        if ours.0 != code || hides || explained.is_some() && ours == theirs {
            wrong.push(format!("{name}: HAProxy {theirs:?}, Pontoon {ours:?}"));
        }
        count += 1;
    }
    assert!(count > 40, "only {count} files");
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure::from(wrong.join("\n")))
    }
}

fn files() -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "cfg") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/verdicts"))
}

fn verdict(kind: Kind, file: &Path) -> Result<Verdict, Failure> {
    let mut command = match kind {
        Kind::Haproxy => Command::new("haproxy"),
        Kind::Pontoon => {
            use std::os::unix::process::CommandExt as _;
            let mut command = Command::new(pontoon());
            command.arg0("haproxy");
            command
        }
    };
    let output = command
        .current_dir(folder())
        .arg("-c")
        .arg("-f")
        .arg(file)
        .output()?;
    let warned = String::from_utf8_lossy(&output.stderr).contains("[WARNING]");
    Ok((output.status.code(), warned))
}
