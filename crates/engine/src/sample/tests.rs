//! Samples, and a session to ask that other tests use as well.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

/// A session that answers what a test says.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) source: Option<(IpAddr, u16)>,
    pub(crate) request: Vec<u8>,
    pub(crate) complete: bool,
}

impl Default for Told {
    fn default() -> Self {
        let source = Some(("192.0.2.7".parse().unwrap(), 40_000));
        Self {
            source,
            request: Vec::new(),
            complete: false,
        }
    }
}

impl Told {
    pub(crate) fn sent(request: &[u8]) -> Self {
        Self {
            request: request.to_vec(),
            ..Self::default()
        }
    }

    pub(crate) fn and_no_more(self) -> Self {
        Self {
            complete: true,
            ..self
        }
    }
}

impl Facts for Told {
    fn source(&self) -> Option<(IpAddr, u16)> {
        self.source
    }
    fn destination(&self) -> Option<(IpAddr, u16)> {
        Some(("2001:db8::5".parse().unwrap(), 8563))
    }
    fn request(&self) -> &[u8] {
        &self.request
    }
    fn request_complete(&self) -> bool {
        self.complete
    }
    fn inspection_over(&self) -> bool {
        self.complete
    }
    fn usable_servers(&self, backend: Option<ProxyId>) -> u32 {
        backend.map_or(3, |id| id.0)
    }
    fn backend_sessions(&self, _: Option<ProxyId>) -> u32 {
        4
    }
    fn frontend_sessions(&self, _: Option<ProxyId>) -> u32 {
        5
    }
    fn queued(&self, _: Option<ProxyId>) -> u32 {
        6
    }
    fn frontend(&self) -> (u32, &str) {
        (2, "front")
    }
    fn backend_name(&self) -> Option<&str> {
        None
    }
    fn listener_number(&self) -> u32 {
        1
    }
    fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback()
    }
    fn random(&self) -> u64 {
        u64::MAX
    }
}

pub(crate) fn ask(fetch: Fetch, converters: &[Converter]) -> Expression {
    Expression {
        fetch,
        converters: converters.to_vec(),
    }
}

fn value(value: Value) -> Sampled {
    Sampled::Value(value)
}

/// A ClientHello in records that carry at most `piece` bytes.
fn hello(name: Option<&str>, piece: usize) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(0);
    body.extend([0, 2, 0x13, 0x01, 1, 0]);
    let mut extensions = vec![0, 43, 0, 3, 2, 3, 4];
    if let Some(name) = name {
        let length = u16::try_from(name.len()).unwrap();
        extensions.extend([0, 0]);
        extensions.extend((length + 5).to_be_bytes());
        extensions.extend((length + 3).to_be_bytes());
        extensions.push(0);
        extensions.extend(length.to_be_bytes());
        extensions.extend(name.as_bytes());
    }
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut message = vec![1];
    message.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
    message.extend(body);
    let records = message.chunks(piece).map(|part| {
        let mut record = vec![22, 3, 1];
        record.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
        record.extend(part);
        record
    });
    records.flatten().collect()
}

#[test]
fn the_server_name_is_found_however_the_records_are_cut() {
    let sni = ask(Fetch::TlsServerName, &[]);
    for piece in [1, 2, 3, 5, 50, 1000] {
        let bytes = hello(Some("db.example.com"), piece);
        let expected = value(Value::String("db.example.com".into()));
        assert_eq!(
            sni.sample(&Told::sent(&bytes)),
            expected,
            "records of {piece}"
        );
        for cut in 0..bytes.len() {
            assert_eq!(
                sni.sample(&Told::sent(&bytes[..cut])),
                Sampled::NotYet,
                "{piece} {cut}"
            );
        }
    }
}

#[test]
fn a_hello_without_a_name_has_a_type_and_a_version() {
    let told = Told::sent(&hello(None, 1000));
    assert_eq!(
        ask(Fetch::TlsServerName, &[]).sample(&told),
        Sampled::Missing
    );
    assert_eq!(
        ask(Fetch::TlsHelloType, &[]).sample(&told),
        value(Value::Integer(1))
    );
    assert_eq!(
        ask(Fetch::TlsVersion, &[]).sample(&told),
        value(Value::Integer(0x3_0003))
    );
}

#[test]
fn what_is_not_tls_is_known_at_once() {
    for bytes in [
        &b"GET"[..],
        b"\x16\x02",
        b"\x16\x03\x01\0\0",
        b"\x16\x03\x01\0\x01\x02",
        b"\x16\x03\x01\xff\xff",
    ] {
        assert_eq!(
            ask(Fetch::TlsHelloType, &[]).sample(&Told::sent(bytes)),
            Sampled::Missing
        );
    }
    let endless = b"\x16\x03\x01\0\x04\x01\xff\xff\xff";
    assert_eq!(
        ask(Fetch::TlsHelloType, &[]).sample(&Told::sent(endless)),
        Sampled::Missing
    );
}

#[test]
fn half_a_hello_is_nothing_once_no_more_comes() {
    let told = Told::sent(&hello(Some("a"), 1000)[..20]).and_no_more();
    assert_eq!(
        ask(Fetch::TlsServerName, &[]).sample(&told),
        Sampled::Missing
    );
}

#[test]
fn the_length_of_the_request_changes_until_it_is_complete() {
    let length = ask(Fetch::RequestLength, &[]);
    let told = Told::sent(b"abc");
    assert_eq!(length.sample(&told), Sampled::Changing(Value::Integer(3)));
    assert_eq!(length.sample(&told.and_no_more()), value(Value::Integer(3)));
}

#[test]
fn payload_waits_for_as_much_as_it_asks() {
    let fixed = ask(
        Fetch::RequestPayload {
            offset: 1,
            length: 3,
        },
        &[],
    );
    assert_eq!(fixed.sample(&Told::sent(b"abc")), Sampled::NotYet);
    assert_eq!(
        fixed.sample(&Told::sent(b"abc").and_no_more()),
        Sampled::Missing
    );
    assert_eq!(
        fixed.sample(&Told::sent(b"abcde")),
        value(Value::Binary(b"bcd".to_vec()))
    );

    let rest = ask(
        Fetch::RequestPayload {
            offset: 1,
            length: 0,
        },
        &[Converter::Hex],
    );
    assert_eq!(rest.sample(&Told::sent(b"a")), Sampled::NotYet);
    let hex = Value::String("627A".into());
    assert_eq!(rest.sample(&Told::sent(b"abz")), Sampled::Changing(hex));
}

#[test]
fn the_end_of_the_inspection_is_awaited() {
    let end = ask(Fetch::WaitEnd, &[]);
    assert_eq!(end.sample(&Told::default()), Sampled::NotYet);
    assert_eq!(
        end.sample(&Told::default().and_no_more()),
        value(Value::Bool(true))
    );
}

#[test]
fn addresses_numbers_and_names_are_known_from_the_beginning() {
    let told = Told::default();
    let masked = ask(Fetch::Source, &[Converter::IpMask { v4: 24, v6: 64 }]);
    assert_eq!(
        masked.sample(&told),
        value(Value::Ip("192.0.2.0".parse().unwrap()))
    );
    let masked = ask(Fetch::Destination, &[Converter::IpMask { v4: 24, v6: 32 }]);
    assert_eq!(
        masked.sample(&told),
        value(Value::Ip("2001:db8::".parse().unwrap()))
    );
    let name = ask(Fetch::FrontendName, &[Converter::Upper]);
    assert_eq!(name.sample(&told), value(Value::String("FRONT".into())));
    assert_eq!(ask(Fetch::BackendName, &[]).sample(&told), Sampled::Missing);
    assert_eq!(
        ask(Fetch::Random(10), &[]).sample(&told),
        value(Value::Integer(5))
    );
    let none_left = ask(Fetch::UsableServers(Some(ProxyId(0))), &[Converter::Not]);
    assert_eq!(none_left.sample(&told), value(Value::Bool(true)));
}

#[test]
fn a_converter_that_cannot_take_the_value_leaves_nothing() {
    let told = Told::default();
    assert_eq!(
        ask(Fetch::FrontendName, &[Converter::Not]).sample(&told),
        Sampled::Missing
    );
    let mask = Converter::IpMask { v4: 24, v6: 64 };
    assert_eq!(
        ask(Fetch::SourcePort, &[mask]).sample(&told),
        Sampled::Missing
    );
}

proptest! {
    #[test]
    fn hostile_hellos_are_survived(
        piece in 1usize..80,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        noise in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = hello(Some("db.example.com"), piece);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.extend(&noise);
        for request in [bytes, noise] {
            let _ = ask(Fetch::TlsServerName, &[]).sample(&Told::sent(&request));
            let complete = Told::sent(&request).and_no_more();
            prop_assert_ne!(ask(Fetch::TlsServerName, &[]).sample(&complete), Sampled::NotYet);
        }
    }
}
