//! Taking the screen and giving it back.

use std::{
    io::{self, Write as _},
    panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use pontoon_sys::terminal::{Keys, Modes};

/// The other screen of the terminal (so that what was there comes back), empty; no cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[2J\x1b[?25l";
/// Plain colours, the cursor, the first screen.
const LEAVE: &[u8] = b"\x1b[0m\x1b[?25h\x1b[?1049l";

/// Whether the screen is taken; whoever leaves it first does so alone.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The screen is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Guard(());

impl Guard {
    /// Takes it.
    pub(super) fn enter(keys: Option<&Keys>) -> io::Result<Self> {
        before_panics(keys.map(Keys::before));
        TAKEN.store(true, Ordering::SeqCst);
        let guard = Self(());
        write(ENTER)?;
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        leave();
    }
}

fn leave() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // A terminal that is gone needs no restoring.
        let _gone = write(LEAVE);
    }
}

/// A panic ends the process without dropping anything: the hook must give the screen back, and
/// before the message is written, which would vanish with the screen.
fn before_panics(modes: Option<Modes>) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if TAKEN.load(Ordering::SeqCst) {
                leave();
                if let Some(modes) = &modes {
                    modes.restore();
                }
            }
            report(info);
        }));
    });
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_gives_the_screen_back() {
        before_panics(None);
        TAKEN.store(true, Ordering::SeqCst);
        let panicked = std::thread::spawn(|| panic!("on purpose")).join();
        assert!(panicked.is_err());
        assert!(!TAKEN.load(Ordering::SeqCst));
    }
}
