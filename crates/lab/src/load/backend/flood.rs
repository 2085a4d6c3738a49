//! Endless streams.

use std::{io, os::fd::OwnedFd};

use pontoon_sys::stream::send;

use super::Wish;
use crate::load::streams::{Incoming, Outgoing, Pumped, Stream, total};

/// A client that streams.
pub(super) struct Flood {
    stream: Stream,
    /// At the end it gets to know how much has come.
    tells_total: bool,
}

impl Flood {
    pub(super) const fn sink(socket: OwnedFd) -> Self {
        Self {
            stream: Stream::new(socket, Outgoing::Silent, Incoming::Pattern),
            tells_total: true,
        }
    }

    /// What it sends ends when the client's side does, which is empty.
    pub(super) const fn source(socket: OwnedFd) -> Self {
        Self::both(socket)
    }

    pub(super) const fn both(socket: OwnedFd) -> Self {
        Self {
            stream: Stream::new(socket, Outgoing::Endless, Incoming::Pattern),
            tells_total: false,
        }
    }

    pub(super) const fn socket(&self) -> &OwnedFd {
        &self.stream.socket
    }

    pub(super) fn turn(&mut self, room: &mut [u8]) -> io::Result<Wish> {
        let incoming = self.stream.pump_in(room)?;
        if self.stream.incoming == Incoming::Ended {
            if self.tells_total {
                // Nothing was sent before, so that there is room for it.
                send(&self.stream.socket, &total(self.stream.received), false)?;
                return Ok(Wish::Leave);
            }
            self.stream.finish();
        }
        let outgoing = self.stream.pump_out()?;
        Ok(match (self.stream.is_over(), incoming.or(outgoing)) {
            (true, _) => Wish::Leave,
            (false, Pumped::More) => Wish::Again,
            (false, Pumped::Waits) => Wish::Wait,
        })
    }
}
