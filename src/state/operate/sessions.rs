//! Sessions by name: what `show sess` calls them, and how one is ended.

use std::{fmt, str::FromStr, sync::Arc, time::Instant};

use pontoon_engine::{moment::Moment, units::SessionKey};
use tokio::sync::oneshot;

use super::Refusal;
use crate::{
    proxy::observe::{Observed, Page, Question},
    state::{Running, mailbox::Message},
};

/// A session's name on the runtime socket: a number of 16 hexadecimal digits, where HAProxy shows an
/// address of its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionId(pub SessionKey);

/// No name is 0, and none is short.
const MARK: u64 = 1 << 62;
/// Below are the slot's 32 bits; the generation has 20 of its 30 bits, the thread 10.
const GENERATION: u32 = 32;
const THREAD: u32 = 52;

impl SessionId {
    /// Whether this is the name of that session.
    #[must_use]
    pub fn names(self, key: SessionKey) -> bool {
        self.number() == Self(key).number()
    }

    fn number(self) -> u64 {
        let SessionKey {
            thread,
            slot,
            generation,
        } = self.0;
        let generation = u64::from(generation) & ((1 << (THREAD - GENERATION)) - 1);
        MARK | u64::from(thread & 0x3ff) << THREAD | generation << GENERATION | u64::from(slot)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.number())
    }
}

impl FromStr for SessionId {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let number = number_of(text);
        if number == 0 {
            return Err(Refusal::NeedsSession);
        }
        if number & MARK == 0 {
            return Err(Refusal::NoSuchSession);
        }
        #[expect(clippy::cast_possible_truncation, reason = "its parts are wanted")]
        let key = SessionKey {
            thread: (number >> THREAD) as u16 & 0x3ff,
            slot: number as u32,
            generation: (number >> GENERATION) as u32 & ((1 << (THREAD - GENERATION)) - 1),
        };
        Ok(Self(key))
    }
}

/// The number that a word begins with, in any base of C; 0 if it does not, or is too large.
fn number_of(text: &str) -> u64 {
    let (digits, base) = match (text.strip_prefix("0x"), text.strip_prefix("0X")) {
        (Some(digits), _) | (None, Some(digits)) => (digits, 16),
        (None, None) if text.starts_with('0') => (text, 8),
        (None, None) => (text, 10),
    };
    let end = digits.find(|digit: char| !digit.is_digit(base));
    let digits = &digits[..end.unwrap_or(digits.len())];
    u64::from_str_radix(digits, base).unwrap_or(0)
}

/// Goes through the sessions of all data threads, some at a time.
#[derive(Debug)]
pub struct Sessions {
    running: Arc<Running>,
    /// With our ends of connections to servers.
    addresses: bool,
    /// When the first were asked for: those that came later are left out.
    began: Moment,
    /// The thread and the slot to go on with.
    thread: usize,
    slot: usize,
}

impl Sessions {
    /// All there are now.
    #[must_use]
    pub fn all(running: Arc<Running>, addresses: bool) -> Self {
        let began = running.moment(Instant::now());
        Self {
            running,
            addresses,
            began,
            thread: 0,
            slot: 0,
        }
    }

    /// Some more, which may be none; `None`: those were all.
    pub async fn next(&mut self) -> Option<Vec<Observed>> {
        let page = self
            .running
            .observe(self.thread, self.slot, self.addresses)
            .await;
        let mut page = match page {
            Some(page) => page,
            // A thread that has ended has no sessions.
            None if self.thread < self.running.threads.len() => Page::default(),
            None => return None,
        };
        match page.next {
            Some(slot) => self.slot = slot,
            None => (self.thread, self.slot) = (self.thread + 1, 0),
        }
        page.sessions.retain(|it| it.record.accepted <= self.began);
        Some(page.sessions)
    }
}

impl Running {
    /// Sessions of a thread from this slot on; `None`: there is no such thread, or it has ended.
    async fn observe(&self, thread: usize, from: usize, addresses: bool) -> Option<Page> {
        let thread = self.threads.get(thread)?;
        let (reply, page) = oneshot::channel();
        let question = Question {
            from,
            addresses,
            reply,
        };
        thread.post(Message::Observe(question));
        page.await.ok()
    }

    /// `show sess <id>`: this one, if it lives.
    pub async fn observe_session(&self, id: SessionId) -> Option<Observed> {
        let (thread, slot) = (usize::from(id.0.thread), id.0.slot as usize);
        let page = self.observe(thread, slot, true).await?;
        let mut sessions = page.sessions.into_iter();
        sessions.next().filter(|it| id.names(it.key))
    }

    /// `shutdown session`: ends this one.
    ///
    /// # Errors
    /// It is over, or never was.
    pub async fn shut_down_session(&self, id: SessionId) -> Result<(), Refusal> {
        let thread = self.threads.get(usize::from(id.0.thread));
        let thread = thread.ok_or(Refusal::NoSuchSession)?;
        let (reply, found) = oneshot::channel();
        thread.post(Message::EndSession { id, reply });
        match found.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Refusal::NoSuchSession),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_by_what_was_listed() {
        let key = SessionKey {
            thread: 3,
            slot: 70_000,
            generation: 5,
        };
        let name = SessionId(key).to_string();
        assert!(name.starts_with("0x4"), "{name}");
        let id: SessionId = name.parse().unwrap();
        assert!(id.names(key));
        for other in [
            SessionKey { thread: 2, ..key },
            SessionKey { slot: 0, ..key },
            SessionKey {
                generation: 6,
                ..key
            },
        ] {
            assert!(!id.names(other), "{other:?}");
        }
    }

    #[test]
    fn what_is_no_number_names_nothing_and_other_numbers_nobody() {
        for nothing in ["", "x", "0", "0xzz", "-", "99999999999999999999999"] {
            let refused = nothing.parse::<SessionId>();
            assert_eq!(refused, Err(Refusal::NeedsSession), "{nothing}");
        }
        for nobody in ["1", "0x1", "55aa354bbcb0", "0755", "0xffffffff"] {
            let refused = nobody.parse::<SessionId>();
            assert_eq!(refused, Err(Refusal::NoSuchSession), "{nobody}");
        }
    }
}
