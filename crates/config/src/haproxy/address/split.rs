//! Taking an address apart: prefix, host, port.

use std::net::IpAddr;

use crate::{
    diagnostic::Diagnostics,
    source::{Span, Word},
};

/// Part of a word, with its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    /// The text.
    pub text: &'a str,
    /// Where it stands; the whole word where quoting makes that unknowable.
    pub span: Span,
}

impl<'a> Part<'a> {
    pub(super) const fn whole(word: &'a Word) -> Self {
        Self {
            text: word.text.as_str(),
            span: word.span,
        }
    }

    /// The bytes `from..to` of this part.
    pub(super) fn slice(&self, from: usize, to: usize) -> Self {
        let exact = usize::try_from(self.span.end - self.span.start) == Ok(self.text.len());
        let offset = |at: usize| self.span.start + u32::try_from(at).unwrap_or(0);
        let span = if exact {
            Span {
                start: offset(from),
                end: offset(to),
                ..self.span
            }
        } else {
            self.span
        };
        Self {
            text: &self.text[from..to],
            span,
        }
    }

    /// The pieces between commas.
    pub(super) fn list(self) -> impl Iterator<Item = Self> {
        let mut from = 0;
        self.text.split(',').map(move |piece| {
            let part = self.slice(from, from + piece.len());
            from += piece.len() + 1;
            part
        })
    }
}

/// What a prefix such as `ipv6@` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An address and maybe a port.
    Ip(Family, Transport),
    /// A path.
    Unix(Transport),
    /// A name in the abstract namespace.
    Abstract,
    /// `fd@`.
    Descriptor,
    /// `sockpair@`.
    SocketPair,
    /// `quic4@`, `quic6@`.
    Quic,
    /// `ring@`.
    Ring,
}

/// The family of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Any,
    V4,
    V6,
}

/// Stream, datagram, or what the directive implies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Implied,
    Stream,
    Datagram,
}

impl Family {
    pub(super) const fn allows(self, address: IpAddr) -> bool {
        matches!(
            (self, address),
            (Self::Any, _) | (Self::V4, IpAddr::V4(_)) | (Self::V6, IpAddr::V6(_))
        )
    }
}

const PREFIXES: [(&str, Kind); 24] = {
    use {Family as F, Kind as K, Transport as T};
    [
        ("ip@", K::Ip(F::Any, T::Implied)),
        ("ipv4@", K::Ip(F::V4, T::Implied)),
        ("ipv6@", K::Ip(F::V6, T::Implied)),
        ("tcp@", K::Ip(F::Any, T::Stream)),
        ("tcp4@", K::Ip(F::V4, T::Stream)),
        ("tcp6@", K::Ip(F::V6, T::Stream)),
        ("stream+ip@", K::Ip(F::Any, T::Stream)),
        ("stream+ipv4@", K::Ip(F::V4, T::Stream)),
        ("stream+ipv6@", K::Ip(F::V6, T::Stream)),
        ("udp@", K::Ip(F::Any, T::Datagram)),
        ("udp4@", K::Ip(F::V4, T::Datagram)),
        ("udp6@", K::Ip(F::V6, T::Datagram)),
        ("dgram+ip@", K::Ip(F::Any, T::Datagram)),
        ("dgram+ipv4@", K::Ip(F::V4, T::Datagram)),
        ("dgram+ipv6@", K::Ip(F::V6, T::Datagram)),
        ("unix@", K::Unix(T::Implied)),
        ("uxst@", K::Unix(T::Stream)),
        ("uxdg@", K::Unix(T::Datagram)),
        ("abns@", K::Abstract),
        ("fd@", K::Descriptor),
        ("sockpair@", K::SocketPair),
        ("quic4@", K::Quic),
        ("quic6@", K::Quic),
        ("ring@", K::Ring),
    ]
};

/// The kind of an address and what follows its prefix. Error: `unknown-address-prefix`.
pub(super) fn kind<'a>(part: Part<'a>, d: &mut Diagnostics) -> Option<(Kind, Part<'a>)> {
    if part.text.starts_with('/') {
        return Some((Kind::Unix(Transport::Implied), part));
    }
    let Some(at) = part.text.find('@') else {
        return Some((Kind::Ip(Family::Any, Transport::Implied), part));
    };
    let prefix = &part.text[..=at];
    let found = PREFIXES.iter().find(|(name, _)| *name == prefix);
    if found.is_none() {
        let near = crate::similar::nearest(prefix, PREFIXES.iter().map(|(name, _)| *name));
        d.error(
            "unknown-address-prefix",
            part.span,
            format!("`{prefix}` is not an address prefix"),
        )
        .suggest(near.map_or_else(
            || "ipv4@, ipv6@, unix@, abns@ or fd@".to_owned(),
            |near| format!("did you mean `{near}`?"),
        ));
    }
    found.map(|(_, kind)| (*kind, part.slice(at + 1, part.text.len())))
}

/// The host and the port, split at the last colon outside brackets. Without one there is no port.
pub(super) fn host_and_port(part: Part<'_>) -> (Part<'_>, Option<Part<'_>>) {
    let end = part.text.len();
    let after_bracket = part.text.rfind(']').map_or(0, |at| at + 1);
    match part.text[after_bracket..].rfind(':') {
        Some(colon) => {
            let colon = after_bracket + colon;
            (part.slice(0, colon), Some(part.slice(colon + 1, end)))
        }
        None => (part, None),
    }
}

/// Without the brackets around an IPv6 address.
pub(super) fn unbracketed(text: &str) -> &str {
    text.strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text)
}

/// One port, 1 to 65535. Error: `bad-port`.
pub(super) fn port(part: Part<'_>, d: &mut Diagnostics) -> Option<u16> {
    let port = part
        .text
        .parse::<u16>()
        .ok()
        .filter(|port| *port > 0 && !part.text.starts_with('+'));
    if port.is_none() {
        d.error(
            "bad-port",
            part.span,
            format!("`{}` is not a port", part.text),
        )
        .suggest("a number from 1 to 65535");
    }
    port
}

/// One port or a range `low-high`. Errors: `bad-port`, `bad-port-range`.
pub(super) fn port_range(part: Part<'_>, d: &mut Diagnostics) -> Option<(u16, u16)> {
    let Some(dash) = part.text.find('-') else {
        return port(part, d).map(|port| (port, port));
    };
    let low = port(part.slice(0, dash), d);
    let high = port(part.slice(dash + 1, part.text.len()), d);
    let (low, high) = (low?, high?);
    if low > high {
        d.error(
            "bad-port-range",
            part.span,
            format!("the port range `{}` ends before it begins", part.text),
        )
        .suggest(format!("write `{high}-{low}`"));
        return None;
    }
    Some((low, high))
}
