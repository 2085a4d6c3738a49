//! `option ldap-check`: an anonymous bind (RFC 4511, 4.2).

use pontoon_engine::health::CheckStatus;

use super::{
    exchange::{Exchange, broken},
    verdict::{Failure, Verdict},
};

/// LDAPMessage { id 1, bindRequest { version 3, name "", simple "" } }.
const BIND: &[u8] = b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00";
/// The shortest bind response.
const RESPONSE_LENGTH: usize = 14;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const ENUMERATED: u8 = 0x0a;
const BIND_RESPONSE: u8 = 0x61;

/// Probes a directory server.
pub(super) async fn probe(exchange: Exchange<'_>) -> Verdict {
    match attempt(exchange).await {
        Ok(verdict) => verdict,
        Err(failure) => broken(&failure, 2, CheckStatus::L7Response),
    }
}

async fn attempt(exchange: Exchange<'_>) -> Result<Verdict, Failure> {
    let mut conversation = exchange.open().await?;
    conversation.send(BIND).await?;
    conversation.listen(judge).await
}

pub(super) fn judge(answer: &[u8], complete: bool) -> Option<Verdict> {
    if answer.len() < RESPONSE_LENGTH && !complete {
        return None;
    }
    Some(match result_code(answer) {
        None => Verdict::new(CheckStatus::L7Response).with_info("Not LDAPv3 protocol"),
        Some(0) => Verdict::new(CheckStatus::L7Ok).with_info("Success"),
        Some(code) => Verdict::new(CheckStatus::L7Status)
            .with_code(code.into())
            .with_info("See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9"),
    })
}

/// The result code of the bind response to message 1.
fn result_code(answer: &[u8]) -> Option<u8> {
    let (message, _) = element(answer, SEQUENCE)?;
    let (id, operation) = element(message, INTEGER)?;
    let (response, _) = element(operation, BIND_RESPONSE)?;
    let (code, _) = element(response, ENUMERATED)?;
    match (id, code) {
        ([1], [code]) => Some(*code),
        _ => None,
    }
}

/// The contents of an element of type `tag`, as far as they have come, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = bytes.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let length = octets.iter().try_fold(0_usize, |length, octet| {
            Some(length.checked_mul(256)? + usize::from(*octet))
        })?;
        (length, rest)
    };
    Some(rest.split_at(length.min(rest.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_passes_whatever_form_its_lengths_have() {
        for answer in [
            &b"0\x0c\x02\x01\x01a\x07\x0a\x01\0\x04\0\x04\0"[..],
            b"0\x84\0\0\0\x10\x02\x01\x01a\x84\0\0\0\x07\x0a\x01\0\x04\0\x04\0",
        ] {
            let verdict = judge(answer, false).unwrap();
            assert_eq!(verdict.status, CheckStatus::L7Ok);
            assert_eq!(verdict.info.as_deref(), Some("Success"));
        }
    }

    #[test]
    fn a_refusal_is_a_wrong_status_with_its_code() {
        let verdict = judge(b"0\x0c\x02\x01\x01a\x07\x0a\x01\x31\x04\0\x04\0", false).unwrap();
        assert_eq!(
            (verdict.status, verdict.code),
            (CheckStatus::L7Status, Some(49))
        );
    }

    #[test]
    fn anything_else_is_another_protocol() {
        for answer in [
            &b"hello world this is"[..],
            b"0\x0c\x02\x01\x01b\x07\x0a\x01\0\x04\0\x04\0",
            b"0\x0c\x02\x01\x02a\x07\x0a\x01\0\x04\0\x04\0",
            b"0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            let verdict = judge(answer, false).unwrap();
            assert_eq!(verdict.status, CheckStatus::L7Response);
            assert_eq!(verdict.info.as_deref(), Some("Not LDAPv3 protocol"));
        }
    }

    #[test]
    fn a_short_answer_may_grow() {
        assert_eq!(judge(b"0\x0c\x02", false), None);
        assert!(judge(b"0\x0c\x02", true).is_some());
    }
}
