//! The line an agent answers with (HAProxy configuration manual, 5.2 `agent-check`).

use super::CheckStatus;
use crate::server::AdminState;

/// What an agent asks for; what it does not mention stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentAnswer {
    /// `75%`: this much of the configured weight.
    pub percent: Option<u32>,
    /// `maxconn:30`.
    pub max_connections: Option<u32>,
    /// `ready`, `drain`, `maint`.
    pub admin: Option<AdminState>,
    /// `up`, `down`, `failed`, `stopped`.
    pub verdict: Option<AgentVerdict>,
    /// The word that gave the verdict.
    pub verdict_word: Option<String>,
    /// What follows a `#`: for humans.
    pub description: Option<String>,
    /// The first word that is none of these.
    pub unknown: Option<String>,
}

/// Whether the service works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentVerdict {
    /// `up`.
    Up,
    /// `down`, `fail`, `failed` or `stopped`.
    Down,
}

impl AgentAnswer {
    /// Reads the first line. Words are separated by spaces, tabs or commas, in any order and in
    /// either case; the last word on a matter counts.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let line = text.split(['\r', '\n']).next().unwrap_or_default();
        let (words, description) = match line.split_once('#') {
            Some((words, description)) => (words, Some(description.trim().to_owned())),
            None => (line, None),
        };
        let mut answer = Self {
            description,
            ..Self::default()
        };
        for word in words
            .split([' ', '\t', ','])
            .filter(|word| !word.is_empty())
        {
            if answer.read(&word.to_ascii_lowercase()).is_none() && answer.unknown.is_none() {
                answer.unknown = Some(word.to_owned());
            }
        }
        answer
    }

    /// The same without what it says of weight and administrative state.
    pub(crate) fn without_weight(self) -> Self {
        Self {
            percent: None,
            admin: None,
            ..self
        }
    }

    /// What the statistics call this answer.
    #[must_use]
    pub const fn status(&self) -> CheckStatus {
        match self.verdict {
            Some(AgentVerdict::Up) => CheckStatus::L7Ok,
            Some(AgentVerdict::Down) => CheckStatus::L7Status,
            None => CheckStatus::Checked,
        }
    }

    /// Whether the agent asked for nothing that we understand.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.percent.is_none()
            && self.max_connections.is_none()
            && self.admin.is_none()
            && self.verdict.is_none()
    }

    fn judge(&mut self, verdict: AgentVerdict, word: &str) {
        self.verdict = Some(verdict);
        self.verdict_word = Some(word.to_owned());
    }

    fn read(&mut self, word: &str) -> Option<()> {
        match word {
            "up" => self.judge(AgentVerdict::Up, word),
            "down" | "fail" | "failed" | "stopped" => self.judge(AgentVerdict::Down, word),
            "ready" => self.admin = Some(AdminState::Ready),
            "drain" => self.admin = Some(AdminState::Drain),
            "maint" => self.admin = Some(AdminState::Maintenance),
            _ => match (word.strip_suffix('%'), word.strip_prefix("maxconn:")) {
                (Some(percent), _) => self.percent = Some(percent.parse().ok()?),
                (None, Some(limit)) => self.max_connections = Some(limit.parse().ok()?),
                (None, None) => return None,
            },
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_in_any_order_with_any_separator() {
        let answer = AgentAnswer::parse("up, 75%\tmaxconn:30,READY # all is well\r\nignored");
        assert_eq!(
            answer,
            AgentAnswer {
                percent: Some(75),
                max_connections: Some(30),
                admin: Some(AdminState::Ready),
                verdict: Some(AgentVerdict::Up),
                verdict_word: Some("up".into()),
                description: Some("all is well".into()),
                unknown: None,
            }
        );
    }

    #[test]
    fn all_words_for_down_mean_down() {
        for word in ["down", "fail", "failed", "stopped", "down#disk full"] {
            assert_eq!(
                AgentAnswer::parse(word).verdict,
                Some(AgentVerdict::Down),
                "{word}"
            );
        }
    }

    #[test]
    fn nonsense_changes_nothing_and_is_named() {
        for word in ["-5%", "99999999999%", "maxconn:", "%", "hello"] {
            let answer = AgentAnswer::parse(word);
            assert!(answer.is_empty(), "{word}");
            assert_eq!(answer.unknown.as_deref(), Some(word));
        }
        assert!(AgentAnswer::parse("").is_empty());
    }
}
