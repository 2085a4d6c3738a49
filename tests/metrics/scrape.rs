//! What an endpoint of Prometheus says, taken apart.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::harness::Failure;

/// Families and samples.
#[derive(Debug, Default)]
pub(crate) struct Scrape {
    /// The text itself.
    pub(crate) text: String,
    /// The types of the families.
    pub(crate) types: BTreeMap<String, String>,
    /// The values of the samples, by name and labels.
    pub(crate) samples: BTreeMap<String, String>,
}

/// Asks for this path; the status and the answer's body.
pub(crate) fn get(address: SocketAddr, path: &str) -> Result<(u16, String), Failure> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    // Not 1.1: its answers come in chunks.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or("the answer has no head")?;
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let body = if head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        unchunked(body)
    } else {
        body.to_owned()
    };
    Ok((status.ok_or("the answer has no status")?, body))
}

fn unchunked(mut text: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        if size == 0 || rest.len() < size {
            break;
        }
        whole.push_str(&rest[..size]);
        text = rest[size..].trim_start_matches("\r\n");
    }
    whole
}

/// Scrapes this path.
pub(crate) fn scrape(address: SocketAddr, path: &str) -> Result<Scrape, Failure> {
    let (status, text) = get(address, path)?;
    if status != 200 {
        return Err(format!("{path}: {status} {text}").into());
    }
    let mut scrape = Scrape {
        text,
        ..Scrape::default()
    };
    for line in scrape.text.lines() {
        if let Some(words) = line.strip_prefix("# TYPE ") {
            let (name, kind) = words.split_once(' ').ok_or("no type")?;
            scrape.types.insert(name.to_owned(), kind.to_owned());
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').ok_or("no value")?;
            scrape.samples.insert(name.to_owned(), value.to_owned());
        }
    }
    Ok(scrape)
}

impl Scrape {
    /// The value of a sample.
    pub(crate) fn value(&self, sample: &str) -> Result<&str, Failure> {
        let value = self.samples.get(sample).map(String::as_str);
        value.ok_or_else(|| format!("no {sample} in\n{}", self.text).into())
    }

    /// Names and labels of all samples of HAProxy's names.
    pub(crate) fn series(&self) -> BTreeSet<&str> {
        let names = self.samples.keys().map(String::as_str);
        names.filter(|name| name.starts_with("haproxy_")).collect()
    }
}
