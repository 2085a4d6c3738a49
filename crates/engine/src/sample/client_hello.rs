//! The first message of a TLS client, as far as routing needs it (RFC 8446, 4.1.2; RFC 6066, 3).

/// What a stream begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hello<'a> {
    /// A whole ClientHello.
    Complete(ClientHello<'a>),
    /// The beginning of one.
    Incomplete,
    /// Something else.
    Other,
}

/// A ClientHello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClientHello<'a> {
    /// The version it was made for, as major * 65536 + minor. TLS 1.3 says 3.3 here.
    pub(super) version: u32,
    /// The host name of the server name extension.
    pub(super) server_name: Option<&'a str>,
}

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const HOST_NAME: u8 = 0;

/// The most that a record may carry (RFC 8446, 5.1).
const MAX_RECORD: usize = 16_384;
/// A longer ClientHello is not one: no client needs more, and it has to fit our buffers.
const MAX_HELLO: usize = 65_535;

/// Reads the beginning of a stream. `room` holds the message if it came in several records.
pub(super) fn read<'a>(stream: &'a [u8], room: &'a mut Vec<u8>) -> Hello<'a> {
    let message = match gather(stream, room) {
        Ok(message) => message,
        Err(other) => return other,
    };
    hello(message).map_or(Hello::Other, Hello::Complete)
}

/// The body of the first handshake message, without its type and length.
fn gather<'a>(stream: &'a [u8], room: &'a mut Vec<u8>) -> Result<&'a [u8], Hello<'a>> {
    let (first, mut rest) = record(stream)?;
    if let Some(message) = wanted(first)?.and_then(|wanted| first.get(4..wanted)) {
        return Ok(message);
    }
    room.extend_from_slice(first);
    loop {
        if let Some(wanted) = wanted(room)?.filter(|wanted| *wanted <= room.len()) {
            return Ok(&room[4..wanted]);
        }
        let (next, after) = record(rest)?;
        room.extend_from_slice(next);
        rest = after;
    }
}

/// How long the handshake message will be with its header, once that is known.
fn wanted<'a>(message: &[u8]) -> Result<Option<usize>, Hello<'a>> {
    if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
        return Err(Hello::Other);
    }
    let Some([_, high, middle, low]) = message.first_chunk() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
    if length > MAX_HELLO {
        Err(Hello::Other)
    } else {
        Ok(Some(4 + length))
    }
}

/// The bytes of the first record that have arrived, and what follows it.
fn record<'a>(stream: &[u8]) -> Result<(&[u8], &[u8]), Hello<'a>> {
    let as_expected = |at: usize, expected: u8| stream.get(at).is_none_or(|byte| *byte == expected);
    if !as_expected(0, HANDSHAKE) || !as_expected(1, 3) {
        return Err(Hello::Other);
    }
    let Some([_, _, _, high, low]) = stream.first_chunk() else {
        return Err(Hello::Incomplete);
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length == 0 || length > MAX_RECORD {
        return Err(Hello::Other);
    }
    let body = &stream[5..];
    Ok(body.split_at(length.min(body.len())))
}

/// The fields of a whole message; `None` if they do not fit together.
fn hello(message: &[u8]) -> Option<ClientHello<'_>> {
    let mut fields = Fields(message);
    let [major, minor] = fields.array()?;
    if major != 3 {
        return None;
    }
    fields.take(32)?;
    let session = fields.byte()?;
    fields.take(session.into())?;
    let ciphers = fields.short()?;
    fields.take(ciphers.into())?;
    let compressions = fields.byte()?;
    fields.take(compressions.into())?;
    let version = u32::from(major) * 65_536 + u32::from(minor);
    if fields.0.is_empty() {
        return Some(ClientHello {
            version,
            server_name: None,
        });
    }
    let length = fields.short()?;
    let server_name = find_server_name(Fields(fields.take(length.into())?))?;
    Some(ClientHello {
        version,
        server_name,
    })
}

/// Looks through the extensions; the outer `None` means that they are ill-formed.
fn find_server_name(mut extensions: Fields<'_>) -> Option<Option<&str>> {
    while !extensions.0.is_empty() {
        let kind = extensions.short()?;
        let length = extensions.short()?;
        let body = extensions.take(length.into())?;
        if kind == SERVER_NAME {
            return Some(host_name(Fields(body)));
        }
    }
    Some(None)
}

fn host_name(mut list: Fields<'_>) -> Option<&str> {
    let length = list.short()?;
    let mut names = Fields(list.take(length.into())?);
    while !names.0.is_empty() {
        let kind = names.byte()?;
        let length = names.short()?;
        let name = names.take(length.into())?;
        if kind == HOST_NAME {
            return std::str::from_utf8(name)
                .ok()
                .filter(|name| !name.is_empty());
        }
    }
    None
}

/// Reads fields off the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn short(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }
}
