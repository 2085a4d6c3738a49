//! Sockets of another process, to ask the kernel about what it set on them; and what a socket of
//! our own shall hear.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::fd::AsFd,
};

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use socket2::{SockFilter, SockRef, Socket};

use crate::problem::{Problem, Result, Trying};

/// A raw IPv4 socket receives packets from this address only, from now on: others take no room in
/// its buffer.
///
/// # Errors
/// The kernel takes no filter for it.
pub fn hear_only(socket: impl AsFd, from: Ipv4Addr) -> Result<()> {
    /// Where the source is in the header.
    const SOURCE: u32 = 12;
    const WHOLE: u32 = u32::MAX;
    let step = |code: u32, value: u32, otherwise: u8| {
        SockFilter::new(u16::try_from(code).unwrap_or_default(), 0, otherwise, value)
    };
    let program = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, SOURCE, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, from.into(), 1),
        step(libc::BPF_RET | libc::BPF_K, WHOLE, 0),
        step(libc::BPF_RET | libc::BPF_K, 0, 0),
    ];
    SockRef::from(&socket)
        .attach_filter(&program)
        .trying("filter what a socket hears")
}

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
