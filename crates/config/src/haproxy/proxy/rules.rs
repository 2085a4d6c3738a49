//! `acl` and `tcp-request`.

use super::ProxyDraft;
use crate::{
    haproxy::keyword::{Keyword, Sections},
    haproxy::{
        rules,
        value::{self, Unit},
    },
    source::Word,
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
        |draft, args, _, _| {
            // The other `acl` lines of a section are read before the lines that refer to them.
            if let [name, test, ..] = args.take_rest()
                && let Some(list) = http_auth_list(test)
            {
                draft.http_auth.insert(name.text.clone(), list);
            }
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

/// The userlist of an `acl` line that asks for a password. Only the statistics page can do that.
pub(in crate::haproxy) fn http_auth(words: &[Word]) -> Option<Word> {
    http_auth_list(words.get(2)?)
}

/// The userlist in `http_auth(…)`.
pub(super) fn http_auth_list(test: &Word) -> Option<Word> {
    let list = test.text.strip_prefix("http_auth(")?.strip_suffix(')')?;
    Some(Word {
        text: list.to_owned(),
        span: test.span,
    })
}
