//! Instances: defaults, and what does not go together.

use std::{sync::Arc, time::Duration};

use pontoon_engine::vrrp::{Priority, Version, settings::Preempt};

use super::{strict, tracks};
use crate::{
    keepalived::{
        address::AddressDraft,
        blocks::Written,
        context::Context,
        global::{GlobalDraft, garp},
        instance::{At, InstanceDraft},
        model::{Address, Instance, Model, UnicastPeer},
    },
    source::Span,
};

/// All instances that can be.
pub(super) fn all(written: &Written, model: &Model, ctx: &mut Context<'_>) -> Vec<Instance> {
    written
        .instances
        .iter()
        .filter_map(|draft| instance(draft, &written.global, model, ctx))
        .collect()
}

fn instance(
    draft: &InstanceDraft,
    global: &GlobalDraft,
    model: &Model,
    ctx: &mut Context<'_>,
) -> Option<Instance> {
    let (interface, vrid) = (interface(draft, ctx), vrid(draft, ctx));
    let ipv6 = draft.ipv6.unwrap_or(false);
    let version = version(draft, global, ipv6, ctx);
    let wants_master = draft.wants_master.is_some_and(|state| state.value);
    let priority = priority(draft, wants_master);
    let interval = interval(draft, version, ctx);
    let preempt = preempt(draft, wants_master, priority, ctx);
    let password = password(draft, version, ctx);
    let unicast_peers = unicast_peers(draft, ctx)?;
    let mut tracks = tracks::resolve(&draft.tracks, model, ctx);
    if priority == Priority::OWNER {
        let why = "priority 255 does not change";
        tracks::drop_weights(&mut tracks, why, draft.name.span, ctx);
    }
    let mut instance = Instance {
        name: Arc::from(draft.name.text.as_str()),
        location: ctx.location(draft.name.span),
        interface: interface?,
        vrid: vrid?,
        version,
        ipv6,
        priority,
        interval,
        wants_master,
        preempt,
        source: draft.source.map(|at| at.value),
        track_source: draft.track_source,
        unicast_peers,
        check_unicast_source: draft.check_unicast_source || global.check_unicast_source,
        unicast_ttl: draft.unicast_ttl,
        password,
        addresses: addresses(&draft.addresses),
        excluded: addresses(&draft.excluded),
        routes: draft.routes.clone(),
        promote_secondaries: draft.promote_secondaries,
        announcements: garp::resolve(&draft.garp, global),
        down_timer_adverts: draft
            .down_timer_adverts
            .or(global.down_timer_adverts)
            .unwrap_or(3),
        lower_prio_no_advert: switch(draft.lower_prio_no_advert, global.lower_prio_no_advert),
        higher_prio_send_advert: switch(
            draft.higher_prio_send_advert,
            global.higher_prio_send_advert,
        ),
        skip_address_check: draft
            .skip_address_check
            .unwrap_or(global.skip_address_check),
        accept: draft.accept.is_none_or(|at| at.value),
        track_primary: !draft.dont_track_primary,
        track_proxy: !draft.dont_track_proxy,
        floating_ips: Vec::new(),
        tracks,
        notify: draft.notify.clone(),
        debug: draft.debug,
    };
    confirm(&mut instance, draft, global, ctx).then_some(instance)
}

/// What is looked at once all of it is known; whether the instance can be.
fn confirm(
    instance: &mut Instance,
    draft: &InstanceDraft,
    global: &GlobalDraft,
    ctx: &mut Context<'_>,
) -> bool {
    if draft.strict.unwrap_or(global.strict) && !strict::enforce(instance, draft, ctx) {
        return false;
    }
    warn_of_filter(instance, draft, ctx);
    true
}

/// What an instance says itself, or else what all of them are told.
fn switch(own: Option<At<bool>>, global: Option<bool>) -> bool {
    own.map(|at| at.value).or(global).unwrap_or(false)
}

fn addresses(drafts: &[AddressDraft]) -> Vec<Address> {
    drafts.iter().map(|draft| draft.address.clone()).collect()
}

fn interface(draft: &InstanceDraft, ctx: &mut Context<'_>) -> Option<String> {
    let interface = draft.interface.as_ref().map(|at| at.value.clone());
    // One that cannot be has had its own message.
    if interface.is_none() && !draft.bad_interface {
        let message = format!("the instance `{}` has no `interface`", draft.name.text);
        // There, too, nothing starts then.
        ctx.d
            .error("missing-keyword", draft.name.span, message)
            .suggest("`interface eth0`; `ip route get <peer>` tells which one leads to the others");
    }
    interface
}

fn vrid(draft: &InstanceDraft, ctx: &mut Context<'_>) -> Option<pontoon_engine::vrrp::Vrid> {
    // One that cannot be has had its own message.
    if draft.vrid.is_none() && !draft.bad_vrid {
        let name = &draft.name.text;
        let message = format!("the instance `{name}` has no `virtual_router_id`");
        ctx.d
            .error("missing-keyword", draft.name.span, message)
            .suggest("`virtual_router_id 51`: the same number on all its nodes, 1 to 255");
    }
    draft.vrid.map(|at| at.value)
}

fn version(
    draft: &InstanceDraft,
    global: &GlobalDraft,
    ipv6: bool,
    ctx: &mut Context<'_>,
) -> Version {
    if !ipv6 {
        let own = draft.version.map(|at| at.value);
        return own.or(global.version).unwrap_or(Version::V2);
    }
    if let Some(at) = draft.version.filter(|at| at.value == Version::V2) {
        let message = "IPv6 has no version 2; the instance speaks version 3";
        ctx.d.warning("version-3", at.span, message);
    }
    Version::V3
}

fn priority(draft: &InstanceDraft, wants_master: bool) -> Priority {
    let unsaid = if wants_master {
        Priority::OWNER
    } else {
        Priority::DEFAULT
    };
    draft.priority.map_or(unsaid, |at| at.value)
}

/// The longest interval that fits the twelve bits of version 3.
const LONGEST_V3: Duration = Duration::from_millis(40_950);

/// What the wire can say: whole seconds in version 2, hundredths in version 3.
fn interval(draft: &InstanceDraft, version: Version, ctx: &mut Context<'_>) -> Duration {
    let Some(at) = draft.interval else {
        return Duration::from_secs(1);
    };
    let unit: u128 = if version == Version::V2 { 1000 } else { 10 };
    let units = ((at.value.as_millis() + unit / 2) / unit).max(1);
    let millis = u64::try_from(units * unit).unwrap_or(u64::MAX);
    let mut rounded = Duration::from_millis(millis);
    if version == Version::V3 {
        rounded = rounded.min(LONGEST_V3);
    }
    if rounded != at.value {
        let (said, taken) = (at.value.as_secs_f64(), rounded.as_secs_f64());
        let message = format!("an interval of {said} s cannot be sent; {taken} s is taken");
        let advice = if version == Version::V2 {
            "`version 3` on all nodes allows fractions"
        } else {
            "version 3 sends hundredths of a second, up to 40.95 s"
        };
        ctx.d
            .warning("rounded-interval", at.span, message)
            .suggest(advice);
    }
    rounded
}

fn preempt(
    draft: &InstanceDraft,
    wants_master: bool,
    priority: Priority,
    ctx: &mut Context<'_>,
) -> Preempt {
    let delay = draft.preempt_delay.filter(|at| !at.value.is_zero());
    let mut lost = |what: &str, why: &str, span: Span, advice: &str| {
        let message = format!("`{what}` does not work with {why}, and is not taken");
        ctx.d
            .warning("ignored-preemption", span, message)
            .suggest(advice);
    };
    let advice = "write `state BACKUP` on all nodes";
    match (draft.nopreempt, delay) {
        (Some(span), _) if priority == Priority::OWNER => {
            lost(
                "nopreempt",
                "priority 255",
                span,
                "give a `priority` below 255",
            );
        }
        (Some(span), _) if wants_master => lost("nopreempt", "`state MASTER`", span, advice),
        (None, Some(at)) if wants_master => {
            lost("preempt_delay", "`state MASTER`", at.span, advice);
        }
        (Some(_), Some(at)) => {
            lost(
                "preempt_delay",
                "`nopreempt`",
                at.span,
                "remove one of the two",
            );
            return Preempt::Never;
        }
        (Some(_), None) => return Preempt::Never,
        (None, Some(at)) => return Preempt::After(at.value),
        (None, None) => {}
    }
    Preempt::AtOnce
}

fn password(draft: &InstanceDraft, version: Version, ctx: &mut Context<'_>) -> Option<[u8; 8]> {
    let mut ignored = |span, why: &str, advice: &str| {
        let message = format!("the `authentication` is not used: {why}");
        ctx.d
            .warning("ignored-password", span, message)
            .suggest(advice);
    };
    match (draft.auth_type, draft.auth_pass) {
        (None, None) => {}
        (Some(kind), None) if kind.value => {
            ignored(
                kind.span,
                "there is no `auth_pass`",
                "add `auth_pass`, the same on all nodes",
            );
        }
        // Another kind has had its own message.
        (Some(kind), _) if !kind.value => {}
        (Some(_), Some(at)) if version == Version::V3 => {
            ignored(at.span, "version 3 has none", "remove it");
        }
        (None, Some(at)) => ignored(at.span, "there is no `auth_type`", "add `auth_type PASS`"),
        (_, password) => return password.map(|at| at.value),
    }
    None
}

/// The peers; `None`: the instance cannot be.
#[expect(clippy::option_option, reason = "no peers, and no instance")]
fn unicast_peers(
    draft: &InstanceDraft,
    ctx: &mut Context<'_>,
) -> Option<Option<std::collections::BTreeSet<UnicastPeer>>> {
    if !draft.peers.is_empty() {
        return Some(Some(draft.peers.clone()));
    }
    if let Some(span) = draft.unicast {
        let message = "there is no peer: a unicast keyword without any in `unicast_peer`";
        if draft.fault_without_peer {
            ctx.d
                .error(
                    "no-peer",
                    span,
                    format!("{message}, and `unicast_fault_no_peer`"),
                )
                .suggest("`unicast_peer { <address> }` names the others");
            return None;
        }
        ctx.d
            .warning("no-peer", span, format!("{message}; multicast is used"))
            .suggest("`unicast_peer { <address> }` names the others");
    }
    Some(None)
}

fn warn_of_filter(instance: &Instance, draft: &InstanceDraft, ctx: &mut Context<'_>) {
    if instance.accept || instance.priority == Priority::OWNER {
        return;
    }
    let span = draft.accept.map_or(draft.name.span, |at| at.span);
    let message =
        "no packet filter is set up: what arrives for the addresses is accepted all the same";
    ctx.d
        .warning("not-done", span, message)
        .suggest("drop it with your own nftables rules if that matters");
}

/// Two instances with one number on one interface hear each other.
pub(super) fn duplicates(model: &Model, written: &Written, ctx: &mut Context<'_>) {
    let mut seen: std::collections::HashMap<_, Vec<&Instance>> = std::collections::HashMap::new();
    for instance in &model.instances {
        let unicast = instance.unicast_peers.is_some();
        let key = (&instance.interface, instance.vrid, instance.ipv6, unicast);
        let others = seen.entry(key).or_default();
        if let Some(other) = others.iter().find(|other| hear_each_other(other, instance)) {
            let draft = written
                .instances
                .iter()
                .find(|it| it.name.text == *instance.name);
            let span = draft.map_or_else(Span::default, |it| {
                it.vrid.map_or(it.name.span, |at| at.span)
            });
            let (one, two, vrid) = (&other.name, &instance.name, instance.vrid);
            let message = format!(
                "`{one}` and `{two}` both are virtual router {vrid} on {}",
                instance.interface
            );
            ctx.d
                .error("duplicate-vrid", span, message)
                .suggest("each instance on an interface needs a `virtual_router_id` of its own");
        }
        others.push(instance);
    }
}

fn hear_each_other(one: &Instance, two: &Instance) -> bool {
    match (&one.unicast_peers, &two.unicast_peers) {
        (Some(one), Some(two)) => one
            .iter()
            .any(|peer| two.iter().any(|other| other.address == peer.address)),
        _ => true,
    }
}
