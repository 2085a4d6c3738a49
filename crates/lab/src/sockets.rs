//! Sockets of another process, to ask the kernel about what it set on them.

use std::{fs, net::SocketAddr};

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use socket2::Socket;

use crate::problem::{Problem, Result, Trying};

/// A socket of this process whose own and other address are these; `None` is any, and a listening
/// socket has no other. Both processes then share it.
///
/// # Errors
/// The process cannot be looked into, or has no such socket.
pub fn socket_of(pid: u32, local: Option<SocketAddr>, peer: Option<SocketAddr>) -> Result<Socket> {
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let number = number.ok_or_else(|| Problem::Unexpected("a process without a number".into()))?;
    let process = pidfd_open(number, PidfdFlags::empty()).trying("open a process")?;
    let folder = format!("/proc/{pid}/fd");
    for entry in fs::read_dir(&folder)
        .trying(format!("read {folder}"))?
        .flatten()
    {
        let is_socket = fs::read_link(entry.path())
            .is_ok_and(|target| target.to_string_lossy().starts_with("socket:"));
        let number = entry.file_name().to_string_lossy().parse::<i32>().ok();
        let Some(number) = number.filter(|_| is_socket) else {
            continue;
        };
        // It may have been closed meanwhile.
        let Ok(fd) = pidfd_getfd(&process, number, PidfdGetfdFlags::empty()) else {
            continue;
        };
        let socket = Socket::from(fd);
        let own = socket
            .local_addr()
            .ok()
            .and_then(|address| address.as_socket());
        let other = socket
            .peer_addr()
            .ok()
            .and_then(|address| address.as_socket());
        let fits = local.is_none_or(|local| own == Some(local));
        if fits && other == peer {
            return Ok(socket);
        }
    }
    Err(Problem::Unexpected(format!(
        "process {pid} has no socket from {local:?} to {peer:?}"
    )))
}
