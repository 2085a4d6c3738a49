//! Instances that will not do what their file seems to say.

use pontoon_engine::vrrp::Priority;

use crate::keepalived::{
    blocks::Written,
    context::Context,
    instance::InstanceDraft,
    model::{Instance, Model, Notify},
};

/// Looks at all instances.
pub(super) fn run(model: &Model, written: &Written, ctx: &mut Context<'_>) {
    if written.instances.is_empty() {
        let message = "there is no `vrrp_instance`: this node takes part in no election";
        let severity = crate::diagnostic::Severity::Warning;
        ctx.d.add(severity, "no-instance", None, message);
    }
    for instance in &model.instances {
        let named = |draft: &&InstanceDraft| draft.name.text == *instance.name;
        let Some(draft) = written.instances.iter().find(named) else {
            continue;
        };
        nothing_to_move(instance, model, draft, ctx);
        owner(draft, ctx);
        own_peer(draft, ctx);
        if draft.interval.is_none() {
            let message = "there is no `advert_int`: an advertisement is sent each second";
            ctx.d.note("default-interval", draft.name.span, message);
        }
    }
}

fn nothing_to_move(
    instance: &Instance,
    model: &Model,
    draft: &InstanceDraft,
    ctx: &mut Context<'_>,
) {
    let holds = !instance.addresses.is_empty()
        || !instance.excluded.is_empty()
        || !instance.routes.is_empty()
        || !instance.floating_ips.is_empty();
    let tells = runs(&instance.notify) || !model.global.notify_fifos.is_empty();
    let index = model
        .instances
        .iter()
        .position(|it| it.name == instance.name);
    let in_group = |member| {
        let mut groups = model.groups.iter();
        groups.any(|group| group.members.contains(&member) && runs(&group.notify))
    };
    if !holds && !tells && !index.is_some_and(in_group) {
        let message = format!(
            "nothing moves with `{}`: it has no address, no route and no `notify`",
            instance.name
        );
        ctx.d
            .warning("nothing-moves", draft.name.span, message)
            .suggest("`virtual_ipaddress { <address> }`");
    }
}

fn runs(notify: &Notify) -> bool {
    let commands = [&notify.master, &notify.backup, &notify.any];
    commands.iter().any(|command| command.is_some())
}

/// Priority 255 does not wait, track or lose an election.
fn owner(draft: &InstanceDraft, ctx: &mut Context<'_>) {
    match (draft.wants_master, draft.priority) {
        (Some(state), None) if state.value => {
            let message = "`state MASTER` without `priority` means priority 255: it becomes master at once, and nothing tracked changes that";
            ctx.d
                .warning("owner", state.span, message)
                .suggest("add a `priority` below 255");
        }
        (Some(state), Some(priority)) if !state.value && priority.value == Priority::OWNER => {
            let message = "priority 255 becomes master at once, whatever `state` says";
            ctx.d
                .warning("owner", priority.span, message)
                .suggest("give a `priority` below 255");
        }
        _ => {}
    }
}

fn own_peer(draft: &InstanceDraft, ctx: &mut Context<'_>) {
    let Some(source) = draft.source else { return };
    for peer in draft
        .peer_spans
        .iter()
        .filter(|it| it.value == source.value)
    {
        let message = format!("`{}` is this node itself, not a peer", peer.value);
        ctx.d
            .warning("own-peer", peer.span, message)
            .suggest("name the other nodes only");
    }
}
