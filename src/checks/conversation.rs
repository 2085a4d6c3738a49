//! A bounded talk with a server: so much memory, so much time, whatever the server does.

use std::io;

use pontoon_engine::proxy_protocol;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout_at},
};

use super::{
    socket::{self, Use},
    target::{Deadlines, Target},
    tls,
    verdict::Failure,
};

/// Bytes read at a time.
const CHUNK: usize = 2048;

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection to a server, and what it has said since we last spoke.
pub(super) struct Conversation {
    wire: Box<dyn Wire>,
    received: Vec<u8>,
    limit: usize,
    ended: bool,
    deadline: Instant,
    tls: bool,
    certificate: Option<Vec<u8>>,
}

impl Conversation {
    /// Connects, sends the PROXY header, agrees on TLS, as far as `target` wants them. At most
    /// `limit` bytes of an answer are kept (`tune.bufsize`).
    pub(super) async fn open(
        target: &Target,
        deadlines: &Deadlines,
        limit: usize,
    ) -> Result<Self, Failure> {
        let connect_by = deadlines.connection();
        let connected = socket::connect(target, Use::Talk, connect_by).await?;
        let ends = connected.ends();
        let stream = connected.into_stream().map_err(Failure::Socket)?;
        let mut conversation = Self {
            wire: Box::new(stream),
            received: Vec::new(),
            limit,
            ended: false,
            deadline: connect_by,
            tls: target.tls.is_some(),
            certificate: None,
        };
        if let Some(version) = target.proxy_header {
            conversation.send(&proxy_header(version, ends)).await?;
        }
        if let Some(tls) = &target.tls {
            let stream = tls.handshake(conversation.wire, connect_by).await?;
            conversation.certificate = tls::shown(&stream);
            conversation.wire = Box::new(stream);
        }
        conversation.deadline = deadlines.answer();
        Ok(conversation)
    }

    /// What the server showed of itself: its own certificate, DER. `None` without TLS.
    pub(super) fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// Says something; what the server said before is forgotten.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.received.clear();
        let sending = async {
            self.wire.write_all(bytes).await?;
            self.wire.flush().await
        };
        match timeout_at(self.deadline, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::Socket(error)),
            Err(_) => Err(Failure::Silent),
        }
    }

    /// Listens until `judge` has heard enough. It is asked after every arrival, with all bytes
    /// since we last spoke; the last time, with `true`, when no more will come.
    pub(super) async fn listen<T>(
        &mut self,
        mut judge: impl FnMut(&[u8], bool) -> Option<T>,
    ) -> Result<T, Failure> {
        loop {
            let complete = self.ended || self.received.len() >= self.limit;
            if complete && self.received.is_empty() {
                return Err(Failure::Empty);
            }
            if !self.received.is_empty() {
                if let Some(answer) = judge(&self.received, complete) {
                    return Ok(answer);
                }
                if complete {
                    return Err(Failure::Empty);
                }
            }
            self.read_more().await?;
        }
    }

    async fn read_more(&mut self) -> Result<(), Failure> {
        let mut chunk = [0; CHUNK];
        let room = CHUNK.min(self.limit - self.received.len());
        let reading = self.wire.read(&mut chunk[..room]);
        match timeout_at(self.deadline, reading).await {
            Err(_) => return Err(Failure::Silent),
            Ok(Ok(0)) => self.ended = true,
            Ok(Ok(n)) => self.received.extend_from_slice(&chunk[..n]),
            Ok(Err(error)) if self.received.is_empty() && !is_tls_end(self.tls, &error) => {
                return Err(Failure::Socket(error));
            }
            // What was said before the connection broke still counts.
            Ok(Err(_)) => self.ended = true,
        }
        Ok(())
    }

    /// Says goodbye where the protocol has a word for it (TLS), then closes.
    pub(super) async fn close(mut self) {
        if self.tls {
            // Whether the server still listens does not matter any more.
            let _gone = timeout_at(self.deadline, self.wire.shutdown()).await;
        }
    }
}

/// A TLS stream that ends without its goodbye is an error to the library, an end to us.
fn is_tls_end(tls: bool, error: &io::Error) -> bool {
    tls && error.kind() == io::ErrorKind::UnexpectedEof
}

/// Version 1 tells the ends of the connection; version 2 has a way to say "it is only me".
pub(super) fn proxy_header(
    version: proxy_protocol::Version,
    ends: Option<(std::net::SocketAddr, std::net::SocketAddr)>,
) -> Vec<u8> {
    let told = match version {
        proxy_protocol::Version::V1 => ends,
        proxy_protocol::Version::V2 => None,
    };
    let mut header = Vec::new();
    proxy_protocol::write(version, told, &mut header);
    header
}
