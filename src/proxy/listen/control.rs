//! Listeners of the control thread: the runtime socket, metrics, the agent.

use std::{
    fmt, io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use pontoon_config::haproxy::model::UnixPermissions;
use pontoon_engine::address::Endpoint;
use pontoon_sys::{
    option,
    socket::{self, Address},
};

use super::{
    Failure, Inherited,
    path::{self, Temporary},
    reason, step, to_system,
};
use crate::handover::wire::Bound;

/// How many may wait to be accepted.
const BACKLOG: i32 = 64;

/// A listening socket that no data thread serves; it does not block. Cheap to clone, closed with the
/// last clone.
#[derive(Debug, Clone)]
pub struct ControlListener {
    bound: Bound,
    endpoint: Endpoint,
    socket: Arc<OwnedFd>,
}

/// It could not be had.
#[derive(Debug, thiserror::Error)]
#[error("{what} ({cause}) [{endpoint}]", cause = reason(.cause))]
pub struct ControlError {
    /// What failed.
    pub what: &'static str,
    /// The system's reason.
    pub cause: io::Error,
    /// Where.
    pub endpoint: Endpoint,
}

impl ControlListener {
    /// Listens there; a socket that another process has handed over is used as it is.
    ///
    /// # Errors
    /// The system refuses.
    pub fn bind(
        endpoint: &Endpoint,
        permissions: UnixPermissions,
        inherited: &Inherited,
    ) -> Result<Self, ControlError> {
        let bound = Bound {
            place: endpoint.into(),
            interface: None,
            v6_only: None,
            transparent: false,
        };
        let opened = match inherited.get(&bound) {
            Some(socket) => reuse(endpoint, permissions).map(|()| socket),
            None => open(endpoint, permissions, inherited.shares()),
        };
        let endpoint = endpoint.clone();
        match opened {
            Ok(socket) => Ok(Self {
                bound,
                endpoint,
                socket: Arc::new(socket),
            }),
            Err(Failure { what, cause }) => Err(ControlError {
                what,
                cause,
                endpoint,
            }),
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What it is bound to.
    #[must_use]
    pub const fn bound(&self) -> &Bound {
        &self.bound
    }

    /// For a process that is to take it over.
    pub(super) fn offered(&self) -> (Bound, BorrowedFd<'_>) {
        (self.bound.clone(), self.socket.as_fd())
    }
}

impl AsFd for ControlListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl fmt::Display for ControlListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(f)
    }
}

fn reuse(endpoint: &Endpoint, permissions: UnixPermissions) -> Result<(), Failure> {
    match endpoint {
        Endpoint::Unix(file) => path::permit(file, permissions),
        Endpoint::Ip(_) | Endpoint::Abstract(_) => Ok(()),
    }
}

fn open(
    endpoint: &Endpoint,
    permissions: UnixPermissions,
    shares: bool,
) -> Result<OwnedFd, Failure> {
    let address = to_system(endpoint);
    let socket = step(
        "cannot create listening socket",
        socket::stream_for(&address),
    )?;
    if let Address::Unix(file) = &address {
        let file = Temporary::bind(file, permissions, &socket, BACKLOG)?;
        file.appear()?;
        return Ok(socket);
    }
    if address.is_ip() {
        step("cannot set options", option::reuse_address(&socket))?;
        if !shares {
            // A process that has nothing to do with us may not share the address by accident.
            try_out(&address)?;
        }
        step("cannot set options", option::reuse_port(&socket))?;
    }
    step("cannot bind socket", socket::bind_to(&socket, &address))?;
    step(
        "cannot listen to socket",
        socket::listen_on(&socket, BACKLOG),
    )?;
    Ok(socket)
}

fn try_out(address: &Address) -> Result<(), Failure> {
    let socket = step(
        "cannot create listening socket",
        socket::stream_for(address),
    )?;
    step("cannot set options", option::reuse_address(&socket))?;
    step("cannot bind socket", socket::bind_to(&socket, address))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    fn somewhere() -> Endpoint {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Endpoint::Ip(free.local_addr().unwrap())
    }

    fn bind(endpoint: &Endpoint, inherited: &Inherited) -> Result<ControlListener, ControlError> {
        ControlListener::bind(endpoint, UnixPermissions::default(), inherited)
    }

    #[test]
    fn an_address_is_taken_unless_its_socket_is_inherited() {
        let endpoint = somewhere();
        let first = bind(&endpoint, &Inherited::default()).unwrap();
        let refused = bind(&endpoint, &Inherited::default()).unwrap_err();
        assert!(refused.to_string().contains("Address already in use"));
        bind(&endpoint, &Inherited::default().beside_others(true)).unwrap();
        let inherited = || {
            let (bound, socket) = first.offered();
            Inherited::new(vec![(bound, socket.try_clone_to_owned().unwrap())])
        };
        assert_eq!(inherited().into_unused().len(), 1);
        let inherited = inherited();
        let second = bind(&endpoint, &inherited).unwrap();
        assert!(inherited.into_unused().is_empty());
        drop(first);
        let _client = TcpStream::connect(endpoint.ip().unwrap()).unwrap();
        assert!(socket::accept_from(&second).unwrap().is_some());
    }
}
