//! Expectations are lines that HAProxy 2.6.12 wrote, with the times of our record.

use std::{net::SocketAddr, time::SystemTime};

use pontoon_engine::{
    address::{ClientAddr, LocalAddr, ServerAddr},
    moment::{Moment, Span},
    termination::{Cause, Phase, Termination},
    units::ProxyId,
};

use super::*;

/// A session that asks nothing.
struct NoFacts;

impl Facts for NoFacts {
    fn source(&self) -> Option<(IpAddr, u16)> {
        None
    }
    fn destination(&self) -> Option<(IpAddr, u16)> {
        None
    }
    fn request(&self) -> &[u8] {
        &[]
    }
    fn request_complete(&self) -> bool {
        true
    }
    fn inspection_over(&self) -> bool {
        true
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
        (1, "fe")
    }
    fn backend_name(&self) -> Option<&str> {
        None
    }
    fn listener_number(&self) -> u32 {
        1
    }
    fn is_local(&self, _: IpAddr) -> bool {
        false
    }
    fn random(&self) -> u64 {
        0
    }
}

fn ip(text: &str) -> Endpoint {
    Endpoint::Ip(text.parse::<SocketAddr>().unwrap())
}

fn record() -> SessionRecord {
    let accepted_on = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_343_239_491);
    let mut record = SessionRecord::accepted(
        ProxyId(0),
        0,
        ClientAddr(ip("127.0.0.1:57556")),
        LocalAddr(ip("127.0.0.1:7001")),
        accepted_on,
        Moment::START,
    );
    record.source = Some(Box::new("127.0.0.1:53348".parse().unwrap()));
    record.server_address = Some(ServerAddr(ip("127.0.0.1:7101")));
    record.queue_time = Some(Span::from_millis(1));
    record.connect_time = Some(Span::from_millis(2));
    record.total_time = Span::from_millis(159);
    record.bytes_in = 6;
    record.bytes_out = 7;
    record
}

fn rendered(record: &SessionRecord, pieces: Vec<Piece>) -> String {
    with(
        record,
        |_| {},
        |line, out| line.render(&LogFormat { pieces }, out),
    )
}

fn with(
    record: &SessionRecord,
    change: impl FnOnce(&mut Line<'_>),
    write: impl FnOnce(&Line<'_>, &mut Vec<u8>),
) -> String {
    let calendar = Calendar::utc();
    let mut line = Line {
        record,
        concurrency: Concurrency {
            process: 4,
            frontend: 3,
            backend: 2,
            server: 1,
        },
        frontend: "fe",
        backend: "be",
        server: "s1",
        listener: 1,
        http: record.http.is_some(),
        early: false,
        counter: 1,
        host: "vm",
        calendar: &calendar,
        facts: &NoFacts,
    };
    change(&mut line);
    let mut out = Vec::new();
    write(&line, &mut out);
    String::from_utf8(out).unwrap()
}

/// Variables, separated by blanks.
fn variables(record: &SessionRecord, variables: &[Variable], flags: Flags) -> String {
    rendered(record, spaced(variables, flags))
}

fn spaced(variables: &[Variable], flags: Flags) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for variable in variables {
        if !pieces.is_empty() {
            pieces.push(Piece::Text(" ".to_owned()));
        }
        pieces.push(Piece::Variable(*variable, flags));
    }
    pieces
}

const PLAIN: Flags = Flags {
    quote: false,
    hex: false,
    escape: false,
};
const HEX: Flags = Flags { hex: true, ..PLAIN };
const QUOTED: Flags = Flags {
    quote: true,
    ..PLAIN
};

use Variable as V;

#[test]
fn addresses_and_names() {
    let record = record();
    let all = [
        V::ClientIp,
        V::ClientPort,
        V::FrontendIp,
        V::FrontendPort,
        V::BackendSourceIp,
        V::BackendSourcePort,
        V::ServerIp,
        V::ServerPort,
        V::FrontendNameTransport,
        V::BackendName,
        V::ServerName,
        V::HostName,
    ];
    assert_eq!(
        variables(&record, &all, PLAIN),
        "127.0.0.1 57556 127.0.0.1 7001 127.0.0.1 53348 127.0.0.1 7101 fe be s1 vm"
    );
    assert_eq!(
        variables(&record, &all, QUOTED),
        "\"127.0.0.1\" 57556 \"127.0.0.1\" 7001 \"127.0.0.1\" 53348 \"127.0.0.1\" 7101 \
         \"fe\" \"be\" \"s1\" \"vm\""
    );
    assert_eq!(variables(&record, &all[..2], HEX), "7F000001 E0D4");
}

#[test]
fn what_is_not_known_is_a_dash() {
    let mut record = record();
    (record.source, record.server_address) = (None, None);
    let all = [
        V::BackendSourceIp,
        V::BackendSourcePort,
        V::ServerIp,
        V::ServerPort,
        V::UniqueId,
        V::NoCapture,
        V::NoTls,
    ];
    assert_eq!(variables(&record, &all, PLAIN), "- - - - - - -");
}

#[test]
fn unix_sockets_have_the_listener_for_a_port() {
    let mut record = record();
    let path = std::path::PathBuf::from("/tmp/ux.sock");
    record.client = ClientAddr(Endpoint::Unix(path.clone().into()));
    record.local = LocalAddr(Endpoint::Unix(path.clone().into()));
    record.server_address = Some(ServerAddr(Endpoint::Unix(path.into())));
    let all = [
        V::ClientIp,
        V::ClientPort,
        V::FrontendIp,
        V::FrontendPort,
        V::ServerIp,
        V::ServerPort,
    ];
    assert_eq!(variables(&record, &all, PLAIN), "unix 1 unix 1 unix 0");
    assert_eq!(
        with(&record, |_| {}, |line, out| line.connect(out)),
        "Connect to unix:1 (fe/TCP)"
    );
}

#[test]
fn ipv6_has_no_brackets() {
    let mut record = record();
    record.client = ClientAddr(ip("[::1]:42268"));
    assert_eq!(
        variables(&record, &[V::ClientIp, V::ClientPort], PLAIN),
        "::1 42268"
    );
    assert_eq!(
        variables(&record, &[V::ClientIp], HEX),
        "00000000000000000000000000000001"
    );
}

#[test]
fn dates_and_numbers() {
    let record = record();
    assert_eq!(
        variables(
            &record,
            &[V::DateTime, V::Milliseconds, V::Timestamp],
            PLAIN
        ),
        "22/Nov/2026:10:27:19.491 491 1795343239"
    );
    assert_eq!(
        variables(
            &record,
            &[V::Timestamp, V::FrontendLogCounter, V::RequestCounter],
            HEX
        ),
        "6B02C387 0001 0000"
    );
    assert_eq!(
        variables(
            &record,
            &[
                V::ActiveConnections,
                V::FrontendConnections,
                V::BackendConnections,
                V::ServerConnections,
                V::HttpStatus,
            ],
            PLAIN
        ),
        "4 3 2 1 0"
    );
}

/// `%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq`
fn tcplog() -> Vec<Piece> {
    let text = |text: &str| Piece::Text(text.to_owned());
    let variable = |variable| Piece::Variable(variable, PLAIN);
    let mut pieces = vec![variable(V::ClientIp), text(":"), variable(V::ClientPort)];
    for (before, what) in [
        (" [", V::DateTime),
        ("] ", V::FrontendNameTransport),
        (" ", V::BackendName),
        ("/", V::ServerName),
        (" ", V::QueueTime),
        ("/", V::ConnectTime),
        ("/", V::TotalTime),
        (" ", V::BytesRead),
        (" ", V::Termination),
        (" ", V::ActiveConnections),
        ("/", V::FrontendConnections),
        ("/", V::BackendConnections),
        ("/", V::ServerConnections),
        ("/", V::Retries),
        (" ", V::ServerQueue),
        ("/", V::BackendQueue),
    ] {
        pieces.extend([text(before), variable(what)]);
    }
    pieces
}

#[test]
fn the_tcp_line() {
    let mut record = record();
    (record.retries, record.redispatched) = (2, true);
    (record.server_queue, record.backend_queue) = (5, 6);
    record.termination = Termination::new(Cause::ClientTimeout, Phase::Data);
    assert_eq!(
        rendered(&record, tcplog()),
        "127.0.0.1:57556 [22/Nov/2026:10:27:19.491] fe be/s1 1/2/159 7 cD 4/3/2/1/+2 5/6"
    );
}

#[test]
fn phases_that_were_not_reached() {
    let mut record = record();
    (record.queue_time, record.connect_time) = (None, None);
    record.total_time = Span::ZERO;
    record.bytes_out = 0;
    record.termination = Termination::new(Cause::ServerAbort, Phase::Connect);
    assert_eq!(
        with(
            &record,
            |line| line.server = "<NOSRV>",
            |line, out| line.render(&LogFormat { pieces: tcplog() }, out)
        ),
        "127.0.0.1:57556 [22/Nov/2026:10:27:19.491] fe be/<NOSRV> -1/-1/0 0 SC 4/3/2/1/0 0/0"
    );
    assert_eq!(
        variables(&record, &[V::DataTime, V::UserTime], PLAIN),
        "-1 0"
    );
}

#[test]
fn early_lines_have_a_plus_before_what_still_grows() {
    let record = record();
    let format = LogFormat {
        pieces: spaced(
            &[
                V::QueueTime,
                V::TotalTime,
                V::DataTime,
                V::UserTime,
                V::BytesRead,
                V::BytesUploaded,
            ],
            PLAIN,
        ),
    };
    assert_eq!(
        with(
            &record,
            |line| line.early = true,
            |line, out| line.render(&format, out)
        ),
        "1 +159 156 +159 +7 6"
    );
}

fn request(uri: &str) -> HttpRecord {
    HttpRecord {
        method: "GET".to_owned(),
        uri: uri.to_owned(),
        version: "HTTP/1.1",
        status: Some(200),
        idle: Duration::ZERO,
        request_time: Some(Duration::ZERO),
        request_on: SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_343_239_500),
        service: Some("<STATS>"),
    }
}

const HTTP: [Variable; 7] = [
    V::HttpStatus,
    V::HttpRequest,
    V::HttpMethod,
    V::HttpPath,
    V::HttpQuery,
    V::HttpUri,
    V::HttpVersion,
];

const TIMES: [Variable; 10] = [
    V::HandshakeTime,
    V::IdleTime,
    V::RequestTime,
    V::QueryTime,
    V::QueueTime,
    V::ConnectTime,
    V::ResponseTime,
    V::DataTime,
    V::ActiveTime,
    V::TotalTime,
];

#[test]
fn a_request_for_the_statistics() {
    let mut record = record();
    (record.queue_time, record.connect_time) = (None, None);
    record.total_time = Span::ZERO;
    record.termination = Termination::new(Cause::Local, Phase::Request);
    record.http = Some(Box::new(request("/haproxy?stats;csv")));
    assert_eq!(
        variables(&record, &HTTP, PLAIN),
        "200 GET /haproxy?stats;csv HTTP/1.1 GET /haproxy ?stats;csv /haproxy?stats;csv HTTP/1.1"
    );
    assert_eq!(variables(&record, &TIMES, PLAIN), "0 0 0 0 0 0 0 0 0 0");
    assert_eq!(
        variables(&record, &[V::TerminationCookies, V::RequestDate], PLAIN),
        "LR-- 22/Nov/2026:10:27:19.500"
    );
}

#[test]
fn a_request_that_was_none() {
    let mut record = record();
    (record.queue_time, record.connect_time) = (None, None);
    record.total_time = Span::ZERO;
    let mut bad = request("");
    (bad.request_time, bad.service, bad.status) = (None, None, Some(400));
    record.http = Some(Box::new(bad));
    assert_eq!(
        variables(&record, &HTTP[..3], QUOTED),
        "400 \"<BADREQ>\" \"<BADREQ>\""
    );
    assert_eq!(
        variables(&record, &TIMES, PLAIN),
        "0 0 -1 -1 -1 -1 -1 -1 0 0"
    );
}

#[test]
fn blanks_around_nothing_are_merged() {
    let text = |text: &str| Piece::Text(text.to_owned());
    let nothing = || Piece::Variable(V::NoHeaders, PLAIN);
    let pieces = vec![
        text("["),
        nothing(),
        text("] x "),
        nothing(),
        text(" y "),
        nothing(),
        text(" "),
        nothing(),
        text(" z "),
    ];
    assert_eq!(rendered(&record(), pieces), "[] x y z ");
    let quoted = vec![Piece::Variable(V::NoHeaders, QUOTED)];
    assert_eq!(rendered(&record(), quoted), "\"\"");
}

#[test]
fn lines_without_a_format() {
    let record = record();
    assert_eq!(
        with(&record, |_| {}, |line, out| line.connect(out)),
        "Connect from 127.0.0.1:57556 to 127.0.0.1:7001 (fe/TCP)"
    );
    assert_eq!(
        with(
            &record,
            |line| line.http = true,
            |line, out| line.connect(out)
        ),
        "Connect from 127.0.0.1:57556 to 127.0.0.1:7001 (fe/HTTP)"
    );
    let why = "Truncated PROXY protocol header received";
    assert_eq!(
        with(&record, |_| {}, |line, out| line.refused("lili", why, out)),
        "127.0.0.1:57556 [22/Nov/2026:10:27:19.491] fe/lili: Truncated PROXY protocol header \
         received"
    );
}

#[test]
fn samples_are_written_as_strings() {
    let text = |value: Value, flags| {
        let mut out = Vec::new();
        sampled(&mut out, &Sampled::Value(value), flags);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(text(Value::Bool(true), PLAIN), "1");
    assert_eq!(text(Value::Integer(255), HEX), "255");
    assert_eq!(
        text(Value::Ip([10, 0, 0, 1].into()), QUOTED),
        "\"10.0.0.1\""
    );
    assert_eq!(text(Value::String("a\nb".to_owned()), PLAIN), "a#0Ab");
    assert_eq!(text(Value::Binary(vec![0x16, 0x03]), PLAIN), "#16#03");
    let mut out = Vec::new();
    sampled(&mut out, &Sampled::Missing, PLAIN);
    assert_eq!(out, b"-");
}
