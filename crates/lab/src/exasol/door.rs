//! The one port of a node: what a connection is for shows in its first byte.

use std::{
    io,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::{Inside, Mood, connection::Connection, lock, session, tunnel};

/// The type of a TLS handshake record.
const TLS: u8 = 0x16;
/// The first letter of `GET`: a WebSocket in clear.
const HTTP: u8 = b'G';
/// The low byte of the tunnel's magic number, which goes first.
const TUNNEL: u8 = 0x02;

/// Accepts until told to stop.
pub(super) fn watch(door: &TcpListener, node: &Arc<Inside>, stop: &AtomicBool) {
    while !stop.load(Ordering::SeqCst) {
        // The door's read timeout ends an accept in vain.
        let Ok((stream, _)) = door.accept() else {
            continue;
        };
        let Ok(connection) = Connection::new(stream, node) else {
            continue;
        };
        // A client that breaks off, or is refused, is nobody's problem here.
        thread::spawn(move || drop(serve(connection)));
    }
}

fn serve(mut connection: Connection) -> io::Result<()> {
    let node = Arc::clone(connection.node());
    if *lock(&node.mood) == Mood::Silent {
        // Until the client has gone, or the node is killed.
        return io::copy(&mut connection, &mut io::sink()).map(drop);
    }
    let socket = connection.socket()?;
    match connection.peek()? {
        Some(TLS) => {
            let certificate = Arc::clone(&lock(&node.certificate));
            session::serve(Box::new(certificate.accept(connection)?), &socket, &node)
        }
        Some(HTTP) => session::serve(Box::new(connection), &socket, &node),
        Some(TUNNEL) => tunnel::open(connection),
        // The native protocol among them: the real one speaks it, this one does not.
        _ => Ok(()),
    }
}
