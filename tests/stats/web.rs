//! A small HTTP client.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use pontoon_lab::statistics;

use crate::harness::Failure;

/// `admin:secret`.
const ADMIN: &str = "Authorization: Basic YWRtaW46c2VjcmV0";

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header line, its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (given, value) = line.split_once(':')?;
            (given.to_ascii_lowercase() == name).then(|| value.trim().to_owned())
        })
    }
}

/// Asks as the administrator.
pub(crate) fn get(address: SocketAddr, path: &str) -> Result<Answer, Failure> {
    request(address, "GET", path, "")
}

/// The rows of the CSV.
pub(crate) fn rows(
    address: SocketAddr,
) -> Result<BTreeMap<String, BTreeMap<String, String>>, Failure> {
    let mut rows = statistics::rows(&get(address, "/stats;csv")?.body)?;
    // What stands behind the column `-` belongs to modules; it is not fixed.
    let header = get(address, "/stats;csv")?.body;
    let fixed = header.split(",-,").next().unwrap_or_default();
    let fixed: Vec<&str> = fixed.trim_start_matches("# ").split(',').collect();
    for row in rows.values_mut() {
        row.retain(|column, _| fixed.contains(&&**column));
    }
    Ok(rows)
}

/// Asks as the administrator, with a body.
pub(crate) fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> Result<Answer, Failure> {
    exchange(
        address,
        &format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{ADMIN}\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

/// Sends a text and reads the answer until the other side closes: then it has counted it, too.
pub(crate) fn exchange(address: SocketAddr, text: &str) -> Result<Answer, Failure> {
    exchange_until(address, text, |_| false)
}

/// The same with a server that may keep the connection: reads to the announced length.
pub(crate) fn exchange_one(address: SocketAddr, text: &str) -> Result<Answer, Failure> {
    exchange_until(address, text, is_whole)
}

fn exchange_until(
    address: SocketAddr,
    text: &str,
    is_whole: fn(&[u8]) -> bool,
) -> Result<Answer, Failure> {
    let patience = Duration::from_secs(20);
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(text.as_bytes())?;
    let bytes = read_answer(&mut stream, is_whole)?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let chunked = head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked");
    Ok(Answer {
        status: status.ok_or_else(|| format!("no HTTP: {head}"))?,
        head: head.to_owned(),
        body: if chunked {
            joined(body)
        } else {
            body.to_owned()
        },
    })
}

fn read_answer(stream: &mut TcpStream, is_whole: fn(&[u8]) -> bool) -> Result<Vec<u8>, Failure> {
    let (mut bytes, mut some) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut some)?;
        bytes.extend_from_slice(&some[..count]);
        if count == 0 || is_whole(&bytes) {
            return Ok(bytes);
        }
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let announced = head.lines().find_map(|line| {
        let length = line.strip_prefix("content-length:")?;
        length.trim().parse::<usize>().ok()
    });
    announced.is_some_and(|length| bytes.len() >= end + 4 + length)
}

/// A body put together from its chunks.
fn joined(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        let Some(chunk) = rest.get(..size).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        whole.push_str(chunk);
        body = rest.get(size + 2..).unwrap_or_default();
    }
    whole
}
