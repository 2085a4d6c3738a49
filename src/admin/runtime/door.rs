//! Where every proxy process can be asked, whatever its files say: a socket in the abstract
//! namespace, so that neither a chroot nor a change of user matters. The other side is
//! [`crate::node::runtime`].

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener},
    },
};

use pontoon_sys::{packet, process::identity};

use crate::node::runtime::runtime_door;

/// The door of this process.
#[derive(Debug)]
pub struct Door {
    listener: OwnedFd,
    /// Besides root, this user may come in: the one who started us.
    user: u32,
}

impl Door {
    /// Opens it. To be called in the process that will serve, since its number is part of the
    /// name, and before the user changes.
    ///
    /// # Errors
    /// Another process has taken the name, or there are no descriptors left.
    pub fn open() -> io::Result<Self> {
        let address = SocketAddr::from_abstract_name(runtime_door(std::process::id()))?;
        let listener = UnixListener::bind_addr(&address)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener: listener.into(),
            user: identity::user(),
        })
    }

    /// Whether this client may come in.
    pub(super) fn admits(&self, client: &OwnedFd) -> bool {
        packet::peer(client).is_ok_and(|peer| [0, self.user].contains(&peer.user))
    }
}

impl AsFd for Door {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}
