//! Who becomes master.

use std::time::Duration;

use pontoon_engine::vrrp::{Priority, Vrid};

use super::{At, InstanceDraft};
use crate::keepalived::{context::Context, global, keyword::Keyword, statement::Line, value};

pub(super) const KEYWORDS: &[Keyword<InstanceDraft>] = &[
    Keyword::supported(
        "state",
        "MASTER|BACKUP",
        "Without `priority`, MASTER means 255. Every instance begins as backup.",
        state,
    ),
    Keyword::supported(
        "virtual_router_id",
        "<1…255>",
        "The number of the virtual router, the same on all its nodes.",
        vrid,
    ),
    Keyword::supported(
        "priority",
        "<1…255>",
        "The highest becomes master; 255 owns the addresses (100, or 255 with `state MASTER`).",
        priority,
    ),
    Keyword::supported(
        "advert_int",
        "<seconds>",
        "Between two advertisements (1; fractions with version 3).",
        interval,
    ),
    Keyword::supported(
        "version",
        "2|3",
        "The version of the protocol.",
        |draft, line, ctx| {
            let span = line.span();
            if let Some(value) = global::vrrp::version_after(line, ctx) {
                draft.version = Some(At { value, span });
            }
        },
    ),
    Keyword::supported(
        "nopreempt",
        "",
        "A living master of lower priority stays.",
        |draft, line, _| {
            // keepalived takes no word after it, and overlooks one.
            line.args.take_rest();
            draft.nopreempt = Some(line.span());
        },
    ),
    Keyword::supported(
        "preempt",
        "",
        "A living master of lower priority is replaced; so it is anyway.",
        |draft, _, _| draft.nopreempt = None,
    ),
    Keyword::supported(
        "preempt_delay",
        "<0…1000>",
        "How long a living master of lower priority stays (0).",
        |draft, line, ctx| {
            let span = line.span();
            if let Some(value) = value::seconds_after(line, 1000, ctx) {
                draft.preempt_delay = Some(At { value, span });
            }
        },
    ),
    Keyword::supported(
        "down_timer_adverts",
        "<1…100>",
        "How many intervals without a word make a master dead (3).",
        |draft, line, ctx| {
            let number = value::integer_after(line, "a number of intervals", 1..=100, ctx);
            draft.down_timer_adverts = number.or(draft.down_timer_adverts);
        },
    ),
    Keyword::supported(
        "lower_prio_no_advert",
        "[<switch>]",
        "A master that hears a lower priority sends no advertisement.",
        |draft, line, ctx| draft.lower_prio_no_advert = switch(line, ctx),
    ),
    Keyword::supported(
        "higher_prio_send_advert",
        "[<switch>]",
        "A master that yields to a higher priority sends one last advertisement.",
        |draft, line, ctx| draft.higher_prio_send_advert = switch(line, ctx),
    ),
    Keyword::supported(
        "skip_check_adv_addr",
        "[<switch>]",
        "Advertisements that list other addresses are accepted without a word.",
        |draft, line, ctx| draft.skip_address_check = value::switch_after(line, ctx),
    ),
    Keyword::supported(
        "strict_mode",
        "[<switch>]",
        "Holds the instance to the letter of the protocol (`vrrp_strict`).",
        |draft, line, ctx| draft.strict = value::switch_after(line, ctx),
    ),
    Keyword::supported(
        "dont_track_primary",
        "",
        "The instance's own interface may be down.",
        |draft, _, _| draft.dont_track_primary = true,
    ),
    Keyword::supported(
        "dont_track_proxy",
        "",
        "Pontoon's own: the node's proxy may be down.",
        |draft, _, _| draft.dont_track_proxy = true,
    ),
    Keyword::supported(
        "debug",
        "<0…4>",
        "How much is logged about it (0).",
        |draft, line, ctx| {
            if let Some(level) = value::integer_after(line, "a debug level", 0..=4, ctx) {
                draft.debug = level;
            }
        },
    ),
];

fn switch(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<At<bool>> {
    let span = line.span();
    value::switch_after(line, ctx).map(|value| At { value, span })
}

fn state(draft: &mut InstanceDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    let span = line.span();
    let Some(word) = line.required("`MASTER` or `BACKUP`", ctx) else {
        return;
    };
    let value = word.text == "MASTER";
    if !value && word.text != "BACKUP" {
        let message = format!("`{}` is not a state to begin in", word.text);
        ctx.fault("bad-state", word.span, message)
            .suggest("`MASTER` or `BACKUP`");
    }
    draft.wants_master = Some(At { value, span });
}

fn vrid(draft: &mut InstanceDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    let span = line.span();
    let number = value::integer_after(line, "a virtual router id", 1..=255, ctx);
    let vrid = number.and_then(Vrid::new);
    draft.bad_vrid |= vrid.is_none();
    draft.vrid = vrid.map(|value| At { value, span });
}

fn priority(draft: &mut InstanceDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    let span = line.span();
    let number = value::integer_after(line, "a priority", 1..=255, ctx);
    // A priority that cannot be is 100 in keepalived, even with `state MASTER`.
    let value = number.map_or(Priority::DEFAULT, Priority);
    draft.priority = Some(At { value, span });
}

fn interval(draft: &mut InstanceDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    let span = line.span();
    let Some(word) = line.required("a number of seconds", ctx) else {
        return;
    };
    let (least, most) = (Duration::from_millis(10), Duration::from_secs(255));
    if let Some(value) = value::seconds(word, least, most, ctx) {
        draft.interval = Some(At { value, span });
    }
}
