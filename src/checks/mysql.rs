//! `option mysql-check`: the greeting, and with `user` a login without password
//! (MySQL documentation, "Connection Phase").

use pontoon_engine::health::CheckStatus;

use super::{
    exchange::{Exchange, broken},
    verdict::{Failure, Verdict, first_line},
};

/// CLIENT_PROTOCOL_41 and CLIENT_SECURE_CONNECTION.
const CAPABILITIES_41: [u8; 4] = [0x00, 0x82, 0x00, 0x00];
/// CLIENT_SECURE_CONNECTION only, as old clients wrote it.
const CAPABILITIES_PRE_41: [u8; 2] = [0x00, 0x80];
const UTF8: u8 = 33;
const COM_QUIT: u8 = 1;
/// Length and sequence number before each packet.
const HEADER: usize = 4;
const ERROR: u8 = 0xff;

/// Who logs in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Login<'a> {
    pub(super) user: Option<&'a str>,
    pub(super) pre_41: bool,
}

/// Probes a MySQL or MariaDB server.
pub(super) async fn probe(exchange: Exchange<'_>, login: Login<'_>) -> Verdict {
    match attempt(exchange, login).await {
        Ok(verdict) => verdict,
        Err(failure) => broken(&failure, 2, CheckStatus::L7Response),
    }
}

async fn attempt(exchange: Exchange<'_>, login: Login<'_>) -> Result<Verdict, Failure> {
    let mut conversation = exchange.open_politely().await?;
    let packets = match login.user {
        None => 1,
        Some(user) => {
            // Login and goodbye go out before the greeting comes in: without a password there
            // is nothing to wait for.
            conversation.send(&farewell(user, login.pre_41)).await?;
            2
        }
    };
    conversation
        .listen(|answer, complete| judge(answer, complete, packets))
        .await
}

/// A login without password, and QUIT.
fn farewell(user: &str, pre_41: bool) -> Vec<u8> {
    let mut login = Vec::new();
    if pre_41 {
        login.extend_from_slice(&CAPABILITIES_PRE_41);
        login.extend_from_slice(&[0, 0, 1]);
    } else {
        login.extend_from_slice(&CAPABILITIES_41);
        login.extend_from_slice(&[0, 0x80, 0, 1, UTF8]);
        login.extend_from_slice(&[0; 23]);
    }
    login.extend_from_slice(user.as_bytes());
    login.extend_from_slice(&[0, 0]);
    let mut out = Vec::new();
    append(&mut out, 1, &login);
    append(&mut out, 0, &[COM_QUIT]);
    out
}

fn append(out: &mut Vec<u8>, sequence: u8, payload: &[u8]) {
    let [a, b, c, ..] = payload.len().to_le_bytes();
    out.extend_from_slice(&[a, b, c, sequence]);
    out.extend_from_slice(payload);
}

/// Waits for the greeting and, with a login, for the word on it.
pub(super) fn judge(answer: &[u8], complete: bool, packets: usize) -> Option<Verdict> {
    let invalid = || complete.then(|| Verdict::new(CheckStatus::L7Response));
    let Some((greeting, rest)) = packet(answer) else {
        return invalid();
    };
    if greeting.first() == Some(&ERROR) {
        return Some(refusal(greeting));
    }
    if packets > 1 {
        match packet(rest) {
            None => return invalid(),
            Some((word, _)) if word.first() == Some(&ERROR) => return Some(refusal(word)),
            Some(_) => {}
        }
    }
    let version = greeting.get(1..).unwrap_or_default();
    Some(Verdict::new(CheckStatus::L7Ok).with_info(first_line(version)))
}

/// The first whole packet, and what follows it.
fn packet(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[a, b, c, _], rest) = bytes.split_first_chunk::<HEADER>()?;
    let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
    rest.split_at_checked(length)
}

/// An error packet: a number and a text.
fn refusal(error: &[u8]) -> Verdict {
    let verdict = Verdict::new(CheckStatus::L7Status);
    match error {
        [_, low, high, text @ ..] => verdict
            .with_code(u16::from_le_bytes([*low, *high]))
            .with_info(first_line(text)),
        _ => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETING: &[u8] = b"\x17\0\0\0\x0a5.5.5-10.11.6-MariaDB\0";

    fn with_greeting(more: &[u8]) -> Vec<u8> {
        [GREETING, more].concat()
    }

    #[test]
    fn the_login_has_the_form_of_old_and_new_clients() {
        assert_eq!(
            farewell("foo", true),
            b"\n\0\0\x01\0\x80\0\0\x01foo\0\0\x01\0\0\0\x01"
        );
        let new = farewell("foo", false);
        assert_eq!(new[..13], *b"\x25\0\0\x01\0\x82\0\0\0\x80\0\x01\x21");
        assert_eq!(new[36..], *b"foo\0\0\x01\0\0\0\x01");
    }

    #[test]
    fn a_greeting_is_enough_without_a_user() {
        let verdict = judge(GREETING, false, 1).unwrap();
        assert_eq!(verdict.status, CheckStatus::L7Ok);
        assert_eq!(verdict.info.as_deref(), Some("5.5.5-10.11.6-MariaDB"));
    }

    #[test]
    fn a_login_must_be_answered() {
        assert_eq!(judge(GREETING, false, 2), None);
        assert_eq!(
            judge(GREETING, true, 2),
            Some(Verdict::new(CheckStatus::L7Response))
        );
        let verdict = judge(&with_greeting(b"\x07\0\0\x02\0\0\0\x02\0\0\0"), false, 2).unwrap();
        assert_eq!(verdict.status, CheckStatus::L7Ok);
    }

    #[test]
    fn an_error_is_told_with_its_number() {
        let denied = with_greeting(b"\x10\0\0\x02\xff\x15\x04#28000Denied");
        let verdict = judge(&denied, false, 2);
        // 16 bytes were promised, 15 have come.
        assert_eq!(verdict, None);
        let denied = with_greeting(b"\x0f\0\0\x02\xff\x15\x04#28000Denied");
        let verdict = judge(&denied, false, 2).unwrap();
        assert_eq!(
            (verdict.status, verdict.code),
            (CheckStatus::L7Status, Some(1045))
        );
        assert_eq!(verdict.info.as_deref(), Some("#28000Denied"));
    }

    #[test]
    fn a_blocked_host_learns_it_from_the_greeting() {
        let verdict = judge(b"\x0f\0\0\0\xff\x6a\x04Host blocked", false, 1).unwrap();
        assert_eq!(
            (verdict.status, verdict.code),
            (CheckStatus::L7Status, Some(1130))
        );
    }

    #[test]
    fn another_protocol_is_waited_for_and_then_invalid() {
        assert_eq!(judge(b"hello world", false, 1), None);
        assert_eq!(
            judge(b"hello world", true, 1),
            Some(Verdict::new(CheckStatus::L7Response))
        );
    }
}
