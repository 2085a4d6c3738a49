//! From a name to a stream.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
};

use hyper::Uri;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::Call;
use crate::cloud::problem::{Problem, unnumbered};

/// Bytes there and back: clear, in TLS, or in TLS in a proxy's TLS.
pub(super) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// Of any kind.
pub(super) type Stream = Box<dyn Bytes>;

/// The port a URL leads to.
pub(super) fn port(uri: &Uri) -> u16 {
    let usual = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    uri.port_u16().unwrap_or(usual)
}

/// A connection to where `uri` leads.
pub(super) async fn tcp(uri: &Uri, call: &Call<'_>) -> Result<Stream, Problem> {
    let host = uri.host().unwrap_or_default();
    let addresses = match timeout_at(call.deadline, resolve(host, port(uri))).await {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(error)) => {
            let text = format!("{host} is not known here: {}", unnumbered(error));
            return Err(Problem::unwell(
                text,
                "look at the name and at /etc/resolv.conf",
            ));
        }
        Err(_) => {
            let text = format!(
                "no name server says within {:?} where {host} is",
                call.limit
            );
            return Err(Problem::unwell(text, "look at /etc/resolv.conf"));
        }
    };
    let stream = connect(&addresses, call).await.map_err(|error| {
        let text = format!(
            "{host} port {} cannot be reached: {}",
            port(uri),
            unnumbered(error)
        );
        Problem::unwell(text, "")
    })?;
    // One small request leaves in one segment, and nothing follows that could be joined to it.
    stream.set_nodelay(true).ok();
    Ok(Box::new(stream))
}

/// The addresses of a name. A thread of its own asks: the runtime's would have to be waited for
/// when the process ends.
async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    if let Ok(address) = host.parse() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (tell, told) = oneshot::channel();
    std::thread::Builder::new()
        .name("resolver".into())
        .spawn(move || {
            let found = (host.as_str(), port).to_socket_addrs();
            tell.send(found.map(Iterator::collect)).ok();
        })?;
    told.await
        .unwrap_or_else(|_| Err(io::Error::other("the resolver has died")))
}

/// To the first address that answers; none gets more than its share of the time.
async fn connect(addresses: &[SocketAddr], call: &Call<'_>) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for (index, address) in addresses.iter().enumerate() {
        let left = call.deadline.saturating_duration_since(Instant::now());
        let others = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        match timeout_at(Instant::now() + left / others, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}
