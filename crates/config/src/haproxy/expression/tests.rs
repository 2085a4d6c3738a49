use pontoon_engine::{
    sample::{Converter, Fetch},
    units::ProxyId,
};

use super::*;
use crate::{
    haproxy::keyword::Sections,
    haproxy::testing::{World, codes, word},
};

fn read(text: &str) -> Result<Typed, Diagnostics> {
    let mut world = World::new();
    world.proxies.declare("db", Sections::BACKEND, ProxyId(4));
    let mut d = Diagnostics::default();
    match typed(&word(text), &world.context(), &mut d) {
        Some(typed) if !d.has_errors() => Ok(typed),
        _ => Err(d),
    }
}

fn fault(text: &str) -> &'static str {
    codes(&read(text).unwrap_err())[0]
}

#[test]
fn fetches_have_arguments_and_types() {
    let of = |text| {
        let typed = read(text).unwrap();
        (typed.expression.fetch, typed.output)
    };
    assert_eq!(of("src"), (Fetch::Source, Type::Ip));
    assert_eq!(of("src()"), (Fetch::Source, Type::Ip));
    assert_eq!(of("req.ssl_sni"), (Fetch::TlsServerName, Type::String));
    assert_eq!(
        of("req.payload(3,5)"),
        (
            Fetch::RequestPayload {
                offset: 3,
                length: 5
            },
            Type::Binary
        )
    );
    assert_eq!(of("nbsrv"), (Fetch::UsableServers(None), Type::Integer));
    assert_eq!(
        of("nbsrv(db)"),
        (Fetch::UsableServers(Some(ProxyId(4))), Type::Integer)
    );
    assert_eq!(of("str(a,b)"), (Fetch::String("a,b".into()), Type::String));
    assert_eq!(of("bool(true)"), (Fetch::AlwaysTrue, Type::Bool));
}

#[test]
fn converters_follow_in_order_and_change_the_type() {
    let typed = read("req.ssl_sni,lower,length").unwrap();
    assert_eq!(
        typed.expression.converters,
        [Converter::Lower, Converter::Length]
    );
    assert_eq!(typed.output, Type::Integer);
    let masked = read("src,ipmask(24,64)").unwrap();
    assert_eq!(
        masked.expression.converters,
        [Converter::IpMask { v4: 24, v6: 64 }]
    );
    let dotted = read("src,ipmask(255.255.0.0)").unwrap();
    assert_eq!(
        dotted.expression.converters,
        [Converter::IpMask { v4: 16, v6: 128 }]
    );
}

#[test]
fn only_bytes_of_the_client_need_content() {
    assert_eq!(read("src").unwrap().needs, Needs::Connection);
    assert_eq!(read("nbsrv").unwrap().needs, Needs::Connection);
    assert_eq!(read("req.len").unwrap().needs, Needs::Content);
    assert_eq!(read("wait_end").unwrap().needs, Needs::Content);
}

#[test]
fn every_method_in_the_table_can_be_read() {
    for method in FETCHES {
        let arguments = match method.name {
            "bool" => "(1)",
            "int" => "(5)",
            "req.payload" => "(0,5)",
            "str" => "(x)",
            _ => "",
        };
        let text = format!("{}{arguments}", method.name);
        assert!(read(&text).is_ok(), "{text}");
    }
}

#[test]
fn old_names_are_taken_with_a_warning() {
    let world = World::new();
    let mut d = Diagnostics::default();
    let typed = typed(&word("req_ssl_sni"), &world.context(), &mut d).unwrap();
    assert_eq!(typed.expression.fetch, Fetch::TlsServerName);
    assert_eq!(typed.needs, Needs::Content);
    assert_eq!(codes(&d), ["obsolete"]);
}

#[test]
fn known_methods_are_refused_with_their_reason() {
    let reason = |text| read(text).unwrap_err().all()[0].suggestion.clone().unwrap();
    assert!(reason("sc0_conn_rate").contains("stick tables"));
    assert!(reason("src_conn_rate(t)").contains("stick tables"));
    assert!(reason("hdr_beg").contains("HTTP"));
    assert!(reason("req.hdr(host)").contains("HTTP"));
    assert!(reason("ssl_fc_sni").contains("ClientHello"));
    assert!(reason("uuid").contains("not implemented"));
    assert!(reason("src,table_conn_cnt(t)").contains("stick tables"));
    assert_eq!(fault("src,base64"), "unsupported");
}

#[test]
fn unknown_methods_get_the_nearest_name() {
    let hint = |text| read(text).unwrap_err().all()[0].suggestion.clone();
    assert_eq!(
        hint("req.ssl_sin").as_deref(),
        Some("did you mean `req.ssl_sni`?")
    );
    assert_eq!(
        hint("req.ssl_sni_end").as_deref(),
        Some("write `req.ssl_sni -m end`")
    );
    assert_eq!(
        hint("req.ssl_sni,lowr").as_deref(),
        Some("did you mean `lower`?")
    );
    assert_eq!(fault("frobnicate"), "unknown-fetch");
    assert_eq!(fault("src,frobnicate"), "unknown-converter");
}

#[test]
fn shapes_and_arguments_are_checked() {
    assert_eq!(fault("src("), "bad-expression");
    assert_eq!(fault("src()x"), "bad-expression");
    assert_eq!(fault("src(x)"), "bad-argument");
    assert_eq!(fault("req.payload(0)"), "bad-argument");
    assert_eq!(fault("req.payload(0,-5)"), "bad-argument");
    assert_eq!(fault("int(x)"), "bad-argument");
    assert_eq!(fault("nbsrv(nosuch)"), "unknown-proxy");
    assert_eq!(fault("nbsrv(a,b)"), "bad-argument");
    assert_eq!(fault("src,ipmask(33)"), "bad-argument");
    assert_eq!(fault("src,lower"), "bad-expression");
    assert_eq!(fault("src,"), "unknown-converter");
}
