//! Reads a statistics page as a dashboard would.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::problem::{Problem, Result, Trying};

/// One answer over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header lines, as sent.
    pub head: String,
    /// The body.
    pub body: String,
}

/// One request over HTTP/1.0, with extra header lines (each ended by CRLF).
///
/// # Errors
/// No connection, or no HTTP.
pub fn get(address: SocketAddr, path: &str, headers: &str) -> Result<Answer> {
    request(
        address,
        &format!("GET {path} HTTP/1.0\r\nHost: lab\r\n{headers}\r\n"),
    )
}

/// Any request, as written.
///
/// # Errors
/// No connection, or no HTTP.
pub fn request(address: SocketAddr, text: &str) -> Result<Answer> {
    let patience = Duration::from_secs(10);
    let mut stream =
        TcpStream::connect_timeout(&address, patience).trying(format!("connect to {address}"))?;
    stream
        .set_read_timeout(Some(patience))
        .trying("set a timeout")?;
    stream.write_all(text.as_bytes()).trying("send a request")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).trying("read an answer")?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| Problem::Unexpected(format!("no HTTP: {head}")))?;
    let chunked = head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked");
    let body = if chunked { unchunk(body) } else { body.into() };
    Ok(Answer {
        status,
        head: head.into(),
        body,
    })
}

/// Joins the chunks of a body (RFC 9112, 7.1); HAProxy sends them even to HTTP/1.0 clients.
fn unchunk(mut body: &str) -> String {
    let mut joined = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        let Some(chunk) = rest.get(..size).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        joined.push_str(chunk);
        body = rest[size..].trim_start_matches("\r\n");
    }
    joined
}

/// The rows of a statistics CSV, by `pxname/svname`, each a map from column to value.
///
/// # Errors
/// There is no header line.
pub fn rows(csv: &str) -> Result<BTreeMap<String, BTreeMap<String, String>>> {
    let mut lines = csv.lines();
    let header = lines.next().and_then(|line| line.strip_prefix("# "));
    let header = header.ok_or_else(|| Problem::Unexpected(format!("no CSV header: {csv}")))?;
    let columns: Vec<&str> = header.split(',').collect();
    let row = |line: &str| {
        let values: BTreeMap<String, String> = columns
            .iter()
            .zip(line.split(','))
            .map(|(column, value)| ((*column).into(), value.into()))
            .collect();
        let name = |column: &str| values.get(column).cloned().unwrap_or_default();
        (format!("{}/{}", name("pxname"), name("svname")), values)
    };
    Ok(lines.filter(|line| !line.is_empty()).map(row).collect())
}
