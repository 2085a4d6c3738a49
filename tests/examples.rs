//! The shipped examples: `pontoon check` finds nothing wrong with their files, and what they create
//! at a cloud is what they say.

mod cloud;
mod terraform;

use std::{fs, path::PathBuf, process::Command};

use pontoon_lab::{needs::Need, temp::TempDir};

use crate::harness::{Failure, Outcome, Test, pontoon};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    // What the pair's keepalived.conf says depends on the host's name: crates/config reads it as both.
    for name in ["quickstart", "pair"] {
        let file = format!("{name}/haproxy.cfg");
        let test = move || without_warnings(&[&file]);
        tests.push(Test::new(format!("examples::{name}_has_no_warnings"), test));
    }
    for node in ["node-1", "node-2"] {
        let test = Test::new(
            format!("examples::exasol_aws_{node}_has_no_warnings"),
            move || {
                let election = format!("exasol-aws/{node}/keepalived.conf");
                without_warnings(&["exasol-aws/haproxy.cfg", &election])
            },
        );
        tests.push(test.needs(Need::User("haproxy")));
    }
    cloud::register(tests);
    terraform::register(tests);
}

/// A file below `examples`.
fn path(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/examples")).join(name)
}

fn read(name: &str) -> Result<String, Failure> {
    let path = path(name);
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn without_warnings(files: &[&str]) -> Outcome {
    let paths: Vec<PathBuf> = files.iter().map(|name| path(name)).collect();
    check(&paths)
}

/// `pontoon check` knows neither errors nor warnings about these files.
fn check(files: &[PathBuf]) -> Outcome {
    let output = Command::new(pontoon()).arg("check").args(files).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() && !said.contains("warning[") {
        return Ok(());
    }
    Err(said.into())
}

/// The same for texts that stand in no file.
fn check_texts(texts: &[(&str, &str)]) -> Outcome {
    let folder = TempDir::new("examples")?;
    let mut files = Vec::new();
    for (name, text) in texts {
        let file = folder.path().join(name);
        fs::write(&file, text)?;
        files.push(file);
    }
    check(&files)
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(what().into()) }
}
