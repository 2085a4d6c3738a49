//! What an instance or a group tracks: names to indices, weights.

use std::sync::Arc;

use crate::{
    keepalived::{
        context::Context,
        model::{Model, Tracked, TrackedInterface, Tracks},
        track::{TrackDraft, TracksDraft},
    },
    source::Span,
};

/// Resolves the names of what is tracked.
pub(super) fn resolve(draft: &TracksDraft, model: &Model, ctx: &mut Context<'_>) -> Tracks {
    let scripts = model
        .scripts
        .iter()
        .map(|it| declared(&it.name, it.weight, it.reverse));
    let scripts: Vec<_> = scripts.collect();
    let files = model
        .files
        .iter()
        .map(|it| declared(&it.name, it.weight, it.reverse));
    let files: Vec<_> = files.collect();
    let processes = model
        .processes
        .iter()
        .map(|it| declared(&it.name, it.weight, it.reverse));
    let processes: Vec<_> = processes.collect();
    Tracks {
        interfaces: draft.interfaces.iter().map(interface).collect(),
        scripts: named(&draft.scripts, "vrrp_script", &scripts, ctx),
        files: named(&draft.files, "track_file", &files, ctx),
        processes: named(&draft.processes, "vrrp_track_process", &processes, ctx),
    }
}

/// What can be tracked, and how if nothing else is said.
struct Declared {
    name: Arc<str>,
    weight: i16,
    reverse: bool,
}

fn declared(name: &Arc<str>, weight: i16, reverse: bool) -> Declared {
    Declared {
        name: Arc::clone(name),
        weight,
        reverse,
    }
}

fn interface(draft: &TrackDraft) -> TrackedInterface {
    TrackedInterface {
        name: draft.name.text.clone(),
        weight: draft.weight.unwrap_or(0),
        reverse: draft.reverse.unwrap_or(false),
    }
}

fn named(
    drafts: &[TrackDraft],
    kind: &str,
    known: &[Declared],
    ctx: &mut Context<'_>,
) -> Vec<Tracked> {
    drafts
        .iter()
        .filter_map(|draft| {
            let name = draft.name.text.as_str();
            let Some(index) = known.iter().position(|it| &*it.name == name) else {
                unknown(draft, kind, known, ctx);
                return None;
            };
            let declared = &known[index];
            Some(Tracked {
                index,
                weight: draft.weight.unwrap_or(declared.weight),
                reverse: draft.reverse.unwrap_or(declared.reverse),
            })
        })
        .collect()
}

fn unknown(draft: &TrackDraft, kind: &str, known: &[Declared], ctx: &mut Context<'_>) {
    let name = &draft.name.text;
    let advice = ctx.nearest(name, known.iter().map(|it| &*it.name));
    let advice = advice.unwrap_or_else(|| format!("declare it: `{kind} {name} {{ … }}`"));
    let message = format!("there is no `{kind}` called `{name}`");
    ctx.fault("unknown-track", draft.name.span, message)
        .suggest(advice);
}

/// Takes out what would change a priority that cannot change.
pub(super) fn drop_weights(tracks: &mut Tracks, why: &str, span: Span, ctx: &mut Context<'_>) {
    let weighted = |it: &Tracked| it.weight != 0;
    let count = |list: &[Tracked]| list.iter().filter(|it| weighted(it)).count();
    let interfaces = tracks.interfaces.iter().filter(|it| it.weight != 0).count();
    let dropped =
        interfaces + count(&tracks.scripts) + count(&tracks.files) + count(&tracks.processes);
    if dropped == 0 {
        return;
    }
    tracks.interfaces.retain(|it| it.weight == 0);
    tracks.scripts.retain(|it| !weighted(it));
    tracks.files.retain(|it| !weighted(it));
    tracks.processes.retain(|it| !weighted(it));
    let message = format!("what this instance tracks with a weight is not tracked: {why}");
    ctx.d
        .warning("ignored-weight", span, message)
        .suggest("`weight 0`: a failure is a fault");
}
