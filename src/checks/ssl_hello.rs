//! `option ssl-hello-chk`: an SSLv3 ClientHello by hand, and anything that speaks TLS back.
//!
//! Today's servers refuse SSLv3 with an alert; that is an answer as good as a ServerHello.

use pontoon_engine::health::CheckStatus;

use super::{
    exchange::{Exchange, broken},
    verdict::{Failure, Verdict},
};

/// Type, version and length of a record.
const RECORD_HEADER: usize = 5;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// Every cipher suite that SSLv3 and TLS 1.0 clients offered.
const CIPHERS: [std::ops::RangeInclusive<u8>; 2] = [0x01..=0x1b, 0x2f..=0x3a];

/// Probes a TLS server.
pub(super) async fn probe(exchange: Exchange<'_>) -> Verdict {
    match attempt(exchange).await {
        Ok(verdict) => verdict,
        Err(Failure::Silent) => Verdict::new(CheckStatus::L6Timeout),
        Err(failure) => broken(&failure, 2, CheckStatus::L6Response),
    }
}

async fn attempt(exchange: Exchange<'_>) -> Result<Verdict, Failure> {
    let mut conversation = exchange.open().await?;
    conversation.send(&client_hello()).await?;
    conversation.listen(judge).await
}

pub(super) fn judge(answer: &[u8], complete: bool) -> Option<Verdict> {
    if answer.len() < RECORD_HEADER && !complete {
        return None;
    }
    Some(match answer {
        [ALERT | HANDSHAKE, 3, _, _, _, ..] => Verdict::new(CheckStatus::L6Ok),
        _ => Verdict::new(CheckStatus::L6Response),
    })
}

fn client_hello() -> Vec<u8> {
    let mut hello = vec![3, 0];
    // The "random" bytes: nobody keeps a secret with them.
    hello.extend_from_slice(b"PONTOON ssl-hello-chk (no keys)\n");
    // No session to resume.
    hello.push(0);
    let ciphers: Vec<u8> = CIPHERS
        .into_iter()
        .flatten()
        .flat_map(|cipher| [0, cipher])
        .collect();
    append(&mut hello, 2, &ciphers);
    // No compression.
    hello.extend_from_slice(&[1, 0]);
    let mut handshake = vec![1];
    append(&mut handshake, 3, &hello);
    let mut record = vec![HANDSHAKE, 3, 0];
    append(&mut record, 2, &handshake);
    record
}

/// Appends a length of `width` bytes, then `body`.
fn append(out: &mut Vec<u8>, width: usize, body: &[u8]) {
    let length = body.len().to_be_bytes();
    out.extend_from_slice(&length[length.len() - width..]);
    out.extend_from_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hello_has_the_lengths_it_claims() {
        let hello = client_hello();
        assert_eq!(hello[..11], [22, 3, 0, 0, 121, 1, 0, 0, 117, 3, 0]);
        assert_eq!(hello.len(), 126);
        assert_eq!(hello[43..46], [0, 0, 78]);
        assert_eq!(hello[124..], [1, 0]);
    }

    #[test]
    fn a_server_hello_or_an_alert_passes() {
        for answer in [&b"\x16\x03\0\0\x2a\x02"[..], b"\x15\x03\0\0\x02\x02\x28"] {
            assert_eq!(judge(answer, false), Some(Verdict::new(CheckStatus::L6Ok)));
        }
    }

    #[test]
    fn another_protocol_fails() {
        assert_eq!(judge(b"\x16\x03", false), None);
        assert_eq!(
            judge(b"hello world", false),
            Some(Verdict::new(CheckStatus::L6Response))
        );
    }
}
