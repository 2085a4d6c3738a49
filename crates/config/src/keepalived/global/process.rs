//! Keywords about the process, its scripts and FIFOs, and Pontoon's own.

use std::{path::PathBuf, time::Duration};

use super::{FifoDraft, GlobalDraft};
use crate::keepalived::{
    context::Context,
    keyword::Keyword,
    notify,
    statement::Line,
    value::{self, DAY},
};

pub(super) const KEYWORDS: &[Keyword<GlobalDraft>] = &[
    Keyword::supported(
        "router_id",
        "<name>",
        "The name of this node (the host's name).",
        |draft, line, ctx| {
            draft.router_id = line.required("a name", ctx).map(|word| word.text.clone());
        },
    ),
    Keyword::supported(
        "script_user",
        "<user> [<group>]",
        "As whom scripts are run (`keepalived_script` if there is such a user, else the user Pontoon runs as).",
        |draft, line, ctx| {
            let user = line.required("a user", ctx);
            let group = line.args.next();
            draft.script_user = user.and_then(|user| ctx.account(user, group));
        },
    ),
    Keyword::supported(
        "enable_script_security",
        "",
        "Scripts that run as root are not run if somebody else may change them.",
        |draft, line, _| {
            // keepalived takes no word after it, and overlooks one.
            line.args.take_rest();
            draft.script_security = true;
        },
    ),
    Keyword::supported(
        "notify_fifo",
        "<path> [<user> [<group>]]",
        "A FIFO that is told every change.",
        |draft, line, ctx| fifo(&mut draft.fifos[0], line, ctx),
    ),
    Keyword::supported(
        "notify_fifo_script",
        "<command> [<user> [<group>]]",
        "Reads that FIFO, whose path is its last argument.",
        |draft, line, ctx| draft.fifos[0].reader = notify::command(line, ctx),
    ),
    Keyword::supported(
        "vrrp_notify_fifo",
        "<path> [<user> [<group>]]",
        "Another FIFO that is told every change.",
        |draft, line, ctx| fifo(&mut draft.fifos[1], line, ctx),
    ),
    Keyword::supported(
        "vrrp_notify_fifo_script",
        "<command> [<user> [<group>]]",
        "Reads that FIFO, whose path is its last argument.",
        |draft, line, ctx| draft.fifos[1].reader = notify::command(line, ctx),
    ),
    Keyword::supported(
        "vrrp_notify_priority_changes",
        "[<switch>]",
        "Tells the FIFOs of changed priorities, too.",
        |draft, line, ctx| {
            if let Some(on) = value::switch_after(line, ctx) {
                draft.notify_priority_changes = on;
            }
        },
    ),
    Keyword::supported(
        "dynamic_interfaces",
        "[allow_if_changes]",
        "An interface that is missing may come later.",
        dynamic_interfaces,
    ),
    Keyword::supported(
        "vrrp_priority",
        "<-20…19>",
        "The nice value of the election's process.",
        |draft, line, ctx| {
            draft.nice = value::integer_after(line, "a nice value", -20..=19, ctx).or(draft.nice);
        },
    ),
    Keyword::supported(
        "vrrp_rt_priority",
        "<1…99>",
        "Real-time scheduling of the election's process.",
        |draft, line, ctx| {
            let priority = value::integer_after(line, "a real-time priority", 1..=99, ctx);
            draft.realtime_priority = priority.or(draft.realtime_priority);
        },
    ),
    Keyword::supported(
        "process_names",
        "",
        "The election's process is called `keepalived_vrrp`.",
        |draft, _, _| draft.process_name = Some("keepalived_vrrp".to_owned()),
    ),
    Keyword::supported(
        "vrrp_process_name",
        "<name>",
        "The name of the election's process.",
        |draft, line, ctx| {
            draft.process_name = line.required("a name", ctx).map(|word| word.text.clone());
        },
    ),
    Keyword::supported(
        "default_interface",
        "<interface>",
        "The interface of static addresses that name none (eth0).",
        |draft, line, ctx| draft.default_interface = value::interface_after(line, ctx),
    ),
];

/// Pontoon's own keywords. Keepalived only warns of them.
pub(super) const PONTOON: &[Keyword<GlobalDraft>] = &[
    Keyword::supported(
        "proxy_stable_time",
        "<seconds>",
        "Pontoon's own: how long a proxy that crashed must run before its node takes addresses back from a living master; doubled when it crashes again soon (10).",
        |draft, line, ctx| draft.proxy_stable_time = value::seconds_after(line, 300, ctx),
    ),
    Keyword::supported(
        "proxy_resign_without_servers",
        "[<switch>]",
        "Pontoon's own: a proxy without a single usable server is as good as dead (off).",
        |draft, line, ctx| {
            if let Some(on) = value::switch_after(line, ctx) {
                draft.proxy_resign_without_servers = on;
            }
        },
    ),
    Keyword::supported(
        "proxy_pidfile",
        "<path>",
        "Pontoon's own: where a proxy that was started separately writes its process number (/run/haproxy.pid).",
        |draft, line, ctx| {
            draft.proxy_pidfile = absolute_path(line, ctx).or_else(|| draft.proxy_pidfile.take());
        },
    ),
    Keyword::supported(
        "notify_timeout",
        "<seconds>",
        "Pontoon's own: after it a notify script and what it started is killed (60).",
        |draft, line, ctx| {
            let word = line.required("a number of seconds", ctx);
            let (least, most) = (
                Duration::from_millis(100),
                Duration::from_secs(u64::from(DAY)),
            );
            draft.notify_timeout = word.and_then(|word| value::seconds(word, least, most, ctx));
        },
    ),
];

fn absolute_path(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<PathBuf> {
    let word = line.required("a path", ctx)?;
    if !word.text.starts_with('/') {
        let message = format!("`{}` does not begin with `/`", word.text);
        ctx.fault("bad-path", word.span, message)
            .suggest("write the whole path");
        return None;
    }
    Some(PathBuf::from(&word.text))
}

fn fifo(draft: &mut FifoDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    draft.path = absolute_path(line, ctx);
    if let Some(Some(_)) = notify::account_after(line, ctx) {
        let message = "the FIFO belongs to the user Pontoon runs as, readable by its group";
        ctx.d.warning("not-done", line.span(), message);
    }
}

fn dynamic_interfaces(draft: &mut GlobalDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    draft.dynamic_interfaces = true;
    line.args.take_if("allow_if_changes");
    if let Some(word) = line.args.next() {
        let message = format!("`{}` is no option of `dynamic_interfaces`", word.text);
        ctx.fault("bad-option", word.span, message)
            .suggest("`allow_if_changes`, or nothing");
    }
}
