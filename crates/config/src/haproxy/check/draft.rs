//! What the lines of a section say about checks, until all of them are read.

use super::{
    CheckMethod, HttpCheck, Step,
    http::HttpRules,
    steps::{Owner, Rules},
};
use crate::{diagnostic::Diagnostics, haproxy::Context, haproxy::keyword::Draft, source::Span};

/// What the lines of a section say about checks. A clone of what `defaults` says is where a
/// proxy's own begins; the first line of a script there replaces the inherited script.
#[derive(Debug, Clone, Default)]
pub struct CheckDraft {
    pub(super) kind: Option<Kind>,
    pub(super) tcp: Rules<Step>,
    pub(super) http: HttpRules,
    /// `http-check disable-on-404`.
    pub(super) disable_on_404: Option<Span>,
    /// `http-check send-state`.
    pub(super) send_state: bool,
    pub(super) external_command: Option<String>,
    pub(super) external_path: Option<String>,
}

impl Draft for CheckDraft {
    type Context<'a> = Context<'a>;
}

/// Which `option …-check` was last.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Tcp,
    Http,
    External(Span),
    /// Everything that needs no other lines.
    Whole(CheckMethod),
}

impl CheckDraft {
    /// What the checks of the proxy do.
    ///
    /// Errors: `missing-command`, `bad-check-order`. Warning: `without-effect` for lines that
    /// belong to another kind of check.
    pub fn finish(&self, cx: &Context<'_>, d: &mut Diagnostics) -> CheckMethod {
        self.warn_unused(cx, d);
        match &self.kind {
            None => CheckMethod::Connect,
            Some(Kind::Tcp) => CheckMethod::Script(self.tcp.steps.clone()),
            Some(Kind::Http) => CheckMethod::Http(HttpCheck {
                steps: self.http.finish(),
                disable_on_404: self.disable_on_404.is_some(),
                send_state: self.send_state,
            }),
            Some(Kind::External(span)) => self.external(*span, d),
            Some(Kind::Whole(method)) => method.clone(),
        }
    }

    /// `external-check path`.
    #[must_use]
    pub fn external_path(&self) -> Option<String> {
        self.external_path.clone()
    }

    fn external(&self, span: Span, d: &mut Diagnostics) -> CheckMethod {
        let Some(command) = self.external_command.clone() else {
            d.error(
                "missing-command",
                span,
                "`option external-check` needs a program",
            )
            .suggest("add `external-check command` and its path");
            return CheckMethod::Connect;
        };
        CheckMethod::External { command }
    }

    fn warn_unused(&self, cx: &Context<'_>, d: &mut Diagnostics) {
        let here = Owner::of(cx);
        if self.kind != Some(Kind::Tcp)
            && let Some(span) = self.tcp.first_of(&here)
        {
            warn(span, "tcp-check", "option tcp-check", d);
        }
        if self.kind == Some(Kind::Http) {
            return;
        }
        if let Some(span) = self.http.rules.first_of(&here) {
            warn(span, "http-check", "option httpchk", d);
        }
        if let Some(span) = self.disable_on_404.filter(|_| cx.section.proxy.is_some()) {
            warn(span, "http-check disable-on-404", "option httpchk", d);
        }
    }
}

fn warn(span: Span, lines: &str, option: &str, d: &mut Diagnostics) {
    let message = format!("`{lines}` has no effect without `{option}`");
    d.warning("without-effect", span, message)
        .suggest(format!("add `{option}`, or remove the `{lines}` lines"));
}
