//! One connection with an endless stream in one direction or in both.

use std::{
    io::{self, ErrorKind},
    os::fd::OwnedFd,
};

use pontoon_sys::stream::{self, Received};

use super::pattern::{self, CHUNK, PERIOD};

/// How many chunks one connection may move before others have their turn.
const BUDGET: usize = 16;

/// A connection, seen from one of its ends.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) socket: OwnedFd,
    /// Bytes sent and received.
    pub(super) sent: u64,
    pub(super) received: u64,
    /// What is left to do in each direction.
    pub(super) outgoing: Outgoing,
    pub(super) incoming: Incoming,
}

/// The direction away from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// More and more.
    Endless,
    /// Nothing, until [`Stream::finish`].
    Silent,
    /// Up to the end of the pattern's period, then no more.
    Ending,
    /// No more.
    Ended,
}

/// The direction towards us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Incoming {
    /// Whole periods of the pattern, then the end.
    Pattern,
    /// One message, see [`total`], then the end.
    Total,
    /// All is there.
    Ended,
}

/// Whether there may be more to do at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pumped {
    /// The budget ran out.
    More,
    /// The socket has had enough.
    Waits,
}

impl Pumped {
    pub(super) fn or(self, other: Self) -> Self {
        if self == Self::More { self } else { other }
    }
}

/// What a sink answers: how many bytes it got.
pub(super) const fn total(received: u64) -> [u8; 8] {
    received.to_le_bytes()
}

impl Stream {
    pub(super) const fn new(socket: OwnedFd, outgoing: Outgoing, incoming: Incoming) -> Self {
        Self {
            socket,
            sent: 0,
            received: 0,
            outgoing,
            incoming,
        }
    }

    /// No new period is begun.
    pub(super) fn finish(&mut self) {
        if self.outgoing != Outgoing::Ended {
            self.outgoing = Outgoing::Ending;
        }
    }

    /// It is of no use any more.
    pub(super) const fn break_off(&mut self) {
        (self.outgoing, self.incoming) = (Outgoing::Ended, Incoming::Ended);
    }

    pub(super) fn is_over(&self) -> bool {
        self.outgoing == Outgoing::Ended && self.incoming == Incoming::Ended
    }

    /// Sends as much as there is room for.
    pub(super) fn pump_out(&mut self) -> io::Result<Pumped> {
        for _ in 0..BUDGET {
            let length = match self.outgoing {
                Outgoing::Silent | Outgoing::Ended => return Ok(Pumped::Waits),
                Outgoing::Endless => CHUNK,
                Outgoing::Ending => self.left_of_period(),
            };
            if length == 0 {
                self.outgoing = Outgoing::Ended;
                stream::shut_write(&self.socket)?;
                return Ok(Pumped::Waits);
            }
            let bytes = pattern::stream(self.sent, length);
            match stream::send(&self.socket, bytes, false)? {
                Some(sent) => self.sent += sent as u64,
                None => return Ok(Pumped::Waits),
            }
        }
        Ok(Pumped::More)
    }

    fn left_of_period(&self) -> usize {
        let period = PERIOD as u64;
        let left = (period - self.sent % period) % period;
        usize::try_from(left).unwrap_or(0)
    }

    /// Receives what is there, and checks it.
    ///
    /// `InvalidData`: wrong bytes; `UnexpectedEof`: bytes are missing.
    pub(super) fn pump_in(&mut self, room: &mut [u8]) -> io::Result<Pumped> {
        for _ in 0..BUDGET {
            if self.incoming == Incoming::Ended {
                return Ok(Pumped::Waits);
            }
            match stream::receive(&self.socket, room)? {
                Received::Bytes(count) => self.take(&room[..count])?,
                Received::Nothing => return Ok(Pumped::Waits),
                Received::End => {
                    self.check_end()?;
                    self.incoming = Incoming::Ended;
                }
            }
        }
        Ok(Pumped::More)
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        let right = match self.incoming {
            Incoming::Total => {
                let start = usize::try_from(self.received).unwrap_or(usize::MAX);
                let expected = total(self.sent);
                let places = start..start.saturating_add(bytes.len());
                expected.get(places).is_some_and(|part| part == bytes)
            }
            _ => pattern::belongs(self.received, bytes),
        };
        self.received += bytes.len() as u64;
        if right {
            Ok(())
        } else {
            Err(ErrorKind::InvalidData.into())
        }
    }

    fn check_end(&self) -> io::Result<()> {
        let whole = match self.incoming {
            Incoming::Total => self.received == total(0).len() as u64,
            _ => self.received.is_multiple_of(PERIOD as u64),
        };
        if whole {
            Ok(())
        } else {
            Err(ErrorKind::UnexpectedEof.into())
        }
    }
}

/// Room to read into.
pub(super) fn room() -> Box<[u8]> {
    vec![0; CHUNK].into()
}
