use std::net::SocketAddr;

use pontoon_engine::{
    address::Endpoint,
    rules::{SourceAddress, Transparent},
};

use super::{server::LookupMethod, *};
use crate::{
    args::Args,
    haproxy::{
        model::{BindAddress, LogAddress, ServerPort},
        testing::{World, codes, word, words},
    },
};

fn binds(text: &str) -> Result<Vec<String>, &'static str> {
    let world = World::new();
    let mut d = Diagnostics::default();
    let found = bind(&word(text), &world.context(), &mut d);
    if d.has_errors() {
        return Err(d.all()[0].code);
    }
    Ok(found
        .iter()
        .map(|it| match it {
            BindAddress::Endpoint(endpoint) => endpoint.to_string(),
            BindAddress::Inherited(fd) => format!("fd@{fd}"),
        })
        .collect())
}

fn target(text: &str, lookup: &Lookup) -> Result<ServerTarget, &'static str> {
    let world = World::new();
    let mut d = Diagnostics::default();
    server(&word(text), lookup, &world.context(), &mut d).ok_or_else(|| d.all()[0].code)
}

fn log_to(text: &str) -> Result<LogAddress, &'static str> {
    let world = World::new();
    let mut d = Diagnostics::default();
    log(&word(text), &world.context(), &mut d).ok_or_else(|| d.all()[0].code)
}

#[test]
fn bind_takes_every_form_of_the_manual() {
    let one = |text| binds(text).map(|it| it.join(" "));
    assert_eq!(one(":80"), Ok("0.0.0.0:80".into()));
    assert_eq!(one("*:80"), Ok("0.0.0.0:80".into()));
    assert_eq!(one("ipv6@:80"), Ok("[::]:80".into()));
    assert_eq!(one("ipv6@*:80"), Ok("[::]:80".into()));
    assert_eq!(one(":::80"), Ok("[::]:80".into()));
    assert_eq!(one("[::1]:80"), Ok("[::1]:80".into()));
    assert_eq!(one("10.0.0.1:80"), Ok("10.0.0.1:80".into()));
    assert_eq!(one("tcp4@10.0.0.1:80"), Ok("10.0.0.1:80".into()));
    assert_eq!(one("db.example:80"), Ok("[2001:db8::7]:80".into()));
    assert_eq!(one("ipv4@db.example:80"), Ok("10.0.0.7:80".into()));
    assert_eq!(one("/run/x.sock"), Ok("unix@/run/x.sock".into()));
    assert_eq!(one("unix@x.sock"), Ok("unix@x.sock".into()));
    assert_eq!(one("abns@x"), Ok("abns@x".into()));
    assert_eq!(one("fd@3"), Ok("fd@3".into()));
}

#[test]
fn bind_spreads_lists_and_ranges() {
    assert_eq!(
        binds("10.0.0.1:80-82,:90").unwrap(),
        ["10.0.0.1:80", "10.0.0.1:81", "10.0.0.1:82", "0.0.0.0:90"]
    );
}

#[test]
fn bind_says_what_is_wrong() {
    assert_eq!(binds("10.0.0.1"), Err("missing-port"));
    assert_eq!(binds(":0"), Err("bad-port"));
    assert_eq!(binds(":http"), Err("bad-port"));
    assert_eq!(binds(":+80"), Err("bad-port"));
    assert_eq!(binds(":90-80"), Err("bad-port-range"));
    assert_eq!(binds("::1"), Err("bad-address"));
    assert_eq!(binds("10.0.0.256:80"), Err("bad-address"));
    assert_eq!(binds("nowhere.example:80"), Err("unresolved-host"));
    assert_eq!(binds("ipv5@1.2.3.4:80"), Err("unknown-address-prefix"));
    assert_eq!(binds("sockpair@3"), Err("unsupported-address"));
    assert_eq!(binds("udp@:53"), Err("unsupported-address"));
    assert_eq!(binds("quic4@:443"), Err("unsupported-address"));
    assert_eq!(binds("fd@x"), Err("bad-address"));
}

#[test]
fn an_error_points_into_the_list() {
    let world = World::new();
    let mut d = Diagnostics::default();
    bind(&word(":80,:x,:81"), &world.context(), &mut d);
    let span = d.all()[0].span.unwrap();
    assert_eq!((span.start, span.end), (5, 6));
}

#[test]
fn a_server_may_take_its_port_from_the_client() {
    let of = |text| {
        let target = target(text, &Lookup::default()).unwrap();
        let address = target.address.unwrap().0.to_string();
        (address, target.port)
    };
    assert_eq!(of("10.0.0.1:80"), ("10.0.0.1:80".into(), ServerPort::Fixed));
    for text in ["10.0.0.1", "10.0.0.1:0"] {
        assert_eq!(of(text), ("10.0.0.1:0".into(), ServerPort::Client));
    }
    assert_eq!(
        of("10.0.0.1:+100"),
        ("10.0.0.1:0".into(), ServerPort::Offset(100))
    );
    assert_eq!(
        of("10.0.0.1:-3"),
        ("10.0.0.1:0".into(), ServerPort::Offset(-3))
    );
    assert_eq!(of("::1:80"), ("[::1]:80".into(), ServerPort::Fixed));
    assert_eq!(of("[::1]"), ("[::1]:0".into(), ServerPort::Client));
    assert_eq!(of("/run/db"), ("unix@/run/db".into(), ServerPort::Fixed));
}

#[test]
fn a_server_cannot_be_everything_a_listener_can() {
    let code = |text| target(text, &Lookup::default()).unwrap_err();
    assert_eq!(code("10.0.0.1:80-90"), "bad-port");
    assert_eq!(code("10.0.0.1:70000"), "bad-port");
    assert_eq!(code("10.0.0.1:+99999"), "bad-port");
    assert_eq!(code("fd@3"), "unsupported-address");
    assert_eq!(code("*:80"), "unsupported-address");
    assert_eq!(code("0.0.0.0:80"), "unsupported-address");
    assert_eq!(code("ipv4@[::1]:80"), "bad-address");
}

#[test]
fn host_names_follow_init_addr_and_resolve_prefer() {
    let with = |methods: &[LookupMethod], prefer, host: &str| {
        let lookup = Lookup {
            methods: methods.to_vec(),
            prefer,
        };
        target(host, &lookup).map(|it| it.address.map(|it| it.0.to_string()))
    };
    use LookupMethod::{Fixed, Last, Libc, None as Nothing};
    let db = "db.example:5432";
    assert_eq!(
        with(&[Last, Libc], None, db),
        Ok(Some("[2001:db8::7]:5432".into()))
    );
    assert_eq!(
        with(&[Last, Libc], Some(Preference::V4), db),
        Ok(Some("10.0.0.7:5432".into()))
    );
    assert_eq!(with(&[Nothing], None, db), Ok(None));
    assert_eq!(
        with(&[Libc], None, "gone.example:1"),
        Err("unresolved-host")
    );
    assert_eq!(with(&[Libc, Nothing], None, "gone.example:1"), Ok(None));
    let fixed = Fixed("10.9.9.9".parse().unwrap());
    assert_eq!(
        with(&[Libc, fixed], None, "gone.example:1"),
        Ok(Some("10.9.9.9:1".into()))
    );
}

#[test]
fn init_addr_is_a_list_of_known_words() {
    let mut d = Diagnostics::default();
    assert_eq!(
        lookup_methods(&word("last,libc,none"), &mut d),
        Some(vec![
            LookupMethod::Last,
            LookupMethod::Libc,
            LookupMethod::None
        ])
    );
    assert_eq!(lookup_methods(&word("last,lib"), &mut d), None);
    assert_eq!(codes(&d), ["bad-init-addr"]);
}

#[test]
fn logs_go_to_datagrams_and_descriptors() {
    let udp = |text: &str| LogAddress::Udp(text.parse::<SocketAddr>().unwrap());
    assert_eq!(log_to("127.0.0.1"), Ok(udp("127.0.0.1:514")));
    assert_eq!(log_to("127.0.0.1:1514"), Ok(udp("127.0.0.1:1514")));
    assert_eq!(log_to("::1"), Ok(udp("[::1]:514")));
    assert_eq!(log_to("[::1]:99"), Ok(udp("[::1]:99")));
    assert_eq!(log_to("udp@db.example"), Ok(udp("[2001:db8::7]:514")));
    assert_eq!(log_to("/dev/log"), Ok(LogAddress::Unix("/dev/log".into())));
    assert_eq!(log_to("stdout"), Ok(LogAddress::Descriptor(1)));
    assert_eq!(log_to("fd@5"), Ok(LogAddress::Descriptor(5)));
    assert_eq!(log_to("ring@r"), Err("unsupported-address"));
    assert_eq!(log_to("tcp@10.0.0.1:514"), Err("unsupported-address"));
}

#[test]
fn sources_have_addresses_ports_interfaces_and_usesrc() {
    let world = World::new();
    let read = |line: &str| {
        let words = words(line);
        let mut d = Diagnostics::default();
        source(&mut Args::new(&words, 1), &world.context(), &mut d).ok_or_else(|| codes(&d)[0])
    };
    let plain = SourceAddress {
        address: Some("10.0.0.9".parse().unwrap()),
        ports: None,
        interface: None,
        transparent: None,
    };
    assert_eq!(read("source 10.0.0.9"), Ok(plain.clone()));
    assert_eq!(
        read("source 10.0.0.9:1025-65000"),
        Ok(SourceAddress {
            ports: Some((1025, 65000)),
            ..plain.clone()
        })
    );
    assert_eq!(
        read("source 0.0.0.0 usesrc clientip"),
        Ok(SourceAddress {
            address: None,
            transparent: Some(Transparent::ClientIp),
            ..plain.clone()
        })
    );
    assert_eq!(
        read("source 10.0.0.9 interface eth1").map(|it| it.interface),
        Ok(Some("eth1".to_owned()))
    );
    assert_eq!(read("source"), Err("missing-argument"));
    assert_eq!(
        read("source 10.0.0.9 usesrc hdr_ip(x)"),
        Err("unsupported-source")
    );
    assert_eq!(read("source /run/x"), Err("bad-address"));
}

#[test]
fn abstract_names_are_bytes() {
    let world = World::new();
    let mut d = Diagnostics::default();
    assert_eq!(
        bind(&word("abns@db"), &world.context(), &mut d),
        [BindAddress::Endpoint(Endpoint::Abstract(
            b"db".as_slice().into()
        ))]
    );
}
