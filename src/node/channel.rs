//! The line between supervisor and election: JSON messages over a pair of sockets.
//!
//! A message travels in pieces, each a packet of its own that begins with `LAST` or `MORE`, so
//! that even the status of hundreds of instances passes. Nobody blocks: what the other side has no
//! room for waits here.

use std::{
    collections::VecDeque,
    env, io,
    marker::PhantomData,
    os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd},
};

use pontoon_sys::{descriptor, packet, readiness::Readiness};
use serde::{Serialize, de::DeserializeOwned};

use super::message::{FromElection, ToElection};

/// Names the election's descriptor in its environment.
pub const VARIABLE: &str = "PONTOON_NODE_FD";

/// The last or only piece of a message.
const LAST: u8 = 0;
/// More pieces follow.
const MORE: u8 = 1;
/// Bytes of a message in one piece.
const PIECE: usize = 16 << 10;
/// No message is longer: whoever sends more has lost its mind.
const LONGEST: usize = 16 << 20;

/// The supervisor's end.
pub type SupervisorEnd = End<ToElection, FromElection>;

/// An end of the line, without an event loop.
#[derive(Debug)]
pub struct End<Out, In> {
    socket: OwnedFd,
    unsent: VecDeque<Vec<u8>>,
    /// Pieces of a message whose last one is still to come.
    begun: Vec<u8>,
    kinds: PhantomData<fn(Out) -> In>,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<In> {
    /// A message.
    Message(In),
    /// Nothing for now.
    Nothing,
    /// The other process has ended, or does not speak our language.
    End,
}

/// A new line: the supervisor's end, and the one that the election inherits.
///
/// # Errors
/// Out of descriptors.
pub fn pair() -> io::Result<(SupervisorEnd, OwnedFd)> {
    let (ours, theirs) = packet::pair()?;
    Ok((End::new(ours), theirs))
}

impl<Out: Serialize, In: DeserializeOwned> End<Out, In> {
    fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            unsent: VecDeque::new(),
            begun: Vec::new(),
            kinds: PhantomData,
        }
    }

    /// An end that the program before this one has left.
    pub fn resumed(socket: OwnedFd) -> Self {
        Self::new(socket)
    }

    /// Whether no message is under way, in either direction, as far as this end knows.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.unsent.is_empty() && self.begun.is_empty()
    }

    /// Sends a message, now or as soon as there is room ([`End::flush`]).
    pub fn send(&mut self, message: &Out) {
        // Our messages are plain enums and structs: they can always be written.
        let Ok(text) = serde_json::to_vec(message) else {
            return;
        };
        let pieces = text.len().div_ceil(PIECE);
        for (number, piece) in text.chunks(PIECE).enumerate() {
            let kind = if number + 1 == pieces { LAST } else { MORE };
            self.unsent.push_back([&[kind], piece].concat());
        }
        self.flush();
    }

    /// Sends what waits, as far as there is room. That the other process has ended is told by
    /// [`End::receive`].
    pub fn flush(&mut self) {
        while let Some(piece) = self.unsent.front() {
            match packet::send(&self.socket, piece) {
                Ok(()) => {
                    self.unsent.pop_front();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.unsent.clear(),
            }
        }
    }

    /// Whether something waits for room.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// The next message, if one is there.
    pub fn receive(&mut self) -> Received<In> {
        let mut buffer = [0; PIECE + 1];
        loop {
            let piece = match packet::receive(&self.socket, &mut buffer) {
                Ok(Some(length)) => &buffer[..length],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Received::Nothing;
                }
                Ok(None) | Err(_) => return Received::End,
            };
            match piece {
                [MORE, piece @ ..] if self.begun.len() < LONGEST => self.begun.extend(piece),
                [LAST, piece @ ..] => {
                    self.begun.extend(piece);
                    let text = std::mem::take(&mut self.begun);
                    match serde_json::from_slice(&text) {
                        Ok(message) => return Received::Message(message),
                        // Since an upgrade the other process speaks of something that we do not
                        // know: no reason to take it for dead.
                        Err(_) if is_json(&text) => {}
                        Err(_) => return Received::End,
                    }
                }
                _ => return Received::End,
            }
        }
    }
}

impl<Out, In> AsFd for End<Out, In> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// The election's end, in its event loop.
#[derive(Debug)]
pub struct ElectionEnd {
    end: End<FromElection, ToElection>,
    readiness: Readiness,
}

impl ElectionEnd {
    /// The end that this process was started with, if it has a supervisor. To be called inside the
    /// event loop.
    ///
    /// # Errors
    /// [`VARIABLE`] does not name an open descriptor.
    pub fn inherited() -> io::Result<Option<Self>> {
        let Some(number) = env::var_os(VARIABLE) else {
            return Ok(None);
        };
        let number = number.to_string_lossy().parse();
        let number = number.map_err(io::Error::other)?;
        // Scripts that we start have nothing to tell the supervisor.
        descriptor::close_on_exec(number)?;
        Self::new(descriptor::duplicate(number)?).map(Some)
    }

    fn new(socket: OwnedFd) -> io::Result<Self> {
        let readiness = Readiness::of(&socket)?;
        let end = End::new(socket);
        Ok(Self { end, readiness })
    }

    /// Whether no message is under way, in either direction, as far as this end knows.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.end.is_quiet()
    }

    /// The descriptor that the next program finds as this one did ([`ElectionEnd::inherited`]).
    #[must_use]
    pub fn inheritance() -> Option<RawFd> {
        env::var_os(VARIABLE)?.to_str()?.parse().ok()
    }

    /// Tells the supervisor. What it has no room for is sent by [`ElectionEnd::next`].
    pub fn send(&mut self, message: &FromElection) {
        self.end.send(message);
    }

    /// Tells that we live, unless the supervisor is behind with listening: then it would only have
    /// to hear the same again.
    pub fn live(&mut self) {
        if !self.end.is_waiting() {
            self.end.send(&FromElection::Alive);
        }
    }

    /// The next message, if one has come already.
    pub fn next_at_once(&mut self) -> Option<ToElection> {
        match self.end.receive() {
            Received::Message(message) => Some(message),
            // The end is still there for `next`.
            Received::Nothing | Received::End => None,
        }
    }

    /// The next message; `None`: the supervisor is gone. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<ToElection> {
        loop {
            self.end.flush();
            match self.end.receive() {
                Received::Message(message) => return Some(message),
                Received::End => return None,
                Received::Nothing => {}
            }
            let ready = if self.end.is_waiting() {
                self.readiness.readable_or_writable().await
            } else {
                self.readiness.readable().await
            };
            // It fails only while the event loop is taken down.
            ready.ok()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(size: usize) -> FromElection {
        let status = serde_json::Value::String("x".repeat(size));
        FromElection::Status { id: 1, status }
    }

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    }

    #[test]
    fn messages_arrive_in_order_and_then_the_end() {
        let (mut supervisor, theirs) = pair().unwrap();
        let mut election: End<FromElection, ToElection> = End::new(theirs);
        assert_eq!(supervisor.receive(), Received::Nothing);
        election.send(&FromElection::Ready);
        election.send(&FromElection::Holding(Vec::new()));
        supervisor.send(&ToElection::NoProxy);
        assert_eq!(election.receive(), Received::Message(ToElection::NoProxy));
        drop(election);
        let holding = FromElection::Holding(Vec::new());
        assert_eq!(supervisor.receive(), Received::Message(FromElection::Ready));
        assert_eq!(supervisor.receive(), Received::Message(holding));
        assert_eq!(supervisor.receive(), Received::End);
    }

    #[test]
    fn a_message_larger_than_any_socket_buffer_arrives_whole() {
        let (mut supervisor, theirs) = pair().unwrap();
        runtime().block_on(async {
            let mut election = ElectionEnd::new(theirs).unwrap();
            let large = status(3 << 20);
            election.send(&large);
            assert!(election.end.is_waiting());
            let received = loop {
                tokio::select! {
                    biased;
                    message = election.next() => panic!("{message:?}"),
                    () = tokio::task::yield_now() => {}
                }
                if let Received::Message(message) = supervisor.receive() {
                    break message;
                }
            };
            assert_eq!(received, large);
        });
    }

    #[test]
    fn an_election_hears_that_its_supervisor_is_gone() {
        let (mut supervisor, theirs) = pair().unwrap();
        supervisor.send(&ToElection::ProxyStarting);
        drop(supervisor);
        runtime().block_on(async {
            let mut election = ElectionEnd::new(theirs).unwrap();
            assert_eq!(election.next().await, Some(ToElection::ProxyStarting));
            assert_eq!(election.next().await, None);
        });
    }

    #[test]
    fn what_another_version_says_is_no_end() {
        let (mut supervisor, theirs) = pair().unwrap();
        packet::send(&theirs, b"\0{\"of_a_later_version\":{\"id\":1}}").unwrap();
        packet::send(&theirs, b"\0\"ready\"").unwrap();
        assert_eq!(supervisor.receive(), Received::Message(FromElection::Ready));
    }

    #[test]
    fn nonsense_is_the_end() {
        let (mut supervisor, theirs) = pair().unwrap();
        packet::send(&theirs, &[LAST, b'?']).unwrap();
        assert_eq!(supervisor.receive(), Received::End);
        packet::send(&theirs, &[7]).unwrap();
        assert_eq!(supervisor.receive(), Received::End);
    }
}
