//! What happens on a site, as it is told.

use std::{sync::mpsc::Sender, time::Instant};

use super::Name;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// What can happen by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A node's program said something.
    Said {
        /// Which node.
        node: Name,
        /// A line of its output.
        line: String,
    },
    /// A node's program ended, and not by a power cut.
    Ended {
        /// Which node.
        node: Name,
        /// `exited with code 1`, `was ended by SIGKILL`.
        how: String,
    },
    /// The gateway maps the address to another node now.
    Moved {
        /// To this one, or to nobody.
        to: Option<Name>,
    },
    /// The site itself has trouble.
    Trouble(String),
}

/// Tells what happens, from any thread.
#[derive(Debug, Clone)]
pub(super) struct Teller(pub(super) Sender<Event>);

impl Teller {
    pub(super) fn tell(&self, what: What) {
        let at = Instant::now();
        // If nobody listens, nobody wanted to know.
        let _unheard = self.0.send(Event { at, what });
    }
}
