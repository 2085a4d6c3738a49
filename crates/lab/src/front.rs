//! TLS in front of a server that has none, with a certificate of an authority of its own.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{
    authority::Authority,
    problem::{Problem, Result, Trying},
};

/// How long either side may be silent.
const PATIENCE: Duration = Duration::from_secs(60);
/// No request is longer.
const LONGEST: usize = 256 << 10;

/// A front that serves as long as the process lives.
#[derive(Debug)]
pub struct Front {
    authority: Authority,
}

impl Front {
    /// Serves one request a connection, under this name. The listener may be in another network
    /// namespace than the server.
    ///
    /// # Errors
    /// No certificate can be made.
    pub fn start(listener: TcpListener, name: &str, server: SocketAddr) -> Result<Self> {
        let authority = Authority::new()?;
        let config = authority.vouch_for(&[name])?;
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let config = Arc::clone(&config);
                // Whoever asks sees that it failed; the next one is served all the same.
                thread::spawn(move || drop(serve(client, config, server)));
            }
        });
        Ok(Self { authority })
    }

    /// The certificate of its authority, for `SSL_CERT_FILE`.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.pem()
    }
}

fn serve(client: TcpStream, config: Arc<ServerConfig>, server: SocketAddr) -> Result<()> {
    client
        .set_read_timeout(Some(PATIENCE))
        .trying("limit the time of a request")?;
    let connection = ServerConnection::new(config);
    let connection = connection.map_err(|error| Problem::Unexpected(error.to_string()))?;
    let mut client = StreamOwned::new(connection, client);
    let request = read_request(&mut client).trying("read a request")?;
    let mut server = TcpStream::connect(server).trying("connect to the server")?;
    server
        .set_read_timeout(Some(PATIENCE))
        .trying("limit the time of an answer")?;
    server.write_all(&request).trying("pass a request on")?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).trying("read an answer")?;
    client.write_all(&answer).trying("pass an answer on")?;
    client.conn.send_close_notify();
    client.flush().trying("end a connection")?;
    // It may be gone already.
    let _gone = client.sock.shutdown(Shutdown::Write);
    Ok(())
}

/// The bytes of one request, told to be the connection's only one.
fn read_request(client: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some((head, length)) = measure(&bytes)?
            && bytes.len() >= head + length
        {
            let mut once = bytes[..head - 2].to_vec();
            once.extend_from_slice(b"Connection: close\r\n\r\n");
            once.extend_from_slice(&bytes[head..head + length]);
            return Ok(once);
        }
        match client.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ if bytes.len() > LONGEST => return Err(io::ErrorKind::FileTooLarge.into()),
            length => bytes.extend_from_slice(&buffer[..length]),
        }
    }
}

/// The lengths of the head and the body, once the head is whole.
fn measure(bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(bytes).map_err(io::Error::other)? else {
        return Ok(None);
    };
    let mut headers = request.headers.iter();
    let length = headers.find(|it| it.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|it| std::str::from_utf8(it.value).ok()?.parse().ok());
    Ok(Some((head, length.unwrap_or(0))))
}
