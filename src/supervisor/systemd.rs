//! Telling systemd how we are (`Type=notify`; sd_notify(3)).

use std::{
    env,
    ffi::OsString,
    io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
};

use rustix::time::{ClockId, clock_gettime};

/// Names the socket; set by systemd.
pub(super) const SOCKET: &str = "NOTIFY_SOCKET";

/// A reload begins (`Type=notify-reload` wants to know since when).
pub(super) fn reloading() {
    let now = clock_gettime(ClockId::Monotonic);
    let microseconds = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000;
    notify(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
}

/// All is ready, or a reload is over.
pub(super) fn ready() {
    notify(&format!("READY=1\nMAINPID={}", std::process::id()));
}

/// Sends a state such as `READY=1`, if somebody wants to know.
pub(super) fn notify(state: &str) {
    let Some(socket) = env::var_os(SOCKET) else {
        return;
    };
    // systemd waits for it with a timeout of its own; there is nobody else to tell.
    let _unheard = send(&socket, state);
}

fn send(socket: &OsString, state: &str) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        path => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_arrives_at_an_abstract_socket() {
        let name = format!("pontoon-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let systemd = UnixDatagram::bind_addr(&address).unwrap();
        send(&format!("@{name}").into(), "READY=1").unwrap();
        let mut seen = [0; 16];
        let length = systemd.recv(&mut seen).unwrap();
        assert_eq!(&seen[..length], b"READY=1");
    }
}
