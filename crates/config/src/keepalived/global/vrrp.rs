//! Defaults of all instances.

use std::net::IpAddr;

use pontoon_engine::vrrp::Version;

use super::GlobalDraft;
use crate::keepalived::{
    context::Context,
    keyword::Keyword,
    statement::Line,
    value::{self, DAY},
};

pub(super) const KEYWORDS: &[Keyword<GlobalDraft>] = &[
    Keyword::supported(
        "vrrp_version",
        "2|3",
        "The version of the protocol (2; IPv6 speaks 3).",
        |draft, line, ctx| draft.version = version_after(line, ctx).or(draft.version),
    ),
    Keyword::supported(
        "vrrp_mcast_group4",
        "<address>",
        "The IPv4 group (224.0.0.18).",
        |draft, line, ctx| {
            if let Some(IpAddr::V4(group)) = group(line, false, ctx) {
                draft.group4 = Some(group);
            }
        },
    ),
    Keyword::supported(
        "vrrp_mcast_group6",
        "<address>",
        "The IPv6 group (ff02::12).",
        |draft, line, ctx| {
            if let Some(IpAddr::V6(group)) = group(line, true, ctx) {
                draft.group6 = Some(group);
            }
        },
    ),
    Keyword::supported(
        "vrrp_startup_delay",
        "<seconds>",
        "After a start, how long this node only listens (0).",
        |draft, line, ctx| draft.startup_delay = value::seconds_after(line, DAY, ctx),
    ),
    Keyword::supported(
        "vrrp_strict",
        "",
        "Holds all instances to the letter of the protocol.",
        |draft, _, _| draft.strict = true,
    ),
    Keyword::supported(
        "vrrp_skip_check_adv_addr",
        "[<switch>]",
        "Advertisements that list other addresses are accepted without a word.",
        |draft, line, ctx| {
            if let Some(on) = value::switch_after(line, ctx) {
                draft.skip_address_check = on;
            }
        },
    ),
    Keyword::supported(
        "vrrp_check_unicast_src",
        "",
        "With unicast, others than the peers are not heard.",
        |draft, _, _| draft.check_unicast_source = true,
    ),
    Keyword::supported(
        "vrrp_down_timer_adverts",
        "<1…100>",
        "How many intervals without a word make a master dead (3).",
        |draft, line, ctx| {
            let number = value::integer_after(line, "a number of intervals", 1..=100, ctx);
            draft.down_timer_adverts = number.or(draft.down_timer_adverts);
        },
    ),
    Keyword::supported(
        "vrrp_lower_prio_no_advert",
        "[<switch>]",
        "A master that hears a lower priority sends no advertisement (off).",
        |draft, line, ctx| draft.lower_prio_no_advert = value::switch_after(line, ctx),
    ),
    Keyword::supported(
        "vrrp_higher_prio_send_advert",
        "[<switch>]",
        "A master that yields to a higher priority sends one last advertisement (off).",
        |draft, line, ctx| draft.higher_prio_send_advert = value::switch_after(line, ctx),
    ),
    Keyword::without(
        "log_unknown_vrids",
        "",
        "Logs advertisements of virtual routers that are not configured.",
        "advertisements of other virtual routers are overlooked",
    ),
];

/// `2` or `3`.
pub(in crate::keepalived) fn version_after(
    line: &mut Line<'_>,
    ctx: &mut Context<'_>,
) -> Option<Version> {
    let number: u8 = value::integer_after(line, "a version of VRRP", 2..=3, ctx)?;
    Some(if number == 2 {
        Version::V2
    } else {
        Version::V3
    })
}

fn group(line: &mut Line<'_>, ipv6: bool, ctx: &mut Context<'_>) -> Option<IpAddr> {
    let word = line.required("a multicast address", ctx)?;
    let group = value::address(word, ctx)?;
    if group.is_ipv6() != ipv6 || !group.is_multicast() {
        let family = if ipv6 { "IPv6" } else { "IPv4" };
        let message = format!("`{group}` is not an {family} multicast address");
        ctx.fault("bad-group", word.span, message);
        return None;
    }
    if let IpAddr::V6(group) = group
        && group.segments()[0] & 0xf != 2
    {
        let message = format!("`{group}` should be link-local, as in `ff02::12`");
        ctx.d.warning("wide-group", word.span, message);
    }
    Some(group)
}
