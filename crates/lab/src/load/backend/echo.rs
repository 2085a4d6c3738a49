//! Answers.

use std::{io, os::fd::OwnedFd};

use super::{Close, Wish};
use crate::load::letters::{Arrival, Desk, Line};

/// A client that asks.
pub(super) struct Echo {
    line: Line,
    close: Close,
    /// An answer is under way.
    answering: bool,
}

impl Echo {
    pub(super) const fn new(socket: OwnedFd, close: Close) -> Self {
        Self {
            line: Line::new(socket, [0; 8]),
            close,
            answering: false,
        }
    }

    pub(super) const fn socket(&self) -> &OwnedFd {
        &self.line.socket
    }

    pub(super) const fn is_answering(&self) -> bool {
        self.answering
    }

    /// Receives and answers. `ended`: the client sends nothing after what is there.
    pub(super) fn turn(&mut self, desk: &mut Desk, ended: bool) -> io::Result<Wish> {
        loop {
            if !self.answering {
                match self.line.request(desk)? {
                    Arrival::Partly => return Ok(Wish::Wait),
                    Arrival::End => return Ok(Wish::Leave),
                    Arrival::Whole => self.answering = true,
                }
            }
            if !self.line.send(desk)? {
                return Ok(Wish::Wait);
            }
            self.answering = false;
            if self.close == Close::Server {
                return Ok(Wish::Leave);
            }
            self.line.turn(self.line.tag);
            if !ended {
                // A client waits for its answer; its next request will be an event.
                return Ok(Wish::Wait);
            }
        }
    }
}
