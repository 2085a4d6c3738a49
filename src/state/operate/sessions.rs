//! Sessions by name: what `show sess` calls them, and how one is ended.

use std::{fmt, str::FromStr};

use pontoon_engine::units::SessionKey;
use tokio::sync::oneshot;

use super::Refusal;
use crate::state::{Running, mailbox::Message};

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
        let digits = text.strip_prefix("0x").ok_or(Refusal::NeedsSession)?;
        let number = u64::from_str_radix(digits, 16).map_err(|_| Refusal::NeedsSession)?;
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

impl Running {
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
