//! Scripts: who may change them, how long they take, whether anybody wants them.

use crate::{
    diagnostic::Severity,
    keepalived::{
        blocks::Written,
        context::Context,
        model::{Model, Tracks},
        script::ScriptDraft,
    },
    source::{Span, Word},
};

/// Looks at all scripts.
pub(super) fn run(model: &Model, written: &Written, ctx: &mut Context<'_>) {
    for draft in &written.scripts {
        slow(draft, ctx);
        asks_for_the_proxy(draft, ctx);
    }
    unused(model, written, ctx);
    for command in ctx.commands.clone() {
        writable(&command, ctx);
    }
    unguarded(model, ctx);
}

fn slow(draft: &ScriptDraft, ctx: &mut Context<'_>) {
    let Some((timeout, span)) = draft.timeout else {
        return;
    };
    if timeout > draft.interval {
        let message = format!(
            "a script may take longer than its interval: the next run waits up to {} s",
            timeout.as_secs_f64()
        );
        ctx.d
            .note("timeout-over-interval", span, message)
            .suggest("a `timeout` below the `interval` notices a hung script sooner");
    }
}

/// The classic check: whether there is a process called haproxy.
fn asks_for_the_proxy(draft: &ScriptDraft, ctx: &mut Context<'_>) {
    let Some(command) = &draft.command else {
        return;
    };
    let text = &command.text;
    let asks = ["killall -0", "pidof", "pgrep"]
        .iter()
        .any(|it| text.contains(it));
    if asks && text.contains("haproxy") {
        let message =
            "this asks whether haproxy runs, which the election is told of at once anyway";
        ctx.d.note("asks-for-proxy", command.span, message);
    }
}

fn unused(model: &Model, written: &Written, ctx: &mut Context<'_>) {
    let tracks = model.instances.iter().map(|it| &it.tracks);
    let tracks: Vec<&Tracks> = tracks
        .chain(model.groups.iter().map(|it| &it.tracks))
        .collect();
    for (index, script) in model.scripts.iter().enumerate() {
        let mut tracked = tracks.iter().flat_map(|it| &it.scripts);
        if tracked.any(|it| it.index == index) {
            continue;
        }
        let draft = written
            .scripts
            .iter()
            .find(|it| it.name.text == *script.name);
        let span = draft.map_or_else(Span::default, |it| it.name.span);
        let message = format!("nothing tracks the script `{}`: it is not run", script.name);
        ctx.d
            .warning("unused-script", span, message)
            .suggest(format!(
                "`track_script {{ {} }}` in an instance",
                script.name
            ));
    }
}

/// A script that anybody may change is run by whoever changes it.
fn writable(command: &Word, ctx: &mut Context<'_>) {
    let path = command.text.split_whitespace().next().unwrap_or("");
    let mode = if path.starts_with('/') {
        ctx.surroundings.permissions(path)
    } else {
        None
    };
    if mode.is_some_and(|mode| mode & 0o002 != 0) {
        let message = format!("anybody may change {path}");
        ctx.d
            .warning("writable-script", command.span, message)
            .suggest(format!("chmod o-w {path}"));
    }
}

fn unguarded(model: &Model, ctx: &mut Context<'_>) {
    if !model.global.script_security && !ctx.commands.is_empty() {
        let message = "scripts are run without a look at who may change them";
        ctx.d
            .add(Severity::Warning, "script-security", None, message)
            .suggest("`enable_script_security` in `global_defs`, with `script_user`");
    }
}
