//! Lines of `virtual_ipaddress`, `virtual_ipaddress_excluded` and `static_ipaddress`.

use std::net::{IpAddr, Ipv4Addr};

use super::{
    context::Context,
    model::Address,
    statement::{Line, Statement},
    value,
};
use crate::source::{Span, Word};

/// An address as written.
#[derive(Debug)]
pub(super) struct AddressDraft {
    /// What it says.
    pub(super) address: Address,
    /// Where.
    pub(super) span: Span,
}

/// The entries of a block; faulty ones are left out.
pub(super) fn entries(body: &[Statement], ctx: &mut Context<'_>) -> Vec<AddressDraft> {
    body.iter()
        .filter_map(|statement| entry(statement, ctx))
        .collect()
}

fn entry(statement: &Statement, ctx: &mut Context<'_>) -> Option<AddressDraft> {
    let word = &statement.words[0];
    let (address, prefix) = with_prefix(word, ctx)?;
    let mut line = Line::new(statement);
    let mut draft = Address {
        address,
        prefix,
        interface: None,
        label: None,
        broadcast: None,
        scope: None,
        peer: None,
        home: false,
        detect_duplicates: false,
        // Such an address is for being reached, not for going out.
        preferred_lifetime: (address.is_ipv6() && prefix == 128).then_some(0),
    };
    let mut sound = true;
    while let Some(option) = line.args.next() {
        sound &= apply(option, &mut draft, &mut line, ctx).is_some();
    }
    line.finish(ctx);
    sound.then_some(AddressDraft {
        address: draft,
        span: word.span,
    })
}

/// `10.0.0.1/24`; without a prefix a host address, as in keepalived.
fn with_prefix(word: &Word, ctx: &mut Context<'_>) -> Option<(IpAddr, u8)> {
    let (text, prefix) = match word.text.split_once('/') {
        Some((text, prefix)) => (text, Some(prefix)),
        None => (word.text.as_str(), None),
    };
    let bare = Word {
        text: text.to_owned(),
        span: word.span,
    };
    let address = value::address(&bare, ctx)?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let Some(prefix) = prefix else {
        return Some((address, longest));
    };
    let parsed = prefix.parse().ok().filter(|prefix| *prefix <= longest);
    if parsed.is_none() {
        let message = format!("`/{prefix}` is no prefix length; /{longest} is taken");
        ctx.fault("bad-prefix", word.span, message)
            .suggest(format!("`{text}/24`, at most /{longest}"));
    }
    Some((address, parsed.unwrap_or(longest)))
}

/// One option of an address; `None` if the address cannot be used.
fn apply(
    option: &Word,
    draft: &mut Address,
    line: &mut Line<'_>,
    ctx: &mut Context<'_>,
) -> Option<()> {
    match option.text.as_str() {
        "dev" => draft.interface = Some(value::interface_after(line, ctx)?),
        "label" => label(draft, line, ctx)?,
        "brd" | "broadcast" => broadcast(draft, line, ctx)?,
        "scope" => draft.scope = scope_after(line, ctx),
        "peer" => draft.peer = Some(peer(line, ctx)?),
        "home" => draft.home = true,
        "-nodad" => draft.detect_duplicates = true,
        "preferred_lft" => draft.preferred_lifetime = lifetime(line, ctx),
        "no_track" | "mngtmpaddr" | "noprefixroute" | "autojoin" | "use_vmac" => {
            without_effect(option, ctx);
        }
        "track_group" => {
            line.args.next();
            without_effect(option, ctx);
        }
        other => {
            let message = format!("`{other}` is no option of an address");
            let advice = if other.parse::<IpAddr>().is_ok() {
                Some("each address stands on a line of its own".to_owned())
            } else {
                ctx.nearest(other, OPTIONS.iter().copied())
            };
            let found = ctx.fault("unknown-keyword", option.span, message);
            if let Some(advice) = advice {
                found.suggest(advice);
            }
            // Its value, if it was meant to have one.
            line.args.take_rest();
        }
    }
    Some(())
}

const OPTIONS: &[&str] = &[
    "dev",
    "label",
    "brd",
    "scope",
    "peer",
    "home",
    "-nodad",
    "preferred_lft",
    "no_track",
    "mngtmpaddr",
    "noprefixroute",
    "autojoin",
    "use_vmac",
];

fn without_effect(option: &Word, ctx: &mut Context<'_>) {
    let reason = match option.text.as_str() {
        "no_track" => "an address that somebody deletes while it is held is put back",
        "use_vmac" => "the address is on the interface itself, with its own hardware address",
        "track_group" => "static addresses are not tracked",
        _ => "the kernel's default holds for the address",
    };
    let message = format!("`{}` has no effect: {reason}", option.text);
    ctx.d.warning("not-done", option.span, message);
}

fn label(draft: &mut Address, line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<()> {
    let word = line.required("a label after `label`", ctx)?;
    if draft.address.is_ipv6() {
        let message = "IPv6 addresses have no labels";
        ctx.fault("bad-label", word.span, message);
        return Some(());
    }
    if word.text.len() > 15 {
        let message = format!("the label `{}` is longer than 15 letters", word.text);
        ctx.fault("bad-label", word.span, message);
        return None;
    }
    draft.label = Some(word.text.clone());
    Some(())
}

fn broadcast(draft: &mut Address, line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<()> {
    let word = line.required("an address after `brd`", ctx)?;
    let IpAddr::V4(address) = draft.address else {
        ctx.fault("bad-broadcast", word.span, "IPv6 has no broadcast");
        return Some(());
    };
    let hosts = u32::MAX.checked_shr(u32::from(draft.prefix)).unwrap_or(0);
    let network = u32::from(address) & !hosts;
    draft.broadcast = match word.text.as_str() {
        "+" => Some(Ipv4Addr::from(network | hosts)),
        "-" => Some(Ipv4Addr::from(network)),
        text => text.parse().ok(),
    };
    if draft.broadcast.is_none() {
        let message = format!("`{}` is not an IPv4 address", word.text);
        ctx.fault("bad-broadcast", word.span, message)
            .suggest("`+` for that of the network");
    }
    draft.broadcast.map(|_| ())
}

fn peer(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<IpAddr> {
    let word = line.required("an address after `peer`", ctx)?;
    with_prefix(word, ctx).map(|(address, _)| address)
}

fn lifetime(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<u32> {
    if line.args.take_if("forever") {
        return None;
    }
    value::integer_after(line, "a lifetime in seconds", value::ANY_COUNT, ctx)
}

/// A scope by name or number (rtnetlink(7)).
pub(super) fn scope_after(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<u8> {
    let word = line.required("a scope", ctx)?;
    let scope = match word.text.as_str() {
        "global" | "universe" => Some(0),
        "site" => Some(200),
        "link" => Some(253),
        "host" => Some(254),
        "nowhere" => Some(255),
        number => number.parse().ok(),
    };
    if scope.is_none() {
        let message = format!("`{}` is not a scope", word.text);
        ctx.fault("bad-scope", word.span, message)
            .suggest("`global`, `site`, `link`, `host` or `nowhere`");
    }
    scope
}
