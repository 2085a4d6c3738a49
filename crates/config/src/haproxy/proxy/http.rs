//! What concerns HTTP messages. Settings have no effect where HTTP is not forwarded. Rules have
//! none on a TCP proxy, and are an error on an HTTP one: leaving out an access rule there would
//! change what the file means.

use super::{ProxyDraft, services};
use crate::haproxy::keyword::{Keyword, Level, Sections};

const PROXY: Sections = Sections::PROXY;
const CLIENT: Sections = Sections::CLIENT;
const SERVER: Sections = Sections::SERVER;
const NOT_DEFAULTS: Sections = PROXY.but(Sections::DEFAULTS);
const CLIENT_ONLY: Sections = CLIENT.but(Sections::DEFAULTS);
const SERVER_ONLY: Sections = SERVER.but(Sections::DEFAULTS);

const HTTP: &str = "it concerns HTTP messages, and HTTP is not forwarded";
const ERRORS: &str = "HTTP is not forwarded, so no error page is ever sent";
const COOKIES: &str = "there are no cookies in TCP mode, and HTTP is not forwarded";

/// A rule: noted, and decided once the proxy's mode is known.
const fn rule(
    name: &'static str,
    sections: Sections,
    syntax: &'static str,
    doc: &'static str,
) -> Keyword<ProxyDraft> {
    Keyword {
        name,
        sections,
        syntax,
        doc,
        level: Level::Depends {
            on: "without effect on a TCP proxy; refused on a `mode http` proxy",
            parse: |draft, args, _, _| {
                let action = args.take_rest().first();
                let action = action.map_or(String::new(), |word| format!(" {}", word.text));
                draft.http_rule(args.keyword_text() + &action, args.keyword_span());
            },
        },
    }
}

pub(super) const KEYWORDS: &[Keyword<ProxyDraft>] = &[
    Keyword {
        name: "http-request",
        sections: PROXY,
        syntax: "use-service prometheus-exporter [{ if | unless } <condition>] | <action> […]",
        doc: "Serve metrics in the format of Prometheus; other rules on HTTP requests.",
        level: Level::Depends {
            on: "metrics are served on a `mode http` proxy; other rules are refused there; all are without effect on a TCP proxy",
            parse: services::http_request,
        },
    },
    rule(
        "http-response",
        PROXY,
        "<action> […]",
        "Rule on HTTP responses.",
    ),
    rule(
        "http-after-response",
        PROXY,
        "<action> […]",
        "Rule on all HTTP responses.",
    ),
    rule(
        "redirect",
        NOT_DEFAULTS,
        "<kind> <to> […]",
        "Send HTTP clients elsewhere.",
    ),
    rule(
        "monitor-uri",
        CLIENT,
        "<uri>",
        "Answer HTTP requests of monitors.",
    ),
    rule(
        "monitor fail",
        CLIENT_ONLY,
        "{ if | unless } <condition>",
        "When to tell monitors of a failure.",
    ),
    rule(
        "block",
        NOT_DEFAULTS,
        "{ if | unless } <condition>",
        "Refuse HTTP requests (obsolete).",
    ),
    rule("reqadd", PROXY, "<header> […]", "Add a header (obsolete)."),
    rule(
        "reqallow",
        PROXY,
        "<expression> […]",
        "Allow requests (obsolete).",
    ),
    rule(
        "reqdel",
        PROXY,
        "<expression> […]",
        "Remove headers (obsolete).",
    ),
    rule(
        "reqdeny",
        PROXY,
        "<expression> […]",
        "Refuse requests (obsolete).",
    ),
    rule(
        "reqiallow",
        PROXY,
        "<expression> […]",
        "Allow requests (obsolete).",
    ),
    rule(
        "reqidel",
        PROXY,
        "<expression> […]",
        "Remove headers (obsolete).",
    ),
    rule(
        "reqideny",
        PROXY,
        "<expression> […]",
        "Refuse requests (obsolete).",
    ),
    rule(
        "reqipass",
        PROXY,
        "<expression> […]",
        "Let requests pass (obsolete).",
    ),
    rule(
        "reqirep",
        PROXY,
        "<expression> <text> […]",
        "Change headers (obsolete).",
    ),
    rule(
        "reqitarpit",
        PROXY,
        "<expression> […]",
        "Tarpit requests (obsolete).",
    ),
    rule(
        "reqpass",
        PROXY,
        "<expression> […]",
        "Let requests pass (obsolete).",
    ),
    rule(
        "reqrep",
        PROXY,
        "<expression> <text> […]",
        "Change headers (obsolete).",
    ),
    rule(
        "reqtarpit",
        PROXY,
        "<expression> […]",
        "Tarpit requests (obsolete).",
    ),
    rule("rspadd", PROXY, "<header> […]", "Add a header (obsolete)."),
    rule(
        "rspdel",
        PROXY,
        "<expression> […]",
        "Remove headers (obsolete).",
    ),
    rule(
        "rspdeny",
        PROXY,
        "<expression> […]",
        "Refuse responses (obsolete).",
    ),
    rule(
        "rspidel",
        PROXY,
        "<expression> […]",
        "Remove headers (obsolete).",
    ),
    rule(
        "rspideny",
        PROXY,
        "<expression> […]",
        "Refuse responses (obsolete).",
    ),
    rule(
        "rspirep",
        PROXY,
        "<expression> <text> […]",
        "Change headers (obsolete).",
    ),
    rule(
        "rsprep",
        PROXY,
        "<expression> <text> […]",
        "Change headers (obsolete).",
    ),
    Keyword::inert(
        "capture cookie",
        CLIENT_ONLY,
        "<name> len <length>",
        "Log a cookie.",
        HTTP,
    ),
    Keyword::inert(
        "capture request header",
        CLIENT_ONLY,
        "<name> len <length>",
        "Log a request's header.",
        HTTP,
    ),
    Keyword::inert(
        "capture response header",
        CLIENT_ONLY,
        "<name> len <length>",
        "Log a response's header.",
        HTTP,
    ),
    Keyword::inert(
        "declare capture",
        CLIENT_ONLY,
        "{ request | response } len <length>",
        "Reserve a capture.",
        HTTP,
    ),
    Keyword::inert(
        "compression",
        PROXY,
        "<setting> […]",
        "Compress responses.",
        HTTP,
    ),
    Keyword::inert(
        "cookie",
        SERVER,
        "<name> […]",
        "Keep clients on their server by a cookie.",
        COOKIES,
    ),
    Keyword::inert(
        "appsession",
        SERVER_ONLY,
        "<cookie> […]",
        "Learn application cookies (obsolete).",
        COOKIES,
    ),
    Keyword::inert(
        "dynamic-cookie-key",
        SERVER,
        "<key>",
        "Key of made-up cookies.",
        COOKIES,
    ),
    Keyword::inert(
        "force-persist",
        SERVER_ONLY,
        "{ if | unless } <condition>",
        "Follow cookies to servers that are down.",
        COOKIES,
    ),
    Keyword::inert(
        "ignore-persist",
        SERVER_ONLY,
        "{ if | unless } <condition>",
        "Ignore cookies.",
        COOKIES,
    ),
    Keyword::inert(
        "errorfile",
        PROXY,
        "<code> <file>",
        "File sent instead of an error page.",
        ERRORS,
    ),
    Keyword::inert(
        "errorfiles",
        PROXY,
        "<name> [<code>…]",
        "Set of error pages.",
        ERRORS,
    ),
    Keyword::inert(
        "errorloc",
        PROXY,
        "<code> <url>",
        "Where clients are sent upon an error.",
        ERRORS,
    ),
    Keyword::inert(
        "errorloc302",
        PROXY,
        "<code> <url>",
        "Where clients are sent upon an error.",
        ERRORS,
    ),
    Keyword::inert(
        "errorloc303",
        PROXY,
        "<code> <url>",
        "Where clients are sent upon an error.",
        ERRORS,
    ),
    Keyword::inert(
        "http-error",
        PROXY,
        "status <code> […]",
        "What an error page holds.",
        ERRORS,
    ),
    Keyword::inert(
        "http-reuse",
        SERVER,
        "{ never | safe | aggressive | always }",
        "Share server connections between clients.",
        "in TCP mode a session has a connection of its own",
    ),
    Keyword::inert(
        "http-send-name-header",
        SERVER,
        "[<header>]",
        "Tell servers their name.",
        HTTP,
    ),
    Keyword::inert(
        "max-keep-alive-queue",
        SERVER,
        "<number>",
        "When to leave the server of the previous request.",
        HTTP,
    ),
    Keyword::inert(
        "max-session-srv-conns",
        CLIENT,
        "<number>",
        "Idle server connections kept for one client.",
        "in TCP mode a session has a connection of its own",
    ),
    Keyword::inert(
        "retry-on",
        SERVER,
        "<event>…",
        "Which failed HTTP requests are tried again.",
        "HAProxy ignores it in TCP mode as well: failed connections are retried, and nothing else",
    ),
    Keyword::inert(
        "unique-id-format",
        CLIENT,
        "<format>",
        "Id of HTTP requests.",
        HTTP,
    ),
    Keyword::inert(
        "unique-id-header",
        CLIENT,
        "<name>",
        "Header with the id of HTTP requests.",
        HTTP,
    ),
    Keyword::inert(
        "option accept-invalid-http-request",
        CLIENT,
        "",
        "HTTP leniency.",
        HTTP,
    ),
    Keyword::inert(
        "option accept-invalid-http-response",
        SERVER,
        "",
        "HTTP leniency.",
        HTTP,
    ),
    Keyword::inert(
        "option checkcache",
        SERVER,
        "",
        "Refuse responses that would be cached.",
        HTTP,
    ),
    Keyword::inert(
        "option disable-h2-upgrade",
        CLIENT,
        "",
        "Never take HTTP/1 for HTTP/2.",
        HTTP,
    ),
    Keyword::inert(
        "option forceclose",
        PROXY,
        "",
        "Close after each response (obsolete).",
        HTTP,
    ),
    Keyword::inert(
        "option forwardfor",
        PROXY,
        "[except <network>] [header <name>] [if-none]",
        "Tell servers the client's address in a header.",
        "a header cannot be added to TCP; servers learn the client's address by `send-proxy`",
    ),
    Keyword::inert(
        "option h1-case-adjust-bogus-client",
        CLIENT,
        "",
        "Case of headers.",
        HTTP,
    ),
    Keyword::inert(
        "option h1-case-adjust-bogus-server",
        SERVER,
        "",
        "Case of headers.",
        HTTP,
    ),
    Keyword::inert(
        "option http-buffer-request",
        PROXY,
        "",
        "Wait for the body of a request.",
        HTTP,
    ),
    Keyword::inert(
        "option http-ignore-probes",
        CLIENT,
        "",
        "Be silent to browsers that connect in advance.",
        HTTP,
    ),
    Keyword::inert(
        "option http-keep-alive",
        PROXY,
        "",
        "Keep connections for further requests.",
        HTTP,
    ),
    Keyword::inert(
        "option http-no-delay",
        PROXY,
        "",
        "Send small pieces at once.",
        HTTP,
    ),
    Keyword::inert(
        "option http-pretend-keepalive",
        SERVER,
        "",
        "Tell servers that connections are kept.",
        HTTP,
    ),
    Keyword::inert(
        "option http-restrict-req-hdr-names",
        PROXY,
        "{ preserve | delete | reject }",
        "Names of headers.",
        HTTP,
    ),
    Keyword::inert(
        "option http-server-close",
        PROXY,
        "",
        "Close server connections after each response.",
        HTTP,
    ),
    Keyword::inert(
        "option http-tunnel",
        PROXY,
        "",
        "Look at the first request only (obsolete).",
        HTTP,
    ),
    Keyword::inert(
        "option http-use-htx",
        PROXY,
        "",
        "Inner form of HTTP messages (obsolete).",
        HTTP,
    ),
    Keyword::inert(
        "option http-use-proxy-header",
        CLIENT,
        "",
        "Look at Proxy-Connection.",
        HTTP,
    ),
    Keyword::inert(
        "option httpclose",
        PROXY,
        "",
        "Close after each response.",
        HTTP,
    ),
    Keyword::inert(
        "option idle-close-on-response",
        CLIENT,
        "",
        "Close idle connections upon a response.",
        HTTP,
    ),
    Keyword::inert(
        "option originalto",
        PROXY,
        "[except <network>] [header <name>]",
        "Tell servers the destination in a header.",
        "a header cannot be added to TCP; servers learn the destination by `send-proxy`",
    ),
];
