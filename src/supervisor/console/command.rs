//! What a client of the master socket may say (management manual, 9.4.1).

use serde::{Deserialize, Serialize};

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::supervisor) enum Level {
    /// Look.
    User,
    /// Reload.
    Operator,
    /// Everything.
    Admin,
}

impl Level {
    pub(in crate::supervisor) const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    pub(in crate::supervisor) fn named(name: &str) -> Option<Self> {
        let all = [Self::User, Self::Operator, Self::Admin];
        all.into_iter().find(|level| level.name() == name)
    }
}

/// Whom a command is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::supervisor) enum Target {
    /// `@`, `@0`, `@master`.
    Master,
    /// `@1`: the current worker.
    Worker,
    /// `@!PID`.
    Process(u32),
    /// As written: there is no such process.
    Nobody(String),
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::supervisor) enum Command {
    /// For a process: as it is written, payload and all.
    Relay { target: Target, command: String },
    /// All that follow are for this one.
    Turn(Target),
    /// `show proc`.
    Processes,
    /// `show version`.
    Version,
    /// `show cli level`.
    ShowLevel,
    /// `show cli sockets`.
    ShowSockets,
    /// `reload`.
    Reload,
    /// `help`, with what it is asked for.
    Help(String),
    /// `prompt`.
    Prompt,
    /// `quit`.
    Quit,
    /// `operator`, `user`.
    Lower(Level),
    /// `expert-mode` and its kin.
    Mode(String),
    /// What is no command.
    Unknown(String),
}

/// Commands about the connection, whomever others are for.
const OF_CONNECTION: [&str; 4] = ["operator", "prompt", "quit", "user"];

impl Command {
    /// One command of a client whose commands are for `turned` otherwise.
    pub(super) fn parse(text: &str, turned: &Target) -> Self {
        let text = text.trim();
        let (target, command) = match text.strip_prefix('@') {
            Some(prefixed) => {
                let (prefix, rest) = prefixed
                    .split_once(char::is_whitespace)
                    .unwrap_or((prefixed, ""));
                (Target::of(prefix), rest.trim())
            }
            None => (turned.clone(), text),
        };
        if text.starts_with('@') && command.is_empty() || matches!(target, Target::Nobody(_)) {
            return Self::Turn(target);
        }
        match target {
            // These are about the connection.
            _ if OF_CONNECTION.contains(&command) && !text.starts_with('@') => {
                Self::of_master(command)
            }
            Target::Master => Self::of_master(command),
            target => Self::Relay {
                target,
                command: command.to_owned(),
            },
        }
    }

    fn of_master(text: &str) -> Self {
        let text = text.split('#').next().unwrap_or_default();
        let words: Vec<_> = text.split_whitespace().collect();
        match words.as_slice() {
            ["show", "proc", ..] => Self::Processes,
            ["show", "version", ..] => Self::Version,
            ["show", "cli", "level", ..] => Self::ShowLevel,
            ["show", "cli", "sockets", ..] => Self::ShowSockets,
            ["reload", ..] => Self::Reload,
            ["help", rest @ ..] => Self::Help(rest.join(" ")),
            ["prompt", ..] => Self::Prompt,
            ["quit", ..] => Self::Quit,
            ["operator", ..] => Self::Lower(Level::Operator),
            ["user", ..] => Self::Lower(Level::User),
            [
                mode @ ("expert-mode" | "experimental-mode" | "mcli-debug-mode"),
                ..,
            ] => Self::Mode((*mode).to_owned()),
            words => Self::Unknown(words.join(" ")),
        }
    }
}

impl Target {
    fn of(prefix: &str) -> Self {
        match prefix {
            "" | "0" | "master" => Self::Master,
            "1" => Self::Worker,
            other => other
                .strip_prefix('!')
                .and_then(|pid| pid.parse().ok())
                .filter(|pid| *pid > 0)
                .map_or_else(|| Self::Nobody(format!("@{other}")), Self::Process),
        }
    }
}

/// Takes the commands of the next whole line from what has come; with a payload (`<<`), of all its
/// lines. `None`: there is none yet.
pub(super) fn take_line(input: &mut Vec<u8>) -> Option<Vec<String>> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    let line = String::from_utf8_lossy(&input[..end]).into_owned();
    let mut length = end + 1;
    let mut commands = split(&line);
    if line.trim_end().ends_with("<<") {
        let rest = &input[length..];
        let payload = if rest.starts_with(b"\n") {
            1
        } else {
            2 + rest.windows(2).position(|two| two == b"\n\n")?
        };
        let text = String::from_utf8_lossy(&rest[..payload]).into_owned();
        if let Some(last) = commands.last_mut() {
            *last += &format!("\n{text}");
        }
        length += payload;
    }
    input.drain(..length);
    Some(commands)
}

/// At semicolons that are not escaped.
fn split(line: &str) -> Vec<String> {
    let mut commands = vec![String::new()];
    let mut escaped = false;
    for c in line.trim_end_matches('\r').chars() {
        match (c, commands.last_mut()) {
            (';', _) if !escaped => commands.push(String::new()),
            (c, Some(last)) => last.push(c),
            (_, None) => {}
        }
        escaped = c == '\\' && !escaped;
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Command {
        Command::parse(text, &Target::Master)
    }

    fn relay(target: Target, command: &str) -> Command {
        Command::Relay {
            target,
            command: command.to_owned(),
        }
    }

    #[test]
    fn a_prefix_says_for_whom_it_is() {
        assert_eq!(parse("@1 show  info"), relay(Target::Worker, "show  info"));
        assert_eq!(parse(" @!12 quit"), relay(Target::Process(12), "quit"));
        assert_eq!(parse("@1"), Command::Turn(Target::Worker));
        assert_eq!(parse("@"), Command::Turn(Target::Master));
        assert_eq!(parse("@master show proc"), Command::Processes);
        for nobody in ["@2", "@!0", "@!x", "@foo"] {
            let target = Target::Nobody(nobody.to_owned());
            assert_eq!(parse(&format!("{nobody} show info")), Command::Turn(target));
        }
    }

    #[test]
    fn after_a_turn_all_but_the_connection_is_the_others() {
        let parse = |text| Command::parse(text, &Target::Worker);
        assert_eq!(parse("show version"), relay(Target::Worker, "show version"));
        assert_eq!(parse("@0 show version"), Command::Version);
        assert_eq!(parse("prompt"), Command::Prompt);
        assert_eq!(parse("quit"), Command::Quit);
    }

    #[test]
    fn what_is_no_command_is_unknown() {
        assert_eq!(parse("sh ver"), Command::Unknown("sh ver".into()));
        assert_eq!(parse(""), Command::Unknown(String::new()));
        assert_eq!(parse("show version # of what?"), Command::Version);
    }

    #[test]
    fn lines_are_taken_whole() {
        let mut input = b"show proc; @1 a\\;b\nsho".to_vec();
        assert_eq!(take_line(&mut input).unwrap(), ["show proc", " @1 a\\;b"]);
        assert_eq!(take_line(&mut input), None);
        assert_eq!(input, b"sho");
    }

    #[test]
    fn a_payload_belongs_to_its_command() {
        let mut input = b"@1 x <<\nfoo bar\n".to_vec();
        assert_eq!(take_line(&mut input), None);
        input.extend(b"\nshow version\n");
        assert_eq!(take_line(&mut input).unwrap(), ["@1 x <<\nfoo bar\n\n"]);
        assert_eq!(take_line(&mut input).unwrap(), ["show version"]);
    }
}
