//! How the two talk: words of any length, with bytes and descriptors beside them, over a socket
//! that keeps packets apart.
//!
//! A packet begins with [`MORE`] or [`LAST`]. What the packets of a message carry, put together, is
//! the length of the word (32 bits, little endian), the word as JSON, and the bytes. Descriptors come
//! with the first packet.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use pontoon_sys::{
    packet::{self, passing},
    process::wait::{self, Wish},
};
use serde::{Serialize, de::DeserializeOwned};

/// The message goes on in the next packet.
const MORE: u8 = 0;
/// It ends with this one.
const LAST: u8 = 1;
/// Bytes of a message in one packet: well below what a socket buffer takes.
const PIECE: usize = 32 << 10;
/// No message is longer, and none has more descriptors.
const LONGEST: usize = 256 << 20;
/// Descriptors beside one message, at most.
pub(super) const MOST_DESCRIPTORS: usize = passing::MOST;

/// One end.
#[derive(Debug)]
pub(super) struct Line(OwnedFd);

/// A message.
#[derive(Debug)]
pub(super) struct Heard<Word> {
    pub(super) word: Word,
    pub(super) bytes: Vec<u8>,
    pub(super) descriptors: Vec<OwnedFd>,
}

/// Why the two cannot talk any longer.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The other process has ended, or closed its end.
    #[error("the other process is gone")]
    Gone,
    /// It took too long.
    #[error("the other process did not answer in time")]
    Late,
    /// The system failed.
    #[error("{0}")]
    System(#[from] io::Error),
    /// What came is no message.
    #[error("the other process speaks nonsense: {0}")]
    Nonsense(String),
    /// The other process goes on itself, for this reason.
    #[error("the other process serves on itself: {0}")]
    Overruled(String),
    /// A message came that does not belong here.
    #[error("the other process said something unexpected")]
    Unexpected,
}

impl Line {
    /// Talks over this socket, which must keep packets apart and not block.
    pub(super) const fn new(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Says something, waiting so long for room.
    pub(super) fn say(
        &self,
        word: &impl Serialize,
        bytes: &[u8],
        descriptors: &[BorrowedFd<'_>],
        patience: Duration,
    ) -> Result<(), Broken> {
        let deadline = Instant::now() + patience;
        let message = encode(word, bytes)?;
        let pieces = message.chunks(PIECE);
        let last = pieces.len() - 1;
        let mut descriptors = descriptors;
        for (index, piece) in pieces.enumerate() {
            let mut packet = Vec::with_capacity(piece.len() + 1);
            packet.push(if index == last { LAST } else { MORE });
            packet.extend_from_slice(piece);
            self.send(&packet, descriptors, deadline)?;
            descriptors = &[];
        }
        Ok(())
    }

    fn send(
        &self,
        packet: &[u8],
        descriptors: &[BorrowedFd<'_>],
        deadline: Instant,
    ) -> Result<(), Broken> {
        loop {
            match passing::send_with(&self.0, packet, descriptors) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(Wish::Write, Some(deadline))?;
                }
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    return Err(Broken::Gone);
                }
                sent => return Ok(sent?),
            }
        }
    }

    /// Hears the next message, waiting so long for it; without patience, until it comes or the other
    /// process ends.
    pub(super) fn hear<Word: DeserializeOwned>(
        &self,
        patience: Option<Duration>,
    ) -> Result<Heard<Word>, Broken> {
        let deadline = patience.map(|patience| Instant::now() + patience);
        let (mut message, mut descriptors) = (Vec::new(), Vec::new());
        let mut buffer = vec![0; PIECE + 1];
        loop {
            let (length, passed) = match passing::receive_with(&self.0, &mut buffer) {
                Ok(Some(received)) => received,
                Ok(None) => return Err(Broken::Gone),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(Wish::Read, deadline)?;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Err(Broken::Gone);
                }
                Err(error) => return Err(error.into()),
            };
            descriptors.extend(passed);
            message.extend_from_slice(&buffer[1..length.max(1)]);
            if message.len() > LONGEST || descriptors.len() > MOST_DESCRIPTORS {
                return Err(Broken::Nonsense("it never ends".into()));
            }
            if buffer[0] == LAST {
                break;
            }
        }
        let (word, bytes) = decode(&message).map_err(Broken::Nonsense)?;
        Ok(Heard {
            word,
            bytes: bytes.to_vec(),
            descriptors,
        })
    }

    /// Hears nothing from now on, and tells what came before: the other end can say nothing more that
    /// it could take for heard.
    pub(super) fn last_word<Word: DeserializeOwned>(&self) -> Result<Heard<Word>, Broken> {
        packet::refuse(&self.0)?;
        self.hear(Some(Duration::ZERO))
    }

    /// Says nothing more, and waits until the other process has heard all and ends the line, at most so
    /// long. (If it were closed with words on their way to us, ours would be lost.)
    pub(super) fn hang_up(self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut buffer = vec![0; PIECE + 1];
        loop {
            match passing::receive_with(&self.0, &mut buffer) {
                Ok(None) => return,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.wait(Wish::Read, Some(deadline)).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return,
                // Descriptors that there is no room for: they are not wanted any more.
                Ok(Some(_)) | Err(_) if Instant::now() < deadline => {}
                Ok(Some(_)) | Err(_) => return,
            }
        }
    }

    fn wait(&self, wish: Wish, deadline: Option<Instant>) -> Result<(), Broken> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Err(Broken::Late);
        }
        Ok(wait::any(&[(self.0.as_fd(), wish)], left)?)
    }
}

pub(super) fn encode(word: &impl Serialize, bytes: &[u8]) -> Result<Vec<u8>, Broken> {
    let word = serde_json::to_vec(word).map_err(|error| Broken::Nonsense(error.to_string()))?;
    let length = u32::try_from(word.len()).map_err(io::Error::other)?;
    let mut message = Vec::with_capacity(4 + word.len() + bytes.len());
    message.extend_from_slice(&length.to_le_bytes());
    message.extend_from_slice(&word);
    message.extend_from_slice(bytes);
    Ok(message)
}

/// A message taken apart: its word, and the bytes beside it.
///
/// # Errors
/// It is none.
pub(super) fn decode<Word: DeserializeOwned>(message: &[u8]) -> Result<(Word, &[u8]), String> {
    let (length, rest) = message.split_first_chunk().ok_or("it is too short")?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (word, bytes) = rest.split_at_checked(length).ok_or("its word is cut off")?;
    let word = serde_json::from_slice(word).map_err(|error| error.to_string())?;
    Ok((word, bytes))
}

/// Takes a connection that came in at a door, or was made to one.
pub(super) fn connect(name: &str) -> io::Result<OwnedFd> {
    packet::connect_abstract(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn pair() -> (Line, Line) {
        let (near, far) = packet::pair().unwrap();
        (Line::new(near), Line::new(far))
    }

    #[test]
    fn words_bytes_and_descriptors_arrive_together_however_long() {
        let (near, far) = pair();
        let bytes = vec![7; 1 << 20];
        let (reader, writer) = io::pipe().unwrap();
        let speaker = std::thread::spawn(move || {
            let descriptors = [reader.as_fd(), writer.as_fd()];
            near.say(&"hello", &bytes, &descriptors, PATIENCE).unwrap();
            near.say(&"bye", &[], &[], PATIENCE).unwrap();
        });
        let heard = far.hear::<String>(Some(PATIENCE)).unwrap();
        assert_eq!((&*heard.word, heard.bytes.len()), ("hello", 1 << 20));
        assert_eq!(heard.descriptors.len(), 2);
        assert_eq!(far.hear::<String>(None).unwrap().word, "bye");
        speaker.join().unwrap();
        assert!(matches!(far.hear::<String>(None), Err(Broken::Gone)));
    }

    #[test]
    fn silence_ends_patience() {
        let (near, _far) = pair();
        let soon = Some(Duration::from_millis(1));
        assert!(matches!(near.hear::<String>(soon), Err(Broken::Late)));
    }

    #[test]
    fn nonsense_is_an_error() {
        assert!(decode::<String>(b"").is_err());
        assert!(decode::<String>(&[9, 0, 0, 0, b'"']).is_err());
        assert!(decode::<String>(&[2, 0, 0, 0, b'{', b'}']).is_err());
        let (word, bytes) = decode::<String>(&[3, 0, 0, 0, b'"', b'x', b'"', 1]).unwrap();
        assert_eq!((&*word, bytes), ("x", &[1][..]));
    }
}
