//! `timeout …` and its old names.

use std::time::Duration;

use super::{ProxyDraft, Written};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::keyword::{Keyword, Level, Parser, Sections},
    haproxy::value::{self, Unit},
};

const PROXY: Sections = Sections::PROXY;
const CLIENT: Sections = Sections::CLIENT;
const SERVER: Sections = Sections::SERVER;
const TARPIT: &str = "HTTP is not forwarded, so that nobody is tarpitted";
const STATISTICS: &str =
    "honoured by the statistics of a `mode http` proxy; without effect on a TCP proxy";

pub(super) const KEYWORDS: &[Keyword<ProxyDraft>] = &[
    Keyword::supported(
        "timeout client",
        CLIENT,
        "<time>",
        "How long a client may be silent.",
        |draft, args, _, d| {
            draft.timeouts.client = timeout(args, d);
        },
    ),
    Keyword::supported(
        "timeout client-fin",
        CLIENT,
        "<time>",
        "How long a client that has closed one way may be silent.",
        |draft, args, _, d| {
            draft.timeouts.client_fin = timeout(args, d);
        },
    ),
    Keyword::supported(
        "timeout connect",
        SERVER,
        "<time>",
        "How long connecting to a server may take.",
        |draft, args, _, d| {
            draft.timeouts.connect = timeout(args, d);
        },
    ),
    Keyword::supported(
        "timeout server",
        SERVER,
        "<time>",
        "How long a server may be silent.",
        |draft, args, _, d| {
            draft.timeouts.server = timeout(args, d);
        },
    ),
    Keyword::supported(
        "timeout server-fin",
        SERVER,
        "<time>",
        "How long a server that has closed one way may be silent.",
        |draft, args, _, d| {
            draft.timeouts.server_fin = timeout(args, d);
        },
    ),
    Keyword::supported(
        "timeout queue",
        SERVER,
        "<time>",
        "How long a session may wait for a server.",
        |draft, args, _, d| {
            draft.timeouts.queue = timeout(args, d);
        },
    ),
    Keyword::supported(
        "timeout tunnel",
        SERVER,
        "<time>",
        "How long both sides may be silent once both have spoken.",
        |draft, args, _, d| {
            draft.timeouts.tunnel = timeout(args, d);
        },
    ),
    Keyword::supported(
        "timeout check",
        SERVER,
        "<time>",
        "How long a health check may take once it is connected.",
        |draft, args, _, d| {
            draft.timeouts.check = timeout(args, d);
        },
    ),
    of_statistics(
        "timeout http-request",
        "How long an HTTP request may take to arrive.",
        |draft, args, _, d| {
            draft.timeouts.http_request = timeout(args, d);
        },
    ),
    of_statistics(
        "timeout http-keep-alive",
        "How long to wait for another HTTP request.",
        |draft, args, _, d| {
            draft.timeouts.http_keep_alive = timeout(args, d);
        },
    ),
    Keyword::inert(
        "timeout tarpit",
        PROXY,
        "<time>",
        "How long a tarpitted HTTP request is held.",
        TARPIT,
    ),
    Keyword::supported(
        "clitimeout",
        CLIENT,
        "<time>",
        "Old name of `timeout client`.",
        |draft, args, _, d| {
            obsolete("clitimeout", "timeout client", args, d);
            draft.timeouts.client = timeout(args, d);
        },
    ),
    Keyword::supported(
        "contimeout",
        SERVER,
        "<time>",
        "Old name of `timeout connect`.",
        |draft, args, _, d| {
            obsolete("contimeout", "timeout connect", args, d);
            draft.timeouts.connect = timeout(args, d);
        },
    ),
    Keyword::supported(
        "srvtimeout",
        SERVER,
        "<time>",
        "Old name of `timeout server`.",
        |draft, args, _, d| {
            obsolete("srvtimeout", "timeout server", args, d);
            draft.timeouts.server = timeout(args, d);
        },
    ),
    Keyword::supported(
        "timeout clitimeout",
        CLIENT,
        "<time>",
        "Old name of `timeout client`.",
        |draft, args, _, d| {
            obsolete("timeout clitimeout", "timeout client", args, d);
            draft.timeouts.client = timeout(args, d);
        },
    ),
    Keyword::supported(
        "timeout contimeout",
        SERVER,
        "<time>",
        "Old name of `timeout connect`.",
        |draft, args, _, d| {
            obsolete("timeout contimeout", "timeout connect", args, d);
            draft.timeouts.connect = timeout(args, d);
        },
    ),
    Keyword::supported(
        "timeout srvtimeout",
        SERVER,
        "<time>",
        "Old name of `timeout server`.",
        |draft, args, _, d| {
            obsolete("timeout srvtimeout", "timeout server", args, d);
            draft.timeouts.server = timeout(args, d);
        },
    ),
];

/// What only the statistics look at; resolution notes it where there are none.
const fn of_statistics(
    name: &'static str,
    doc: &'static str,
    parse: Parser<ProxyDraft>,
) -> Keyword<ProxyDraft> {
    Keyword {
        name,
        sections: PROXY,
        syntax: "<time>",
        doc,
        level: Level::Depends {
            on: STATISTICS,
            parse,
        },
    }
}

/// A time; zero is endless, which is what nothing at all means, too.
fn timeout(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<Written<Duration>> {
    let word = value::required(args, "a time such as `10s`", d)?;
    let value = value::duration(word, Unit::Milliseconds, d)?;
    let span = args.keyword_span();
    value::end(args, d);
    (!value.is_zero()).then_some(Written { value, span })
}

fn obsolete(old: &str, new: &str, args: &Args<'_>, d: &mut Diagnostics) {
    let value = args.peek().map_or("", |word| word.text.as_str());
    d.warning(
        "obsolete",
        args.keyword_span(),
        format!("`{old}` is obsolete"),
    )
    .suggest(format!("write `{new} {value}`"));
}
