//! What a proxy is, where it listens, and where its sessions go.

use super::{ProxyDraft, Written};
use crate::{
    args::{Args, joined},
    diagnostic::Diagnostics,
    haproxy::keyword::{Keyword, Sections},
    haproxy::{
        Context, bind,
        model::Mode,
        rules,
        value::{self, Unit},
    },
};

const PROXY: Sections = Sections::PROXY;
const CLIENT: Sections = Sections::CLIENT;
const NOT_DEFAULTS: Sections = PROXY.but(Sections::DEFAULTS);
const CLIENT_ONLY: Sections = CLIENT.but(Sections::DEFAULTS);

pub(super) const KEYWORDS: &[Keyword<ProxyDraft>] = &[
    Keyword::supported(
        "mode",
        PROXY,
        "{ tcp | http }",
        "What the proxy speaks. `http` serves statistics only.",
        |draft, args, _, d| mode(draft, args, d),
    ),
    Keyword::supported(
        "disabled",
        PROXY,
        "",
        "Do not start the proxy.",
        |draft, args, _, d| {
            draft.disabled = true;
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "enabled",
        PROXY,
        "",
        "Start the proxy, whatever `defaults` say.",
        |draft, args, _, d| {
            draft.disabled = false;
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "id",
        NOT_DEFAULTS,
        "<number>",
        "The proxy's number in the statistics.",
        |draft, args, _, d| {
            let span = args.keyword_span();
            let value = value::integer_after(args, "a number", 1..=i64::from(i32::MAX), d);
            draft.number = value.map(|value| Written { value, span });
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "description",
        NOT_DEFAULTS,
        "<text>",
        "What the proxy is for, on the statistics page.",
        |draft, args, _, _| {
            draft.description = Some(joined(args.take_rest()));
        },
    ),
    Keyword::supported(
        "bind",
        CLIENT_ONLY,
        "<address>[,…] [<parameter>…]",
        "Listen here.",
        |draft, args, ctx, d| {
            listen(draft, args, ctx, d);
        },
    ),
    Keyword::supported(
        "maxconn",
        CLIENT,
        "<number>",
        "How many sessions the proxy carries at once.",
        |draft, args, _, d| {
            draft.max_connections = value::limit_after(args, "a number of sessions", d).flatten();
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "backlog",
        CLIENT,
        "<number>",
        "How many connections may wait to be accepted.",
        |draft, args, _, d| {
            draft.backlog = value::limit_after(args, "a number of connections", d).flatten();
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "rate-limit sessions",
        CLIENT,
        "<number>",
        "How many sessions may begin in a second.",
        |draft, args, _, d| {
            draft.rate_limit = value::limit_after(args, "a number of sessions", d).flatten();
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "default_backend",
        CLIENT,
        "<backend>",
        "Where sessions go if no `use_backend` applies.",
        |draft, args, _, d| {
            draft.default_backend = value::required(args, "the name of a backend", d).cloned();
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "use_backend",
        CLIENT_ONLY,
        "<backend> [{ if | unless } <condition>]",
        "Where sessions go if the condition holds.",
        |draft, args, ctx, d| {
            let span = args.keyword_span();
            let rule = rules::use_backend(args, ctx, d);
            draft
                .use_backend
                .extend(rule.map(|value| Written { value, span }));
        },
    ),
    Keyword::supported(
        "monitor-net",
        CLIENT,
        "<network>",
        "Connections from here are accepted and closed (obsolete).",
        |draft, args, _, d| {
            monitor_net(draft, args, d);
        },
    ),
    Keyword::supported(
        "clitcpka-cnt",
        CLIENT,
        "<number>",
        "Unanswered keepalive probes before a client counts as gone.",
        |draft, args, _, d| {
            draft.client_keepalive.count =
                value::limit_after(args, "a number of probes", d).flatten();
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "clitcpka-idle",
        CLIENT,
        "<time>",
        "Silence before the first keepalive probe to a client.",
        |draft, args, _, d| {
            draft.client_keepalive.idle = seconds(args, d);
        },
    ),
    Keyword::supported(
        "clitcpka-intvl",
        CLIENT,
        "<time>",
        "Time between keepalive probes to a client.",
        |draft, args, _, d| {
            draft.client_keepalive.interval = seconds(args, d);
        },
    ),
    Keyword::inert(
        "bind-process",
        PROXY,
        "<processes>",
        "Which processes run the proxy (obsolete).",
        "there is one process",
    ),
];

fn mode(draft: &mut ProxyDraft, args: &mut Args<'_>, d: &mut Diagnostics) {
    let span = args.keyword_span();
    let Some(word) = value::required(args, "`tcp` or `http`", d) else {
        return;
    };
    let value = match word.text.as_str() {
        "tcp" => Mode::Tcp,
        "http" => Mode::Http,
        other => {
            let found = d.error(
                "unknown-mode",
                word.span,
                format!("there is no mode `{other}`"),
            );
            found.suggest("`mode tcp` forwards, `mode http` serves statistics");
            return;
        }
    };
    draft.mode = Some(Written { value, span });
    value::end(args, d);
}

/// Reads the words of a `bind` line, or the address on a section's first line.
pub(in crate::haproxy) fn listen(
    draft: &mut ProxyDraft,
    args: &mut Args<'_>,
    ctx: &Context<'_>,
    d: &mut Diagnostics,
) {
    let span = args.keyword_span();
    let line = bind::parse(args, ctx, d);
    draft.bind_spans.extend(line.binds.iter().map(|_| span));
    draft.bind_ids.extend(line.binds.iter().map(|_| line.id));
    draft.binds.extend(line.binds);
}

fn monitor_net(draft: &mut ProxyDraft, args: &mut Args<'_>, d: &mut Diagnostics) {
    let span = args.keyword_span();
    let Some(word) = value::required(args, "a network", d) else {
        return;
    };
    let address = || word.text.parse::<std::net::IpAddr>().ok().map(Into::into);
    draft.monitor_net = word.text.parse().ok().or_else(address);
    if draft.monitor_net.is_none() {
        let message = format!("`{}` is not a network", word.text);
        d.error("bad-address", word.span, message)
            .suggest("write it as in `10.0.0.0/8`");
    }
    d.warning(
        "obsolete",
        span,
        "`monitor-net` is obsolete; HAProxy 2.6 refuses it",
    );
    value::end(args, d);
}

/// A time in seconds unless it has a unit.
pub(super) fn seconds(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<std::time::Duration> {
    let word = value::required(args, "a time", d)?;
    let time = value::duration(word, Unit::Seconds, d);
    value::end(args, d);
    time
}
