//! `pontoon demo --local`: three tiny servers and the real proxy before them, on loopback, without root.
//!
//! The proxy is a `pontoon run` on the very file of `examples/quickstart`; what it logs is shown
//! in plain words as it happens.

mod line;
mod node;
mod screen;
mod site;

use std::{
    process::ExitCode,
    sync::mpsc::{self, Receiver},
};

use pontoon_sys::{process::signal::Signals, terminal::Keys};

use self::{node::Node, screen::Screen, site::Site};
use super::keyboard;

/// The configuration that is shown.
const CONFIGURATION: &str = include_str!("../../examples/quickstart/haproxy.cfg");

/// Something to react to.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    /// A key was pressed.
    Key(u8),
    /// The proxy logged a line.
    Line(String),
    /// The proxy complained before it could log.
    Complaint(String),
    /// The proxy is gone.
    Ended,
    /// A signal says stop.
    Stop,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error("cannot start the demo: {0}")]
    System(#[from] std::io::Error),
    #[error("{0}; is another program (or demo) using that port?")]
    Site(#[from] pontoon_lab::problem::Problem),
    #[error("the proxy did not start:\n{0}")]
    Proxy(String),
}

/// Runs until `q` is pressed or a signal says stop.
pub(super) fn run(signals: Signals) -> ExitCode {
    let screen = Screen::new();
    match demonstrate(&screen, signals) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            screen.complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn demonstrate(screen: &Screen, signals: Signals) -> Result<(), DemoError> {
    let mut site = Site::open()?;
    let (events, incoming) = mpsc::channel();
    let node = Node::start(CONFIGURATION, &events)?;
    node::wait_until_started(&incoming)?;
    screen.introduce();
    let _keys = Keys::listen()?;
    keyboard::watch_signals(signals, events.clone(), Event::Stop);
    keyboard::read_keys(events, Event::Key);
    let outcome = show(screen, &mut site, &incoming);
    drop(node);
    outcome
}

fn show(screen: &Screen, site: &mut Site, incoming: &Receiver<Event>) -> Result<(), DemoError> {
    for event in incoming {
        match event {
            Event::Key(b'q' | b'Q') | Event::Stop => break,
            Event::Key(key @ b'1'..=b'3') => {
                let change = site.toggle(usize::from(key - b'1'))?;
                screen.tell(&change);
            }
            Event::Key(b' ' | b'r') => site::request(),
            Event::Key(_) => {}
            Event::Line(text) => screen.show(&line::translate(&text)),
            Event::Complaint(text) => screen.complain(&text),
            Event::Ended => return Err(DemoError::Proxy("it ended by itself".into())),
        }
    }
    screen.farewell();
    Ok(())
}
