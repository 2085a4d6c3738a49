//! As much of a WebSocket client (RFC 6455) as one question and its answer need. A library would
//! bring its own reading and writing; a check reads through `Conversation`, with bounded memory and
//! time, and hands over the bytes that have come.

use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::crypto::ring;
use sha1::{Digest, Sha1};

use crate::checks::verdict::{Failure, first_line};

/// What the server appends to the key before it hashes (RFC 6455, 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// More headers than any answer to an upgrade has.
const HEADERS: usize = 64;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The nonce of an upgrade, as sent.
pub(super) struct Key(String);

impl Key {
    /// A new one.
    pub(super) fn random() -> Result<Self, Failure> {
        random::<16>().map(|nonce| Self(BASE64_STANDARD.encode(nonce)))
    }

    /// What only a WebSocket server makes of it.
    fn accept(&self) -> String {
        let digest = Sha1::digest(format!("{}{GUID}", self.0));
        BASE64_STANDARD.encode(digest)
    }
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    let source = ring::default_provider().secure_random;
    match source.fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(Failure::Socket(std::io::Error::other("no random numbers"))),
    }
}

/// The request for an upgrade (RFC 6455, 4.1).
pub(super) fn request(host: &str, key: &Key) -> Vec<u8> {
    format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n\r\n",
        key.0
    )
    .into_bytes()
}

/// Why there is no WebSocket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Another status than 101, and its reason.
    Status(u16, String),
    /// No HTTP: the first line.
    NotHttp(String),
    /// 101, but from somebody who does not know what was asked.
    WrongAccept,
}

/// What the server says to an upgrade: yes, with the bytes behind its answer, or no. `None`: not
/// all of it has come.
pub(super) fn answer(bytes: &[u8], complete: bool, key: &Key) -> Option<Result<Vec<u8>, Refusal>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if !complete => return None,
        _ => return Some(Err(Refusal::NotHttp(first_line(bytes)))),
    };
    let code = head.code.unwrap_or_default();
    if code != 101 {
        let reason = first_line(head.reason.unwrap_or_default().as_bytes());
        return Some(Err(Refusal::Status(code, reason)));
    }
    let accepted = head.headers.iter().any(|header| {
        header.name.eq_ignore_ascii_case("sec-websocket-accept")
            && header.value.trim_ascii() == key.accept().as_bytes()
    });
    Some(if accepted {
        Ok(bytes[length..].to_vec())
    } else {
        Err(Refusal::WrongAccept)
    })
}

/// A text message, as a client must send it: masked.
pub(super) fn text(message: &str) -> Result<Vec<u8>, Failure> {
    frame(TEXT, message.as_bytes())
}

/// The goodbye: 1000, "the purpose has been fulfilled".
pub(super) fn close() -> Result<Vec<u8>, Failure> {
    frame(CLOSE, &1000_u16.to_be_bytes())
}

/// Nothing that a check says is longer than 125 bytes, so that the length is one byte.
fn frame(opcode: u8, payload: &[u8]) -> Result<Vec<u8>, Failure> {
    let mask = random::<4>()?;
    let length = u8::try_from(payload.len())
        .ok()
        .filter(|length| *length < 126);
    let length = length.ok_or_else(|| Failure::Socket(std::io::ErrorKind::InvalidInput.into()))?;
    let mut frame = vec![FIN | opcode, MASKED | length];
    frame.extend_from_slice(&mask);
    frame.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    Ok(frame)
}

/// What has come from the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// A whole message.
    Message(Vec<u8>),
    /// A goodbye, and its reason.
    Closed(Vec<u8>),
    /// Not yet a whole message.
    Partial,
    /// Something that no server may send.
    Broken(&'static str),
}

/// Reads frames up to the end of the first message. Pings and pongs in between say nothing.
pub(super) fn incoming(mut bytes: &[u8]) -> Incoming {
    let mut message: Option<Vec<u8>> = None;
    loop {
        let (frame, rest) = match next(bytes) {
            Ok(Some(found)) => found,
            Ok(None) => return Incoming::Partial,
            Err(problem) => return Incoming::Broken(problem),
        };
        bytes = rest;
        let begun = match (frame.opcode, message.take()) {
            (PING | PONG, begun) => {
                message = begun;
                continue;
            }
            (CLOSE, _) => {
                return Incoming::Closed(frame.payload.get(2..).unwrap_or_default().to_vec());
            }
            (TEXT | BINARY, None) => Vec::new(),
            (CONTINUATION, Some(begun)) => begun,
            (TEXT | BINARY | CONTINUATION, _) => return Incoming::Broken("fragments out of order"),
            _ => return Incoming::Broken("an unknown kind of frame"),
        };
        let whole = [begun.as_slice(), frame.payload].concat();
        if frame.fin {
            return Incoming::Message(whole);
        }
        message = Some(whole);
    }
}

struct Frame<'a> {
    fin: bool,
    opcode: u8,
    payload: &'a [u8],
}

/// The first frame and what follows it (RFC 6455, 5.2); `None`: not all of it has come.
fn next(bytes: &[u8]) -> Result<Option<(Frame<'_>, &[u8])>, &'static str> {
    let Some((&[first, second], rest)) = bytes.split_first_chunk::<2>() else {
        return Ok(None);
    };
    if first & RESERVED != 0 {
        return Err("a reserved bit is set");
    }
    if second & MASKED != 0 {
        return Err("a server must not mask");
    }
    let Some((length, rest)) = length(second & LENGTH, rest) else {
        return Ok(None);
    };
    // A length that no memory holds is one that never comes.
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let Some((payload, rest)) = rest.split_at_checked(length) else {
        return Ok(None);
    };
    let frame = Frame {
        fin: first & FIN != 0,
        opcode: first & OPCODE,
        payload,
    };
    Ok(Some((frame, rest)))
}

fn length(short: u8, rest: &[u8]) -> Option<(u64, &[u8])> {
    match short {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            Some((u16::from_be_bytes(*length).into(), rest))
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            Some((u64::from_be_bytes(*length), rest))
        }
        short => Some((short.into(), rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6455, 1.3.
    fn key() -> Key {
        Key("dGhlIHNhbXBsZSBub25jZQ==".to_owned())
    }

    const YES: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    #[test]
    fn the_examples_answer_is_accepted_with_what_follows() {
        assert_eq!(answer(YES, false, &key()), Some(Ok(Vec::new())));
        let more = [YES, b"\x8a\x00"].concat();
        assert_eq!(answer(&more, false, &key()), Some(Ok(vec![0x8a, 0])));
        assert_eq!(answer(&YES[..YES.len() - 1], false, &key()), None);
    }

    #[test]
    fn who_does_not_know_the_key_is_no_websocket() {
        let other = Key("bm90IHRoaXMgb25lIGhlcmU=".to_owned());
        assert_eq!(answer(YES, false, &other), Some(Err(Refusal::WrongAccept)));
        let bare = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
        assert_eq!(answer(bare, false, &key()), Some(Err(Refusal::WrongAccept)));
    }

    #[test]
    fn a_refusal_is_told() {
        assert_eq!(
            answer(b"HTTP/1.1 403 Forbidden\r\n\r\n", false, &key()),
            Some(Err(Refusal::Status(403, "Forbidden".to_owned())))
        );
        let smtp = b"220 mail ESMTP\r\n";
        let refusal = Refusal::NotHttp("220 mail ESMTP".to_owned());
        assert_eq!(answer(smtp, false, &key()), Some(Err(refusal)));
        let cut = b"HTTP/1.1 101 Swi";
        let refusal = Refusal::NotHttp("HTTP/1.1 101 Swi".to_owned());
        assert_eq!(answer(cut, true, &key()), Some(Err(refusal)));
    }

    #[test]
    fn a_client_masks_and_two_keys_differ() {
        let sent = text("hello").ok().unwrap();
        assert_eq!(sent[..2], [0x81, 0x85]);
        let plain: Vec<u8> = (0..5).map(|i| sent[6 + i] ^ sent[2 + i % 4]).collect();
        assert_eq!(plain, b"hello");
        assert!(text(&"x".repeat(126)).is_err());
        assert_ne!(Key::random().ok().unwrap().0, Key::random().ok().unwrap().0);
    }

    #[test]
    fn a_message_may_come_in_pieces_with_pings_between() {
        let stream = b"\x8a\x00\x01\x03hel\x89\x01x\x80\x02lo\x81\x01y";
        assert_eq!(incoming(stream), Incoming::Message(b"hello".to_vec()));
        for end in 0..14 {
            assert_eq!(incoming(&stream[..end]), Incoming::Partial, "{end}");
        }
    }

    #[test]
    fn all_three_forms_of_a_length_are_read() {
        for (header, length) in [
            (&b"\x81\x7d"[..], 125_usize),
            (b"\x81\x7e\x01\x00", 256),
            (b"\x82\x7f\0\0\0\0\0\x01\0\0", 65_536),
        ] {
            let bytes = [header, &vec![b'x'; length]].concat();
            assert_eq!(incoming(&bytes), Incoming::Message(vec![b'x'; length]));
        }
        let endless = b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xffx";
        assert_eq!(incoming(endless), Incoming::Partial);
    }

    #[test]
    fn what_no_server_may_send_is_broken() {
        for stream in [
            &b"\xc1\x00"[..],
            b"\x81\x80\0\0\0\0",
            b"\x80\x01x",
            b"\x01\x01x\x81\x01y",
            b"\x83\x00",
        ] {
            assert!(
                matches!(incoming(stream), Incoming::Broken(_)),
                "{stream:?}"
            );
        }
        let goodbye = b"\x88\x06\x03\xe9down";
        assert_eq!(incoming(goodbye), Incoming::Closed(b"down".to_vec()));
    }
}
