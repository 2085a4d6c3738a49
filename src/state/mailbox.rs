//! How anybody tells a data thread something.

use std::{
    net::SocketAddr,
    os::fd::OwnedFd,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence},
    },
    time::SystemTime,
};

use pontoon_engine::{
    address::Endpoint,
    moment::Moment,
    termination::Cause,
    units::{ProxyId, ServerId, SessionKey},
};
use pontoon_sys::wake::Wake;

/// Messages to one data thread, and the descriptor that wakes it.
#[derive(Debug)]
pub struct Mailbox {
    messages: Mutex<Letters>,
    wake: Wake,
    /// The thread stopped accepting because something was full.
    waits_for_room: AtomicBool,
    /// Sessions the thread has, so that new ones go where there are fewest.
    sessions: AtomicU32,
    /// Connections on their way to it from other threads.
    expected: AtomicU32,
    /// When the thread last went through its loop, in milliseconds since the process started.
    turned: Turn,
}

/// Written in each turn of a loop, so it shares no cache line with what other threads read.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Turn(AtomicU64);

#[derive(Debug, Default)]
struct Letters {
    unread: Vec<Message>,
    /// The thread has ended: nobody will read.
    closed: bool,
}

/// A connection just accepted, on its way to the thread that will serve it.
#[derive(Debug)]
pub struct Accepted {
    /// The proxy that listens.
    pub proxy: ProxyId,
    /// The listener's index in that proxy's `binds`.
    pub index: usize,
    /// The connection.
    pub socket: OwnedFd,
    /// The client's end, if it is of the Internet.
    pub peer: Option<SocketAddr>,
    /// Our end, if the listener knows it beforehand.
    pub local: Option<Endpoint>,
    /// When it was accepted, for durations.
    pub when: Moment,
    /// When it was accepted, for people.
    pub on: SystemTime,
}

/// What a data thread can be told.
#[derive(Debug)]
pub enum Message {
    /// Another thread accepted a connection and has more sessions than this one.
    Serve(Box<Accepted>),
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
            waits_for_room: AtomicBool::new(false),
            sessions: AtomicU32::new(0),
            expected: AtomicU32::new(0),
            turned: Turn::default(),
        })
    }

    /// Leaves a message and wakes the thread if it is the first. What is told to a thread that
    /// has ended is of no importance.
    pub fn post(&self, message: Message) {
        let _nobody = self.deliver(message);
    }

    /// Leaves a message that must reach somebody.
    ///
    /// # Errors
    /// The thread has ended; here is the message back.
    pub fn deliver(&self, message: Message) -> Result<(), Message> {
        let mut letters = self.letters();
        if letters.closed {
            return Err(message);
        }
        letters.unread.push(message);
        if letters.unread.len() == 1 {
            self.wake.notify();
        }
        Ok(())
    }

    /// The thread ends, unless somebody has just left a message.
    pub fn close_if_empty(&self) -> bool {
        let mut letters = self.letters();
        letters.closed |= letters.unread.is_empty();
        letters.closed
    }

    fn letters(&self) -> MutexGuard<'_, Letters> {
        // A panic aborts the process, so a poisoned lock cannot be seen.
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all messages, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<Message> {
        self.wake.drain();
        std::mem::take(&mut self.letters().unread)
    }

    /// The thread wants [`Message::RoomAgain`] at the next end of any session. It must look for
    /// room once more after this call, since that end may have come just before.
    pub fn wait_for_room(&self) {
        self.waits_for_room.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Whether the thread waited for room; it does no more. To be called after room was made.
    pub fn stop_waiting_for_room(&self) -> bool {
        // Either we see that it waits, or it sees the room that was made: levels are relaxed.
        fence(Ordering::SeqCst);
        self.waits_for_room.load(Ordering::SeqCst)
            && self.waits_for_room.swap(false, Ordering::SeqCst)
    }

    /// Sessions the thread has or will have in a moment.
    #[must_use]
    pub fn load(&self) -> u32 {
        let expected = self.expected.load(Ordering::Relaxed);
        self.sessions
            .load(Ordering::Relaxed)
            .saturating_add(expected)
    }

    /// The thread has so many sessions; `u32::MAX`: it wants no more.
    pub fn set_sessions(&self, sessions: u32) {
        self.sessions.store(sessions, Ordering::Relaxed);
    }

    /// A connection is on its way to the thread.
    pub fn expect_one(&self) {
        self.expected.fetch_add(1, Ordering::Relaxed);
    }

    /// That connection has come, or will not.
    pub fn expected_came(&self) {
        self.expected.fetch_sub(1, Ordering::Relaxed);
    }

    /// The thread has gone through its loop, at this time: milliseconds since the process started.
    /// `u64::MAX`: it will not again, having nothing left to do.
    pub fn turned(&self, at: u64) {
        self.turned.0.store(at, Ordering::Relaxed);
    }

    /// When the thread last went through its loop, in the terms of [`Mailbox::turned`].
    #[must_use]
    pub fn last_turn(&self) -> u64 {
        self.turned.0.load(Ordering::Relaxed)
    }

    /// What the thread's event loop watches.
    #[must_use]
    pub const fn wake(&self) -> &Wake {
        &self.wake
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_ended_gives_messages_back() {
        let mailbox = Mailbox::new().unwrap();
        mailbox.post(Message::Pause);
        assert!(!mailbox.close_if_empty(), "a message waits");
        assert_eq!(mailbox.take().len(), 1);
        assert!(mailbox.close_if_empty());
        assert!(mailbox.deliver(Message::Resume).is_err());
    }

    #[test]
    fn who_waits_for_room_is_told_once() {
        let mailbox = Mailbox::new().unwrap();
        assert!(!mailbox.stop_waiting_for_room());
        mailbox.wait_for_room();
        assert!(mailbox.stop_waiting_for_room());
        assert!(!mailbox.stop_waiting_for_room());
    }
}
