//! Keywords about the process, its scripts and FIFOs, and Pontoon's own.

use std::time::Duration;

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
        "umask",
        "<permissions>",
        "What files that are made, by scripts, too, may not be used for; a number or `IWGRP|IWOTH` (0177 under the name `keepalived`).",
        |draft, line, ctx| draft.umask = umask(line, ctx).or(draft.umask),
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
            draft.proxy_pidfile =
                value::absolute_path_after(line, ctx).or_else(|| draft.proxy_pidfile.take());
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

fn fifo(draft: &mut FifoDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    draft.path = value::absolute_path_after(line, ctx);
    draft.owner = notify::account_after(line, ctx).flatten();
}

/// A number, or names of permissions: `IWGRP|IWOTH`.
fn umask(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<u16> {
    let word = line.required("permissions", ctx)?;
    let mask = mask_number(&word.text).or_else(|| mask_names(&word.text));
    if mask.is_none() {
        let message = format!("`{}` is no set of permissions", word.text);
        ctx.fault("bad-umask", word.span, message)
            .suggest("an octal number like `027`, or names like `IWGRP|IWOTH`");
    }
    mask
}

/// `0x…`, `0…` octal, decimal; up to 0777.
fn mask_number(text: &str) -> Option<u16> {
    let number = match (text.strip_prefix("0x"), text.starts_with('0')) {
        (Some(digits), _) => u16::from_str_radix(digits, 16),
        (None, true) => u16::from_str_radix(text, 8),
        (None, false) => text.parse(),
    };
    number.ok().filter(|mask| *mask <= 0o777)
}

fn mask_names(text: &str) -> Option<u16> {
    let mut names = text.split('|').map(str::trim);
    names.try_fold(0, |mask, name| {
        let (bit, whose) = name.strip_prefix('I')?.split_at_checked(1)?;
        let bit = match bit {
            "R" => 4,
            "W" => 2,
            "X" => 1,
            _ => return None,
        };
        let shift = match whose {
            "USR" => 6,
            "GRP" => 3,
            "OTH" => 0,
            _ => return None,
        };
        Some(mask | bit << shift)
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_numbers_or_names() {
        let mask = |text| mask_number(text).or_else(|| mask_names(text));
        assert_eq!(mask("027"), Some(0o27));
        assert_eq!(mask("0x1f"), Some(0o37));
        assert_eq!(mask("18"), Some(0o22));
        assert_eq!(mask("IWGRP|IWOTH"), Some(0o22));
        assert_eq!(mask("IRUSR | IXOTH"), Some(0o401));
        for wrong in ["", "01000", "8z", "IWGRP|", "WGRP", "IWALL", "IéUSR"] {
            assert_eq!(mask(wrong), None, "{wrong}");
        }
    }
}
