//! Listening sockets: all of them are bound before anything runs.
//!
//! One socket per address is shared by all data threads. A socket of its own for each thread
//! (`SO_REUSEPORT`) would spread connections better, but closing one loses what waits in its
//! queue; so one queue it is, and a thread that has more than its share passes on what it
//! accepts.

mod control;
mod inherited;
mod path;

use std::{
    fmt, io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    sync::Arc,
};

use pontoon_config::haproxy::model::{Bind, BindAddress, Frontend, Model, Proxy};
use pontoon_engine::{address::Endpoint, units::ProxyId};
use pontoon_sys::{
    option,
    socket::{self, Address},
};

use self::path::Temporary;
pub use self::{
    control::{ControlError, ControlListener},
    inherited::Inherited,
};
use crate::{
    handover::wire::{Bound, Place},
    state::{FrontendStatus, Running},
};

/// One listening socket.
#[derive(Debug)]
pub struct Listener {
    /// Whose.
    pub proxy: ProxyId,
    /// Index in that proxy's `binds`.
    pub index: usize,
    /// The socket.
    pub socket: OwnedFd,
    backlog: i32,
}

impl Listener {
    /// What it is bound to.
    #[must_use]
    pub fn bound(&self, running: &Running) -> Option<Bound> {
        let frontend = running.proxy(self.proxy).frontend.as_ref()?;
        frontend.binds.get(self.index).map(Bound::from)
    }

    /// New connections are refused; the address stays ours.
    pub fn pause(&self) {
        // A socket that cannot be paused (UNIX) keeps its queue: nobody takes from it.
        let _stays_open = socket::refuse_connections(&self.socket);
    }

    /// Connections are taken again.
    ///
    /// # Errors
    /// Somebody else took the address meanwhile.
    pub fn resume(&self) -> io::Result<()> {
        socket::listen_on(&self.socket, self.backlog)
    }
}

/// All listening sockets of the process; cheap to clone, closed with the last clone.
#[derive(Debug, Clone, Default)]
pub struct Listeners {
    of_proxies: Vec<Arc<Listener>>,
    of_control: Vec<ControlListener>,
}

/// An address that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("Starting proxy {proxy}: {what} ({cause}) [{address}]{hint}", cause = reason(.cause))]
pub struct BindError {
    /// The proxy's name.
    pub proxy: Arc<str>,
    /// What failed.
    pub what: &'static str,
    /// The system's reason.
    pub cause: io::Error,
    /// Where.
    pub address: String,
    hint: Hint,
}

/// What to do about a [`BindError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hint(&'static str);

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.0)
    }
}

/// `Address already in use`, without the number that Rust appends.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_owned()
}

impl Listeners {
    /// The sockets.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Listener>> {
        self.of_proxies.iter()
    }

    /// One more that the next process may take over; data threads have nothing to do with it.
    pub fn add(&mut self, listener: ControlListener) {
        self.of_control.push(listener);
    }

    /// The sockets, each with what it is bound to, for a process that is to take them over. Those of
    /// disabled frontends are not among them: to listen on one would open it here, too.
    pub fn offered<'a>(
        &'a self,
        running: &'a Running,
    ) -> impl Iterator<Item = (Bound, BorrowedFd<'a>)> {
        let of_proxies = self.of_proxies.iter().filter_map(|listener| {
            let open = [FrontendStatus::Open, FrontendStatus::Full];
            let status = running.frontend_status(listener.proxy);
            status.filter(|status| open.contains(status))?;
            Some((listener.bound(running)?, listener.socket.as_fd()))
        });
        of_proxies.chain(self.of_control.iter().map(ControlListener::offered))
    }

    /// All hear of new connections, whatever another process has made of them that was to take over
    /// ([`Giver::silence_unused`](crate::handover::take::Giver::silence_unused)).
    pub fn open_to_new(&self) {
        for listener in &self.of_proxies {
            let _never_closed = option::hear_new_connections(&listener.socket);
        }
    }

    /// No proxy has any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of_proxies.is_empty()
    }
}

/// Binds every address of every proxy that is not disabled, unless another process has handed its
/// socket over.
///
/// # Errors
/// Every address that could not be bound; then nothing stays bound.
pub fn bind_all(model: &Model, inherited: &Inherited) -> Result<Listeners, Vec<BindError>> {
    let mut listeners = Vec::new();
    let mut errors = Vec::new();
    let mut files = Vec::new();
    for proxy in model.proxies.iter().filter(|proxy| !proxy.disabled) {
        let Some(frontend) = &proxy.frontend else {
            continue;
        };
        for (index, bind) in frontend.binds.iter().enumerate() {
            match open(model, frontend, bind, inherited) {
                Ok((socket, backlog, file)) => {
                    files.extend(file.map(|file| (file, proxy, bind)));
                    listeners.push(Arc::new(Listener {
                        proxy: proxy.id,
                        index,
                        socket,
                        backlog,
                    }));
                }
                Err(failure) => errors.push(failure.at(proxy, bind)),
            }
        }
    }
    if errors.is_empty() {
        // Only now: a start that fails leaves their paths to the process that runs.
        let switched = files.iter().map(|(file, proxy, bind)| {
            let switched = file.appear();
            switched.map_err(|failure| failure.at(proxy, bind))
        });
        errors.extend(switched.filter_map(Result::err));
    }
    if errors.is_empty() {
        Ok(Listeners {
            of_proxies: listeners,
            of_control: Vec::new(),
        })
    } else {
        Err(errors)
    }
}

/// What fails when `cc` cannot be had.
const CONGESTION_CONTROL: &str = "cannot choose the congestion control of `cc`";

/// A step of [`open`] that failed.
struct Failure {
    what: &'static str,
    cause: io::Error,
}

/// Names the step in case it fails.
fn step<T>(what: &'static str, result: io::Result<T>) -> Result<T, Failure> {
    result.map_err(|cause| Failure { what, cause })
}

impl Failure {
    fn at(self, proxy: &Proxy, bind: &Bind) -> BindError {
        let address = match &bind.address {
            BindAddress::Endpoint(endpoint) => endpoint.to_string(),
            BindAddress::Inherited(fd) => format!("fd@{fd}"),
        };
        let hint = match self.cause.kind() {
            io::ErrorKind::NotFound if self.what == CONGESTION_CONTROL => {
                "the kernel does not have it: net.ipv4.tcp_available_congestion_control tells what \
                 it has, modprobe may add it"
            }
            io::ErrorKind::PermissionDenied if self.what == CONGESTION_CONTROL => {
                "add it to net.ipv4.tcp_allowed_congestion_control, or start as root"
            }
            io::ErrorKind::AddrInUse => "stop the program that listens there, or bind another port",
            io::ErrorKind::AddrNotAvailable => {
                "the address is on no interface of this machine (net.ipv4.ip_nonlocal_bind, or \
                 `transparent`, would allow it)"
            }
            io::ErrorKind::PermissionDenied => "ports below 1024 need root or CAP_NET_BIND_SERVICE",
            _ => "",
        };
        BindError {
            proxy: Arc::clone(&proxy.name),
            what: self.what,
            cause: self.cause,
            address,
            hint: Hint(hint),
        }
    }
}

/// A listening socket, its backlog, and its file if it has one.
fn open(
    model: &Model,
    frontend: &Frontend,
    bind: &Bind,
    inherited: &Inherited,
) -> Result<(OwnedFd, i32, Option<Temporary>), Failure> {
    let backlog = backlog(model, frontend, bind);
    if let Some(socket) = inherited.get(&Bound::from(bind)) {
        reuse(model, frontend, bind, &socket, backlog)?;
        return Ok((socket, backlog, None));
    }
    let endpoint = match &bind.address {
        BindAddress::Endpoint(endpoint) => endpoint,
        BindAddress::Inherited(fd) => {
            let socket = step("cannot use inherited socket", socket::inherited(*fd))?;
            step(
                "cannot set options",
                set_inheritable(model, frontend, bind, &socket),
            )?;
            set_congestion_control(bind, &socket)?;
            step(
                "cannot listen to socket",
                socket::listen_on(&socket, backlog),
            )?;
            return Ok((socket, backlog, None));
        }
    };
    let address = to_system(endpoint);
    let socket = step(
        "cannot create listening socket",
        socket::stream_for(&address),
    )?;
    step(
        "cannot set options",
        set_before_bind(bind, &address, &socket),
    )?;
    step(
        "cannot set options",
        set_inheritable(model, frontend, bind, &socket),
    )?;
    if address.is_ip() {
        set_congestion_control(bind, &socket)?;
    }
    if let Address::Unix(path) = &address {
        let file = Temporary::bind(path, bind.unix, &socket, backlog)?;
        return Ok((socket, backlog, Some(file)));
    }
    step("cannot bind socket", socket::bind_to(&socket, &address))?;
    step(
        "cannot listen to socket",
        socket::listen_on(&socket, backlog),
    )?;
    Ok((socket, backlog, None))
}

/// Makes a socket that another process has bound what this file wants it to be. Nothing that waits
/// in its queue is lost.
fn reuse(
    model: &Model,
    frontend: &Frontend,
    bind: &Bind,
    socket: &OwnedFd,
    backlog: i32,
) -> Result<(), Failure> {
    let address = step("cannot reuse socket", socket::local_address(socket))?;
    if address.is_ip() {
        let tuned = option::forget_tuning(socket).and_then(|()| set_tuning(bind, socket));
        step("cannot set options", tuned)?;
    }
    step(
        "cannot set options",
        set_inheritable(model, frontend, bind, socket),
    )?;
    if address.is_ip() {
        set_congestion_control(bind, socket)?;
    }
    // The socket itself knows only the temporary name that it was bound to.
    if let BindAddress::Endpoint(Endpoint::Unix(path)) = &bind.address {
        path::permit(path, bind.unix)?;
    }
    step(
        "cannot listen to socket",
        socket::listen_on(socket, backlog),
    )
}

fn set_before_bind(bind: &Bind, address: &Address, socket: &OwnedFd) -> io::Result<()> {
    if !address.is_ip() {
        return Ok(());
    }
    option::reuse_address(socket)?;
    let v6 = matches!(address, Address::Ip(ip) if ip.is_ipv6());
    if let (true, Some(only)) = (v6, bind.v6_only) {
        option::set_v6_only(socket, only)?;
    }
    if bind.transparent {
        option::set_transparent(socket, v6)?;
    }
    if let Some(interface) = &bind.interface {
        option::bind_to_interface(socket, interface)?;
    }
    set_tuning(bind, socket)
}

/// What a listener may be told at any time.
fn set_tuning(bind: &Bind, socket: &OwnedFd) -> io::Result<()> {
    if let Some(bytes) = bind.mss {
        option::set_max_segment(socket, bytes)?;
    }
    if bind.defer_accept {
        option::defer_accept(socket)?;
    }
    if bind.fast_open {
        option::accept_fast_open(socket, 128)?;
    }
    Ok(())
}

impl From<&Bind> for Bound {
    fn from(bind: &Bind) -> Self {
        Self {
            place: match &bind.address {
                BindAddress::Endpoint(endpoint) => endpoint.into(),
                BindAddress::Inherited(number) => Place::Descriptor(*number),
            },
            interface: bind.interface.clone(),
            v6_only: bind.v6_only,
            transparent: bind.transparent,
        }
    }
}

/// What accepted sockets take over from the listening one: once here instead of once for each.
fn set_inheritable(
    model: &Model,
    frontend: &Frontend,
    bind: &Bind,
    socket: &OwnedFd,
) -> io::Result<()> {
    let is_ip = match &bind.address {
        BindAddress::Endpoint(endpoint) => endpoint.ip().is_some(),
        BindAddress::Inherited(_) => socket::local_address(socket)?.is_ip(),
    };
    if let Some(bytes) = model.global.tune.receive_buffer_client {
        option::set_receive_buffer(socket, bytes)?;
    }
    if let Some(bytes) = model.global.tune.send_buffer_client {
        option::set_send_buffer(socket, bytes)?;
    }
    if !is_ip {
        return Ok(());
    }
    option::set_no_delay(socket)?;
    if let Some(keepalive) = frontend.keepalive {
        option::set_keepalive(socket, super::to_system_keepalive(keepalive))?;
    }
    if let Some(timeout) = bind.tcp_user_timeout {
        option::set_user_timeout(socket, timeout)?;
    }
    Ok(())
}

/// Accepted sockets take it over, whoever we are then.
fn set_congestion_control(bind: &Bind, socket: &OwnedFd) -> Result<(), Failure> {
    let Some(name) = &bind.congestion_control else {
        return Ok(());
    };
    step(
        CONGESTION_CONTROL,
        option::set_congestion_control(socket, name),
    )
}

/// As many as may be served at once may wait; the kernel has a limit of its own
/// (`net.core.somaxconn`).
fn backlog(model: &Model, frontend: &Frontend, bind: &Bind) -> i32 {
    let backlog = bind
        .backlog
        .or(frontend.backlog)
        .or(frontend.max_connections)
        .or(model.global.max_connections)
        .unwrap_or(1024);
    i32::try_from(backlog.max(1)).unwrap_or(i32::MAX)
}

/// An address in the system's terms.
pub(super) fn to_system(endpoint: &Endpoint) -> Address {
    match endpoint {
        Endpoint::Ip(ip) => Address::Ip(*ip),
        Endpoint::Unix(path) => Address::Unix(path.to_path_buf()),
        Endpoint::Abstract(name) => Address::Abstract(name.to_vec()),
    }
}

/// An address in our terms.
pub(crate) fn to_endpoint(address: Address) -> Endpoint {
    match address {
        Address::Ip(ip) => Endpoint::Ip(ip),
        Address::Unix(path) => Endpoint::Unix(Arc::new(path)),
        Address::Abstract(name) => Endpoint::Abstract(name.into()),
    }
}
