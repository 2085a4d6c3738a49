//! Where `log` sends to.

use std::{net::SocketAddr, path::PathBuf};

use super::{
    any_address, host,
    split::{self, Family, Kind, Part, Transport},
};
use crate::{
    diagnostic::Diagnostics,
    haproxy::{Context, model::LogAddress},
    source::Word,
};

/// The port of a syslog daemon.
const SYSLOG: u16 = 514;

/// `stdout`, `stderr`, `fd@N`, a path, or a syslog daemon with port 514 unless another is written.
///
/// Errors: `bad-address`, `bad-port`, `unknown-address-prefix`, `unsupported-address`,
/// `unresolved-host`.
pub(crate) fn log(word: &Word, cx: &Context<'_>, d: &mut Diagnostics) -> Option<LogAddress> {
    match word.text.as_str() {
        "stdout" => return Some(LogAddress::Descriptor(1)),
        "stderr" => return Some(LogAddress::Descriptor(2)),
        _ => {}
    }
    let part = Part::whole(word);
    let (kind, rest) = split::kind(part, d)?;
    match kind {
        Kind::Unix(Transport::Implied | Transport::Datagram) => {
            Some(LogAddress::Unix(PathBuf::from(rest.text)))
        }
        Kind::Ip(family, Transport::Implied | Transport::Datagram) => udp(rest, family, cx, d),
        Kind::Descriptor => descriptor(rest, d),
        Kind::Ring => refuse(
            part,
            "rings are not supported; name the syslog daemon itself",
            d,
        ),
        Kind::Ip(..) | Kind::Unix(_) => refuse(
            part,
            "logs go out as datagrams; use a UDP address or a datagram socket",
            d,
        ),
        Kind::Abstract | Kind::SocketPair | Kind::Quic => {
            refuse(part, "use an IP address, a path, `stdout` or `stderr`", d)
        }
    }
}

fn refuse(part: Part<'_>, why: &str, d: &mut Diagnostics) -> Option<LogAddress> {
    d.error(
        "unsupported-address",
        part.span,
        format!("`{}` cannot be logged to", part.text),
    )
    .suggest(why);
    None
}

fn descriptor(part: Part<'_>, d: &mut Diagnostics) -> Option<LogAddress> {
    let number = part.text.parse::<i32>().ok().filter(|number| *number >= 0);
    if number.is_none() {
        d.error(
            "bad-address",
            part.span,
            format!("`{}` is not a file descriptor", part.text),
        )
        .suggest("a number, as in `fd@2`");
    }
    number.map(LogAddress::Descriptor)
}

fn udp(
    part: Part<'_>,
    family: Family,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<LogAddress> {
    // A bare IPv6 address has colons, but no port.
    if let Ok(address) = part.text.parse()
        && family.allows(address)
    {
        return Some(LogAddress::Udp(SocketAddr::new(address, SYSLOG)));
    }
    let (name, port) = split::host_and_port(part);
    let port = match port {
        Some(port) => split::port(port, d)?,
        None => SYSLOG,
    };
    let address = match split::unbracketed(name.text) {
        "" | "*" => any_address(family),
        text => match text.parse() {
            Ok(address) if family.allows(address) => address,
            _ => host(text, family, name.span, cx, d)?,
        },
    };
    Some(LogAddress::Udp(SocketAddr::new(address, port)))
}
