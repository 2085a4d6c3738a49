//! Messages over one connection: a request and its answer, each begun by a tag that only they have.

use std::{
    io::{self, ErrorKind},
    os::fd::OwnedFd,
};

use pontoon_sys::stream::{self, Received};

use super::pattern::{self, CHUNK};

/// What messages begin with, as far as they are long enough.
pub(super) type Tag = [u8; 8];

/// What one side writes and what it expects, and room to read into: one for all its connections.
#[derive(Debug)]
pub(super) struct Desk {
    /// The pattern, whose begin is overwritten by each message's tag.
    outgoing: Vec<u8>,
    /// Length of what comes in.
    incoming: usize,
    room: Vec<u8>,
}

impl Desk {
    /// For messages of these lengths, at most [`CHUNK`].
    pub(super) fn new(outgoing: usize, incoming: usize) -> Self {
        let (outgoing, incoming) = (outgoing.clamp(1, CHUNK), incoming.clamp(1, CHUNK));
        Self {
            outgoing: pattern::message(0..outgoing).to_vec(),
            incoming,
            // One byte more than expected shows that there was more.
            room: vec![0; incoming + 1],
        }
    }

    /// What a client's message is known by: as much of its number as goes into it, then zeros.
    pub(super) fn tag(&self, number: u64) -> Tag {
        let mut tag = number.to_le_bytes();
        tag.iter_mut()
            .skip(self.outgoing.len())
            .for_each(|byte| *byte = 0);
        tag
    }

    /// All of a client's message.
    pub(super) fn write(mut self, number: u64) -> Vec<u8> {
        let tag = self.tag(number);
        let length = tag.len().min(self.outgoing.len());
        self.outgoing[..length].copy_from_slice(&tag[..length]);
        self.outgoing
    }

    /// Bytes of a request and its answer.
    pub(super) const fn bytes(&self) -> usize {
        self.outgoing.len() + self.incoming
    }
}

/// How far a message has come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Not all of it yet.
    Partly,
    /// All of it.
    Whole,
    /// The peer has closed between two messages.
    End,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) socket: OwnedFd,
    pub(super) tag: Tag,
    sent: usize,
    got: usize,
}

impl Line {
    pub(super) const fn new(socket: OwnedFd, tag: Tag) -> Self {
        Self {
            socket,
            tag,
            sent: 0,
            got: 0,
        }
    }

    /// Begins with the next message.
    pub(super) const fn turn(&mut self, tag: Tag) {
        self.tag = tag;
        (self.sent, self.got) = (0, 0);
    }

    /// Sends what is left of the message; whether that was all.
    pub(super) fn send(&mut self, desk: &mut Desk) -> io::Result<bool> {
        let length = self.tag.len().min(desk.outgoing.len());
        desk.outgoing[..length].copy_from_slice(&self.tag[..length]);
        while self.sent < desk.outgoing.len() {
            let Some(sent) = stream::send(&self.socket, &desk.outgoing[self.sent..], false)? else {
                return Ok(false);
            };
            self.sent += sent;
        }
        Ok(true)
    }

    /// Whether the message is on its way.
    pub(super) const fn is_sent(&self, desk: &Desk) -> bool {
        self.sent == desk.outgoing.len()
    }

    /// Takes in an answer, which must bear the tag of what was sent.
    ///
    /// `InvalidData`: wrong bytes, or too many; `UnexpectedEof`: it was cut short.
    pub(super) fn answer(&mut self, desk: &mut Desk) -> io::Result<Arrival> {
        self.receive(desk, false)
    }

    /// Takes in a request, and its tag. The errors are those of [`Self::answer`].
    pub(super) fn request(&mut self, desk: &mut Desk) -> io::Result<Arrival> {
        self.receive(desk, true)
    }

    fn receive(&mut self, desk: &mut Desk, any_tag: bool) -> io::Result<Arrival> {
        loop {
            let left = desk.incoming - self.got;
            let count = match stream::receive(&self.socket, &mut desk.room[..=left])? {
                Received::Bytes(count) => count,
                Received::Nothing => return Ok(Arrival::Partly),
                Received::End if self.got == 0 => return Ok(Arrival::End),
                Received::End => return Err(ErrorKind::UnexpectedEof.into()),
            };
            if count > left || !self.is_right(&desk.room[..count], any_tag) {
                return Err(ErrorKind::InvalidData.into());
            }
            self.got += count;
            if self.got == desk.incoming {
                return Ok(Arrival::Whole);
            }
        }
    }

    /// Whether these bytes come next; all of them are looked at.
    fn is_right(&mut self, bytes: &[u8], any_tag: bool) -> bool {
        let tagged = bytes.len().min(self.tag.len().saturating_sub(self.got));
        let (tag, rest) = bytes.split_at(tagged);
        let place = self.tag.get_mut(self.got..self.got + tagged);
        let tag_is_right = place.is_none_or(|place| {
            if any_tag {
                place.copy_from_slice(tag);
            }
            place == tag
        });
        let start = self.got + tagged;
        tag_is_right && rest == pattern::message(start..start + rest.len())
    }

    /// Whether the peer has closed and sent nothing more.
    pub(super) fn end(&self) -> io::Result<Option<()>> {
        match stream::receive(&self.socket, &mut [0])? {
            Received::End => Ok(Some(())),
            Received::Nothing => Ok(None),
            Received::Bytes(_) => Err(ErrorKind::InvalidData.into()),
        }
    }
}
