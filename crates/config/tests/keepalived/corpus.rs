//! Files with one fault each: every fault has its own message, at its own place, and is the only
//! error. `PONTOON_BLESS=1` writes what is said beside the files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use pontoon_config::{diagnostic::Severity, keepalived::Unknown, render};

use crate::machine::{Node, load_with};

/// The configuration files of a folder beside this file.
pub(crate) fn folder(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keepalived");
    let mut files: Vec<PathBuf> = fs::read_dir(folder.join(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "conf"))
        .collect();
    files.sort();
    files
}

/// What is said about a file, errors only.
fn verdict(path: &Path) -> (String, usize) {
    let text = fs::read_to_string(path).unwrap();
    let loaded = load_with(&text, Unknown::Error, &Node::default());
    let findings = loaded.diagnostics.all().iter();
    let errors: Vec<_> = findings
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
    let files = folder("corpus");
    assert!(files.len() >= 100, "the corpus has {} files", files.len());
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
    let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in folder("corpus") {
        let said = fs::read_to_string(path.with_extension("txt")).unwrap();
        let message = said.lines().next().unwrap_or_default().to_owned();
        if let Some(other) = seen.insert(message.clone(), path.clone()) {
            let (one, two) = (other.display(), path.display());
            panic!("`{message}` is said of {one} and {two}");
        }
    }
}
