//! The expected reports are those of HAProxy 2.6.12 for the same checks and peers.

use std::time::Duration;

use pontoon_config::haproxy::check::{BytePattern, TextPattern};
use regex::bytes::Regex;

use super::*;
use crate::checks::testing::{
    Does::{self, Hangs, Hears, Resets, Says},
    HASTY, PATIENT, Scripted, nowhere, plain_text, probe as run_probe, show, target,
};

fn expecting(pattern: HttpPattern) -> HttpExpect {
    HttpExpect {
        negated: false,
        pattern,
        min_receive: None,
        comment: None,
        ok_status: None,
        error_status: None,
        timeout_status: None,
        on_success: None,
        on_error: None,
    }
}

fn not(pattern: HttpPattern) -> HttpExpect {
    HttpExpect {
        negated: true,
        ..expecting(pattern)
    }
}

fn usual() -> HttpExpect {
    expecting(HttpPattern::Status(vec![(200, 399)]))
}

fn body(text: &str) -> HttpPattern {
    HttpPattern::Body(BytePattern::Contains(text.into()))
}

fn check(expect: HttpExpect) -> HttpCheck {
    let request = HttpRequest {
        method: "OPTIONS".into(),
        uri: "/".into(),
        version: "HTTP/1.0".into(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    HttpCheck {
        steps: vec![HttpStep::Send(request), HttpStep::Expect(expect)],
        disable_on_404: false,
        send_state: false,
    }
}

async fn run_at(address: std::net::SocketAddr, check: &HttpCheck, limit: Duration) -> String {
    let target = target(address);
    let verdict = run_probe(&target, limit, async |exchange: Exchange<'_>| {
        let prepared = Prepared {
            check,
            tls: &[],
            render: &plain_text,
            state: None,
        };
        probe(exchange, prepared).await
    })
    .await;
    show(&verdict)
}

async fn run(peer: &[Does], check: &HttpCheck) -> String {
    run_at(Scripted::start(peer).unwrap().address, check, PATIENT).await
}

/// What is said of an answer that is followed by a close.
async fn answer(text: &'static str, expect: HttpExpect) -> String {
    run(&[Hears, Says(text.as_bytes())], &check(expect)).await
}

/// What is said of an answer on a connection that stays open.
async fn open(text: &'static str, expect: HttpExpect) -> String {
    run(&[Hears, Says(text.as_bytes()), Hangs], &check(expect)).await
}

#[tokio::test]
async fn the_status_decides() {
    let cases = [
        ("HTTP/1.0 200 OK\r\n\r\n", "L7OK 200"),
        ("HTTP/1.0 302 Found\r\n\r\n", "L7OK 302"),
        ("HTTP/1.0 404 Not Found\r\n\r\n", "L7STS 404 [Not Found]"),
        (
            "HTTP/1.0 500 Internal Server Error\r\n\r\n",
            "L7STS 500 [Internal Server Error]",
        ),
        ("HTTP/1.0 500 \r\n\r\n", "L7STS 500"),
        ("HTTP/1.0 200\r\n\r\n", "L7OK 200"),
        ("FOO BAR\r\n\r\n", "L7RSP"),
        ("HTTP/1.0 200 O", "L7RSP"),
    ];
    for (text, expected) in cases {
        assert_eq!(answer(text, usual()).await, expected, "{text:?}");
    }
}

#[tokio::test]
async fn the_status_is_enough_before_the_body() {
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
    assert_eq!(open(text, usual()).await, "L7OK 200");
}

#[tokio::test]
async fn failures_name_no_step() {
    assert_eq!(run(&[Hears], &check(usual())).await, "L7RSP");
    let reset = run(&[Hears, Resets], &check(usual())).await;
    assert_eq!(reset, "SOCKERR [Connection reset by peer]");
    let nowhere = run_at(nowhere(), &check(usual()), PATIENT).await;
    assert_eq!(nowhere, "L4CON [Connection refused]");
    let silent = Scripted::start(&[Hangs]).unwrap();
    assert_eq!(
        run_at(silent.address, &check(usual()), HASTY).await,
        "L7TOUT"
    );
}

#[tokio::test]
async fn a_404_can_mean_that_the_server_wants_to_stop() {
    let check = HttpCheck {
        disable_on_404: true,
        ..check(expecting(body("foo")))
    };
    let peer = [Hears, Says(b"HTTP/1.0 404 Not Found\r\n\r\n")];
    assert_eq!(run(&peer, &check).await, "L7OKC 404");
}

#[tokio::test]
async fn statuses_can_be_listed_or_matched() {
    let found = "HTTP/1.1 302 Foo\r\n\r\n";
    let list = |ranges: &[(u16, u16)]| HttpPattern::Status(ranges.to_vec());
    let regex = |text| HttpPattern::StatusRegex(Regex::new(text).unwrap());
    let wrong = "L7STS 302 [Foo]";
    assert_eq!(
        answer(found, expecting(list(&[(200, 299), (301, 301)]))).await,
        wrong
    );
    assert_eq!(
        answer(found, expecting(list(&[(302, 302)]))).await,
        "L7OK 302"
    );
    assert_eq!(answer(found, expecting(regex("^2"))).await, wrong);
    assert_eq!(answer(found, not(regex("^3"))).await, wrong);
    assert_eq!(answer(found, not(regex("^5"))).await, "L7OK 302");
    let mut commented = expecting(list(&[(201, 201)]));
    commented.comment = Some("second".into());
    assert_eq!(
        answer(found, commented).await,
        "L7STS 302 [Foo comment: second]"
    );
}

#[tokio::test]
async fn bodies_are_searched_when_they_are_whole() {
    let mismatch = "L7RSP [HTTP content check did not match]";
    let abc = "HTTP/1.1 500 Err\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(open(abc, expecting(body("abc"))).await, "L7OK 500");
    assert_eq!(open(abc, expecting(body("xyz"))).await, mismatch);
    let unwanted = "L7RSP [HTTP check matched unwanted content]";
    assert_eq!(open(abc, not(body("abc"))).await, unwanted);
    let in_header = "HTTP/1.1 200 OK\r\nFoo: Foo\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(open(in_header, expecting(body("Foo"))).await, mismatch);
    let none = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let no_body = "L7RSP [HTTP content check could not find a response body]";
    assert_eq!(open(none, expecting(body("abc"))).await, no_body);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    assert_eq!(open(chunked, expecting(body("abcdef"))).await, "L7OK 200");
    let half = Scripted::start(&[
        Hears,
        Says(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nxyz"),
        Hangs,
    ])
    .unwrap();
    assert_eq!(
        run_at(half.address, &check(expecting(body("abc"))), HASTY).await,
        "L7TOUT"
    );
}

#[tokio::test]
async fn headers_are_compared_element_by_element() {
    let header = |name: &str, value: Option<TextPattern>, full| HttpPattern::Header {
        name: TextPattern::Exact(name.into()),
        value,
        full,
    };
    let bar = || Some(TextPattern::Exact("bar".into()));
    let wrong = "L7STS 302 [Foo]";
    let baz = "HTTP/1.1 302 Foo\r\nFoo: baz\r\n\r\n";
    let list = "HTTP/1.1 302 Foo\r\nFoo: baz, bar\r\n\r\n";
    assert_eq!(
        answer(baz, expecting(header("foo", bar(), false))).await,
        wrong
    );
    assert_eq!(
        answer(list, expecting(header("foo", bar(), false))).await,
        "L7OK 302"
    );
    assert_eq!(
        answer(list, expecting(header("foo", bar(), true))).await,
        wrong
    );
    let prefix = Some(TextPattern::Prefix("baz,".into()));
    assert_eq!(
        answer(list, expecting(header("foo", prefix, true))).await,
        "L7OK 302"
    );
    assert_eq!(answer(list, not(header("foo", None, false))).await, wrong);
}

#[tokio::test]
async fn huge_answers_are_cut_off() {
    let head = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 100_000]].concat();
    let peer = [Hears, Says(head.leak()), Hangs];
    assert_eq!(run(&peer, &check(usual())).await, "L7RSP");
}
