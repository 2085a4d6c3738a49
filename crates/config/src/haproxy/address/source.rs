//! `source`: where connections to servers come from.

use std::net::IpAddr;

use pontoon_engine::rules::{SourceAddress, Transparent};

use super::{
    host,
    split::{self, Kind, Part, Transport},
};
use crate::{args::Args, diagnostic::Diagnostics, haproxy::Context, source::Word};

/// The words after `source`: an address, then `usesrc` or `interface` if they follow.
///
/// Errors: `missing-argument`, `bad-address`, `bad-port`, `bad-port-range`, `unsupported-source`.
pub(crate) fn source(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<SourceAddress> {
    let word = crate::haproxy::value::required(args, "an address", d)?;
    let (address, ports) = address(word, cx, d)?;
    let mut source = SourceAddress {
        address,
        ports,
        interface: None,
        transparent: None,
    };
    loop {
        if args.take_if("usesrc") {
            source.transparent = Some(transparent(args, d)?);
        } else if args.take_if("interface") {
            let name = crate::haproxy::value::required(args, "an interface after `interface`", d)?;
            source.interface = Some(name.text.clone());
        } else {
            return Some(source);
        }
    }
}

type AddressAndPorts = (Option<IpAddr>, Option<(u16, u16)>);

fn address(word: &Word, cx: &Context<'_>, d: &mut Diagnostics) -> Option<AddressAndPorts> {
    let (kind, part) = split::kind(Part::whole(word), d)?;
    let Kind::Ip(family, Transport::Implied | Transport::Stream) = kind else {
        d.error(
            "bad-address",
            word.span,
            format!("`{}` is not an IP address to connect from", word.text),
        );
        return None;
    };
    if let Ok(address) = split::unbracketed(part.text).parse() {
        return Some((specified(address), None));
    }
    let (name, port) = split::host_and_port(part);
    let ports = match port {
        Some(port) if port.text != "0" => Some(split::port_range(port, d)?),
        _ => None,
    };
    let address = match split::unbracketed(name.text) {
        "" | "*" => None,
        text => Some(match text.parse() {
            Ok(address) => address,
            Err(_) => host(text, family, name.span, cx, d)?,
        }),
    };
    Some((address.and_then(specified), ports))
}

/// `0.0.0.0` and `::` mean: any.
fn specified(address: IpAddr) -> Option<IpAddr> {
    Some(address).filter(|address| !address.is_unspecified())
}

fn transparent(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<Transparent> {
    let what = "`client` or `clientip` after `usesrc`";
    let word = crate::haproxy::value::required(args, what, d)?;
    match word.text.as_str() {
        "client" => Some(Transparent::Client),
        "clientip" => Some(Transparent::ClientIp),
        other => {
            let why = if other.starts_with("hdr_ip") {
                "it needs HTTP headers, and HTTP is not forwarded"
            } else {
                "only the client's own address can be taken over"
            };
            d.error(
                "unsupported-source",
                word.span,
                format!("`usesrc {other}` is not supported: {why}"),
            )
            .suggest("`usesrc client` or `usesrc clientip`");
            None
        }
    }
}
