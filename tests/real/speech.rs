//! What fakes say that takes more than lines of text.

use std::{
    io::{BufRead, BufReader, Error, Read, Result, Write},
    net::TcpStream,
    sync::{Arc, LazyLock},
};

use pontoon_lab::authority::Authority;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;
/// What opens AMQP 0-9-1, and what a broker says to another version.
const AMQP: &[u8; 8] = b"AMQP\0\0\x09\x01";
/// How a frame ends.
const FRAME_END: u8 = 0xce;

static TLS: LazyLock<Arc<ServerConfig>> = LazyLock::new(|| {
    let authority = Authority::new().expect("an authority");
    authority.vouch_for(&["kubernetes"]).expect("a certificate")
});

/// The API server of a control plane: `/healthz` over TLS. Whoever asks without is told its name.
pub(super) fn api(mut stream: TcpStream, name: &str, good: bool) -> Result<()> {
    let mut first = [0];
    stream.peek(&mut first)?;
    if first[0] != HANDSHAKE {
        BufReader::new(stream.try_clone()?).read_line(&mut String::new())?;
        return stream.write_all(name.as_bytes());
    }
    let tls = ServerConnection::new(Arc::clone(&TLS)).map_err(Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(tls, stream));
    let mut request = String::new();
    stream.read_line(&mut request)?;
    let mut header = String::new();
    while stream.read_line(&mut header)? > 2 {
        header.clear();
    }
    let status = match (request.split(' ').nth(1), good) {
        (Some("/healthz"), true) => "200 OK",
        (Some("/healthz"), false) => "500 Internal Server Error",
        _ => "403 Forbidden",
    };
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let mut stream = stream.into_inner();
    stream.write_all(answer.as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// A broker's `Connection.Start` with its name; one that is not good wants another version.
pub(super) fn amqp(mut stream: TcpStream, name: &str, good: bool) -> Result<()> {
    let mut header = [0; AMQP.len()];
    stream.read_exact(&mut header)?;
    if !good || header != *AMQP {
        return stream.write_all(AMQP);
    }
    let long = |text: &[u8]| {
        let length = u32::try_from(text.len()).expect("a short text");
        [&length.to_be_bytes(), text].concat()
    };
    let properties = [b"\x0ccluster_nameS".as_slice(), &long(name.as_bytes())].concat();
    // Connection.Start is method 10 of class 10; then the version.
    let method = [
        &[0, 10, 0, 10, 0, 9],
        long(&properties).as_slice(),
        &long(b"PLAIN"),
        &long(b"en_US"),
    ]
    .concat();
    let frame = [&[1, 0, 0], long(&method).as_slice(), &[FRAME_END]].concat();
    stream.write_all(&frame)
}
