//! IMPORT and EXPORT: the client opens a second connection, learns an address that only the
//! cluster knows, names it in the statement, and is an HTTP server on that connection.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Mutex,
};

use super::{
    certificate,
    connection::{Connection, Wire},
    lock,
};

/// `0x02212102`, 1, 1: little endian, as x86 clients pack them.
const MAGIC: [u8; 12] = [0x02, 0x21, 0x21, 0x02, 1, 0, 0, 0, 1, 0, 0, 0];
/// Where the cluster's own network would be: clients must pass these on, not connect to them.
const INSIDE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 11);
const FIRST_PORT: u16 = 20_000;
/// The largest chunk of HTTP that the real one sends.
const CHUNK: usize = 65_524;

/// The open tunnels by their address inside the cluster.
#[derive(Debug, Default)]
pub(super) struct Tunnels {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    count: u16,
    tunnels: HashMap<SocketAddr, Connection>,
}

/// What a statement says of the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) address: SocketAddr,
    /// `https://`.
    pub(super) tls: bool,
    /// `PUBLIC KEY 'sha256//…'`, without the prefix.
    pub(super) key: Option<String>,
    /// `FILE '…'`.
    pub(super) file: String,
}

/// The handshake: a tunnel waits for its statement from then on.
pub(super) fn open(mut connection: Connection) -> io::Result<()> {
    let mut magic = [0; MAGIC.len()];
    connection.read_exact(&mut magic)?;
    if magic != MAGIC {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let node = std::sync::Arc::clone(connection.node());
    let mut open = lock(&node.shared.tunnels.open);
    open.count += 1;
    let port = FIRST_PORT + open.count;
    let mut answer = Vec::with_capacity(24);
    answer.extend_from_slice(&0_i32.to_le_bytes());
    answer.extend_from_slice(&i32::from(port).to_le_bytes());
    answer.extend_from_slice(INSIDE.to_string().as_bytes());
    answer.resize(24, 0);
    connection.write_all(&answer)?;
    let address = SocketAddr::from((INSIDE, port));
    open.tunnels.insert(address, connection);
    Ok(())
}

/// A connection to the HTTP server at the client's end.
pub(super) struct Http {
    wire: Box<dyn Wire>,
    /// The node that the client has reached.
    pub(super) node: usize,
    host: SocketAddr,
    file: String,
}

impl Tunnels {
    /// Drops those that end at a node.
    pub(super) fn forget(&self, node: usize) {
        let mut open = lock(&self.open);
        open.tunnels.retain(|_, tunnel| tunnel.node().index != node);
    }

    /// Takes the tunnel that a statement names.
    pub(super) fn take(&self, endpoint: &Endpoint) -> io::Result<Http> {
        let tunnel = lock(&self.open).tunnels.remove(&endpoint.address);
        let tunnel = tunnel.ok_or(io::ErrorKind::ConnectionRefused)?;
        let node = tunnel.node().index;
        let ip: IpAddr = endpoint.address.ip();
        let wire: Box<dyn Wire> = if endpoint.tls {
            Box::new(certificate::connect(tunnel, ip, endpoint.key.as_deref())?)
        } else {
            Box::new(tunnel)
        };
        Ok(Http {
            wire,
            node,
            host: endpoint.address,
            file: endpoint.file.clone(),
        })
    }
}

impl Http {
    /// EXPORT.
    pub(super) fn put(mut self, body: &[u8]) -> io::Result<()> {
        let (file, host) = (&self.file, self.host);
        write!(
            self.wire,
            "PUT /{file} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )?;
        for chunk in body.chunks(CHUNK) {
            write!(self.wire, "{:x}\r\n", chunk.len())?;
            self.wire.write_all(chunk)?;
            self.wire.write_all(b"\r\n")?;
        }
        self.wire.write_all(b"0\r\n\r\n")?;
        self.wire.flush()?;
        head(&mut BufReader::new(self.wire))
    }

    /// IMPORT. A body without its last chunk is an error: nothing of it may be kept.
    pub(super) fn get(mut self) -> io::Result<Vec<u8>> {
        let (file, host) = (&self.file, self.host);
        write!(self.wire, "GET /{file} HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
        self.wire.flush()?;
        let mut answer = BufReader::new(self.wire);
        head(&mut answer)?;
        let mut body = Vec::new();
        loop {
            let size = line(&mut answer)?;
            let size = u64::from_str_radix(&size, 16).map_err(io::Error::other)?;
            // The size is the client's word: room is made for what comes, not for what is announced.
            let came = answer.by_ref().take(size).read_to_end(&mut body)?;
            if came as u64 != size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            line(&mut answer)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
}

/// The status and the headers.
fn head(answer: &mut impl BufRead) -> io::Result<()> {
    let status = line(answer)?;
    while !line(answer)?.is_empty() {}
    match status.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(io::Error::other(format!("the client answers {status}"))),
    }
}

fn line(answer: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if answer.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}
