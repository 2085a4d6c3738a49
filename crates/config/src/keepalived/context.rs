//! What a keyword's parser may ask, and where it reports.

use super::{Surroundings, Unknown, model::Account};
use crate::{
    diagnostic::{Diagnostic, Diagnostics, Severity},
    similar::nearest,
    source::{Location, Sources, Span, Word},
};

/// So many unknown words get a suggestion; a file of nothing else would take long.
const MOST_SUGGESTIONS: u32 = 200;

/// What a keyword's parser may ask, and where it reports.
pub(super) struct Context<'a> {
    /// The machine.
    pub(super) surroundings: &'a dyn Surroundings,
    /// The files, to say on which line something was declared.
    pub(super) sources: &'a Sources,
    /// What a word is that keepalived would not know, or a value that it would not take.
    pub(super) unknown: Unknown,
    /// What was found.
    pub(super) d: Diagnostics,
    /// Commands that are run, as written.
    pub(super) commands: Vec<Word>,
    suggestions: u32,
}

impl<'a> Context<'a> {
    /// Nothing was found so far.
    pub(super) fn new(
        surroundings: &'a dyn Surroundings,
        sources: &'a Sources,
        unknown: Unknown,
        d: Diagnostics,
    ) -> Self {
        Self {
            surroundings,
            sources,
            unknown,
            d,
            commands: Vec::new(),
            suggestions: 0,
        }
    }

    /// What keepalived complains about and runs all the same, without the line or with a default:
    /// an error, or under its name a warning.
    pub(super) fn fault(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let severity = match self.unknown {
            Unknown::Error => Severity::Error,
            Unknown::Warning => Severity::Warning,
        };
        self.d.add(severity, code, Some(span), message)
    }

    /// Does something during which every fault is an error.
    pub(super) fn strictly<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        let lenience = std::mem::replace(&mut self.unknown, Unknown::Error);
        let done = what(self);
        self.unknown = lenience;
        done
    }

    /// `did you mean …`, or nothing if nothing comes near.
    pub(super) fn nearest<'k>(
        &mut self,
        word: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Option<String> {
        self.suggestions += 1;
        if self.suggestions > MOST_SUGGESTIONS {
            return None;
        }
        nearest(word, known).map(|known| format!("did you mean `{known}`?"))
    }

    /// The line a span stands on.
    pub(super) fn location(&self, span: Span) -> Location {
        self.sources.location(span)
    }

    /// A user, and a group if one is named.
    pub(super) fn account(&mut self, user: &Word, group: Option<&Word>) -> Option<Account> {
        let Some((uid, primary)) = self.surroundings.user(&user.text) else {
            let message = format!("there is no user `{}` on this machine", user.text);
            self.fault("unknown-user", user.span, message);
            return None;
        };
        let gid = match group {
            None => primary,
            Some(group) => {
                let found = self.surroundings.group(&group.text);
                if found.is_none() {
                    let message = format!("there is no group `{}` on this machine", group.text);
                    self.fault("unknown-group", group.span, message);
                }
                found?
            }
        };
        let name = user.text.clone();
        Some(Account { name, uid, gid })
    }
}
