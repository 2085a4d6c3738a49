//! Who the process is and what it may do (HAProxy configuration manual, 3.1).

use std::path::PathBuf;

use super::{GlobalDraft, cpu_map, switch};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::keyword::{Keyword, Sections},
    haproxy::{
        Context, bind,
        model::Access,
        value::{self, Unit},
    },
    source::Word,
};

const GLOBAL: Sections = Sections::GLOBAL;

pub(super) const KEYWORDS: &[Keyword<GlobalDraft>] = &[
    Keyword::supported(
        "daemon",
        GLOBAL,
        "",
        "Go to the background.",
        |draft, args, _, d| {
            switch(args, d, || draft.global.daemon = true);
        },
    ),
    Keyword::supported(
        "master-worker",
        GLOBAL,
        "[no-exit-on-failure]",
        "Run as a master that watches a worker.",
        |draft, args, _, d| {
            if args.take_if("no-exit-on-failure") {
                let message = "`no-exit-on-failure` has no effect: a master ends with its worker, and whoever watches it starts both again";
                d.note("without-effect", args.keyword_span(), message);
            }
            switch(args, d, || draft.global.master_worker = true);
        },
    ),
    Keyword::supported(
        "user",
        GLOBAL,
        "<name>",
        "Run as this user.",
        |draft, args, ctx, d| user(draft, args, ctx, d),
    ),
    Keyword::supported(
        "uid",
        GLOBAL,
        "<number>",
        "Run as the user of this number.",
        |draft, args, _, d| {
            draft.user_span = Some(args.keyword_span());
            draft.global.uid = number(args, "a user's number", d);
        },
    ),
    Keyword::supported(
        "group",
        GLOBAL,
        "<name>",
        "Run as this group.",
        |draft, args, ctx, d| group(draft, args, ctx, d),
    ),
    Keyword::supported(
        "gid",
        GLOBAL,
        "<number>",
        "Run as the group of this number.",
        |draft, args, _, d| {
            draft.global.gid = number(args, "a group's number", d);
        },
    ),
    Keyword::supported(
        "server-state-file",
        GLOBAL,
        "<file>",
        "What `show servers state` said, for servers to begin with (see `load-server-state-from-file`).",
        |draft, args, _, d| {
            draft.global.server_state_file = path(args, "a file", d);
        },
    ),
    Keyword::supported(
        "server-state-base",
        GLOBAL,
        "<directory>",
        "Where files of servers' states are whose names do not begin with a slash.",
        |draft, args, _, d| {
            draft.global.server_state_base = path(args, "a directory", d);
        },
    ),
    Keyword::supported(
        "chroot",
        GLOBAL,
        "<directory>",
        "Shut the process into this directory.",
        |draft, args, _, d| {
            draft.chroot_span = Some(args.keyword_span());
            draft.global.chroot = path(args, "a directory", d);
        },
    ),
    Keyword::supported(
        "pidfile",
        GLOBAL,
        "<file>",
        "Write the numbers of the processes into this file.",
        |draft, args, _, d| {
            draft.global.pidfile = path(args, "a file", d);
        },
    ),
    Keyword::supported(
        "nbthread",
        GLOBAL,
        "<number>",
        "How many threads carry traffic.",
        |draft, args, _, d| {
            draft.global.threads = value::required(args, "a number of threads", d)
                .and_then(|word| value::integer(word, "a number of threads", 1..=64, d));
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "cpu-map",
        GLOBAL,
        "[auto:]<group>[/<threads>] <processors>…",
        "Which processors a thread may run on.",
        |draft, args, _, d| {
            draft.cpu_maps.extend(cpu_map::parse(args, d));
        },
    ),
    Keyword::supported(
        "ulimit-n",
        GLOBAL,
        "<number>",
        "How many files the process may have open.",
        |draft, args, _, d| {
            draft.global.open_files = number(args, "a number of files", d);
        },
    ),
    Keyword::supported(
        "strict-limits",
        GLOBAL,
        "",
        "Fail when a limit of the process cannot be set (on unless `no` stands before it).",
        |draft, args, _, d| {
            let negated = draft.negated;
            switch(args, d, || draft.global.no_strict_limits = negated);
        },
    ),
    Keyword::supported(
        "set-dumpable",
        GLOBAL,
        "",
        "Allow core dumps.",
        |draft, args, _, d| {
            let negated = draft.negated;
            if !negated {
                let message = "if the kernel's core_pattern names a file, the running proxy may write in that file's folder";
                d.note("sandbox-exception", args.keyword_span(), message);
            }
            switch(args, d, || draft.global.dumpable = !negated);
        },
    ),
    Keyword::supported(
        "external-check",
        GLOBAL,
        "",
        "Allow health checks by external programs.",
        |draft, args, _, d| {
            draft.external_check_span = Some(args.keyword_span());
            switch(args, d, || draft.global.external_check = true);
        },
    ),
    Keyword::inert(
        "insecure-fork-wanted",
        GLOBAL,
        "",
        "Say that starting programs, as external checks do, is known to be risky.",
        "`external-check` is enough to allow them",
    ),
    Keyword::supported(
        "insecure-setuid-wanted",
        GLOBAL,
        "",
        "Let the programs of external checks gain rights that the proxy's user does not have.",
        |draft, args, _, d| switch(args, d, || draft.global.insecure_setuid = !draft.negated),
    ),
    Keyword::supported(
        "hard-stop-after",
        GLOBAL,
        "<time>",
        "How long a soft stop may take.",
        |draft, args, _, d| {
            draft.global.hard_stop_after = duration(args, d);
        },
    ),
    Keyword::supported(
        "grace",
        GLOBAL,
        "<time>",
        "How long listeners stay after the signal for a soft stop.",
        |draft, args, _, d| {
            draft.global.grace = duration(args, d);
        },
    ),
    Keyword::supported(
        "node",
        GLOBAL,
        "<name>",
        "The name of this node on the statistics page.",
        |draft, args, _, d| {
            draft.global.node = value::required(args, "a name", d).map(|word| word.text.clone());
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "description",
        GLOBAL,
        "<text>",
        "What this instance is for, on the statistics page.",
        |draft, args, _, _| {
            draft.global.description = Some(crate::args::joined(args.take_rest()));
        },
    ),
    Keyword::supported(
        "quiet",
        GLOBAL,
        "",
        "Say nothing at start.",
        |draft, args, _, d| {
            switch(args, d, || draft.global.quiet = true);
        },
    ),
    Keyword::supported(
        "zero-warning",
        GLOBAL,
        "",
        "Refuse to start if there is any warning.",
        |draft, args, _, d| {
            switch(args, d, || draft.global.zero_warning = true);
        },
    ),
    Keyword::supported(
        "ca-base",
        GLOBAL,
        "<directory>",
        "Where relative names of `ca-file` begin.",
        |draft, args, _, d| {
            draft.global.ca_base = path(args, "a directory", d);
        },
    ),
    Keyword::supported(
        "crt-base",
        GLOBAL,
        "<directory>",
        "Where relative names of `crt` begin.",
        |draft, args, _, d| {
            draft.global.crt_base = path(args, "a directory", d);
        },
    ),
    Keyword::supported(
        "setenv",
        GLOBAL,
        "<name> <value>",
        "Set an environment variable for the lines below.",
        |_, args, _, d| {
            assignment(args, d);
        },
    ),
    Keyword::supported(
        "presetenv",
        GLOBAL,
        "<name> <value>",
        "Set an environment variable for the lines below unless it is set.",
        |_, args, _, d| {
            assignment(args, d);
        },
    ),
    Keyword::supported(
        "unsetenv",
        GLOBAL,
        "[<name>…]",
        "Remove environment variables for the lines below.",
        |_, args, _, _| {
            args.take_rest();
        },
    ),
    Keyword::supported(
        "resetenv",
        GLOBAL,
        "[<name>…]",
        "Remove all environment variables but these for the lines below.",
        |_, args, _, _| {
            args.take_rest();
        },
    ),
    Keyword::supported(
        "unix-bind",
        GLOBAL,
        "[prefix <prefix>] [mode <mode>] [user <user>] [uid <uid>] [group <group>] [gid <gid>]",
        "Who may open UNIX sockets of `bind` lines that do not say so themselves.",
        |draft, args, ctx, d| unix_bind(draft, args, ctx, d),
    ),
    Keyword::supported(
        "stats socket",
        GLOBAL,
        "<address> [<parameter>…]",
        "Where the runtime protocol is served: commands that look at the process and change it.",
        |draft, args, ctx, d| stats_socket(draft, args, ctx, d),
    ),
    Keyword::supported(
        "stats timeout",
        GLOBAL,
        "<time>",
        "How long a client of the runtime socket may be silent.",
        |draft, args, _, d| draft.global.stats_timeout = duration(args, d),
    ),
    Keyword::supported(
        "stats maxconn",
        GLOBAL,
        "<number>",
        "How many clients the runtime socket takes at once.",
        |draft, args, _, d| {
            if let Some(word) = value::required(args, "a number", d) {
                draft.global.stats_max_connections =
                    value::integer(word, "a number", value::POSITIVE, d);
                value::end(args, d);
            }
        },
    ),
];

fn user(draft: &mut GlobalDraft, args: &mut Args<'_>, ctx: &Context<'_>, d: &mut Diagnostics) {
    draft.user_span = Some(args.keyword_span());
    let Some(word) = value::required(args, "a user's name", d) else {
        return;
    };
    draft.global.uid = user_id(word, ctx, d);
    value::end(args, d);
}

fn user_id(word: &Word, ctx: &Context<'_>, d: &mut Diagnostics) -> Option<u32> {
    let found = ctx.surroundings.user_id(&word.text);
    if found.is_none() {
        let message = format!("there is no user `{}`", word.text);
        d.error("unknown-user", word.span, message)
            .suggest("create the user, or name another one");
    }
    found
}

fn group(draft: &mut GlobalDraft, args: &mut Args<'_>, ctx: &Context<'_>, d: &mut Diagnostics) {
    let Some(word) = value::required(args, "a group's name", d) else {
        return;
    };
    draft.global.gid = group_id(word, ctx, d);
    value::end(args, d);
}

fn group_id(word: &Word, ctx: &Context<'_>, d: &mut Diagnostics) -> Option<u32> {
    let found = ctx.surroundings.group_id(&word.text);
    if found.is_none() {
        let message = format!("there is no group `{}`", word.text);
        d.error("unknown-group", word.span, message)
            .suggest("create the group, or name another one");
    }
    found
}

fn number(args: &mut Args<'_>, what: &str, d: &mut Diagnostics) -> Option<u32> {
    let word = value::required(args, what, d)?;
    let number = value::integer(word, what, 0..=i64::from(u32::MAX), d);
    value::end(args, d);
    number
}

fn path(args: &mut Args<'_>, what: &str, d: &mut Diagnostics) -> Option<PathBuf> {
    let word = value::required(args, what, d)?;
    value::end(args, d);
    Some(PathBuf::from(&word.text))
}

fn duration(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<std::time::Duration> {
    let word = value::required(args, "a time", d)?;
    let duration = value::duration(word, Unit::Milliseconds, d);
    value::end(args, d);
    duration
}

/// The variable was set while the lines were read, so that those below could use it.
fn assignment(args: &mut Args<'_>, d: &mut Diagnostics) {
    if value::required(args, "a name and a value", d).is_some() && args.next().is_none() {
        value::required(args, "a name and a value", d);
    }
    value::end(args, d);
}

fn unix_bind(draft: &mut GlobalDraft, args: &mut Args<'_>, ctx: &Context<'_>, d: &mut Diagnostics) {
    while let Some(option) = args.next() {
        let Some(word) = value::required(args, &format!("a value for `{}`", option.text), d) else {
            return;
        };
        let permissions = &mut draft.unix.permissions;
        let id = |what, d| value::integer(word, what, 0..=i64::from(u32::MAX), d);
        match option.text.as_str() {
            "prefix" => draft.unix.prefix = Some(word.text.clone()),
            "mode" => permissions.mode = value::octal_mode(word, d),
            "uid" => permissions.uid = id("a user's number", d),
            "gid" => permissions.gid = id("a group's number", d),
            "user" => permissions.uid = user_id(word, ctx, d),
            "group" => permissions.gid = group_id(word, ctx, d),
            other => {
                d.error(
                    "unknown-parameter",
                    option.span,
                    format!("`unix-bind` knows no `{other}`"),
                )
                .suggest("known are prefix, mode, user, uid, group and gid");
            }
        }
    }
}

fn stats_socket(
    draft: &mut GlobalDraft,
    args: &mut Args<'_>,
    ctx: &Context<'_>,
    d: &mut Diagnostics,
) {
    let span = args.keyword_span();
    let sockets = bind::stats_socket(args, ctx, d);
    let admin = sockets.iter().any(|socket| socket.access == Access::Admin);
    let reachable = sockets.iter().any(|socket| {
        let address = socket.endpoint.ip();
        address.is_some_and(|address| !address.ip().is_loopback())
    });
    if admin && reachable {
        draft.open_sockets.push(span);
    }
    draft.global.stats_sockets.extend(sockets);
}
