//! How anybody tells a data thread something.

use std::sync::{Mutex, PoisonError};

use pontoon_engine::{
    termination::Cause,
    units::{ProxyId, ServerId, SessionKey},
};
use pontoon_sys::wake::Wake;

/// Messages to one data thread, and the descriptor that wakes it.
#[derive(Debug)]
pub struct Mailbox {
    messages: Mutex<Vec<Message>>,
    wake: Wake,
}

/// What a data thread can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A queued session may connect; its slot on the server is taken.
    Admit {
        /// Who waited.
        session: SessionKey,
        /// Its backend.
        backend: ProxyId,
        /// Where it may connect.
        server: ServerId,
    },
    /// End the sessions of a server, or of all backup servers of a backend.
    EndSessions {
        /// The backend.
        backend: ProxyId,
        /// Whose; `None`: those of all backup servers.
        server: Option<ServerId>,
        /// The first termination flag they get.
        cause: Cause,
    },
    /// Stop accepting, close the listeners; sessions run on.
    StopListening,
    /// Stop accepting for now (SIGTTOU).
    Pause,
    /// Accept again (SIGTTIN).
    Resume,
    /// A place became free in a proxy or in the process: accept again.
    RoomAgain,
    /// End everything at once and leave the loop.
    Quit,
}

impl Mailbox {
    /// An empty one.
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            messages: Mutex::default(),
            wake: Wake::new()?,
        })
    }

    /// Leaves a message and wakes the thread if it is the first.
    pub fn post(&self, message: Message) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.push(message);
        if messages.len() == 1 {
            self.wake.notify();
        }
    }

    /// Takes all messages, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<Message> {
        self.wake.drain();
        std::mem::take(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the thread's event loop watches.
    #[must_use]
    pub const fn wake(&self) -> &Wake {
        &self.wake
    }
}
