//! Reading single keys from a terminal, and its size.

use std::io;

use rustix::termios::{
    LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr,
};

/// Columns and rows of a terminal that does not tell.
const USUAL: (u16, u16) = (80, 24);

/// Whether standard output is a terminal.
#[must_use]
pub fn is_output() -> bool {
    isatty(rustix::stdio::stdout())
}

/// Columns and rows of the terminal at standard output.
///
/// # Errors
/// It is none, or gone.
pub fn size() -> io::Result<(u16, u16)> {
    let size = tcgetwinsize(rustix::stdio::stdout())?;
    match (size.ws_col, size.ws_row) {
        // Serial lines and some pseudo terminals have no size.
        (0, _) | (_, 0) => Ok(USUAL),
        known => Ok(known),
    }
}

/// How standard input was found.
#[derive(Debug, Clone)]
pub struct Modes(Termios);

impl Modes {
    /// Makes it so again.
    pub fn restore(&self) {
        // A terminal that is gone needs no restoring.
        let _gone = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Standard input gives each key at once and does not echo it, until this is dropped.
#[derive(Debug)]
pub struct Keys {
    before: Modes,
}

impl Keys {
    /// Changes the terminal; `None` if standard input is none. Ctrl-C stays a signal.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn listen() -> io::Result<Option<Self>> {
        let input = rustix::stdio::stdin();
        if !isatty(input) {
            return Ok(None);
        }
        let before = tcgetattr(input)?;
        let mut single = before.clone();
        single
            .local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO);
        tcsetattr(input, OptionalActions::Now, &single)?;
        Ok(Some(Self {
            before: Modes(before),
        }))
    }

    /// How it was before, for whoever must restore it without dropping this.
    #[must_use]
    pub fn before(&self) -> Modes {
        self.before.clone()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.before.restore();
    }
}
