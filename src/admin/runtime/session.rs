//! What one client has agreed on with us: who it may be, how long it may think, how it is answered.

use std::{sync::Arc, time::Duration};

use pontoon_config::haproxy::model::{Access, SeverityOutput};

use super::{
    Terms,
    answer::Answer,
    command::{Arguments, Command},
    reader::Written,
    table::Row,
};
use crate::state::Running;

/// A change to the connection itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// `prompt`: from now on ask for the next command, or no more.
    TogglePrompt,
    /// `quit`.
    Quit,
    /// `user`, `operator`: may do no more than this from now on.
    Lower(Access),
    /// `show cli level`.
    ShowLevel,
    /// `set timeout cli`: how long the client may be silent.
    SetTimeout(Duration),
    /// `set severity-output`.
    SetSeverity(SeverityOutput),
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "prompt",
        usage: "prompt",
        what: "toggle interactive mode with prompt",
        access: Access::User,
        parse: |_| Ok(Command::Session(Order::TogglePrompt)),
    },
    Row {
        name: "quit",
        usage: "quit",
        what: "disconnect",
        access: Access::User,
        parse: |_| Ok(Command::Session(Order::Quit)),
    },
    Row {
        name: "operator",
        usage: "operator",
        what: "lower the level of the current CLI session to operator",
        access: Access::Operator,
        parse: |_| Ok(Command::Session(Order::Lower(Access::Operator))),
    },
    Row {
        name: "user",
        usage: "user",
        what: "lower the level of the current CLI session to user",
        access: Access::User,
        parse: |_| Ok(Command::Session(Order::Lower(Access::User))),
    },
    Row {
        name: "show cli level",
        usage: "show cli level",
        what: "display the level of the current CLI session",
        access: Access::User,
        parse: |_| Ok(Command::Session(Order::ShowLevel)),
    },
    Row {
        name: "set timeout",
        usage: "set timeout [cli] <delay>",
        what: "change a timeout setting",
        access: Access::User,
        parse: timeout,
    },
    Row {
        name: "set severity-output",
        usage: "set severity-output [none|number|string]",
        what: "set presence of severity level in feedback information",
        access: Access::User,
        parse: severity,
    },
];

/// A connection's own settings.
#[derive(Debug)]
pub(super) struct Session {
    running: Arc<Running>,
    pub(super) terms: Terms,
    /// It is asked for each command, and stays until it leaves.
    pub(super) interactive: bool,
}

impl Session {
    pub(super) const fn new(running: Arc<Running>, terms: Terms) -> Self {
        Self {
            running,
            terms,
            interactive: false,
        }
    }

    /// Does what is asked for, and returns what to say; `None`: the client wants to leave.
    pub(super) async fn obey(&mut self, written: &Written) -> Option<Answer> {
        Some(match Command::parse(written, self.terms.access) {
            Ok(Command::Session(order)) => self.settle(order)?,
            Ok(command) => command.apply(&self.running).await,
            Err(answer) => answer,
        })
    }

    fn settle(&mut self, order: Order) -> Option<Answer> {
        match order {
            Order::Quit => return None,
            Order::TogglePrompt => self.interactive = !self.interactive,
            Order::Lower(access) => self.terms.access = access,
            Order::SetTimeout(patience) => self.terms.patience = patience,
            Order::SetSeverity(severity) => self.terms.severity = severity,
            Order::ShowLevel => return Some(Answer::info(level_word(self.terms.access))),
        }
        Some(Answer::Done)
    }
}

/// A level as HAProxy names it.
pub(super) const fn level_word(access: Access) -> &'static str {
    match access {
        Access::User => "user",
        Access::Operator => "operator",
        Access::Admin => "admin",
    }
}

fn timeout(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    if arguments.get(0) != "cli" {
        return Err(Answer::error("'set timeout' only supports 'cli'."));
    }
    match arguments.get(1) {
        "" => Err(Answer::error("Expects an integer value.")),
        delay => match duration(delay) {
            Some(delay) => Ok(Command::Session(Order::SetTimeout(delay))),
            None => Err(Answer::error("Invalid timeout value.")),
        },
    }
}

/// A time with a unit, in seconds if there is none; not zero.
pub(super) fn duration(text: &str) -> Option<Duration> {
    duration_in(text, 1_000_000)
}

/// The same where numbers without a unit count so many microseconds.
pub(super) fn duration_in(text: &str, unit: u64) -> Option<Duration> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let micros = match &text[digits..] {
        "us" => 1,
        "ms" => 1_000,
        "" => unit,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return None,
    };
    // As long as HAProxy's longest: 24 days and some.
    let longest = u64::from(i32::MAX.unsigned_abs()) * 1_000;
    let micros = number
        .checked_mul(micros)
        .filter(|micros| (1..=longest).contains(micros))?;
    Some(Duration::from_micros(micros))
}

fn severity(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    let severity = match arguments.get(0) {
        "none" => SeverityOutput::None,
        "number" => SeverityOutput::Number,
        "string" => SeverityOutput::Word,
        _ => {
            return Err(Answer::error(
                "one of 'none', 'number', 'string' is a required argument",
            ));
        }
    };
    Ok(Command::Session(Order::SetSeverity(severity)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_or_is_in_seconds() {
        assert_eq!(duration("10"), Some(Duration::from_secs(10)));
        assert_eq!(duration("1500ms"), Some(Duration::from_millis(1_500)));
        assert_eq!(duration("2m"), Some(Duration::from_secs(120)));
        for wrong in [
            "",
            "0",
            "x",
            "10x",
            "-1",
            "1d2",
            "99999999999999999999",
            "900d",
        ] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
