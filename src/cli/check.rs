//! `pontoon check FILE…`: every problem of every file in one pass.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use pontoon_config::{haproxy, render, source::SourceFile};

use crate::{files, language::Language, surroundings::System};

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
    let (text, ok) = match files::read(&args.files) {
        Ok(sources) if sources.iter().any(|file| Language::refusal(file).is_some()) => {
            let refusals = sources.iter().filter_map(Language::refusal);
            (refusals.map(|refusal| refusal + "\n").collect(), false)
        }
        Ok(sources) => report(sources, args.format, colour),
        Err(error) => (format!("{error}\n"), false),
    };
    // A closed pipe (`pontoon check … | head`) is the reader's choice.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What is written, and whether there is no error.
fn report(sources: Vec<SourceFile>, format: Format, colour: bool) -> (String, bool) {
    let loaded = haproxy::load(sources, &System);
    let findings = loaded.diagnostics.all();
    let text = match format {
        Format::Human => render::human(&loaded.files, findings, colour),
        Format::Json => render::json(&loaded.files, findings) + "\n",
    };
    (text, !loaded.diagnostics.has_errors())
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
    fn json_says_the_same() {
        let (text, ok) = report(file("global\n maxcon 5\n"), Format::Json, false);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(!ok);
        assert_eq!(json["errors"], 1);
    }
}
