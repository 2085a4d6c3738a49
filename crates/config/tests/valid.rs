//! Realistic files: both this reader and, where it is installed, HAProxy itself find no error.
#![allow(clippy::unwrap_used, reason = "a failing test may panic")]

mod machine;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use machine::{Machine, load_text};
use pontoon_config::{diagnostic::Severity, render};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/valid");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 25, "there are {} files", files.len());
    files
}

#[test]
fn realistic_files_have_no_errors() {
    let mut failures = Vec::new();
    for path in files() {
        let loaded = load_text(&fs::read_to_string(&path).unwrap(), &Machine::default());
        let findings = loaded.diagnostics.all();
        let is_error = |severity| severity == Severity::Error;
        if findings.iter().any(|finding| is_error(finding.severity)) {
            let shown = render::human(&loaded.files, findings, false);
            failures.push(format!("{}:\n{shown}", path.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn haproxy_agrees() {
    if Command::new("haproxy").arg("-v").output().is_err() {
        assert!(
            std::env::var_os("PONTOON_REQUIRE_PEERS").is_none(),
            "haproxy is not installed"
        );
        report("skipped: haproxy is not installed");
        return;
    }
    for path in files() {
        let output = Command::new("haproxy")
            .args(["-c", "-f"])
            .arg(&path)
            .output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}:\n{said}", path.display());
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test says why")]
fn report(text: &str) {
    eprintln!("{text}");
}
