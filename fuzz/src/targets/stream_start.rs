//! What a client sends first, as far as it is looked at: a PROXY header, a TLS ClientHello.

use std::net::IpAddr;

use pontoon_engine::{
    proxy_protocol::{self, Header, MAX_LENGTH, Parsed, Version},
    sample::{Expression, Facts, Fetch, Sampled, Value},
    units::ProxyId,
};

pub(super) fn run(bytes: &[u8]) -> bool {
    proxy_header(bytes) | client_hello(bytes)
}

/// A header is found at its last byte and not before, whatever follows it; what is written is read alike.
fn proxy_header(bytes: &[u8]) -> bool {
    let Ok(Parsed::Complete { header, length }) = proxy_protocol::parse(bytes) else {
        return false;
    };
    assert!(length <= bytes.len().min(MAX_LENGTH));
    let found = proxy_protocol::parse(&bytes[..length]);
    let header_again = header.clone();
    assert_eq!(
        found,
        Ok(Parsed::Complete {
            header: header_again,
            length
        })
    );
    let before = proxy_protocol::parse(&bytes[..length - 1]);
    assert_eq!(before, Ok(Parsed::Incomplete));
    if let Header::Proxied {
        source,
        destination,
    } = header
    {
        for version in [Version::V1, Version::V2] {
            let mut written = Vec::new();
            proxy_protocol::write(version, Some((source, destination)), &mut written);
            let length = written.len();
            let header = Header::Proxied {
                source,
                destination,
            };
            let read = proxy_protocol::parse(&written);
            assert_eq!(read, Ok(Parsed::Complete { header, length }));
        }
    }
    true
}

/// What is known of a hello does not change with what follows it.
fn client_hello(bytes: &[u8]) -> bool {
    let mut understood = false;
    let more = [bytes, &[0x16, 3, 1, 0, 1, 1]].concat();
    for fetch in [Fetch::TlsServerName, Fetch::TlsVersion, Fetch::TlsHelloType] {
        let question = Expression {
            fetch,
            converters: Vec::new(),
        };
        if let Sampled::Value(value) = question.sample(&Client(bytes)) {
            if let Value::String(name) = &value {
                assert!(!name.is_empty() && name.len() < bytes.len());
            }
            assert_eq!(question.sample(&Client(&more)), Sampled::Value(value));
            understood = true;
        }
    }
    understood
}

/// A session of which nothing is known but what came first.
struct Client<'a>(&'a [u8]);

impl Facts for Client<'_> {
    fn source(&self) -> Option<(IpAddr, u16)> {
        None
    }

    fn destination(&self) -> Option<(IpAddr, u16)> {
        None
    }

    fn request(&self) -> &[u8] {
        self.0
    }

    fn request_complete(&self) -> bool {
        false
    }

    fn inspection_over(&self) -> bool {
        false
    }

    fn usable_servers(&self, _: Option<ProxyId>) -> u32 {
        0
    }

    fn backend_sessions(&self, _: Option<ProxyId>) -> u32 {
        0
    }

    fn frontend_sessions(&self, _: Option<ProxyId>) -> u32 {
        0
    }

    fn queued(&self, _: Option<ProxyId>) -> u32 {
        0
    }

    fn frontend(&self) -> (u32, &str) {
        (0, "")
    }

    fn backend_name(&self) -> Option<&str> {
        None
    }

    fn listener_number(&self) -> u32 {
        0
    }

    fn is_local(&self, _: IpAddr) -> bool {
        false
    }

    fn random(&self) -> u64 {
        0
    }
}
