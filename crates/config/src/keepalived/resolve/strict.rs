//! `vrrp_strict`: what the protocol allows and no more, as keepalived enforces it.

use std::net::IpAddr;

use pontoon_engine::vrrp::{Priority, Version, settings::Preempt};

use crate::{
    keepalived::{context::Context, instance::InstanceDraft, model::Instance},
    source::Span,
};

/// Takes back what the protocol does not allow; `false`: nothing is left of the instance.
pub(super) fn enforce(
    instance: &mut Instance,
    draft: &InstanceDraft,
    ctx: &mut Context<'_>,
) -> bool {
    let name = draft.name.span;
    if instance.addresses.is_empty() {
        let message = "strict mode wants at least one address in `virtual_ipaddress`";
        ctx.fault("strict", name, message);
        return false;
    }
    let owner = instance.priority == Priority::OWNER;
    if draft.wants_master.is_some_and(|at| at.value != owner) {
        let span = draft.wants_master.map_or(name, |at| at.span);
        taken_back(
            "`state MASTER` belongs to priority 255 and to no other",
            span,
            ctx,
        );
        instance.wants_master = owner;
    }
    if instance.password.take().is_some() {
        let span = draft.auth_pass.map_or(name, |at| at.span);
        taken_back("no authentication", span, ctx);
    }
    if let (Preempt::After(_), Some(at)) = (instance.preempt, draft.preempt_delay) {
        taken_back("no `preempt_delay`", at.span, ctx);
        instance.preempt = Preempt::AtOnce;
    }
    advertisements(instance, draft, ctx);
    acceptance(instance, draft, ctx);
    peers_and_addresses(instance, draft, ctx);
    true
}

fn taken_back(rule: &str, span: Span, ctx: &mut Context<'_>) {
    let message = format!("strict mode: {rule}; this is taken back");
    ctx.d.warning("strict", span, message);
}

fn advertisements(instance: &mut Instance, draft: &InstanceDraft, ctx: &mut Context<'_>) {
    if let Some(at) = draft.lower_prio_no_advert.filter(|at| !at.value) {
        taken_back("a lower priority is not answered", at.span, ctx);
    }
    instance.lower_prio_no_advert = true;
    if instance.higher_prio_send_advert {
        let span = draft
            .higher_prio_send_advert
            .map_or(draft.name.span, |at| at.span);
        taken_back("a master that yields is silent", span, ctx);
        instance.higher_prio_send_advert = false;
    }
    if instance.announcements.refresh.take().is_some() {
        taken_back(
            "addresses are not announced again and again",
            draft.name.span,
            ctx,
        );
    }
}

/// Without a word about it, only the owner of the addresses accepts what arrives for them.
fn acceptance(instance: &mut Instance, draft: &InstanceDraft, ctx: &mut Context<'_>) {
    let owner = instance.priority == Priority::OWNER;
    match draft.accept {
        Some(at) if at.value && instance.version == Version::V2 => {
            taken_back("version 2 has no `accept`", at.span, ctx);
            instance.accept = owner;
        }
        Some(_) => {}
        None => instance.accept = owner,
    }
}

fn peers_and_addresses(instance: &Instance, draft: &InstanceDraft, ctx: &mut Context<'_>) {
    if instance.unicast_peers.is_some() {
        let span = draft.unicast.unwrap_or(draft.name.span);
        let message = "strict mode: the protocol knows no unicast; the peers are kept";
        ctx.d.warning("strict", span, message);
    }
    let first = instance.addresses.first().map(|it| it.address);
    if let (Some(IpAddr::V6(first)), Some(at)) = (first, draft.addresses.first())
        && !first.is_unicast_link_local()
    {
        let message = "strict mode: the first IPv6 address should be link-local";
        ctx.d.warning("strict", at.span, message);
    }
}
