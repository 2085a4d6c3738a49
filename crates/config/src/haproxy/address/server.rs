//! What `server` names: where connections go.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use pontoon_engine::address::{Endpoint, ServerAddr};

use super::{
    bad_address, is_host_name,
    split::{self, Family, Kind, Part, Transport},
};
use crate::{
    diagnostic::Diagnostics,
    haproxy::{Context, model::ServerPort},
    source::{Span, Word},
};

/// The address of a server as written and as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerTarget {
    /// Where to connect; `None` if the host has no address yet. Where the port is the client's,
    /// it is 0 here.
    pub address: Option<ServerAddr>,
    /// The host name, if that is what was written.
    pub host: Option<String>,
    /// How the port was written.
    pub port: ServerPort,
}

/// How a host name becomes an address: `init-addr` and `resolve-prefer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lookup {
    /// What is tried, in this order.
    pub methods: Vec<LookupMethod>,
    /// Which of several addresses is taken; `None`: the first.
    pub prefer: Option<Preference>,
}

impl Default for Lookup {
    fn default() -> Self {
        Self {
            methods: vec![LookupMethod::Last, LookupMethod::Libc],
            prefer: None,
        }
    }
}

/// One word of `init-addr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LookupMethod {
    /// `last`: from the state file; there is none yet, so that this finds nothing.
    Last,
    /// `libc`: ask the resolver.
    Libc,
    /// `none`: start without an address.
    None,
    /// This address.
    Fixed(IpAddr),
}

/// `resolve-prefer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preference {
    /// `ipv4`.
    V4,
    /// `ipv6`.
    V6,
}

/// The methods of `init-addr`, comma-separated. Error: `bad-init-addr`.
pub(crate) fn lookup_methods(word: &Word, d: &mut Diagnostics) -> Option<Vec<LookupMethod>> {
    let method = |part: Part<'_>| match part.text {
        "last" => Some(LookupMethod::Last),
        "libc" => Some(LookupMethod::Libc),
        "none" => Some(LookupMethod::None),
        text => text.parse().ok().map(LookupMethod::Fixed),
    };
    let mut methods = Vec::new();
    for part in Part::whole(word).list() {
        if let Some(method) = method(part) {
            methods.push(method);
            continue;
        }
        d.error(
            "bad-init-addr",
            part.span,
            format!("`{}` is not a method of `init-addr`", part.text),
        )
        .suggest("last, libc, none or an IP address, separated by commas");
        return None;
    }
    Some(methods)
}

/// The address of a server.
///
/// Errors: `bad-address`, `bad-port`, `unknown-address-prefix`, `unsupported-address`,
/// `unresolved-host`.
pub(crate) fn server(
    word: &Word,
    lookup: &Lookup,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<ServerTarget> {
    let part = Part::whole(word);
    let (kind, rest) = split::kind(part, d)?;
    match kind {
        Kind::Ip(_, Transport::Datagram) | Kind::Unix(Transport::Datagram) => {
            refuse(part, "datagrams are not proxied", d)
        }
        Kind::Ip(family, _) => ip(rest, family, lookup, cx, d),
        Kind::Unix(_) => Some(local(Endpoint::Unix(Arc::new(PathBuf::from(rest.text))))),
        Kind::Abstract => Some(local(Endpoint::Abstract(Arc::from(rest.text.as_bytes())))),
        Kind::Descriptor => refuse(part, "a file descriptor cannot be connected to", d),
        Kind::SocketPair => refuse(part, "socket pairs between processes are not supported", d),
        Kind::Quic => refuse(part, "QUIC is not supported", d),
        Kind::Ring => refuse(part, "a ring is not a server", d),
    }
}

fn refuse(part: Part<'_>, why: &str, d: &mut Diagnostics) -> Option<ServerTarget> {
    d.error(
        "unsupported-address",
        part.span,
        format!("`{}` cannot be a server: {why}", part.text),
    );
    None
}

const fn local(endpoint: Endpoint) -> ServerTarget {
    ServerTarget {
        address: Some(ServerAddr(endpoint)),
        host: None,
        port: ServerPort::Fixed,
    }
}

fn ip(
    part: Part<'_>,
    family: Family,
    lookup: &Lookup,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<ServerTarget> {
    let (name, port) = split::host_and_port(part);
    let (number, port) = server_port(port, d)?;
    let text = split::unbracketed(name.text);
    let literal = text.parse::<IpAddr>().ok();
    if text.is_empty() || text == "*" || literal.is_some_and(|it| it.is_unspecified()) {
        return refuse(
            part,
            "the address the client connected to is not supported as a destination",
            d,
        );
    }
    let target = |address: Option<IpAddr>, host| ServerTarget {
        address: address.map(|it| ServerAddr(Endpoint::Ip(SocketAddr::new(it, number)))),
        host,
        port,
    };
    if let Some(address) = literal {
        if family.allows(address) {
            return Some(target(Some(address), None));
        }
        bad_address(part.text, part.span, d);
        return None;
    }
    if !is_host_name(text) {
        bad_address(text, name.span, d);
        return None;
    }
    let address = look_up(text, family, lookup, name.span, cx, d)?;
    Some(target(address, Some(text.to_owned())))
}

/// The number (0 if there is none) and how it was written. Error: `bad-port`.
fn server_port(part: Option<Part<'_>>, d: &mut Diagnostics) -> Option<(u16, ServerPort)> {
    // Port 0 says as much as none.
    let Some(part) = part.filter(|part| part.text != "0") else {
        return Some((0, ServerPort::Client));
    };
    if !part.text.starts_with(['+', '-']) {
        if part.text.contains('-') {
            d.error(
                "bad-port",
                part.span,
                format!("a server has one port, not the range `{}`", part.text),
            );
            return None;
        }
        return Some((split::port(part, d)?, ServerPort::Fixed));
    }
    let offset = part.text.parse::<i32>().ok();
    let offset = offset.filter(|offset| offset.unsigned_abs() <= 65_535);
    if offset.is_none() {
        d.error(
            "bad-port",
            part.span,
            format!("`{}` is not an offset from the client's port", part.text),
        )
        .suggest("`+` or `-` and a number up to 65535");
    }
    Some((0, ServerPort::Offset(offset?)))
}

/// `Some(None)`: it has no address, and `init-addr` allows that.
fn look_up(
    name: &str,
    family: Family,
    lookup: &Lookup,
    span: Span,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<Option<IpAddr>> {
    for method in &lookup.methods {
        match method {
            LookupMethod::Last => {}
            LookupMethod::None => return Some(None),
            LookupMethod::Fixed(address) => return Some(Some(*address)),
            LookupMethod::Libc => {
                let found = preferred(cx.surroundings.resolve(name), family, lookup.prefer);
                if found.is_some() {
                    return Some(found);
                }
            }
        }
    }
    d.error(
        "unresolved-host",
        span,
        format!("no address was found for the host name `{name}`"),
    )
    .suggest("check the name, or add `init-addr last,libc,none` to start without an address");
    None
}

fn preferred(mut found: Vec<IpAddr>, family: Family, prefer: Option<Preference>) -> Option<IpAddr> {
    found.retain(|address| family.allows(*address));
    let liked = |address: &&IpAddr| match prefer {
        Some(Preference::V4) => address.is_ipv4(),
        Some(Preference::V6) => address.is_ipv6(),
        None => true,
    };
    found.iter().find(liked).or_else(|| found.first()).copied()
}
