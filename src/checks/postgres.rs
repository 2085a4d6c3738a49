//! `option pgsql-check`: a StartupMessage, and any demand for a password
//! (PostgreSQL documentation, "Message Formats").

use pontoon_engine::health::CheckStatus;

use super::{
    exchange::{Exchange, broken},
    verdict::{Failure, Verdict, first_line},
};

/// Type, length and the first number of any authentication request.
const AUTHENTICATION_LENGTH: usize = 9;
/// Type, length and field code stand before the severity in an error.
const SEVERITY_AT: usize = 6;

/// Probes a PostgreSQL server as `user`.
pub(super) async fn probe(exchange: Exchange<'_>, user: &str) -> Verdict {
    match attempt(exchange, user).await {
        Ok(verdict) => verdict,
        Err(failure) => broken(&failure, 3, CheckStatus::L7Response),
    }
}

async fn attempt(exchange: Exchange<'_>, user: &str) -> Result<Verdict, Failure> {
    // A reset would be worth a line in the server's log.
    let mut conversation = exchange.open_politely().await?;
    conversation.send(&startup(user)).await?;
    conversation.listen(judge).await
}

fn startup(user: &str) -> Vec<u8> {
    let mut body = vec![0, 3, 0, 0];
    body.extend_from_slice(b"user\0");
    body.extend_from_slice(user.as_bytes());
    body.extend_from_slice(b"\0\0");
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    let mut message = length.to_be_bytes().to_vec();
    message.append(&mut body);
    message
}

pub(super) fn judge(answer: &[u8], complete: bool) -> Option<Verdict> {
    if answer[0] == b'E' {
        let severity = answer.get(SEVERITY_AT..).unwrap_or_default();
        let whole = complete || severity.contains(&0);
        return whole
            .then(|| Verdict::new(CheckStatus::L7Response).with_info(first_line(severity)));
    }
    if answer.len() < AUTHENTICATION_LENGTH && !complete {
        return None;
    }
    Some(match answer {
        [b'R', 0, 0, 0, length, ..] if *length >= 8 && answer.len() >= AUTHENTICATION_LENGTH => {
            Verdict::new(CheckStatus::L7Ok).with_info("PostgreSQL server is ok")
        }
        _ => Verdict::new(CheckStatus::L7Status).with_info("PostgreSQL unknown error"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_startup_message_names_the_user() {
        assert_eq!(startup("foo"), b"\0\0\0\x12\0\x03\0\0user\0foo\0\0");
    }

    #[test]
    fn any_authentication_request_passes() {
        for request in [
            &b"R\0\0\0\x08\0\0\0\0"[..],
            b"R\0\0\0\x0c\0\0\0\x05salt",
            b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0",
        ] {
            let verdict = judge(request, false).unwrap();
            assert_eq!(verdict.status, CheckStatus::L7Ok);
            assert_eq!(verdict.info.as_deref(), Some("PostgreSQL server is ok"));
        }
    }

    #[test]
    fn an_error_is_reported_by_its_severity() {
        let verdict = judge(b"E\0\0\0\x20SFATAL\0C28000\0Mno role\0\0", false).unwrap();
        assert_eq!(verdict.status, CheckStatus::L7Response);
        assert_eq!(verdict.info.as_deref(), Some("FATAL"));
    }

    #[test]
    fn other_protocols_are_unknown_errors() {
        assert_eq!(judge(b"XX", false), None);
        let verdict = judge(b"hello world", false).unwrap();
        assert_eq!(verdict.status, CheckStatus::L7Status);
        assert_eq!(verdict.info.as_deref(), Some("PostgreSQL unknown error"));
    }
}
