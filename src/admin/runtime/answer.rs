//! What a command answers.

use pontoon_config::haproxy::model::SeverityOutput;

use super::show::Listing;

/// How grave a word of feedback is, as the numbers of syslog(3) (`set severity-output`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// It cannot be done.
    Error = 3,
    /// It was done, but.
    #[expect(dead_code, reason = "for commands that change something")]
    Warning = 4,
    /// It was done.
    Notice = 5,
    /// Nothing grave at all.
    Info = 6,
}

/// What a command answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is done, and there is nothing to say.
    Done,
    /// What was asked for: whole lines, each with its end.
    Text(String),
    /// A word of feedback, without its end.
    Feedback(Severity, String),
    /// The same where HAProxy leaves the empty line behind it out.
    Curt(Severity, String),
    /// Sessions: too many to be told at once.
    Sessions(Box<Listing>),
}

impl Answer {
    /// It cannot be done.
    pub(crate) fn error(text: impl Into<String>) -> Self {
        Self::Feedback(Severity::Error, text.into())
    }

    /// Something worth knowing.
    pub(crate) fn info(text: impl Into<String>) -> Self {
        Self::Feedback(Severity::Info, text.into())
    }

    /// As it is sent, up to the empty line that ends it; of what is told in pieces, their end.
    pub(super) fn render(&self, severity: SeverityOutput) -> String {
        match self {
            Self::Done | Self::Sessions(_) => "\n".to_owned(),
            Self::Text(text) => format!("{text}\n"),
            Self::Feedback(grave, text) => format!("{}{text}\n\n", grave.shown(severity)),
            Self::Curt(grave, text) => format!("{}{text}\n", grave.shown(severity)),
        }
    }
}

impl Severity {
    /// What stands before the feedback.
    fn shown(self, wanted: SeverityOutput) -> String {
        match wanted {
            SeverityOutput::None => String::new(),
            SeverityOutput::Number => format!("[{}]: ", self as u8),
            SeverityOutput::Word => format!("[{}]: ", self.word()),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Error => "err",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Info => "info",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_with_an_empty_line() {
        assert_eq!(Answer::Done.render(SeverityOutput::Number), "\n");
        let text = Answer::Text("a\nb\n".to_owned());
        assert_eq!(text.render(SeverityOutput::Number), "a\nb\n\n");
        let error = Answer::error("No such server.");
        assert_eq!(error.render(SeverityOutput::None), "No such server.\n\n");
        assert_eq!(
            error.render(SeverityOutput::Number),
            "[3]: No such server.\n\n"
        );
        assert_eq!(
            error.render(SeverityOutput::Word),
            "[err]: No such server.\n\n"
        );
    }
}
