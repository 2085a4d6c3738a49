//! Log lines in plain words.

/// What a line is about; decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// A server came back.
    Good,
    /// A server went down, or none is left.
    Bad,
    /// A check that changed nothing yet.
    Doubt,
    /// A session.
    Session,
    /// Anything else.
    Plain,
}

/// A line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) mood: Mood,
    pub(super) text: String,
}

/// Translates a line of the log; what it does not know stays as it is.
pub(super) fn translate(line: &str) -> Shown {
    let known = state(line)
        .or_else(|| check(line))
        .or_else(|| session(line));
    known.unwrap_or_else(|| {
        let mood = if line.contains("no server available") {
            Mood::Bad
        } else {
            Mood::Plain
        };
        Shown {
            mood,
            text: line.to_owned(),
        }
    })
}

/// `Server servers/one is DOWN, reason: …`
fn state(line: &str) -> Option<Shown> {
    let rest = line.strip_prefix("Server servers/")?;
    let (name, rest) = rest.split_once(" is ")?;
    let (mood, word, rest) = match rest.split_once([',', '.'])? {
        ("UP", rest) => (Mood::Good, "UP", rest),
        ("DOWN", rest) => (Mood::Bad, "DOWN", rest),
        _ => return None,
    };
    let left = rest.split(". ").find(|part| part.contains(" active and "));
    let left = left.map_or_else(String::new, |left| format!("; {}", left.trim()));
    let text = format!("server {name} is {word}{}{left}", because(rest));
    Some(Shown { mood, text })
}

/// `Health check for server servers/one failed, reason: …, status: 1/2 UP.`
fn check(line: &str) -> Option<Shown> {
    let rest = line.strip_prefix("Health check for server servers/")?;
    let (name, rest) = rest.split_once(' ')?;
    let (outcome, rest) = rest.split_once(',')?;
    let standing = rest.rsplit_once("status: ").map(|(_, status)| status);
    let standing = standing.map(|status| format!(", now {}", status.trim_end_matches('.')));
    let text = format!(
        "check of {name} {outcome}{}{}",
        because(rest),
        standing.unwrap_or_default()
    );
    Some(Shown {
        mood: Mood::Doubt,
        text,
    })
}

fn because(rest: &str) -> String {
    let between = |from: &str| {
        let (_, rest) = rest.split_once(from)?;
        Some(rest.split([',', '.']).next()?.trim_matches('"'))
    };
    match (between("reason: "), between("info: ")) {
        (Some(reason), Some(info)) => format!(" ({reason}: {info})"),
        (Some(reason), None) => format!(" ({reason})"),
        _ => String::new(),
    }
}

/// `127.0.0.1:40000 [date] entrance servers/one 1/0/2 120 -- …`
fn session(line: &str) -> Option<Shown> {
    let mut words = line.split_whitespace();
    let client = words.next()?;
    words.next().filter(|date| date.starts_with('['))?;
    words.next()?;
    let (_, server) = words.next()?.split_once('/')?;
    let total = words.next()?.rsplit('/').next()?;
    let bytes = words.next()?;
    let flags = words.next()?;
    let text = match (server, flags) {
        ("<NOSRV>", _) => format!("{client} found no server ({flags})"),
        (_, "--") => format!("{client} was served by {server}: {bytes} bytes in {total} ms"),
        _ => format!("{client} at {server} ended early ({flags}): {bytes} bytes in {total} ms"),
    };
    Some(Shown {
        mood: Mood::Session,
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> (Mood, String) {
        let Shown { mood, text } = translate(line);
        (mood, text)
    }

    #[test]
    fn a_server_goes_down_and_comes_back() {
        let down = "Server servers/one is DOWN, reason: Layer4 connection problem, info: \
                    \"Connection refused\", check duration: 0ms. 2 active and 0 backup servers \
                    left. 0 sessions active, 0 requeued, 0 remaining in queue.";
        let (mood, text) = told(down);
        assert_eq!(mood, Mood::Bad);
        assert_eq!(
            text,
            "server one is DOWN (Layer4 connection problem: Connection refused); 2 active and 0 \
             backup servers left"
        );
        let up = "Server servers/one is UP, reason: Layer4 check passed, check duration: 0ms. 3 \
                  active and 0 backup servers online. 0 sessions requeued, 0 total in queue.";
        let (mood, text) = told(up);
        assert_eq!(mood, Mood::Good);
        assert_eq!(
            text,
            "server one is UP (Layer4 check passed); 3 active and 0 backup servers online"
        );
    }

    #[test]
    fn a_change_after_a_logged_check_has_no_reason() {
        let line = "Server servers/one is DOWN. 2 active and 0 backup servers left. 0 sessions \
                    active, 0 requeued, 0 remaining in queue.";
        assert_eq!(
            told(line).1,
            "server one is DOWN; 2 active and 0 backup servers left"
        );
    }

    #[test]
    fn a_check_fails() {
        let line = "Health check for server servers/two failed, reason: Layer4 connection \
                    problem, info: \"Connection refused\", check duration: 0ms, status: 1/2 UP.";
        let (mood, text) = told(line);
        assert_eq!(mood, Mood::Doubt);
        assert_eq!(
            text,
            "check of two failed (Layer4 connection problem: Connection refused), now 1/2 UP"
        );
    }

    #[test]
    fn sessions_end() {
        let line = "127.0.0.1:4 [22/Nov/2026:10:43:12.243] entrance servers/one 1/0/2 120 -- \
                    1/1/0/0/0 0/0";
        assert_eq!(
            told(line),
            (
                Mood::Session,
                "127.0.0.1:4 was served by one: 120 bytes in 2 ms".into()
            )
        );
        let line = "127.0.0.1:4 [22/Nov/2026:10:43:12.243] entrance servers/<NOSRV> -1/-1/0 0 SC \
                    1/1/0/0/0 0/0";
        assert_eq!(told(line).1, "127.0.0.1:4 found no server (SC)");
    }

    #[test]
    fn anything_else_stays() {
        assert_eq!(told("what ever"), (Mood::Plain, "what ever".into()));
        assert_eq!(
            told("backend servers has no server available!").0,
            Mood::Bad
        );
    }
}
