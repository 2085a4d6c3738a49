//! What is wrong, where, and what to do about it.

use crate::source::Span;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Accepted without effect, with the reason.
    Note,
    /// Obsolete, insecure or surprising; it runs all the same.
    Warning,
    /// Nothing starts.
    Error,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// A stable name such as `unknown-keyword`, for scripts and tests.
    pub code: &'static str,
    /// Where; `None` for what concerns no line.
    pub span: Option<Span>,
    /// One sentence: what is wrong.
    pub message: String,
    /// What to do: a nearest word, a replacement line.
    pub suggestion: Option<String>,
}

/// Collects findings; all problems come out in one pass.
#[derive(Debug, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds an error.
    pub fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Error, code, Some(span), message)
    }

    /// Adds a warning.
    pub fn warning(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Warning, code, Some(span), message)
    }

    /// Adds a note.
    pub fn note(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Note, code, Some(span), message)
    }

    /// Adds any finding; the caller may attach a suggestion with [`Diagnostic::suggest`].
    #[expect(clippy::missing_panics_doc, reason = "an element was just pushed")]
    pub fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        span: Option<Span>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.found.push(Diagnostic {
            severity,
            code,
            span,
            message: message.into(),
            suggestion: None,
        });
        self.found.last_mut().expect("just pushed")
    }

    /// Adds what was found elsewhere.
    pub fn append(&mut self, mut other: Self) {
        self.found.append(&mut other.found);
    }

    /// Puts findings in the order of the files, those of no line last, and drops repetitions: a
    /// line of `defaults` may be found fault with once for each proxy that inherits it.
    pub fn sort(&mut self) {
        let key = |d: &Diagnostic| match d.span {
            Some(span) => (false, span.file, span.start),
            None => (true, 0, 0),
        };
        self.found.sort_by_key(key);
        let mut seen = std::collections::HashSet::new();
        self.found
            .retain(|d| seen.insert((d.span, d.code, d.message.clone())));
    }

    /// All findings so far, in the order they were made.
    #[must_use]
    pub fn all(&self) -> &[Diagnostic] {
        &self.found
    }

    /// Whether anything found keeps the file from running.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|d| d.severity == Severity::Error)
    }
}

impl Diagnostic {
    /// Attaches what to do.
    pub fn suggest(&mut self, suggestion: impl Into<String>) -> &mut Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}
