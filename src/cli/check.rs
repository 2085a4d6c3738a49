//! `pontoon check FILE…`: every problem of every file in one pass.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use pontoon_config::{
    diagnostic::{Diagnostic, Severity},
    haproxy::{self, model::Model},
    keepalived, render,
    source::SourceFile,
};

use super::haproxy::listens;
use crate::{
    checks::Checks,
    files::{self, without_number},
    language::Language,
    surroundings::System,
};

/// What follows `pontoon check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Files, or directories whose `*.cfg` files are read in the order of their names
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// How findings are written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: the line, a caret, a suggestion.
    Human,
    /// For programs.
    Json,
}

/// Reads the files and writes all findings to standard output. Exits with 0, or 1 with errors.
#[must_use]
pub fn run(args: &CheckArgs) -> ExitCode {
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let (text, ok) = match readable(&args.files) {
        Ok(sources) => report(sources, args.format, colour),
        Err(findings) => (render(&[], &findings, args.format, colour), false),
    };
    // A closed pipe (`pontoon check … | head`) is the reader's choice.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The files' texts, or why there are none.
fn readable(names: &[String]) -> Result<Vec<SourceFile>, Vec<Diagnostic>> {
    files::read(names).map_err(|error| {
        vec![lineless(
            "unreadable-file",
            without_number(&error.to_string()),
        )]
    })
}

/// What is written, and whether there is no error. Files of one language are read together.
fn report(sources: Vec<SourceFile>, format: Format, colour: bool) -> (String, bool) {
    let (elections, proxies): (Vec<_>, Vec<_>) = sources
        .into_iter()
        .partition(|file| Language::of(&file.text) == Language::Keepalived);
    let mut report = Report::default();
    if !proxies.is_empty() {
        let loaded = haproxy::load(proxies, &System);
        let at_start = loaded.model.iter().flat_map(at_start).collect();
        report.add(loaded.files, loaded.diagnostics.all(), at_start);
    }
    if !elections.is_empty() {
        let loaded = keepalived::load(elections, &as_run(), &System);
        report.add(loaded.files, loaded.diagnostics.all(), Vec::new());
    }
    let is_error = |finding: &Diagnostic| finding.severity == Severity::Error;
    let ok = !report.findings.iter().any(is_error);
    (render(&report.files, &report.findings, format, colour), ok)
}

/// What `pontoon run` makes of a `keepalived.conf`.
fn as_run() -> keepalived::Settings {
    keepalived::Settings {
        config_id: System::config_id(),
        unknown_words: keepalived::Unknown::Error,
    }
}

/// Findings in files of several languages.
#[derive(Default)]
struct Report {
    files: Vec<SourceFile>,
    findings: Vec<Diagnostic>,
}

impl Report {
    /// Adds what was found in files; positions count on from the files before.
    fn add(&mut self, files: Vec<SourceFile>, found: &[Diagnostic], more: Vec<Diagnostic>) {
        let before = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        let moved = found.iter().cloned().map(|mut finding| {
            if let Some(span) = &mut finding.span {
                span.file = span.file.saturating_add(before);
            }
            finding
        });
        self.findings.extend(moved);
        self.findings.extend(more);
        self.files.extend(files);
    }
}

/// Why a file without an error does not start all the same.
fn at_start(model: &Model) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if !listens(model) {
        let mut finding = lineless("no-listener", "nothing listens: there is no `bind`".into());
        finding.suggest("add a `frontend` or `listen` section with `bind <address>`");
        found.push(finding);
    }
    let unusable = Checks::load(model).err().unwrap_or_default();
    found.extend(
        unusable
            .iter()
            .map(|error| lineless("unusable-file", error.to_string())),
    );
    found
}

/// An error of no line.
const fn lineless(code: &'static str, message: String) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code,
        span: None,
        message,
        suggestion: None,
    }
}

fn render(files: &[SourceFile], findings: &[Diagnostic], format: Format, colour: bool) -> String {
    match format {
        Format::Human => render::human(files, findings, colour),
        Format::Json => render::json(files, findings) + "\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Vec<SourceFile> {
        vec![SourceFile {
            name: "t.cfg".into(),
            text: text.into(),
        }]
    }

    #[test]
    fn errors_fail_and_warnings_do_not() {
        let (text, ok) = report(file("global\n maxcon 5\n"), Format::Human, false);
        assert!(!ok);
        assert!(text.contains("did you mean `maxconn`?"), "{text}");
        let (text, ok) = report(file("listen a 127.0.0.1:1\n"), Format::Human, false);
        assert!(ok, "{text}");
        assert!(text.contains("warning[obsolete]"), "{text}");
    }

    #[test]
    fn what_cannot_start_is_an_error() {
        let (text, ok) = report(file("global\n maxconn 5\n"), Format::Human, false);
        assert!(!ok);
        assert!(text.contains("error[no-listener]"), "{text}");
        let server = "server s 127.0.0.1:2 check check-ssl verify required ca-file Cargo.toml";
        let config = format!("listen a\n bind 127.0.0.1:1\n {server}\n");
        let (text, ok) = report(file(&config), Format::Human, false);
        assert!(!ok);
        assert!(text.contains("error[unusable-file]"), "{text}");
    }

    #[test]
    fn what_cannot_be_read_is_a_finding() {
        let findings = readable(&["/nonexistent.cfg".into()]).unwrap_err();
        let text = render(&[], &findings, Format::Json, false);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            json["findings"][0]["message"],
            "cannot read /nonexistent.cfg: No such file or directory"
        );
    }

    #[test]
    fn each_file_is_read_in_its_language() {
        let mut files = file("listen a 127.0.0.1:1\n");
        files.push(SourceFile {
            name: "k.conf".into(),
            text: "vrrp_instance a {\n interfaces eth0\n virtual_router_id 1\n}\n".into(),
        });
        let (text, ok) = report(files, Format::Json, false);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(!ok);
        let findings = json["findings"].as_array().unwrap().iter();
        let errors = findings.filter(|finding| finding["severity"] == "error");
        let places: Vec<_> = errors
            .map(|finding| format!("{}:{}", finding["file"].as_str().unwrap(), finding["line"]))
            .collect();
        assert_eq!(places, ["k.conf:1", "k.conf:2"], "{text}");
    }

    #[test]
    fn json_says_the_same() {
        let (text, ok) = report(file("global\n maxcon 5\n"), Format::Json, false);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(!ok);
        assert_eq!(json["errors"], 1);
    }
}
