//! A terminal that shows a picture instead of lines: entered, drawn, and left as it was found,
//! whatever happens.

mod ansi;
mod restore;

use std::io;

use pontoon_sys::terminal::{self as system, Keys};
use ratatui_core::terminal::{Frame, Terminal};

use self::{ansi::Ansi, restore::Guard};

/// The screen of standard output, ours until this is dropped. A panic gives it back as well.
#[derive(Debug)]
pub(crate) struct Screen {
    terminal: Terminal<Ansi>,
    /// Dropped after the terminal, which may still want to write.
    _guard: Guard,
    /// Dropped last: from then on keys are echoed.
    _keys: Option<Keys>,
}

impl Screen {
    /// Whether there is a terminal to show anything on, and it can.
    pub(crate) fn is_possible() -> bool {
        system::is_output() && std::env::var_os("TERM").is_none_or(|name| name != "dumb")
    }

    /// Takes the screen. Keys come one by one through standard input from now on.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(crate) fn enter() -> io::Result<Self> {
        let keys = Keys::listen()?;
        let guard = Guard::enter(keys.as_ref())?;
        Ok(Self {
            terminal: Terminal::new(Ansi::new())?,
            _guard: guard,
            _keys: keys,
        })
    }

    /// Draws what is different from before; a new size is noticed.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(crate) fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(render).map(drop)
    }
}
