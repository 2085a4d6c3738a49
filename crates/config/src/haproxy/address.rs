//! Addresses as `bind`, `server`, `log` and `source` write them
//! (HAProxy configuration manual, chapter 11).

mod bind;
mod log;
mod server;
mod source;
mod split;

pub(super) use self::{
    bind::bind,
    log::log,
    server::{Lookup, Preference, ServerTarget, lookup_methods, server},
    source::source,
};

use std::net::{IpAddr, Ipv6Addr};

use super::Context;
use crate::{
    diagnostic::Diagnostics,
    source::{Span, Word},
};

/// An IP address or a host name that has one.
///
/// Errors: `bad-address`, `unresolved-host`.
pub(super) fn ip(word: &Word, cx: &Context<'_>, d: &mut Diagnostics) -> Option<IpAddr> {
    let text = split::unbracketed(&word.text);
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    host(text, split::Family::Any, word.span, cx, d)
}

/// The first address of a host name.
fn host(
    name: &str,
    family: split::Family,
    span: Span,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<IpAddr> {
    if !is_host_name(name) {
        bad_address(name, span, d);
        return None;
    }
    let found = cx.surroundings.resolve(name);
    let first = found.into_iter().find(|address| family.allows(*address));
    if first.is_none() {
        d.error(
            "unresolved-host",
            span,
            format!("no address was found for the host name `{name}`"),
        )
        .suggest("check the name, or write an IP address");
    }
    first
}

fn bad_address(text: &str, span: Span, d: &mut Diagnostics) {
    let diagnostic = d.error("bad-address", span, format!("`{text}` is not an address"));
    if text.contains('%') {
        diagnostic.suggest("addresses with a zone such as `fe80::1%eth0` are not supported");
    } else {
        diagnostic.suggest("an IPv4 or IPv6 address, a host name, `*`, or a path from `/`");
    }
}

/// What may be asked of a resolver: letters, digits, dots, hyphens and underscores, and at least
/// one letter, so that a mistyped address is not taken for a name.
fn is_host_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    name.len() <= 255 && name.bytes().all(allowed) && name.bytes().any(|b| b.is_ascii_alphabetic())
}

/// The address that stands for all of a family.
const fn any_address(family: split::Family) -> IpAddr {
    match family {
        split::Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        split::Family::Any | split::Family::V4 => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
    }
}

#[cfg(test)]
mod tests;
