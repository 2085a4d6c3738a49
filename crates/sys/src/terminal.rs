//! Reading single keys from a terminal.

use std::io;

use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};

/// Standard input gives each key at once and does not echo it, until this is dropped.
#[derive(Debug)]
pub struct Keys {
    before: Termios,
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
        Ok(Some(Self { before }))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // A terminal that is gone needs no restoring.
        let _gone = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before);
    }
}
