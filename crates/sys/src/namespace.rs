//! Worlds of one's own: users, network, mounts, processes (namespaces(7)).

pub mod mount;
mod network;
mod user;

use std::io;

use rustix::thread::{UnshareFlags, unshare_unsafe};

pub use network::Network;
pub use user::map_own_user;

/// What a process may have of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// Users and capabilities. Everything below needs either this first, or root.
    User,
    /// Interfaces, addresses, routes, abstract sockets.
    Network,
    /// What is mounted where.
    Mount,
    /// Process numbers, of the children started from now on: the first of them is process 1, and
    /// when it ends, all others end.
    Process,
    /// Shared memory and message queues.
    Ipc,
    /// The name of the host.
    Name,
}

impl Space {
    const fn flag(self) -> UnshareFlags {
        match self {
            Self::User => UnshareFlags::NEWUSER,
            Self::Network => UnshareFlags::NEWNET,
            Self::Mount => UnshareFlags::NEWNS,
            Self::Process => UnshareFlags::NEWPID,
            Self::Ipc => UnshareFlags::NEWIPC,
            Self::Name => UnshareFlags::NEWUTS,
        }
    }
}

/// Gives the calling thread, and what it starts, a new one of these.
///
/// # Errors
/// `EPERM`: not allowed, or the kernel is set so that nobody but root may; `ENOSPC`: no more of
/// them may exist; `EINVAL`: [`Space::User`] with more than one thread.
pub fn leave(space: Space) -> io::Result<()> {
    // SAFETY: descriptors stay shared; none of these changes what memory is.
    Ok(unsafe { unshare_unsafe(space.flag()) }?)
}

/// Gives the host of this namespace a name.
///
/// # Errors
/// Not allowed.
pub fn set_host_name(name: &str) -> io::Result<()> {
    Ok(rustix::system::sethostname(name.as_bytes())?)
}
