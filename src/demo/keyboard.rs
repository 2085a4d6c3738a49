//! Keys and signals, as events.

use std::{
    io::{self, Read as _},
    os::fd::AsFd as _,
    sync::mpsc::Sender,
    thread,
};

use pontoon_sys::process::{Signal, signal::Signals, wait::readable};

/// With it begins what arrow and function keys send.
const ESCAPE: u8 = 0x1b;

/// Sends every key. Without a terminal, characters of a pipe do; its end changes nothing.
pub(super) fn read_keys<E: Send + 'static>(events: Sender<E>, key: fn(u8) -> E) {
    thread::spawn(move || {
        let mut buffer = [0; 64];
        while let Ok(length @ 1..) = io::stdin().lock().read(&mut buffer) {
            for byte in keys(&buffer[..length]) {
                if events.send(key(*byte)).is_err() {
                    return;
                }
            }
        }
    });
}

/// The keys of what was read at once: what a function key sends is no sequence of keys.
fn keys(read: &[u8]) -> &[u8] {
    if read.len() > 1 && read.starts_with(&[ESCAPE]) {
        &[]
    } else {
        read
    }
}

/// Sends a stop at the first signal that means one.
pub(super) fn watch_signals<E: Send + 'static>(signals: Signals, events: Sender<E>, stop: E) {
    thread::spawn(move || {
        while matches!(signals.next(), None | Some(Signal::TSTP)) {
            if readable([Some(signals.as_fd())], None).is_err() {
                break;
            }
        }
        // If nobody listens any more, the demo has stopped already.
        let _stopped = events.send(stop);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_keys_are_no_letters() {
        assert_eq!(keys(b"\x1b[2~"), b"");
        assert_eq!(keys(b"ab"), b"ab");
        assert_eq!(keys(b"\x1b"), b"\x1b");
    }
}
