//! `option exasol-check`: a WebSocket, in TLS unless `clear`, and `login` until the database shows
//! the key that passwords are encrypted with (Exasol WebSocket API, version 3). Nobody logs in:
//! no user is needed, and no failed login is counted.

use std::{fmt::Write, sync::Arc};

use pontoon_config::haproxy::{
    check::{CheckTls, ExasolCheck},
    model::ServerCheck,
};
use pontoon_engine::{address::Endpoint, health::CheckStatus};
use sha2::{Digest, Sha256};

use self::websocket::{Incoming, Key, Refusal};
use super::{
    LoadError,
    conversation::Conversation,
    exchange::Exchange,
    tls::{Files, Tls},
    verdict::{Failure, Verdict, first_line},
};

mod login;
#[cfg(test)]
mod tests;
mod websocket;

/// TLS around the check: the server's own with `check-ssl`, else one that trusts everybody and
/// names nobody.
///
/// # Errors
/// A file of `check-ssl` cannot be used.
pub(super) fn tls(
    method: ExasolCheck,
    check: &ServerCheck,
    server: &str,
    files: &mut Files,
) -> Result<Option<Arc<Tls>>, LoadError> {
    const TRUSTING: CheckTls = CheckTls {
        server_name: None,
        verify: false,
        verify_host: None,
        ca_file: None,
        certificate: None,
    };
    match (&check.tls, method) {
        (Some(own), _) => files.client(own, &check.alpn, server).map(Some),
        (None, ExasolCheck::Tls { .. }) => files.client(&TRUSTING, &[], server).map(Some),
        (None, ExasolCheck::Clear) => Ok(None),
    }
}

/// Probes an Exasol database.
pub(super) async fn probe(exchange: Exchange<'_>, method: ExasolCheck) -> Verdict {
    match attempt(exchange, method).await {
        Ok(verdict) | Err(verdict) => verdict,
    }
}

/// The first thing that is wrong is the verdict, and so is the good end.
async fn attempt(exchange: Exchange<'_>, method: ExasolCheck) -> Result<Verdict, Verdict> {
    let opened = exchange.open_politely().await;
    let mut conversation = opened.map_err(|failure| failure.verdict(1))?;
    compare(&conversation, method)?;
    let early = upgrade(&mut conversation, exchange).await?;
    let verdict = log_in(&mut conversation, early).await?;
    // Whether the database hears the goodbye does not change what was found.
    if let Ok(goodbye) = websocket::close() {
        let _unheard = conversation.send(&goodbye).await;
    }
    conversation.close().await;
    Ok(verdict)
}

/// `fingerprint`: before anything is said.
fn compare(conversation: &Conversation, method: ExasolCheck) -> Result<(), Verdict> {
    let ExasolCheck::Tls {
        fingerprint: Some(expected),
    } = method
    else {
        return Ok(());
    };
    let certificate = conversation.certificate().unwrap_or_default();
    let found: [u8; 32] = Sha256::digest(certificate).into();
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (hex(&found), hex(&expected));
    let text = format!("certificate has fingerprint {found}, expected {expected}");
    Err(Verdict::new(CheckStatus::L6Response).with_info(text))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// From HTTP to a WebSocket. Returns what has come behind the answer already.
async fn upgrade(
    conversation: &mut Conversation,
    exchange: Exchange<'_>,
) -> Result<Vec<u8>, Verdict> {
    const WHAT: &str = "the WebSocket upgrade";
    let key = Key::random().map_err(|failure| failure.verdict(1))?;
    let host = match &exchange.target.endpoint {
        Some(Endpoint::Ip(address)) => address.to_string(),
        _ => "localhost".to_owned(),
    };
    let request = websocket::request(&host, &key);
    let sent = conversation.send(&request).await;
    sent.map_err(|failure| unanswered(&failure, WHAT))?;
    let answer = conversation
        .listen(|answer, complete| websocket::answer(answer, complete, &key))
        .await;
    let answer = answer.map_err(|failure| unanswered(&failure, WHAT))?;
    answer.map_err(|refusal| match refusal {
        Refusal::Status(code, reason) => Verdict::new(CheckStatus::L7Status)
            .with_code(code)
            .with_info(reason),
        Refusal::NotHttp(line) => Verdict::new(CheckStatus::L7Response)
            .with_info(format!("no answer to {WHAT}, but: {line}")),
        Refusal::WrongAccept => Verdict::new(CheckStatus::L7Response)
            .with_info("the answer to the WebSocket upgrade has no right Sec-WebSocket-Accept"),
    })
}

/// `login`, and the database's answer.
async fn log_in(conversation: &mut Conversation, early: Vec<u8>) -> Result<Verdict, Verdict> {
    const WHAT: &str = "`login`";
    let command = websocket::text(login::COMMAND).map_err(|failure| failure.verdict(1))?;
    let sent = conversation.send(&command).await;
    sent.map_err(|failure| unanswered(&failure, WHAT))?;
    let answer = conversation
        .listen(|bytes, complete| {
            let bytes = [early.as_slice(), bytes].concat();
            judge(websocket::incoming(&bytes), complete)
        })
        .await;
    answer.map_err(|failure| unanswered(&failure, WHAT))
}

fn judge(incoming: Incoming, complete: bool) -> Option<Verdict> {
    let bad = |text: String| Some(Verdict::new(CheckStatus::L7Response).with_info(text));
    match incoming {
        Incoming::Message(message) => Some(login::judge(&message)),
        Incoming::Closed(reason) => bad(format!("closed the WebSocket: {}", first_line(&reason))),
        Incoming::Broken(problem) => bad(format!("no WebSocket: {problem}")),
        Incoming::Partial if complete => bad("the answer to `login` breaks off".to_owned()),
        Incoming::Partial => None,
    }
}

/// The verdict where an answer was due.
fn unanswered(failure: &Failure, what: &str) -> Verdict {
    let verdict = failure.verdict(1);
    match failure {
        Failure::Silent => verdict.with_info(format!("no answer to {what}")),
        Failure::Empty => verdict.with_info(format!("closed instead of answering {what}")),
        _ => verdict,
    }
}

/// For [`crate::fuzzing`]: an answer to an upgrade, and frames after one.
pub(super) fn fuzz(answer: &[u8], complete: bool) -> Option<Verdict> {
    let key = websocket::Key::random().ok()?;
    // Nobody guesses what belongs to that key.
    assert!(!matches!(
        websocket::answer(answer, complete, &key),
        Some(Ok(_))
    ));
    judge(websocket::incoming(answer), complete)
}
