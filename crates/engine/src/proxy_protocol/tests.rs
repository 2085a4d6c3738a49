use proptest::prelude::*;

use super::*;

fn complete(source: &str, destination: &str, length: usize) -> Result<Parsed, Malformed> {
    let header = Header::Proxied {
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
    };
    Ok(Parsed::Complete { header, length })
}

fn local(length: usize) -> Result<Parsed, Malformed> {
    Ok(Parsed::Complete {
        header: Header::Local,
        length,
    })
}

fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let mut bytes = v2::SIGNATURE.to_vec();
    bytes.extend([command, family]);
    bytes.extend(u16::try_from(block.len()).unwrap().to_be_bytes());
    bytes.extend(block);
    bytes
}

#[test]
fn lines_of_text_are_read_and_the_rest_is_left() {
    let line = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET /";
    assert_eq!(
        parse(line),
        complete("192.0.2.1:56324", "198.51.100.2:443", 45)
    );
    let line = b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n";
    assert_eq!(
        parse(line),
        complete("[2001:db8::1]:1", "[2001:db8::2]:65535", 44)
    );
    assert_eq!(parse(b"PROXY UNKNOWN\r\n"), local(15));
    assert_eq!(parse(b"PROXY UNKNOWN whatever it says\r\n"), local(32));
}

#[test]
fn ill_formed_lines_are_refused() {
    for line in [
        "PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 1\r\n",
        "PROXY TCP4  192.0.2.1 198.51.100.2 56324 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 56324 65536\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 56324 0443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 56324 +443\r\n",
        "PROXY TCP4 192.0.2.01 198.51.100.2 56324 443\r\n",
        "PROXY TCP4 2001:db8::1 2001:db8::2 56324 443\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.2 56324 443\r\n",
        "PROXY UDP4 192.0.2.1 198.51.100.2 56324 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\rX",
        "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\n",
        "PROXY tcp4",
        "PROXY \r\n",
        "PROXY \u{e9}",
    ] {
        let mut bytes = line.as_bytes().to_vec();
        if !line.contains('\r') {
            bytes.resize(200, b'x');
        }
        assert_eq!(parse(&bytes), Err(Malformed::Line), "{line:?}");
    }
}

#[test]
fn a_line_may_have_107_bytes_and_not_one_more() {
    let line = |length: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(length - 16));
    assert_eq!(parse(line(107).as_bytes()), local(107));
    assert_eq!(parse(&line(107).as_bytes()[..106]), Ok(Parsed::Incomplete));
    assert_eq!(parse(line(108).as_bytes()), Err(Malformed::Line));
    assert_eq!(parse(&line(108).as_bytes()[..106]), Err(Malformed::Line));
}

#[test]
fn strangers_are_told_from_the_first_byte() {
    for bytes in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"\x16\x03\x01",
        b"PROXX",
        b"\r\n\r\n\0\r\nQUIT\r",
    ] {
        assert_eq!(parse(bytes), Err(Malformed::Signature), "{bytes:?}");
    }
    assert_eq!(parse(b""), Ok(Parsed::Incomplete));
}

#[test]
fn binary_headers_are_read_with_their_tlvs_skipped() {
    let mut block = vec![192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb];
    assert_eq!(
        parse(&v2(0x21, 0x11, &block)),
        complete("192.0.2.1:56324", "198.51.100.2:443", 28)
    );
    block.extend([0x04, 0, 3, 1, 2, 3]);
    let mut stream = v2(0x21, 0x11, &block);
    stream.extend(b"data");
    assert_eq!(
        parse(&stream),
        complete("192.0.2.1:56324", "198.51.100.2:443", 34)
    );
}

#[test]
fn binary_headers_that_name_no_tcp_ends_are_local() {
    assert_eq!(parse(&v2(0x20, 0x00, &[])), local(16));
    assert_eq!(parse(&v2(0x20, 0x7f, &[1, 2, 3])), local(19));
    assert_eq!(parse(&v2(0x21, 0x00, &[9; 5])), local(21));
    assert_eq!(parse(&v2(0x21, 0x12, &[9; 12])), local(28));
    assert_eq!(parse(&v2(0x21, 0x22, &[9; 36])), local(52));
    assert_eq!(parse(&v2(0x21, 0x31, &[9; 216])), local(232));
}

#[test]
fn ill_formed_binary_headers_are_refused() {
    for bytes in [
        v2(0x11, 0x11, &[0; 12]),
        v2(0x22, 0x11, &[0; 12]),
        v2(0x21, 0x13, &[0; 12]),
        v2(0x21, 0x41, &[0; 36]),
        v2(0x21, 0x11, &[0; 11]),
        v2(0x21, 0x21, &[0; 35]),
        v2(0x21, 0x31, &[0; 215]),
        v2(0x21, 0x11, &[0; MAX_LENGTH]),
    ] {
        assert_eq!(
            parse(&bytes),
            Err(Malformed::Binary),
            "{:?}",
            &bytes[12..16]
        );
    }
}

#[test]
fn ends_of_different_families_travel_as_ipv6() {
    let ends = (
        "192.0.2.1:1".parse().unwrap(),
        "[2001:db8::2]:2".parse().unwrap(),
    );
    let mut out = Vec::new();
    write(Version::V1, Some(ends), &mut out);
    assert_eq!(out, b"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n");
    assert_eq!(
        parse(&out),
        complete("[::ffff:192.0.2.1]:1", "[2001:db8::2]:2", out.len())
    );
}

fn address() -> impl Strategy<Value = SocketAddr> {
    any::<(std::net::IpAddr, u16)>().prop_map(SocketAddr::from)
}

fn version() -> impl Strategy<Value = Version> {
    prop::sample::select(vec![Version::V1, Version::V2])
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        version in version(),
        ends in prop::option::of((address(), address())),
    ) {
        let mut out = b"before".to_vec();
        write(version, ends, &mut out);
        let bytes = &out[6..];
        let (header, length) = match parse(bytes) {
            Ok(Parsed::Complete { header, length }) => (header, length),
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        prop_assert_eq!(length, bytes.len());
        match (ends, header) {
            (None, header) => prop_assert_eq!(header, Header::Local),
            (Some((source, destination)), Header::Proxied { source: s, destination: d }) => {
                prop_assert_eq!(s.ip().to_canonical(), source.ip().to_canonical());
                prop_assert_eq!(d.ip().to_canonical(), destination.ip().to_canonical());
                prop_assert_eq!((s.port(), d.port()), (source.port(), destination.port()));
            }
            (Some(_), Header::Local) => prop_assert!(false, "the ends were lost"),
        }
        for cut in 0..bytes.len() {
            prop_assert_eq!(parse(&bytes[..cut]), Ok(Parsed::Incomplete));
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes);
        let mut line = b"PROXY TCP4 ".to_vec();
        line.extend(&bytes);
        let _ = parse(&line);
        let mut header = v2::SIGNATURE.to_vec();
        header.extend(&bytes);
        if let Ok(Parsed::Complete { length, .. }) = parse(&header) {
            prop_assert!(length <= header.len());
        }
    }
}
