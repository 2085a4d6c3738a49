//! `pontoon check FILE…`: every problem of every file in one pass.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use pontoon_config::{
    diagnostic::{Diagnostic, Severity},
    haproxy::{self, model::Model},
    render,
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

/// The files' texts, or why they are not a configuration.
fn readable(names: &[String]) -> Result<Vec<SourceFile>, Vec<Diagnostic>> {
    let sources = files::read(names).map_err(|error| {
        vec![lineless(
            "unreadable-file",
            without_number(&error.to_string()),
        )]
    })?;
    let foreign: Vec<_> = sources
        .iter()
        .filter_map(Language::refusal)
        .map(|refusal| lineless("other-language", refusal))
        .collect();
    if foreign.is_empty() {
        Ok(sources)
    } else {
        Err(foreign)
    }
}

/// What is written, and whether there is no error.
fn report(sources: Vec<SourceFile>, format: Format, colour: bool) -> (String, bool) {
    let loaded = haproxy::load(sources, &System);
    let mut findings = loaded.diagnostics.all().to_vec();
    findings.extend(loaded.model.iter().flat_map(at_start));
    let ok = !findings
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    (render(&loaded.files, &findings, format, colour), ok)
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
    fn json_says_the_same() {
        let (text, ok) = report(file("global\n maxcon 5\n"), Format::Json, false);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(!ok);
        assert_eq!(json["errors"], 1);
    }
}
