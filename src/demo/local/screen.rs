//! What the demo writes.

use std::io::{self, IsTerminal as _, Write as _};

use super::line::{Mood, Shown};

const INTRODUCTION: &str = "\
Pontoon listens on 127.0.0.1:8080 and shares connections between three servers: one, two, three.
  try this     curl http://127.0.0.1:8080/        the next server answers each time
  statistics   http://127.0.0.1:8404/             in a browser, live
  keys         1 2 3  kill or revive a server     space  send a request     q  quit
  the file     examples/quickstart/haproxy.cfg    checks, failures and sessions follow as they happen
";

/// The terminal, or whatever standard output is.
#[derive(Debug)]
pub(super) struct Screen {
    colour: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { colour }
    }

    /// What there is and what to try.
    pub(super) fn introduce(&self) {
        let (first, rest) = INTRODUCTION.split_once('\n').unwrap_or((INTRODUCTION, ""));
        self.write(&format!("{}\n{rest}\n", self.paint("1", first)));
    }

    /// A line of the log.
    pub(super) fn show(&self, shown: &Shown) {
        let (colour, sign) = match shown.mood {
            Mood::Good => ("32", "▲"),
            Mood::Bad => ("31", "▼"),
            Mood::Doubt => ("33", "·"),
            Mood::Session => ("36", "→"),
            Mood::Plain => ("2", " "),
        };
        let line = self.paint(colour, &format!("{sign} {}", shown.text));
        self.write(&format!("{line}\n"));
    }

    /// What the user has just done.
    pub(super) fn tell(&self, text: &str) {
        self.write(&format!("{}\n", self.paint("1", &format!("# {text}"))));
    }

    pub(super) fn farewell(&self) {
        self.tell("the demo is over");
    }

    /// What went wrong, on standard error.
    pub(super) fn complain(&self, text: &str) {
        // If nobody reads it, there is nobody to tell.
        let _unread = io::stderr()
            .lock()
            .write_all(format!("{text}\n").as_bytes());
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn write(&self, text: &str) {
        // If nobody looks, the show goes on.
        let _unread = io::stdout().lock().write_all(text.as_bytes());
    }
}
