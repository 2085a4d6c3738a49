//! `acl` and `tcp-request`.

use super::ProxyDraft;
use crate::{
    haproxy::{
        rules,
        value::{self, Unit},
    },
    keyword::{Keyword, Sections},
};

const PROXY: Sections = Sections::PROXY;
const CLIENT: Sections = Sections::CLIENT;
const SERVER: Sections = Sections::SERVER;

pub(super) const KEYWORDS: &[Keyword<ProxyDraft>] = &[
    Keyword::supported(
        "acl",
        PROXY,
        "<name> <sample> [<flag>…] [<pattern>…]",
        "Name a test; lines of one name are alternatives.",
        |_, args, _, _| {
            // All `acl` lines of a section are read before the others, which refer to them.
            args.take_rest();
        },
    ),
    Keyword::supported(
        "tcp-request connection",
        CLIENT,
        "<action> [{ if | unless } <condition>]",
        "What to do with a new connection.",
        |draft, args, ctx, d| {
            draft
                .connection_rules
                .extend(rules::tcp_request_connection(args, ctx, d));
        },
    ),
    Keyword::supported(
        "tcp-request session",
        CLIENT,
        "<action> [{ if | unless } <condition>]",
        "What to do with a new session.",
        |draft, args, ctx, d| {
            draft
                .session_rules
                .extend(rules::tcp_request_session(args, ctx, d));
        },
    ),
    Keyword::supported(
        "tcp-request content",
        PROXY,
        "<action> [{ if | unless } <condition>]",
        "What to do once the client's first bytes are there.",
        |draft, args, ctx, d| {
            draft
                .content_rules
                .extend(rules::tcp_request_content(args, ctx, d));
        },
    ),
    Keyword::supported(
        "tcp-request inspect-delay",
        PROXY,
        "<time>",
        "How long to wait for the bytes that rules look at.",
        |draft, args, _, d| {
            if let Some(word) = value::required(args, "a time", d) {
                draft.inspect_delay = value::duration(word, Unit::Milliseconds, d);
            }
            value::end(args, d);
        },
    ),
    Keyword::refused(
        "tcp-response content",
        SERVER,
        "<action> [{ if | unless } <condition>]",
        "What to do with a server's bytes.",
        "rules on answers are not supported; remove the line",
    ),
    Keyword::refused(
        "tcp-response inspect-delay",
        SERVER,
        "<time>",
        "How long to wait for a server's bytes that rules look at.",
        "rules on answers are not supported; remove the line",
    ),
];
