//! Sync groups: their members by name, and what membership does to weights.

use std::sync::Arc;

use super::tracks;
use crate::{
    keepalived::{
        blocks::Written,
        context::Context,
        group::GroupDraft,
        model::{Group, Model},
    },
    source::Word,
};

/// All groups that have members.
pub(super) fn all(written: &Written, model: &mut Model, ctx: &mut Context<'_>) -> Vec<Group> {
    let mut taken = Vec::new();
    let mut groups = Vec::new();
    for draft in &written.groups {
        let members = members(draft, written, model, &mut taken, ctx);
        if members.is_empty() {
            let message = format!("the sync group `{}` has no members", draft.name.text);
            ctx.fault("empty-group", draft.name.span, message)
                .suggest("`group { VI_1 … }` names instances");
            continue;
        }
        if members.len() == 1 {
            let message = format!("the sync group `{}` has one member only", draft.name.text);
            ctx.d.warning("lonely-group", draft.name.span, message);
        }
        if !draft.weights_allowed {
            for member in &members {
                let why = "it is in a sync group, where only faults count";
                let tracks = &mut model.instances[*member].tracks;
                tracks::drop_weights(tracks, why, draft.name.span, ctx);
            }
        }
        let tracks = tracks::resolve(&draft.tracks, model, ctx);
        groups.push(Group {
            name: Arc::from(draft.name.text.as_str()),
            members,
            tracks,
            notify: draft.notify.clone(),
        });
    }
    groups
}

fn members(
    draft: &GroupDraft,
    written: &Written,
    model: &Model,
    taken: &mut Vec<usize>,
    ctx: &mut Context<'_>,
) -> Vec<usize> {
    let mut members = Vec::new();
    for word in &draft.members {
        let named = |name: &str| name == word.text;
        match model.instances.iter().position(|it| named(&it.name)) {
            Some(index) if taken.contains(&index) => {
                let message = format!("`{}` is in a sync group already", word.text);
                ctx.fault("two-groups", word.span, message);
            }
            Some(index) => {
                taken.push(index);
                members.push(index);
            }
            // An instance that was left out has had its own message.
            None if written.instances.iter().any(|it| named(&it.name.text)) => {}
            None => unknown(word, model, ctx),
        }
    }
    members
}

fn unknown(word: &Word, model: &Model, ctx: &mut Context<'_>) {
    let advice = ctx.nearest(&word.text, model.instances.iter().map(|it| &*it.name));
    let message = format!("there is no `vrrp_instance` called `{}`", word.text);
    let found = ctx.fault("unknown-instance", word.span, message);
    if let Some(advice) = advice {
        found.suggest(advice);
    }
}
