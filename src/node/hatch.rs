//! How a proxy asks its supervisor for the election, from wherever it is: the supervisor listens
//! under an abstract name, which works from inside a chroot and without rights.
//!
//! Bounded in time; whoever has no supervisor gets no answer, at once.

use std::{
    io,
    os::{linux::net::SocketAddrExt as _, unix::net as unix, unix::process::parent_id},
    time::Duration,
};

use pontoon_sys::packet;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
    time::timeout,
};

use super::status::{Answer, Request};
use crate::election::status::Status;

/// How long the supervisor may take.
const PATIENCE: Duration = Duration::from_millis(500);
/// No answer is longer.
const LONGEST: u64 = 4 << 20;

/// Where the supervisor of this number listens.
///
/// # Errors
/// None in practice: the name is short.
pub fn address(supervisor: u32) -> io::Result<unix::SocketAddr> {
    unix::SocketAddr::from_abstract_name(format!("pontoon.node.{supervisor}"))
}

/// What the election of this node says; `None` if there is none, or it does not answer in time.
pub async fn ask() -> Option<Status> {
    let parent = parent_id();
    let asking = timeout(PATIENCE, ask_at(parent));
    asking.await.ok()?.ok()?
}

async fn ask_at(supervisor: u32) -> io::Result<Option<Status>> {
    let stream = unix::UnixStream::connect_addr(&address(supervisor)?)?;
    // Anybody may take a name that is free.
    if packet::peer(&stream)?.process != supervisor {
        return Ok(None);
    }
    stream.set_nonblocking(true)?;
    let mut stream = UnixStream::from_std(stream)?;
    let mut request = serde_json::to_vec(&Request::Election)?;
    request.push(b'\n');
    stream.write_all(&request).await?;
    let mut line = Vec::new();
    let mut reader = BufReader::new(stream.take(LONGEST));
    reader.read_until(b'\n', &mut line).await?;
    let Answer::Status(node) = serde_json::from_slice(&line)? else {
        return Ok(None);
    };
    Ok(node.vrrp.map(serde_json::from_value).transpose()?)
}
