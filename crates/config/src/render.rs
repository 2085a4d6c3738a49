//! Findings for people and for programs.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::{
    diagnostic::{Diagnostic, Severity},
    source::{SourceFile, Sources},
};

/// No more of a line is shown on either side of what is pointed at.
const SHOWN: usize = 200;

/// All findings with file, line, column, the line itself, a caret and what to do; then a line
/// that counts them.
#[must_use]
pub fn human(files: &[SourceFile], findings: &[Diagnostic], colour: bool) -> String {
    let sources = Sources::new(files.to_vec());
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut out = String::new();
    for finding in findings {
        out += &renderer.render(&[group(finding, &sources)]);
        out += "\n\n";
    }
    out += &summary(findings);
    out.push('\n');
    out
}

/// `2 errors, 1 warning, 3 notes`, or that there is nothing to say.
#[must_use]
pub fn summary(findings: &[Diagnostic]) -> String {
    let counted = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Note, "note"),
    ]
    .into_iter()
    .filter_map(|(severity, noun)| {
        let count = findings.iter().filter(|d| d.severity == severity).count();
        let plural = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{count} {noun}{plural}"))
    })
    .collect::<Vec<_>>();
    if counted.is_empty() {
        "nothing to complain about".to_owned()
    } else {
        counted.join(", ")
    }
}

/// One line for each finding, in HAProxy's words: `[ALERT] (pid) : config : parsing [f:3] : …`.
#[must_use]
pub fn like_haproxy(files: &[SourceFile], findings: &[Diagnostic], pid: u32) -> String {
    let sources = Sources::new(files.to_vec());
    let mut out = String::new();
    for finding in findings {
        let level = match finding.severity {
            Severity::Error => "[ALERT]   ",
            Severity::Warning => "[WARNING] ",
            Severity::Note => "[NOTICE]  ",
        };
        let place = finding.span.map_or_else(String::new, |span| {
            let location = sources.location(span);
            format!("parsing [{}:{}] : ", location.file, location.line)
        });
        let advice = finding.suggestion.as_ref();
        let advice = advice.map_or_else(String::new, |advice| format!(" ({advice})"));
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{level} ({pid}) : config : {place}{}{advice}.",
            finding.message
        );
    }
    out
}

fn group<'a>(finding: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level
        .primary_title(finding.message.as_str())
        .id(finding.code);
    let mut group = Group::with_title(title);
    if let Some(snippet) = finding.span.and_then(|span| Excerpt::new(span, sources)) {
        group = group.element(snippet.into_snippet());
    }
    if let Some(suggestion) = &finding.suggestion {
        group = group.element(Level::HELP.message(suggestion.as_str()));
    }
    group
}

/// The part of a line that is shown.
struct Excerpt<'a> {
    path: &'a str,
    line: usize,
    text: &'a str,
    /// What is pointed at, in bytes of `text`.
    range: std::ops::Range<usize>,
}

impl<'a> Excerpt<'a> {
    fn new(span: crate::source::Span, sources: &'a Sources) -> Option<Self> {
        let file = sources.files().nth(span.file as usize)?;
        let text = file.text.as_str();
        let (start, end) = (span.start as usize, span.end as usize);
        let start = floor(text, start.min(text.len()));
        let line_start = memchr::memrchr(b'\n', &text.as_bytes()[..start]).map_or(0, |at| at + 1);
        let length = memchr::memchr(b'\n', &text.as_bytes()[start..]);
        let line_end = length.map_or(text.len(), |length| start + length);
        let end = floor(text, end.clamp(start, line_end));
        let shown_start = floor(text, line_start.max(start.saturating_sub(SHOWN)));
        let shown_end = floor(text, line_end.min(end.min(start + SHOWN) + SHOWN));
        let shown = text[shown_start..shown_end].trim_end();
        let clamp = |at: usize| (at - shown_start).min(shown.len());
        Some(Self {
            path: &file.name,
            line: sources.position(span).line as usize,
            text: shown,
            range: clamp(start)..clamp(end.min(shown_end)),
        })
    }

    fn into_snippet(self) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        Snippet::source(self.text)
            .path(self.path)
            .line_start(self.line)
            .annotation(AnnotationKind::Primary.span(self.range))
    }
}

/// The nearest place at or before `at` where a character begins.
fn floor(text: &str, at: usize) -> usize {
    (0..=at)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

#[derive(Serialize)]
struct Report<'a> {
    findings: Vec<Finding<'a>>,
    errors: usize,
    warnings: usize,
    notes: usize,
}

#[derive(Serialize)]
struct Finding<'a> {
    severity: &'static str,
    code: &'a str,
    message: &'a str,
    suggestion: Option<&'a str>,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
}

/// All findings as one JSON object.
#[must_use]
pub fn json(files: &[SourceFile], findings: &[Diagnostic]) -> String {
    let sources = Sources::new(files.to_vec());
    let count = |severity| findings.iter().filter(|d| d.severity == severity).count();
    let report = Report {
        findings: findings.iter().map(|d| finding(d, &sources)).collect(),
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        notes: count(Severity::Note),
    };
    // Strings and numbers always serialise.
    serde_json::to_string_pretty(&report).unwrap_or_default()
}

fn finding<'a>(d: &'a Diagnostic, sources: &Sources) -> Finding<'a> {
    Finding {
        severity: match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        code: d.code,
        message: &d.message,
        suggestion: d.suggestion.as_deref(),
        file: d.span.map(|span| sources.location(span).file.to_string()),
        line: d.span.map(|span| sources.position(span).line),
        column: d.span.map(|span| sources.position(span).column),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnostic::Diagnostics, source::Span};

    fn example() -> (Vec<SourceFile>, Diagnostics) {
        let files = vec![SourceFile {
            name: "a.cfg".into(),
            text: "global\n\tmaxcon 5\n".into(),
        }];
        let mut d = Diagnostics::default();
        let span = Span {
            file: 0,
            start: 8,
            end: 14,
        };
        d.error("unknown-keyword", span, "`maxcon` is not known in `global`")
            .suggest("did you mean `maxconn`?");
        d.add(Severity::Warning, "w", None, "something general");
        (files, d)
    }

    #[test]
    fn people_see_the_line_a_caret_and_what_to_do() {
        let (files, d) = example();
        assert_eq!(
            human(&files, d.all(), false),
            "error[unknown-keyword]: `maxcon` is not known in `global`\n \
             --> a.cfg:2:2\n  \
             |\n\
             2 |     maxcon 5\n  \
             |     ^^^^^^\n  \
             |\n  \
             = help: did you mean `maxconn`?\n\n\
             warning[w]: something general\n\n\
             1 error, 1 warning\n"
        );
        assert!(human(&files, d.all(), true).contains("\u{1b}["));
    }

    #[test]
    fn programs_get_json() {
        let (files, d) = example();
        let report: serde_json::Value = serde_json::from_str(&json(&files, d.all())).unwrap();
        assert_eq!(report["errors"], 1);
        assert_eq!(report["findings"][0]["line"], 2);
        assert_eq!(report["findings"][0]["column"], 2);
        assert_eq!(report["findings"][0]["code"], "unknown-keyword");
        assert_eq!(report["findings"][1]["file"], serde_json::Value::Null);
    }

    #[test]
    fn old_scripts_get_the_lines_they_know() {
        let (files, d) = example();
        assert_eq!(
            like_haproxy(&files, d.all(), 7).lines().next(),
            Some(
                "[ALERT]    (7) : config : parsing [a.cfg:2] : `maxcon` is not known in `global` (did you mean `maxconn`?)."
            )
        );
    }

    #[test]
    fn a_monstrous_line_is_cut() {
        let files = vec![SourceFile {
            name: "a".into(),
            text: "é".repeat(1 << 20),
        }];
        let mut d = Diagnostics::default();
        let middle = 1 << 20;
        d.error(
            "x",
            Span {
                file: 0,
                start: middle,
                end: middle + 2,
            },
            "m",
        );
        assert!(human(&files, d.all(), false).len() < 5_000);
    }

    #[test]
    fn spans_outside_of_the_text_do_no_harm() {
        let files = vec![SourceFile {
            name: "a".into(),
            text: "x".into(),
        }];
        let mut d = Diagnostics::default();
        d.error(
            "x",
            Span {
                file: 0,
                start: 5,
                end: 3,
            },
            "m",
        );
        d.error(
            "x",
            Span {
                file: 9,
                start: 0,
                end: 1,
            },
            "m",
        );
        assert!(human(&files, d.all(), false).contains("2 errors"));
        assert!(json(&files, d.all()).contains("\"errors\": 2"));
    }
}
