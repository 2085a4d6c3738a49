//! Files with one fault each: every fault has its own message, at its own place, and is the only
//! error. `PONTOON_BLESS=1` writes what is said beside the files.
#![allow(clippy::unwrap_used, reason = "a failing test may panic")]

mod machine;

use std::{
    fs,
    path::{Path, PathBuf},
};

use machine::Machine;
use pontoon_config::{diagnostic::Severity, haproxy::load, render, source::SourceFile};

fn corpus() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "cfg"))
        .collect();
    files.sort();
    files
}

/// What is said about a file, errors first.
fn verdict(path: &Path) -> (String, usize) {
    let file = SourceFile {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        text: fs::read_to_string(path).unwrap(),
    };
    let mut machine = Machine::default();
    let address = "10.0.1.11".parse().unwrap();
    machine.hosts.insert("db.example".to_owned(), vec![address]);
    let loaded = load(vec![file], &machine);
    let findings = loaded.diagnostics.all();
    let errors: Vec<_> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .cloned()
        .collect();
    assert_eq!(loaded.model.is_none(), !errors.is_empty());
    (render::human(&loaded.files, &errors, false), errors.len())
}

#[test]
fn every_fault_has_its_own_message() {
    let bless = std::env::var_os("PONTOON_BLESS").is_some();
    let mut failures = Vec::new();
    let files = corpus();
    assert!(files.len() >= 60, "the corpus has {} files", files.len());
    for path in files {
        let (said, errors) = verdict(&path);
        let snapshot = path.with_extension("txt");
        if bless {
            fs::write(&snapshot, &said).unwrap();
        }
        let expected = fs::read_to_string(&snapshot).unwrap_or_default();
        if errors != 1 {
            failures.push(format!("{}: {errors} errors\n{said}", path.display()));
        } else if said != expected {
            failures.push(format!(
                "{}:\n--- expected\n{expected}--- said\n{said}",
                path.display()
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn no_message_belongs_to_two_faults() {
    let mut seen = std::collections::BTreeMap::new();
    for path in corpus() {
        let said = fs::read_to_string(path.with_extension("txt")).unwrap();
        let message = said.lines().next().unwrap_or_default().to_owned();
        if let Some(other) = seen.insert(message.clone(), path.clone()) {
            panic!(
                "`{message}` is said of {} and {}",
                other.display(),
                path.display()
            );
        }
    }
}
