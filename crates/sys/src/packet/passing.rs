//! Descriptors that travel with a message.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// No message takes more with it; the kernel's own limit is 253 (`SCM_MAX_FD`, unix(7)).
pub const MOST: usize = 250;
const ROOM: usize = rustix::cmsg_space!(ScmRights(MOST));

/// Sends one message, whole or not at all, with at most [`MOST`] descriptors.
///
/// # Errors
/// As [`send`](super::send).
pub fn send_with(
    socket: impl AsFd,
    message: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    if message.is_empty() || descriptors.len() > MOST {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut room = [MaybeUninit::uninit(); ROOM];
    let mut control = SendAncillaryBuffer::new(&mut room);
    let rights = SendAncillaryMessage::ScmRights(descriptors);
    if !descriptors.is_empty() && !control.push(rights) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let parts = [IoSlice::new(message)];
    sendmsg(socket, &parts, &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives one message, and the descriptors that came with it; `None`: the other end is closed.
///
/// # Errors
/// None is there (`EAGAIN`); it is longer than the buffer, and lost; this process may not open as
/// many descriptors as came with it (`RLIMIT_NOFILE`), and those beyond are lost.
pub fn receive_with(
    socket: impl AsFd,
    buffer: &mut [u8],
) -> io::Result<Option<(usize, Vec<OwnedFd>)>> {
    let mut room = [MaybeUninit::uninit(); ROOM];
    let mut control = RecvAncillaryBuffer::new(&mut room);
    let mut parts = [IoSliceMut::new(buffer)];
    let received = recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            descriptors.extend(passed);
        }
    }
    if received.flags.contains(ReturnFlags::TRUNC) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    if received.flags.contains(ReturnFlags::CTRUNC) {
        return Err(io::Error::from_raw_os_error(crate::EMFILE));
    }
    Ok((received.bytes > 0).then_some((received.bytes, descriptors)))
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{Read as _, Write as _},
    };

    use super::*;
    use crate::packet;

    #[test]
    fn a_descriptor_arrives_with_its_message() {
        let (near, far) = packet::pair().unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        send_with(&near, b"take this", &[writer.as_fd()]).unwrap();
        drop(writer);
        let mut buffer = [0; 64];
        let (length, passed) = receive_with(&far, &mut buffer).unwrap().unwrap();
        assert_eq!(&buffer[..length], b"take this");
        let [passed] = <[OwnedFd; 1]>::try_from(passed).unwrap();
        File::from(passed).write_all(b"hello").unwrap();
        let mut heard = String::new();
        reader.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "hello");
    }

    #[test]
    fn messages_come_without_descriptors_and_end() {
        let (near, far) = packet::pair().unwrap();
        send_with(&near, b"word", &[]).unwrap();
        let mut buffer = [0; 64];
        let (length, passed) = receive_with(&far, &mut buffer).unwrap().unwrap();
        assert_eq!((length, passed.len()), (4, 0));
        let nothing = receive_with(&far, &mut buffer).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        drop(near);
        assert!(receive_with(&far, &mut buffer).unwrap().is_none());
    }

    #[test]
    fn as_many_as_allowed_arrive() {
        let (near, far) = packet::pair().unwrap();
        let many = vec![near.as_fd(); MOST];
        send_with(&near, b"all of these", &many).unwrap();
        let mut buffer = [0; 64];
        let (_, passed) = receive_with(&far, &mut buffer).unwrap().unwrap();
        assert_eq!(passed.len(), MOST);
    }

    #[test]
    fn too_many_are_refused() {
        let (near, _far) = packet::pair().unwrap();
        let many = vec![near.as_fd(); MOST + 1];
        let refused = send_with(&near, b"take these", &many).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    }
}
