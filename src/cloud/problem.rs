//! What goes wrong between us and a provider, and what to do about it.

use std::{fmt::Display, path::PathBuf, time::Duration};

use pontoon_engine::floating_ip::event::{Failure, FailureKind};

use crate::files::without_number;

/// Why a call brought nothing. Both texts are for an operator and never hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How to go on.
    pub kind: FailureKind,
    /// What happened: `ec2.eu-west-1.amazonaws.com has not answered within 5 s`.
    pub text: String,
    /// What to do about it, if there is something: `allow ec2:AssociateAddress in …`.
    pub advice: String,
}

impl Problem {
    /// Refused, and will be until somebody changes something.
    pub fn refused(text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(FailureKind::Refused, text, advice)
    }

    /// The provider is not well, or cannot be reached: nothing was carried out.
    pub fn unwell(text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(FailureKind::Unwell, text, advice)
    }

    /// No answer, or none that is understood: the call may have been carried out.
    pub fn unanswered(text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(FailureKind::Unanswered, text, advice)
    }

    /// Too many calls.
    pub fn throttled(after: Option<Duration>, text: impl Into<String>) -> Self {
        Self::new(
            FailureKind::Throttled { after },
            text,
            "others use the same account's limit, or verify_interval is too short",
        )
    }

    fn new(kind: FailureKind, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            kind,
            text: line(&text.into()),
            advice: line(&advice.into()),
        }
    }
}

/// No line is longer, whatever somebody else's words are in it.
const LONGEST: usize = 1000;

/// In one line, of a bearable length, without what a terminal would obey.
pub(super) fn line(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(visible).take(LONGEST).collect()
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let Problem { kind, text, advice } = problem;
        let text = if advice.is_empty() {
            text
        } else {
            format!("{text}: {advice}")
        };
        Self { kind, text }
    }
}

/// An error in the system's words, without the number that Rust puts behind them.
pub(super) fn unnumbered(error: impl Display) -> String {
    without_number(&error.to_string())
}

/// Why a client cannot be made from what the file says.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A URL is none that can be called.
    #[error("{name} {url:?}: {reason}")]
    Url {
        /// The keyword or the variable it comes from.
        name: &'static str,
        /// What it says.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file of authorities cannot be used.
    #[error("ca_file {}: {reason}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_says_is_one_short_line() {
        let words = format!("\u{1b}[2J{}\nALARM", "C".repeat(900_000));
        let problem = Problem::refused(format!("it says {words}"), words);
        for text in [problem.text, problem.advice] {
            assert_eq!(text.chars().count(), LONGEST);
            assert!(!text.contains(char::is_control));
        }
    }
}
