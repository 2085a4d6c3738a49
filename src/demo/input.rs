//! Keys and signals, as events.

use std::{
    io::{self, Read as _},
    os::fd::AsFd as _,
    sync::mpsc::Sender,
    thread,
};

use pontoon_sys::process::{signal::Signals, wait::readable};

use super::Event;

/// Sends every key. Without a terminal, characters of a pipe do; its end changes nothing.
pub(super) fn read_keys(events: Sender<Event>) {
    thread::spawn(move || {
        for key in io::stdin().lock().bytes() {
            let Ok(key) = key else { return };
            if events.send(Event::Key(key)).is_err() {
                return;
            }
        }
    });
}

/// Sends a stop at the first signal.
pub(super) fn watch_signals(signals: Signals, events: Sender<Event>) {
    thread::spawn(move || {
        while signals.next().is_none() {
            if readable([Some(signals.as_fd())], None).is_err() {
                break;
            }
        }
        // If nobody listens any more, the demo has stopped already.
        let _stopped = events.send(Event::Stop);
    });
}
