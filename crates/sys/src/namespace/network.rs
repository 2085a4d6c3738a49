//! A network namespace, held by a descriptor: it lives as long as that, or a process in it.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    thread,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{Space, leave};

/// One that can be entered.
#[derive(Debug)]
pub struct Network(OwnedFd);

impl Network {
    /// A new one, with a loopback interface that is down. The calling thread stays where it is.
    ///
    /// # Errors
    /// Not allowed (`EPERM`), or no more may exist (`ENOSPC`).
    pub fn new() -> io::Result<Self> {
        on_a_thread(|| {
            leave(Space::Network)?;
            Self::here()
        })?
    }

    /// The one of the calling thread.
    ///
    /// # Errors
    /// `/proc` is not mounted.
    pub fn here() -> io::Result<Self> {
        Ok(Self(File::open("/proc/thread-self/ns/net")?.into()))
    }

    /// Does something in it, on a thread of its own; threads started there stay in it.
    ///
    /// # Errors
    /// It cannot be entered.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        on_a_thread(|| {
            self.enter()?;
            Ok(work())
        })?
    }

    /// Brings the calling thread into it.
    ///
    /// # Errors
    /// Not allowed.
    pub fn enter(&self) -> io::Result<()> {
        let kind = Some(LinkNameSpaceType::Network);
        Ok(move_into_link_name_space(self.as_fd(), kind)?)
    }
}

impl AsFd for Network {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<OwnedFd> for Network {
    fn from(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }
}

fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new().spawn_scoped(scope, work)?;
        match worker.join() {
            Ok(done) => Ok(done),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{netlink::Requests, testing::in_private_network};

    #[test]
    fn what_is_done_inside_stays_inside() {
        in_private_network(|| {
            let other = Network::new().unwrap();
            crate::testing::ip("link add here type bridge");
            let inside = other.run(|| Requests::open().unwrap().links().unwrap());
            let names: Vec<_> = inside.unwrap().into_iter().map(|link| link.name).collect();
            assert!(!names.contains(&"here".to_owned()), "{names:?}");
            let outside = Requests::open().unwrap().links().unwrap();
            assert!(outside.iter().any(|link| link.name == "here"));
        });
    }
}
