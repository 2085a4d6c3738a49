//! How the owner of a site talks with the processes it has forked: messages of words, and what
//! travels with them.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use pontoon_sys::{packet::passing, process::wait::readable};

/// No message is longer.
const LONGEST: usize = 64 << 10;
/// The first word of an answer that says no; the second is why.
pub(super) const NO: &str = "no";
/// The first word of any other.
pub(super) const YES: &str = "yes";

/// What came.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) words: Vec<String>,
    pub(super) descriptors: Vec<OwnedFd>,
}

/// Sends words, none of which may contain a zero byte.
pub(super) fn send(
    socket: impl AsFd,
    words: &[&str],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    passing::send_with(socket, words.join("\0").as_bytes(), descriptors)
}

/// Waits for words; `None`: the other end is closed.
pub(super) fn receive(socket: impl AsFd, patience: Option<Duration>) -> io::Result<Option<Letter>> {
    let deadline = patience.map(|patience| Instant::now() + patience);
    let mut buffer = vec![0; LONGEST];
    loop {
        match passing::receive_with(&socket, &mut buffer) {
            Ok(Some((length, descriptors))) => {
                let text = String::from_utf8_lossy(&buffer[..length]);
                let words = text.split('\0').map(str::to_owned).collect();
                return Ok(Some(Letter { words, descriptors }));
            }
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // The other end died with something of ours unread.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
            Err(error) => return Err(error),
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let [_ready] = readable([Some(socket.as_fd())], left)?;
    }
}
