//! What `bind` and `stats socket` name.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use pontoon_engine::address::Endpoint;

use super::{
    any_address, bad_address, host,
    split::{self, Family, Kind, Part, Transport},
};
use crate::{
    diagnostic::Diagnostics,
    haproxy::{Context, model::BindAddress},
    source::Word,
};

/// The addresses of a comma-separated list, port ranges spread out.
///
/// Errors: `bad-address`, `missing-port`, `bad-port`, `bad-port-range`, `unknown-address-prefix`,
/// `unsupported-address`, `unresolved-host`.
pub(crate) fn bind(word: &Word, cx: &Context<'_>, d: &mut Diagnostics) -> Vec<BindAddress> {
    let whole = Part::whole(word);
    if word.text.is_empty() {
        bad_address("", word.span, d);
    }
    let mut found = Vec::new();
    for part in whole.list() {
        if part.text.is_empty() {
            if !word.text.is_empty() {
                d.warning(
                    "empty-address",
                    word.span,
                    "an address of the list is empty",
                )
                .suggest("remove the extra comma");
            }
            continue;
        }
        one(part, cx, &mut found, d);
    }
    found
}

fn one(part: Part<'_>, cx: &Context<'_>, found: &mut Vec<BindAddress>, d: &mut Diagnostics) {
    let Some((kind, rest)) = split::kind(part, d) else {
        return;
    };
    match kind {
        Kind::Ip(_, Transport::Datagram) | Kind::Unix(Transport::Datagram) => {
            refuse(part, "datagrams are not proxied", d);
        }
        Kind::Ip(family, _) => ip(rest, family, cx, found, d),
        Kind::Unix(_) => found.push(BindAddress::Endpoint(Endpoint::Unix(Arc::new(
            PathBuf::from(rest.text),
        )))),
        Kind::Abstract => found.push(BindAddress::Endpoint(Endpoint::Abstract(Arc::from(
            rest.text.as_bytes(),
        )))),
        Kind::Descriptor => descriptor(rest, found, d),
        Kind::SocketPair => refuse(part, "socket pairs between processes are not supported", d),
        Kind::Quic => refuse(part, "QUIC is not supported", d),
        Kind::Ring => refuse(part, "a ring cannot be listened on", d),
    }
}

fn refuse(part: Part<'_>, why: &str, d: &mut Diagnostics) {
    d.error(
        "unsupported-address",
        part.span,
        format!("`{}` cannot be used here: {why}", part.text),
    );
}

fn descriptor(part: Part<'_>, found: &mut Vec<BindAddress>, d: &mut Diagnostics) {
    match part.text.parse::<i32>() {
        Ok(number) if number >= 0 => found.push(BindAddress::Inherited(number)),
        _ => {
            d.error(
                "bad-address",
                part.span,
                format!("`{}` is not a file descriptor", part.text),
            )
            .suggest("the number of an inherited listening socket, as in `fd@3`");
        }
    }
}

fn ip(
    part: Part<'_>,
    family: Family,
    cx: &Context<'_>,
    found: &mut Vec<BindAddress>,
    d: &mut Diagnostics,
) {
    let (name, port) = split::host_and_port(part);
    let Some(port) = port else {
        d.error(
            "missing-port",
            part.span,
            format!("`{}` has no port", part.text),
        )
        .suggest(format!("add one, as in `{}:8080`", part.text));
        return;
    };
    let ports = split::port_range(port, d);
    let address = match split::unbracketed(name.text) {
        "" | "*" => Some(any_address(family)),
        text => text
            .parse()
            .ok()
            .filter(|address| family.allows(*address))
            .or_else(|| host(text, family, name.span, cx, d)),
    };
    if let (Some((low, high)), Some(address)) = (ports, address) {
        found.extend(
            (low..=high)
                .map(|port| BindAddress::Endpoint(Endpoint::Ip(SocketAddr::new(address, port)))),
        );
    }
}
