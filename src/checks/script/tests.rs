//! The expected reports are those of HAProxy 2.6.12 for the same scripts and peers.

use std::time::Duration;

use pontoon_config::haproxy::log_format::{LogFormat, Piece};
use regex::bytes::Regex;

use super::*;
use crate::checks::testing::{
    Does::{self, Hangs, Hears, Resets, Says},
    HASTY, PATIENT, Scripted, Silence, nowhere, plain_text, probe as run_probe, show, target,
};

fn step(number: u32, action: StepAction) -> Step {
    Step {
        number,
        comment: None,
        action,
    }
}

fn commented(number: u32, comment: &str, action: StepAction) -> Step {
    Step {
        comment: Some(comment.into()),
        ..step(number, action)
    }
}

fn expecting(pattern: BytePattern) -> Expect {
    Expect {
        negated: false,
        pattern,
        min_receive: None,
        ok_status: None,
        error_status: None,
        timeout_status: None,
        on_success: None,
        on_error: None,
    }
}

fn contains(text: &str) -> BytePattern {
    BytePattern::Contains(text.into())
}

fn expect(pattern: BytePattern) -> StepAction {
    StepAction::Expect(expecting(pattern))
}

fn refuse(pattern: BytePattern) -> StepAction {
    StepAction::Expect(Expect {
        negated: true,
        ..expecting(pattern)
    })
}

fn send(text: &str) -> StepAction {
    StepAction::Send(text.into())
}

fn connect(port: Option<u16>) -> StepAction {
    StepAction::Connect(ConnectStep {
        port,
        ..ConnectStep::default()
    })
}

fn text(text: &str) -> Option<Arc<LogFormat>> {
    Some(Arc::new(LogFormat {
        pieces: vec![Piece::Text(text.into())],
    }))
}

async fn run_at(address: std::net::SocketAddr, steps: &[Step], limit: Duration) -> String {
    let target = target(address);
    let verdict = run_probe(&target, limit, async |exchange: Exchange<'_>| {
        let script = Script {
            steps,
            tls: &[],
            render: &plain_text,
        };
        probe(exchange, script).await
    })
    .await;
    show(&verdict)
}

/// What is said of a peer that must answer.
async fn run(peer: &[Does], steps: &[Step]) -> String {
    run_at(Scripted::start(peer).unwrap().address, steps, PATIENT).await
}

/// What is said of a peer that does not.
async fn wait(peer: &[Does], steps: &[Step]) -> String {
    run_at(Scripted::start(peer).unwrap().address, steps, HASTY).await
}

#[tokio::test]
async fn no_steps_are_a_plain_check() {
    assert_eq!(run(&[Hangs], &[]).await, "L4OK");
}

#[tokio::test]
async fn the_last_step_decides_what_has_passed() {
    assert_eq!(
        run(&[Hangs], &[step(1, connect(None))]).await,
        "L4OK [(tcp-check)]"
    );
    assert_eq!(
        run(&[Hears], &[step(1, send("x"))]).await,
        "L7OK 0 [(tcp-check)]"
    );
    let hello = [step(1, expect(contains("hello")))];
    assert_eq!(
        run(&[Says(b"hello"), Hangs], &hello).await,
        "L7OK 0 [(tcp-check)]"
    );
}

#[tokio::test]
async fn a_miss_is_certain_when_the_server_closes() {
    let hello = [step(1, expect(contains("hello")))];
    assert_eq!(
        run(&[Says(b"goodbye world")], &hello).await,
        "L7RSP [TCPCHK did not match content 'hello' at step 1]"
    );
    assert_eq!(
        wait(&[Says(b"goodbye"), Hangs], &hello).await,
        "L7TOUT [ at step 1 of tcp-check (expect string 'hello')]"
    );
}

#[tokio::test]
async fn a_server_may_close_without_a_word_or_reset() {
    let hello = [commented(1, "rx", expect(contains("hello")))];
    assert_eq!(
        run(&[], &hello).await,
        "L7RSP [TCPCHK got an empty response at step 1 comment: 'rx']"
    );
    let hello = [step(1, send("x")), step(2, expect(contains("hello")))];
    assert_eq!(
        run(&[Hears, Resets], &hello).await,
        "SOCKERR [Connection reset by peer at step 2 of tcp-check (expect string 'hello')]"
    );
}

#[tokio::test]
async fn what_was_said_before_a_reset_counts() {
    let steps = [step(1, send("foo")), step(2, expect(contains("hello")))];
    assert_eq!(
        run(&[Hears, Says(b"xx")], &steps).await,
        "L7RSP [TCPCHK did not match content 'hello' at step 2]"
    );
}

#[tokio::test]
async fn each_kind_of_pattern_has_its_own_words() {
    let regex = |text: &str| Regex::new(text).unwrap();
    let format = || BytePattern::Format(text("hello").unwrap());
    let cases = [
        (BytePattern::Regex(regex("^a+$")), "(regex)", "regex"),
        (
            BytePattern::Binary(b"AB".to_vec()),
            "(binary)",
            "binary 'AB'",
        ),
        (
            BytePattern::HexRegex(regex("41.*42")),
            "(binary regex)",
            "binary regex",
        ),
        (format(), "(log-format string)", "log-format string"),
    ];
    for (pattern, mismatch, timeout) in cases {
        let steps = [commented(1, "rx", expect(pattern))];
        assert_eq!(
            run(&[Says(b"xx")], &steps).await,
            format!("L7RSP [TCPCHK did not match content {mismatch} at step 1 comment: rx]")
        );
        assert_eq!(
            wait(&[Hangs], &steps).await,
            format!("L7TOUT [ at step 1 of tcp-check (expect {timeout}) comment: 'rx']")
        );
    }
}

#[tokio::test]
async fn unwanted_content_fails_at_once_and_its_absence_passes_at_the_end() {
    let steps = [step(1, refuse(contains("bad")))];
    assert_eq!(
        run(&[Says(b"very bad thing"), Hangs], &steps).await,
        "L7RSP [TCPCHK matched unwanted content 'bad' at step 1]"
    );
    assert_eq!(run(&[Says(b"good")], &steps).await, "L7OK 0 [(tcp-check)]");
    assert_eq!(
        run(&[], &steps).await,
        "L7RSP [TCPCHK got an empty response at step 1]"
    );
}

#[tokio::test]
async fn statuses_and_words_can_be_chosen() {
    let with = |change: fn(&mut Expect)| {
        let mut expect = expecting(contains("hello"));
        change(&mut expect);
        [step(1, StepAction::Expect(expect))]
    };
    let ok = with(|expect| expect.ok_status = Some(CheckStatus::L6Ok));
    assert_eq!(run(&[Says(b"hello")], &ok).await, "L6OK [(tcp-check)]");
    let conditional = with(|expect| expect.ok_status = Some(CheckStatus::L7OkConditional));
    assert_eq!(
        run(&[Says(b"hello")], &conditional).await,
        "L7OKC 0 [(tcp-check)]"
    );
    let wrong = with(|expect| expect.error_status = Some(CheckStatus::L7Status));
    assert_eq!(
        run(&[Says(b"xx")], &wrong).await,
        "L7STS 0 [TCPCHK did not match content 'hello' at step 1]"
    );
    let late = with(|expect| expect.timeout_status = Some(CheckStatus::L6Timeout));
    assert_eq!(
        wait(&[Hangs], &late).await,
        "L6TOUT [ at step 1 of tcp-check (expect string 'hello')]"
    );
    let well = with(|expect| expect.on_success = text("all is well"));
    assert_eq!(run(&[Says(b"hello")], &well).await, "L7OK 0 [all is well]");
    let bad = with(|expect| expect.on_error = text("all is bad"));
    assert_eq!(run(&[Says(b"bye")], &bad).await, "L7RSP [all is bad]");
}

#[tokio::test]
async fn connections_that_fail_are_told_by_their_line() {
    let nowhere = nowhere();
    let steps = [step(1, connect(Some(nowhere.port())))];
    assert_eq!(
        run(&[Hangs], &steps).await,
        format!(
            "L4CON [Connection refused at step 1 of tcp-check (connect port {})]",
            nowhere.port()
        )
    );
    let silence = Silence::new().unwrap();
    let port = silence.address.port();
    let steps = [
        step(1, connect(None)),
        commented(2, "second", connect(Some(port))),
    ];
    assert_eq!(
        wait(&[Hangs], &steps).await,
        format!("L4TOUT [ at step 2 of tcp-check (connect port {port}) comment: 'second']")
    );
    let steps = [step(1, send("x"))];
    assert_eq!(
        run_at(nowhere, &steps, PATIENT).await,
        "L4CON [Connection refused at initial connection step of tcp-check]"
    );
    assert_eq!(
        run_at(silence.address, &steps, HASTY).await,
        "L4TOUT [ at initial connection step of tcp-check]"
    );
}

#[tokio::test]
async fn expectations_share_an_answer_until_the_next_question() {
    let same = [
        step(1, expect(contains("a"))),
        step(2, expect(contains("b"))),
    ];
    assert_eq!(
        run(&[Says(b"ab"), Hangs], &same).await,
        "L7OK 0 [(tcp-check)]"
    );
    let asked = [
        step(1, send("a")),
        step(2, expect(contains("one"))),
        step(3, send("b")),
        step(4, expect(contains("one"))),
    ];
    assert_eq!(
        wait(&[Hears, Says(b"one"), Hears, Says(b"two"), Hangs], &asked).await,
        "L7TOUT [ at step 4 of tcp-check (expect string 'one')]"
    );
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    static ENDLESS: [u8; 200_000] = [b'x'; 200_000];
    let steps = [step(1, expect(contains("hello")))];
    assert_eq!(
        run(&[Says(&ENDLESS), Hangs], &steps).await,
        "L7RSP [TCPCHK did not match content 'hello' at step 1]"
    );
}

#[tokio::test]
async fn a_slow_drip_buys_no_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // A byte now and then, for as long as somebody listens.
        while std::io::Write::write_all(&mut stream, b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let steps = [step(1, expect(contains("hello")))];
    let began = std::time::Instant::now();
    assert_eq!(
        run_at(address, &steps, HASTY).await,
        "L7TOUT [ at step 1 of tcp-check (expect string 'hello')]"
    );
    // 16,384 drops would take longer than a minute.
    assert!(began.elapsed() < PATIENT);
}

#[tokio::test]
async fn connections_are_reset_unless_they_should_linger() {
    let peer = Scripted::start(&[Says(b"a"), Hears]).unwrap();
    let steps = [step(1, expect(contains("a")))];
    run_at(peer.address, &steps, PATIENT).await;
    assert_eq!(peer.heard.recv_timeout(PATIENT), Ok(None));
    let peer = Scripted::start(&[Says(b"a"), Hears]).unwrap();
    let polite = ConnectStep {
        linger: true,
        ..ConnectStep::default()
    };
    let steps = [
        step(1, StepAction::Connect(polite)),
        step(2, expect(contains("a"))),
    ];
    run_at(peer.address, &steps, PATIENT).await;
    assert_eq!(peer.heard.recv_timeout(PATIENT), Ok(Some(Vec::new())));
}
