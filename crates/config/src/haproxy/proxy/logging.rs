//! Where and how a proxy logs.

use std::{sync::Arc, time::Duration};

use super::{Prefix, ProxyDraft, Written};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::keyword::{Keyword, Sections},
    haproxy::{
        Context,
        log_format::{self, LogFormat},
        log_target,
        model::{LogTarget, Progress},
        value::{self, Unit},
    },
    source::Span,
};

/// A `log` line of a proxy.
#[derive(Debug, Clone)]
pub(in crate::haproxy) enum ProxyLog {
    /// `log global`.
    Global,
    /// `log <address> …`.
    Target(Box<LogTarget>),
}

/// How a session's line is written; the last of several ways counts.
#[derive(Debug, Clone)]
pub(in crate::haproxy) enum Line {
    /// `option tcplog`.
    Tcp,
    /// `option httplog`, `option httpslog`.
    Http,
    /// `option httplog clf`.
    Clf,
    /// `log-format`.
    Custom(Arc<LogFormat>),
}

/// A format and its place.
#[derive(Debug, Clone)]
pub(in crate::haproxy) struct Format {
    /// The format.
    pub(in crate::haproxy) format: Arc<LogFormat>,
    /// Its keyword.
    pub(in crate::haproxy) span: Span,
}

const PROXY: Sections = Sections::PROXY;
const CLIENT: Sections = Sections::CLIENT;

pub(super) const KEYWORDS: &[Keyword<ProxyDraft>] = &[
    Keyword::supported(
        "log",
        PROXY,
        "{ global | <address> [len <length>] [format <format>] [sample <ranges>:<size>] <facility> [<level> [<min level>]] }",
        "Send the lines of this proxy to this address, or where `global` says.",
        |draft, args, ctx, d| log(draft, args, ctx, d),
    ),
    Keyword::supported(
        "log-tag",
        PROXY,
        "<tag>",
        "The program's name in the lines of this proxy.",
        |draft, args, _ctx, d| {
            draft.log_tag = value::text_after(args, "a tag", d);
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "log-format",
        CLIENT,
        "<format>",
        "How the line of a session is written.",
        |draft, args, ctx, d| {
            if let Some(Format { format, span }) = format(args, ctx, d) {
                let value = Line::Custom(format);
                draft.line = Some(Written { value, span });
            }
        },
    ),
    Keyword::supported(
        "error-log-format",
        CLIENT,
        "<format>",
        "How the line of a failed session is written.",
        |draft, args, ctx, d| {
            draft.error_line = format(args, ctx, d);
        },
    ),
    Keyword::supported(
        "log-format-sd",
        CLIENT,
        "<format>",
        "Structured data of RFC 5424 lines.",
        |draft, args, ctx, d| {
            draft.structured_data = format(args, ctx, d);
        },
    ),
    Keyword::supported(
        "option pontoon-log-sessions",
        CLIENT,
        "[start] [every <time>]",
        "Lines of sessions that go on, beside the one at the end: when the server is connected, and every so often (Pontoon's own keyword).",
        |draft, args, _ctx, d| progress(draft, args, d),
    ),
    Keyword::supported(
        "option tcplog",
        PROXY,
        "",
        "Write the line of a session with timers, bytes and how it ended.",
        |draft, args, _ctx, d| {
            line(draft, Line::Tcp, args, d);
        },
    ),
    Keyword::supported(
        "option httplog",
        CLIENT,
        "[clf]",
        "Write the line of an HTTP request. On a TCP proxy: as `option tcplog`, with a warning.",
        |draft, args, _ctx, d| {
            let kind = if args.take_if("clf") {
                Line::Clf
            } else {
                Line::Http
            };
            line(draft, kind, args, d);
        },
    ),
    Keyword::supported(
        "option httpslog",
        CLIENT,
        "",
        "As `option httplog`: nothing is known of TLS here.",
        |draft, args, _ctx, d| {
            line(draft, Line::Http, args, d);
        },
    ),
];

fn line(draft: &mut ProxyDraft, value: Line, args: &mut Args<'_>, d: &mut Diagnostics) {
    let span = args.keyword_span();
    draft.line = Some(Written { value, span });
    value::end(args, d);
}

fn format(args: &mut Args<'_>, ctx: &Context<'_>, d: &mut Diagnostics) -> Option<Format> {
    let span = args.keyword_span();
    let word = value::required(args, "a format", d)?;
    let format = log_format::parse(word, ctx, d).map(Arc::new);
    value::end(args, d);
    Some(Format {
        format: format?,
        span,
    })
}

fn log(draft: &mut ProxyDraft, args: &mut Args<'_>, ctx: &Context<'_>, d: &mut Diagnostics) {
    if draft.prefix != Prefix::None {
        draft.logs.clear();
        value::end(args, d);
    } else if args.take_if("global") {
        value::end(args, d);
        draft.logs.push(ProxyLog::Global);
    } else {
        let target = log_target::parse(args, ctx, d);
        draft
            .logs
            .extend(target.map(|target| ProxyLog::Target(Box::new(target))));
    }
}

/// Less would be a line for every few packets.
const SHORTEST: Duration = Duration::from_secs(1);

fn progress(draft: &mut ProxyDraft, args: &mut Args<'_>, d: &mut Diagnostics) {
    let span = args.keyword_span();
    if draft.prefix != Prefix::None {
        draft.progress = None;
        return value::end(args, d);
    }
    let start = args.take_if("start");
    let every = if args.take_if("every") {
        let Some(word) = value::required(args, "a time", d) else {
            return;
        };
        let every = value::duration(word, Unit::Milliseconds, d);
        if every.is_some_and(|every| every < SHORTEST) {
            d.error(
                "progress-too-often",
                word.span,
                "lines so often tell nothing",
            )
            .suggest("at least a second, such as `every 5m`");
            return;
        }
        every
    } else {
        None
    };
    value::end(args, d);
    if !start && every.is_none() {
        let message = "`option pontoon-log-sessions` needs `start`, `every <time>`, or both";
        d.error("missing-argument", span, message)
            .suggest("write `option pontoon-log-sessions start every 5m`");
        return;
    }
    let value = Progress { start, every };
    draft.progress = Some(Written { value, span });
}
