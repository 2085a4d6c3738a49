//! How addresses are announced: keywords of `global_defs` and, without `vrrp_`, of instances.

use std::time::Duration;

use pontoon_engine::vrrp::settings::Announcements;

use crate::keepalived::{
    context::Context,
    global::GlobalDraft,
    keyword::Keyword,
    statement::Line,
    value::{self, DAY},
};

/// What is said about gratuitous ARP and neighbour advertisements in one place.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::keepalived) struct GarpDraft {
    delay: Option<Duration>,
    repeat: Option<u32>,
    refresh: Option<Duration>,
    refresh_repeat: Option<u32>,
    /// `garp_lower_prio_delay`.
    pub(in crate::keepalived) lower_delay: Option<Duration>,
    /// `garp_lower_prio_repeat`.
    pub(in crate::keepalived) lower_repeat: Option<u32>,
}

/// What can say how addresses are announced.
pub(in crate::keepalived) trait Announces: 'static {
    /// Where that is noted.
    fn garp(&mut self) -> &mut GarpDraft;
}

/// The keywords, of `global_defs` and of instances.
const NAMES: [[&str; 6]; 2] = [
    [
        "vrrp_garp_master_delay",
        "vrrp_garp_master_repeat",
        "vrrp_garp_master_refresh",
        "vrrp_garp_master_refresh_repeat",
        "vrrp_garp_lower_prio_delay",
        "vrrp_garp_lower_prio_repeat",
    ],
    [
        "garp_master_delay",
        "garp_master_repeat",
        "garp_master_refresh",
        "garp_master_refresh_repeat",
        "garp_lower_prio_delay",
        "garp_lower_prio_repeat",
    ],
];

/// The keywords of `global_defs`.
pub(in crate::keepalived) const fn global<C: Announces>() -> [Keyword<C>; 6] {
    keywords(&NAMES[0])
}

/// The keywords of an instance.
pub(in crate::keepalived) const fn instance<C: Announces>() -> [Keyword<C>; 6] {
    keywords(&NAMES[1])
}

const fn keywords<C: Announces>(names: &'static [&'static str; 6]) -> [Keyword<C>; 6] {
    [
        Keyword::supported(
            names[0],
            "<seconds>",
            "When a new master announces its addresses once more; 0: never (5).",
            |draft, line, ctx| set(&mut draft.garp().delay, whole_seconds(line, ctx)),
        ),
        Keyword::supported(
            names[1],
            "<number>",
            "How often a new master announces each address, at once and once more (5).",
            |draft, line, ctx| set(&mut draft.garp().repeat, repeat(line, ctx)),
        ),
        Keyword::supported(
            names[2],
            "<seconds>",
            "How often a master announces its addresses for as long as it is one; 0: never (0).",
            |draft, line, ctx| set(&mut draft.garp().refresh, whole_seconds(line, ctx)),
        ),
        Keyword::supported(
            names[3],
            "<number>",
            "How often it announces each address then (1).",
            |draft, line, ctx| set(&mut draft.garp().refresh_repeat, repeat(line, ctx)),
        ),
        Keyword::supported(
            names[4],
            "<seconds>",
            "When a master that has heard a lower priority announces its addresses once more (as for a new master).",
            |draft, line, ctx| set(&mut draft.garp().lower_delay, whole_seconds(line, ctx)),
        ),
        Keyword::supported(
            names[5],
            "<number>",
            "How often a master that has heard a lower priority announces each address (as for a new master).",
            |draft, line, ctx| {
                let number = value::integer_after(line, "a number of times", value::ANY_COUNT, ctx);
                set(&mut draft.garp().lower_repeat, number);
            },
        ),
    ]
}

/// The keywords of `global_defs` that have no twin in an instance.
pub(super) const KEYWORDS: &[Keyword<GlobalDraft>] = &[
    Keyword::supported(
        "vrrp_min_garp",
        "[<switch>]",
        "A new master announces each address once, and not again.",
        |draft, line, ctx| {
            if let Some(on) = value::switch_after(line, ctx) {
                draft.min_garp = on;
            }
        },
    ),
    Keyword::supported(
        "vrrp_garp_interval",
        "<seconds>",
        "Between two gratuitous ARPs on an interface (0).",
        |draft, line, ctx| {
            set(
                &mut draft.garp_interval,
                value::seconds_after(line, 3600, ctx),
            )
        },
    ),
    Keyword::supported(
        "vrrp_gna_interval",
        "<seconds>",
        "Between two neighbour advertisements on an interface (0).",
        |draft, line, ctx| {
            set(
                &mut draft.gna_interval,
                value::seconds_after(line, 3600, ctx),
            )
        },
    ),
    Keyword::without(
        "vrrp_garp_extra_if",
        "[all] <seconds>",
        "Announces addresses on other interfaces than the instance's again and again.",
        "each address is announced on the interface that holds it; `vrrp_garp_master_refresh` does it again and again",
    ),
    Keyword::without(
        "garp_master_delay",
        "<seconds>",
        "The instance's keyword in the wrong place.",
        "in `global_defs` keepalived knows `vrrp_garp_master_delay` only",
    ),
];

fn set<T>(place: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *place = value;
    }
}

fn whole_seconds(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<Duration> {
    let seconds: u32 = value::integer_after(line, "a number of seconds", 0..=i64::from(DAY), ctx)?;
    Some(Duration::from_secs(u64::from(seconds)))
}

/// Zero announcements would leave neighbours with the old place; keepalived takes it for one.
fn repeat(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<u32> {
    let word = line.required("a number of times", ctx)?;
    if word.text == "0" {
        let message = "an address must be announced at least once; 1 is taken";
        ctx.fault("bad-number", word.span, message);
        return Some(1);
    }
    value::integer(word, "a number of times", value::ANY_COUNT, ctx)
}

/// What holds for an instance: its own word, else the global one, else the default.
pub(in crate::keepalived) fn resolve(own: &GarpDraft, global: &GlobalDraft) -> Announcements {
    let all = &global.garp;
    let (repeat, delay) = if global.min_garp { (1, 0) } else { (5, 5) };
    let repeat = own.repeat.or(all.repeat).unwrap_or(repeat);
    let again_after = own.delay.or(all.delay);
    let again_after = again_after.unwrap_or(Duration::from_secs(delay));
    let refresh = own.refresh.or(all.refresh);
    Announcements {
        repeat,
        again_after,
        refresh: refresh.filter(|time| !time.is_zero()),
        refresh_repeat: own.refresh_repeat.or(all.refresh_repeat).unwrap_or(1),
        lower_prio_repeat: own.lower_repeat.or(all.lower_repeat).unwrap_or(repeat),
        lower_prio_again_after: own.lower_delay.or(all.lower_delay).unwrap_or(again_after),
    }
}
