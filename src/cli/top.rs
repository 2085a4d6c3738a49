//! `pontoon top`: a running node on a terminal: its proxies and servers, sessions, election.
//!
//! ```text
//!  runtime door of the proxy ─► reading ─► state ─► view ─► terminal
//!  door of the node ──────────►              ▲
//!  keys ─► input ────────────────────────────┘─► command (after a yes) ─► runtime door
//! ```

mod input;
mod reading;
mod state;
mod table;
mod view;

use std::{
    io::{self, Read as _},
    os::fd::AsFd as _,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;
use pontoon_sys::process::{
    Signal,
    signal::Signals,
    wait::{self, Wish},
};

use self::{
    input::{Effect, Key},
    reading::Reader,
    state::State,
};
use super::runtime::Which;
use crate::{
    proxy::process::announce::{Announcer, Style},
    terminal::Screen,
};

/// What follows `pontoon top`.
#[derive(Debug, Args)]
pub(super) struct TopArgs {
    #[command(flatten)]
    which: Which,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    interval: f64,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("'{text}' is no number"))?;
    if (0.1..=3600.0).contains(&number) {
        Ok(number)
    } else {
        Err("it must be 0.1 to 3600".to_owned())
    }
}

/// Why it cannot begin, or ended.
#[derive(Debug, thiserror::Error)]
enum TopError {
    #[error("standard output is no terminal; see `pontoon status` and `pontoon why`")]
    NoTerminal,
    #[error("the terminal is gone: {0}")]
    Gone(#[from] io::Error),
}

/// Shows it until the user has seen enough.
#[must_use]
pub(super) fn run(args: &TopArgs) -> ExitCode {
    match show(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Announcer::new(Style::Pontoon, false).alert(error);
            ExitCode::FAILURE
        }
    }
}

fn show(args: &TopArgs) -> Result<(), TopError> {
    if !Screen::is_possible() {
        return Err(TopError::NoTerminal);
    }
    let watched = [
        Signal::INT,
        Signal::TERM,
        Signal::HUP,
        Signal::TSTP,
        Signal::WINCH,
    ];
    let signals = Signals::watch(&watched)?;
    let mut top = Top {
        reader: Reader::new(args.which.clone()),
        state: State::default(),
        screen: Screen::enter()?,
        signals,
        interval: Duration::from_secs_f64(args.interval),
    };
    top.turn()
}

struct Top {
    reader: Reader,
    state: State,
    screen: Screen,
    signals: Signals,
    interval: Duration,
}

impl Top {
    fn turn(&mut self) -> Result<(), TopError> {
        let mut due = Instant::now();
        loop {
            if Instant::now() >= due {
                self.state
                    .see(self.reader.read(self.state.tab), Instant::now());
                due = Instant::now() + self.interval;
            }
            let state = &mut self.state;
            self.screen.draw(|frame| {
                let area = frame.area();
                view::render(state, area, frame.buffer_mut());
            })?;
            for key in self.wait(due)? {
                match input::press(&mut self.state, key) {
                    Effect::Nothing => {}
                    Effect::Look => due = Instant::now(),
                    Effect::Quit => return Ok(()),
                    Effect::Order(command) => {
                        self.state.message = Some(self.reader.order(&command));
                        due = Instant::now();
                    }
                }
            }
        }
    }

    /// Keys that were pressed, until it is time for another look; a signal that ends us is one, too.
    fn wait(&self, until: Instant) -> Result<Vec<Key>, TopError> {
        let left = until.saturating_duration_since(Instant::now());
        let stdin = io::stdin();
        let wishes = [
            (stdin.as_fd(), Wish::Read),
            (self.signals.as_fd(), Wish::Read),
        ];
        wait::any(&wishes, Some(left))?;
        let mut keys = Vec::new();
        while let Some(signal) = self.signals.next() {
            // A new size is noticed when it is drawn; a stopped picture would stay on the screen.
            if ![Signal::WINCH, Signal::TSTP].contains(&signal) {
                keys.push(Key::Interrupt);
            }
        }
        let [readable] = wait::readable([Some(stdin.as_fd())], Some(Duration::ZERO))?;
        if readable {
            let mut buffer = [0; 64];
            match stdin.lock().read(&mut buffer)? {
                0 => keys.push(Key::Interrupt),
                length => keys.extend(input::keys(&buffer[..length])),
            }
        }
        Ok(keys)
    }
}
