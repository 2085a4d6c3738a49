//! What a starting process says on standard error.

use std::{
    cell::{Cell, RefCell},
    fmt::Display,
    io::{self, IsTerminal as _, Write},
    time::{Duration, Instant},
};

use pontoon_config::haproxy::model::LogAddress;

use crate::{files::without_number, log::sink::Sink};

/// Speaks on standard error until the process runs; from then on, the log does.
#[derive(Debug)]
pub struct Announcer {
    style: Style,
    quiet: bool,
    /// HAProxy introduces itself before its first message.
    introduced: Cell<bool>,
    /// Takes lines without making us wait.
    sink: Option<Sink>,
    /// What was said, if it is for somebody else to tell.
    kept: Option<RefCell<String>>,
}

/// How long the last lines may take.
const PATIENCE: Duration = Duration::from_millis(200);

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `[ALERT]    (123) : …`, as scripts around HAProxy expect it.
    Haproxy,
    /// `pontoon: error: …`.
    Pontoon,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    Alert,
    Warning,
    Notice,
}

impl Announcer {
    /// Says nothing at all if `quiet`.
    #[must_use]
    pub const fn new(style: Style, quiet: bool) -> Self {
        Self {
            style,
            quiet,
            introduced: Cell::new(false),
            sink: None,
            kept: None,
        }
    }

    /// Says nothing, but keeps it: [`Announcer::into_words`].
    #[must_use]
    pub const fn keeping(style: Style) -> Self {
        Self {
            style,
            quiet: false,
            introduced: Cell::new(true),
            sink: None,
            kept: Some(RefCell::new(String::new())),
        }
    }

    /// All that was kept.
    #[must_use]
    pub fn into_words(self) -> String {
        self.kept.map(RefCell::into_inner).unwrap_or_default()
    }

    /// Whether colours are welcome.
    #[must_use]
    pub fn is_coloured(&self) -> bool {
        let colours = std::env::var_os("NO_COLOR").is_none();
        self.kept.is_none() && colours && io::stderr().is_terminal()
    }

    /// From now on, nothing is said.
    pub fn hush(&mut self) {
        self.quiet = true;
    }

    /// From now on, nobody who does not read standard error (a stopped terminal, a full pipe) keeps
    /// this process waiting. Starts a thread, so signals that others wait for must be held back.
    pub fn never_wait(&mut self) {
        self.sink = Sink::open(&LogAddress::Descriptor(2)).ok();
    }

    /// Before the process exits: gives the last lines a moment to get out.
    pub fn flush(&self) {
        if let Some(sink) = &self.sink {
            let _late = sink.flush(Instant::now() + PATIENCE);
        }
    }

    /// Why nothing starts.
    pub fn alert(&self, message: impl Display) {
        self.say(Weight::Alert, &message.to_string());
    }

    /// What will surprise.
    pub fn warning(&self, message: impl Display) {
        self.say(Weight::Warning, &message.to_string());
    }

    /// What is good to know.
    pub fn notice(&self, message: impl Display) {
        self.say(Weight::Notice, &message.to_string());
    }

    /// Lines that have their final shape already.
    pub fn verbatim(&self, lines: &str) {
        if self.quiet {
            return;
        }
        if let Some(kept) = &self.kept {
            kept.borrow_mut().push_str(lines);
            return;
        }
        let text = self.introduction() + lines;
        // If nobody reads standard error, there is nobody to tell.
        match &self.sink {
            Some(sink) => drop(sink.send(text.as_bytes())),
            None => drop(io::stderr().lock().write_all(text.as_bytes())),
        }
    }

    fn say(&self, weight: Weight, message: &str) {
        self.verbatim(&line(self.style, weight, message));
    }

    fn introduction(&self) -> String {
        let mut text = String::new();
        if self.style == Style::Haproxy && !self.introduced.replace(true) {
            text += &line(
                self.style,
                Weight::Notice,
                &format!("haproxy version is {}", crate::VERSION),
            );
            if let Ok(path) = std::env::current_exe() {
                let path = format!("path to executable is {}", path.display());
                text += &line(self.style, Weight::Notice, &path);
            }
        }
        text
    }
}

fn line(style: Style, weight: Weight, message: &str) -> String {
    let message = without_number(message);
    let (tag, word) = match weight {
        Weight::Alert => ("[ALERT]   ", "error"),
        Weight::Warning => ("[WARNING] ", "warning"),
        Weight::Notice => ("[NOTICE]  ", "note"),
    };
    match style {
        Style::Haproxy => format!("{tag} ({}) : {message}\n", std::process::id()),
        Style::Pontoon => format!("pontoon: {word}: {message}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_shape_that_scripts_know() {
        let pid = std::process::id();
        let haproxy = |weight| line(Style::Haproxy, weight, "x");
        assert_eq!(haproxy(Weight::Alert), format!("[ALERT]    ({pid}) : x\n"));
        assert_eq!(
            haproxy(Weight::Warning),
            format!("[WARNING]  ({pid}) : x\n")
        );
        assert_eq!(haproxy(Weight::Notice), format!("[NOTICE]   ({pid}) : x\n"));
        assert_eq!(
            line(Style::Pontoon, Weight::Alert, "x"),
            "pontoon: error: x\n"
        );
    }
}
