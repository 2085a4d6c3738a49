//! What goes over a netlink socket: messages with a header, a fixed part, and attributes.

use std::io;

const HEADER: usize = 16;
const ATTRIBUTE_HEADER: usize = 4;

/// Flags of a message.
pub(super) mod flag {
    pub(in super::super) const REQUEST: u16 = 0x1;
    pub(in super::super) const ACK: u16 = 0x4;
    pub(in super::super) const DUMP_INTERRUPTED: u16 = 0x10;
    pub(in super::super) const DUMP: u16 = 0x300;
    pub(in super::super) const EXCLUSIVE: u16 = 0x200;
    pub(in super::super) const CREATE: u16 = 0x400;
    pub(in super::super) const APPEND: u16 = 0x800;
}

/// Kinds of messages.
pub(super) mod kind {
    pub(in super::super) const ERROR: u16 = 2;
    pub(in super::super) const DONE: u16 = 3;
    pub(in super::super) const NEW_LINK: u16 = 16;
    pub(in super::super) const DEL_LINK: u16 = 17;
    pub(in super::super) const GET_LINK: u16 = 18;
    pub(in super::super) const SET_LINK: u16 = 19;
    pub(in super::super) const NEW_ADDRESS: u16 = 20;
    pub(in super::super) const DEL_ADDRESS: u16 = 21;
    pub(in super::super) const GET_ADDRESS: u16 = 22;
    pub(in super::super) const NEW_ROUTE: u16 = 24;
    pub(in super::super) const DEL_ROUTE: u16 = 25;
}

/// A request without its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    kind: u16,
    flags: u16,
    content: Vec<u8>,
}

impl Body {
    /// A request with its fixed part.
    pub(super) fn new(kind: u16, flags: u16, fixed: &[u8]) -> Self {
        let flags = flags | flag::REQUEST;
        let content = fixed.to_vec();
        Self {
            kind,
            flags,
            content,
        }
    }

    /// Adds an attribute.
    pub(super) fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.content.extend(attribute(kind, value));
        self
    }

    /// Adds attributes.
    pub(super) fn attributes(mut self, attributes: &[Vec<u8>]) -> Self {
        self.content.extend(attributes.concat());
        self
    }

    /// Adds an attribute made of others.
    pub(super) fn nested(mut self, kind: u16, parts: &[Vec<u8>]) -> Self {
        self.content.extend(nested(kind, parts));
        self
    }

    /// The bytes of the message.
    pub(super) fn encode(&self, flags: u16, sequence: u32) -> Vec<u8> {
        let length = u32::try_from(HEADER + self.content.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(HEADER + self.content.len());
        bytes.extend(length.to_ne_bytes());
        bytes.extend(self.kind.to_ne_bytes());
        bytes.extend((self.flags | flags).to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&self.content);
        bytes
    }
}

/// The bytes of an attribute; values that do not fit one (64 KiB) are nothing we send.
pub(super) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = ATTRIBUTE_HEADER + value.len();
    let mut bytes = Vec::with_capacity(aligned(length));
    bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(aligned(length), 0);
    bytes
}

/// The bytes of an attribute made of others.
pub(super) fn nested(kind: u16, parts: &[Vec<u8>]) -> Vec<u8> {
    const NESTED: u16 = 0x8000;
    attribute(kind | NESTED, &parts.concat())
}

/// A name as the kernel wants it: with the zero at its end.
pub(super) fn text(name: &str) -> Vec<u8> {
    [name.as_bytes(), &[0]].concat()
}

/// A message from the kernel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    pub(super) content: &'a [u8],
}

impl<'a> Message<'a> {
    /// What became of a request; `None` if this is no acknowledgement.
    pub(super) fn acknowledgement(&self) -> Option<io::Result<()>> {
        if self.kind != kind::ERROR {
            return None;
        }
        let code = self.u32_at(0)?.cast_signed();
        Some(match code {
            0 => Ok(()),
            code => Err(io::Error::from_raw_os_error(code.saturating_neg())),
        })
    }

    /// A number of the fixed part.
    pub(super) fn u32_at(&self, at: usize) -> Option<u32> {
        number(self.content.get(at..)?)
    }

    /// A byte of the fixed part.
    pub(super) fn u8_at(&self, at: usize) -> Option<u8> {
        self.content.get(at).copied()
    }

    /// The attributes behind a fixed part of this length.
    pub(super) fn attributes(&self, fixed: usize) -> Attributes<'a> {
        Attributes(self.content.get(aligned(fixed)..).unwrap_or_default())
    }
}

/// A number at the beginning of an attribute.
pub(super) fn number(value: &[u8]) -> Option<u32> {
    let bytes = value.first_chunk()?;
    Some(u32::from_ne_bytes(*bytes))
}

/// The messages of one packet.
pub(super) fn messages(packet: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = packet;
    std::iter::from_fn(move || {
        let length = number(rest)? as usize;
        let (header, content) = rest.get(..length)?.split_at_checked(HEADER)?;
        rest = rest.get(aligned(length)..).unwrap_or_default();
        Some(Message {
            kind: u16::from_ne_bytes([header[4], header[5]]),
            flags: u16::from_ne_bytes([header[6], header[7]]),
            sequence: number(&header[8..])?,
            content,
        })
    })
}

/// Attributes, by kind and value.
#[derive(Debug, Clone)]
pub(super) struct Attributes<'a>(&'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        /// The two upper bits say how the value is made.
        const KIND: u16 = 0x3fff;
        let header = self.0.first_chunk::<ATTRIBUTE_HEADER>()?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & KIND;
        let value = self.0.get(ATTRIBUTE_HEADER..length)?;
        self.0 = self.0.get(aligned(length)..).unwrap_or_default();
        Some((kind, value))
    }
}

const fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let body = Body::new(kind::NEW_ADDRESS, flag::CREATE, &[7; 8]);
        let body = body.attribute(3, b"eth0\0").attribute(2, &[10, 0, 0, 1]);
        let mut packet = body.encode(flag::ACK, 41);
        packet.extend(body.encode(flag::ACK, 42));
        let read: Vec<_> = messages(&packet).collect();
        assert_eq!(read.len(), 2);
        assert_eq!((read[1].kind, read[1].sequence), (kind::NEW_ADDRESS, 42));
        assert_eq!(read[1].flags, flag::REQUEST | flag::CREATE | flag::ACK);
        let attributes: Vec<_> = read[1].attributes(8).collect();
        assert_eq!(attributes, [(3, &b"eth0\0"[..]), (2, &[10, 0, 0, 1][..])]);
    }

    #[test]
    fn lengths_that_lie_end_the_reading() {
        let body = Body::new(kind::NEW_LINK, 0, &[0; 8]).attribute(1, &[1; 6]);
        let whole = body.encode(0, 1);
        for end in 0..whole.len() {
            assert_eq!(messages(&whole[..end]).count(), 0);
        }
        for length in [0_u8, 15, 255] {
            let mut lying = whole.clone();
            lying[0] = length;
            assert_eq!(messages(&lying).count(), 0);
        }
        for length in [0_u8, 3, 200] {
            let mut lying = whole.clone();
            lying[24] = length;
            let message = messages(&lying).next().unwrap();
            assert_eq!(message.attributes(8).count(), 0);
        }
    }
}
