//! Lines of `virtual_routes`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::{
    address,
    context::Context,
    model::Route,
    statement::{Line, Statement},
    value,
};
use crate::source::Word;

/// The entries of a block; faulty ones are left out.
pub(super) fn entries(body: &[Statement], ctx: &mut Context<'_>) -> Vec<Route> {
    body.iter()
        .filter_map(|statement| entry(statement, ctx))
        .collect()
}

/// Options of ip-route(8) that are not done; a route without them would be another route.
const REFUSED: &[&str] = &[
    "blackhole",
    "unreachable",
    "prohibit",
    "throw",
    "local",
    "broadcast",
    "multicast",
    "anycast",
    "nat",
    "nexthop",
    "or",
    "encap",
    "vrf",
    "tos",
    "mtu",
    "hoplimit",
    "advmss",
    "rtt",
    "rttvar",
    "reordering",
    "window",
    "cwnd",
    "ssthresh",
    "realms",
    "rto_min",
    "initcwnd",
    "initrwnd",
    "features",
    "quickack",
    "congctl",
    "pref",
    "expires",
    "fastopen_no_cookie",
    "ttl-propagate",
    "append",
    "onlink",
    "protocol",
];

fn entry(statement: &Statement, ctx: &mut Context<'_>) -> Option<Route> {
    let mut words = Line::new(statement);
    let mut draft = Draft::default();
    draft.option(&statement.words[0], &mut words, ctx)?;
    while let Some(word) = words.args.next() {
        draft.option(word, &mut words, ctx)?;
    }
    words.finish(ctx);
    let Some(destination) = draft.destination else {
        let message = "this route leads nowhere: there is no network";
        ctx.fault("bad-route", statement.span(), message);
        return None;
    };
    let destination = destination.net(&draft);
    Some(Route {
        destination,
        gateway: draft.gateway,
        interface: draft.interface,
        source: draft.source,
        metric: draft.metric,
        table: draft.table,
        scope: draft.scope,
    })
}

#[derive(Default)]
struct Draft {
    destination: Option<Destination>,
    gateway: Option<IpAddr>,
    interface: Option<String>,
    source: Option<IpAddr>,
    metric: Option<u32>,
    table: Option<u32>,
    scope: Option<u8>,
    ipv6: bool,
}

/// Where a route leads; the family of `default` is that of its gateway.
#[derive(Clone, Copy)]
enum Destination {
    Default,
    Net(IpNet),
}

impl Destination {
    fn net(self, draft: &Draft) -> IpNet {
        let ipv6 = draft.ipv6
            || draft
                .gateway
                .or(draft.source)
                .is_some_and(|it| it.is_ipv6());
        match self {
            Self::Net(net) => net,
            Self::Default if ipv6 => whole(Ipv6Addr::UNSPECIFIED.into()),
            Self::Default => whole(Ipv4Addr::UNSPECIFIED.into()),
        }
    }
}

/// All addresses of a family.
fn whole(unspecified: IpAddr) -> IpNet {
    IpNet::new_assert(unspecified, 0)
}

impl Draft {
    fn option(&mut self, word: &Word, line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<()> {
        match word.text.as_str() {
            "src" => self.source = Some(value::address_after(line, ctx)?),
            "to" => {
                let word = line.required("a network after `to`", ctx)?;
                self.destination(word, ctx)?;
            }
            "via" | "gw" => self.gateway = Some(gateway(word, line, ctx)?),
            "dev" | "oif" => self.interface = Some(value::interface_after(line, ctx)?),
            "metric" | "priority" | "preference" => {
                self.metric = Some(number(line, "a metric", ctx)?);
            }
            "table" => self.table = Some(table(line, ctx)?),
            "scope" => self.scope = Some(address::scope_after(line, ctx)?),
            "inet6" => self.ipv6 = true,
            "inet" | "unicast" => {}
            "no_track" => {
                let message = "`no_track` has no effect: routes are not tracked";
                ctx.d.note("without-effect", word.span, message);
            }
            _ => self.destination(word, ctx)?,
        }
        Some(())
    }

    fn destination(&mut self, word: &Word, ctx: &mut Context<'_>) -> Option<()> {
        let text = word.text.as_str();
        if REFUSED.contains(&text) {
            let message = format!("`{text}` is not supported in a route");
            ctx.d
                .error("refused", word.span, message)
                .suggest("set up the route from a notify script with `ip route`");
            return None;
        }
        let net = if text == "default" {
            Some(Destination::Default)
        } else {
            let net = text.parse::<IpNet>().ok();
            let host = || text.parse::<IpAddr>().ok().map(IpNet::from);
            net.or_else(host).map(|net| Destination::Net(net.trunc()))
        };
        if net.is_none() || self.destination.is_some() {
            let message = format!("`{text}` is neither an option nor the network of this route");
            ctx.fault("bad-route", word.span, message)
                .suggest("`[src ADDRESS] [to] NETWORK [via GATEWAY] [dev INTERFACE] …`");
            return None;
        }
        self.destination = net;
        Some(())
    }
}

fn gateway(word: &Word, line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<IpAddr> {
    if word.text == "gw" {
        let message = "`gw` is obsolete in routes";
        ctx.d
            .warning("obsolete", word.span, message)
            .suggest("write `via`");
    }
    let _family = line.args.take_if("inet") || line.args.take_if("inet6");
    value::address_after(line, ctx)
}

fn number(line: &mut Line<'_>, what: &str, ctx: &mut Context<'_>) -> Option<u32> {
    value::integer_after(line, what, value::ANY_COUNT, ctx)
}

/// A routing table by number, or one of the names that every system has.
fn table(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<u32> {
    for (name, number) in [("default", 253), ("main", 254), ("local", 255)] {
        if line.args.take_if(name) {
            return Some(number);
        }
    }
    number(line, "the number of a routing table", ctx)
}
