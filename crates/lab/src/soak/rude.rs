//! Clients that do not end as others do.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use pontoon_sys::option::reset_on_close;

use crate::load;

/// What a client has done when it goes away.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stage {
    /// Connected.
    Connected,
    /// Sent half of a request.
    HalfRequest,
    /// Sent a request, and not waited for the answer.
    Request,
    /// Received so many bytes of an endless stream.
    Receiving(usize),
    /// Sent so many bytes of one.
    Sending(usize),
}

const PATIENCE: Duration = Duration::from_secs(10);

fn connect(target: SocketAddr) -> io::Result<TcpStream> {
    let client = TcpStream::connect_timeout(&target, PATIENCE)?;
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    Ok(client)
}

/// Ends its side right after its request, and wants the answer all the same, and then the end.
pub(super) fn half_close(target: SocketAddr, size: usize, number: u64) -> io::Result<()> {
    let request = load::message(size, number);
    let mut client = connect(target)?;
    client.write_all(&request)?;
    client.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    client.read_to_end(&mut answer)?;
    if answer == request {
        Ok(())
    } else {
        let what = format!("{} bytes of {size} came back, or wrong ones", answer.len());
        Err(io::Error::new(ErrorKind::InvalidData, what))
    }
}

/// Resets its connection in the midst of something. An error: it did not get that far.
pub(super) fn abort(target: SocketAddr, stage: Stage) -> io::Result<()> {
    const REQUEST: usize = 64;
    let mut client = connect(target)?;
    reset_on_close(&client)?;
    match stage {
        Stage::Connected => Ok(()),
        Stage::HalfRequest => client.write_all(&load::message(REQUEST, 1)[..REQUEST / 2]),
        Stage::Request => client.write_all(&load::message(REQUEST, 1)),
        Stage::Sending(length) => {
            let mut sent = 0;
            while sent < length {
                let bytes = load::stream(sent as u64, length - sent);
                client.write_all(bytes)?;
                sent += bytes.len();
            }
            Ok(())
        }
        Stage::Receiving(length) => {
            let mut room = vec![0; 1 << 16];
            let mut left = length;
            while left > 0 {
                let count = client.read(&mut room[..left.min(1 << 16)])?;
                if count == 0 {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                left -= count;
            }
            Ok(())
        }
    }
}
