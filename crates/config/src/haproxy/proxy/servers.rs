//! Servers and how they are reached.

use super::{ProxyDraft, listening::seconds};
use crate::{
    haproxy::keyword::{Keyword, Sections},
    haproxy::{address, rules, server, value},
};

const SERVER: Sections = Sections::SERVER;
const SERVER_ONLY: Sections = SERVER.but(Sections::DEFAULTS);

pub(super) const KEYWORDS: &[Keyword<ProxyDraft>] = &[
    Keyword::supported(
        "server",
        SERVER_ONLY,
        "<name> <address>[:<port>] [<parameter>…]",
        "A server.",
        |draft, args, ctx, d| {
            let server = server::server(&draft.default_server, args, ctx, d);
            draft.servers.extend(server);
        },
    ),
    Keyword::supported(
        "server-template",
        SERVER_ONLY,
        "<prefix> <numbers> <address>[:<port>] [<parameter>…]",
        "Several servers of one address, named by numbers.",
        |draft, args, ctx, d| {
            let servers = server::server_template(&draft.default_server, args, ctx, d);
            draft.servers.extend(servers);
        },
    ),
    Keyword::supported(
        "default-server",
        SERVER,
        "<parameter>…",
        "What the servers below do not say themselves.",
        |draft, args, ctx, d| {
            server::default_server(&mut draft.default_server, args, ctx, d);
        },
    ),
    Keyword::supported(
        "use-server",
        SERVER_ONLY,
        "<server> [{ if | unless } <condition>]",
        "The server of a session if the condition holds.",
        |draft, args, ctx, d| {
            draft.use_server.extend(rules::use_server(args, ctx, d));
        },
    ),
    Keyword::supported(
        "source",
        SERVER,
        "<address>[:<port>] [usesrc { client | clientip }] [interface <name>]",
        "Where connections to servers come from.",
        |draft, args, ctx, d| {
            draft.source = address::source(args, ctx, d);
        },
    ),
    Keyword::supported(
        "retries",
        SERVER,
        "<number>",
        "How often connecting is tried again (default: 3).",
        |draft, args, _, d| {
            draft.retries =
                value::integer_after(args, "a number of retries", 0..=i64::from(i32::MAX), d);
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "srvtcpka-cnt",
        SERVER,
        "<number>",
        "Unanswered keepalive probes before a server counts as gone.",
        |draft, args, _, d| {
            draft.server_keepalive.count =
                value::limit_after(args, "a number of probes", d).flatten();
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "srvtcpka-idle",
        SERVER,
        "<time>",
        "Silence before the first keepalive probe to a server.",
        |draft, args, _, d| {
            draft.server_keepalive.idle = seconds(args, d);
        },
    ),
    Keyword::supported(
        "srvtcpka-intvl",
        SERVER,
        "<time>",
        "Time between keepalive probes to a server.",
        |draft, args, _, d| {
            draft.server_keepalive.interval = seconds(args, d);
        },
    ),
];
