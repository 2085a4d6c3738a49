//! How anybody tells a data thread something.

use std::{
    net::SocketAddr,
    os::fd::OwnedFd,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence},
        mpsc::{Sender, SyncSender},
    },
    time::{Duration, SystemTime},
};

use pontoon_engine::{
    address::Endpoint,
    moment::Moment,
    termination::Cause,
    units::{ProxyId, ServerId, SessionKey},
};
use pontoon_sys::wake::Wake;
use tokio::sync::oneshot;

use super::operate::SessionId;
use crate::proxy::{adopt::Arrivals, freeze::Frozen, observe::Question};

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
    /// By when the thread turns, in milliseconds since the process started.
    turn: Turn,
}

/// Of a thread that need not turn unless something happens.
const ASLEEP: u64 = u64::MAX - 1;
/// Of a thread that will not turn again.
const ENDED: u64 = u64::MAX;

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
    /// End this session; the answer: there was one.
    EndSession {
        /// Its name.
        id: SessionId,
        /// Who asks.
        reply: oneshot::Sender<bool>,
    },
    /// Describe some sessions.
    Observe(Question),
    /// Clear what the thread counts, and say so.
    ClearCounters(oneshot::Sender<()>),
    /// Accept nobody for this frontend, until told otherwise.
    CloseFrontend(ProxyId),
    /// Accept for it again.
    OpenFrontend(ProxyId),
    /// Stop accepting, close the listeners; sessions run on.
    StopListening,
    /// Stop accepting for now.
    Pause,
    /// Accept again.
    Resume,
    /// A place became free in a proxy or in the process: accept again.
    RoomAgain,
    /// Say that everything told before was heard.
    Confirm(Sender<()>),
    /// Hand out all sessions, each standing still, to move them to another process. Nobody is
    /// accepted meanwhile.
    Freeze(SyncSender<Frozen>),
    /// Go on with these: they stay.
    Thaw(Frozen),
    /// These have moved to another process: their places are free.
    Gone(Vec<SessionKey>),
    /// Go on with sessions that another process has left.
    Adopt(Arrivals),
    /// End everything at once and leave the loop.
    Quit,
}

impl Message {
    /// It must wait while somebody else has the sessions.
    #[must_use]
    pub const fn is_about_sessions(&self) -> bool {
        matches!(
            self,
            Self::Admit { .. }
                | Self::EndSessions { .. }
                | Self::EndSession { .. }
                | Self::Observe(_)
        )
    }
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
            turn: Turn::default(),
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

    /// The thread goes through its loop again by this time, or before, if something happens. A
    /// thread at work says when it began: it is late by the length of its turn.
    pub fn turns_by(&self, when: Moment) {
        self.turn.0.store(when.millis(), Ordering::Relaxed);
    }

    /// The thread goes through its loop only if something happens.
    pub fn need_not_turn(&self) {
        self.turn.0.store(ASLEEP, Ordering::Relaxed);
    }

    /// The thread goes through its loop no more, having nothing left to do.
    pub fn turns_no_more(&self) {
        self.turn.0.store(ENDED, Ordering::Relaxed);
    }

    /// Wakes a thread that sleeps, and expects it to turn now: one that cannot run will be late.
    pub fn ask_to_turn(&self, now: Moment) {
        let now = now.millis();
        let turn = self.turn.0.load(Ordering::Relaxed);
        // If it has said something else meanwhile, it is not asleep.
        let asks = |turn| {
            let relaxed = Ordering::Relaxed;
            self.turn.0.compare_exchange(turn, now, relaxed, relaxed)
        };
        if (now + 1..=ASLEEP).contains(&turn) && asks(turn).is_ok() {
            self.wake.notify();
        }
    }

    /// How late the thread is to go through its loop.
    #[must_use]
    pub fn lateness(&self, now: Moment) -> Duration {
        let turn = self.turn.0.load(Ordering::Relaxed);
        Duration::from_millis(now.millis().saturating_sub(turn))
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

    #[test]
    fn a_thread_is_late_in_a_long_turn_and_for_what_is_due_but_not_for_sleeping() {
        let mailbox = Mailbox::new().unwrap();
        let (began, due) = (Moment::from_millis(1_000), Moment::from_millis(5_000));
        mailbox.turns_by(began);
        assert_eq!(mailbox.lateness(began), Duration::ZERO);
        assert_eq!(mailbox.lateness(due), Duration::from_secs(4));
        mailbox.turns_by(due);
        assert_eq!(mailbox.lateness(began), Duration::ZERO);
        let later = Moment::from_millis(7_500);
        assert_eq!(mailbox.lateness(later), Duration::from_millis(2_500));
        mailbox.need_not_turn();
        assert_eq!(mailbox.lateness(later), Duration::ZERO);
        mailbox.ask_to_turn(began);
        mailbox.ask_to_turn(due);
        assert_eq!(mailbox.lateness(due), Duration::from_secs(4), "asked once");
        mailbox.turns_no_more();
        mailbox.ask_to_turn(began);
        assert_eq!(mailbox.lateness(due), Duration::ZERO, "nobody is there");
    }
}
