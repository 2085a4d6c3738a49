//! The table of `server` parameters.

use std::net::IpAddr;

use pontoon_engine::{
    health::{InitialState, OnError},
    proxy_protocol::Version,
    units::Weight,
};

use super::options::{Id, ServerOptions, TrackName};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::keyword::{Keyword, Parser, Sections},
    haproxy::{
        Context,
        address::{self, Preference},
        parameters as row,
        value::{
            self, duration_after, integer_after, limit_after, positive_duration_after, required,
            text_after,
        },
    },
    source::Word,
};

const TLS: &str = "TLS to servers is not started yet: remove `ssl` to pass the clients' TLS \
                   through; health checks alone are encrypted with `check-ssl`";
const TLS_DETAILS: &str = "TLS is not terminated, so that there are no details to tell: use \
                           `send-proxy-v2`";
const VERSIONS: &str = "TLS checks use TLS 1.2 or 1.3, whichever the server prefers: remove it";
const SOCKS: &str = "SOCKS is not supported: connect to the server itself";
const PASSED: &str = "the clients' TLS is passed through, and a check is a handshake of its own";
const OLD: &str = "TLS checks never use versions before 1.2";
const HTTP: &str = "it is for HTTP, and HTTP is not forwarded";
const POOL: &str = "each session has a connection of its own, and none is kept";
const DEFAULT: &str = "it undoes what is never done";
const ONCE: &str = "names are resolved once, at the start";

/// All parameters of `server` and `default-server`.
#[rustfmt::skip]
pub(crate) static KEYWORDS: &[Keyword<ServerOptions>] = &[
    yes("addr", "<address>", "Where checks go, if not to the server.",
        |o, args, cx, d| o.check.address = address_after(args, cx, d)),
    yes("agent-addr", "<address>", "Where the agent listens, if not on the server.",
        |o, args, cx, d| o.agent.address = address_after(args, cx, d)),
    yes("agent-check", "", "Asks an agent for the server's state and weight.",
        |o, args, _, _| o.agent.enabled = Some(args.keyword_span())),
    yes("agent-inter", "<time>", "The pause between two questions to the agent; 2 s by default.",
        |o, args, _, d| o.agent.interval = positive_duration_after(args, d)),
    yes("agent-port", "<port>", "The port the agent listens on.",
        |o, args, _, d| o.agent.port = integer_after(args, "a port", value::PORT, d)),
    yes("agent-send", "<text>", "What is sent to the agent first.",
        |o, args, _, d| o.agent.send = text_after(args, "a text", d)),
    inert("allow-0rtt", "", "Sends TLS 1.3 early data.", PASSED),
    inert("alpn", "<protocols>", "Protocols offered by ALPN for traffic.", PASSED),
    yes("backup", "", "Used only when no other server is left.", |o, _, _, _| o.backup = true),
    yes("ca-file", "<file>", "Certificate authorities that TLS checks trust.", ca_file),
    yes("cc", "<algorithm>", "The kernel's TCP congestion control algorithm.",
        |o, args, _, d| o.congestion_control = text_after(args, "an algorithm such as `bbr`", d)),
    yes("check", "", "Checks the server's health.",
        |o, args, _, _| o.check.enabled = Some(args.keyword_span())),
    yes("check-alpn", "<protocols>", "Protocols offered by ALPN in TLS checks.", check_alpn),
    yes("check-proto", "none", "The protocol of checks; only what the check itself speaks is known.",
        check_proto),
    yes("check-send-proxy", "", "Checks begin with a PROXY protocol header.",
        |o, _, _, _| o.check.send_proxy = true),
    yes("check-sni", "<name>", "The server name sent in TLS checks.", check_sni),
    yes("check-ssl", "", "Checks are made over TLS.", |o, _, _, _| o.tls.enabled = true),
    no("check-via-socks4", "", "Checks go through a SOCKS4 proxy.", SOCKS),
    inert("ciphers", "<ciphers>", "Cipher suites up to TLS 1.2.", "TLS checks offer the current safe suites"),
    inert("ciphersuites", "<ciphers>", "Cipher suites of TLS 1.3.",
        "TLS checks offer the current safe suites"),
    inert("cookie", "<value>", "The server's persistence cookie.", HTTP),
    no("crl-file", "<file>", "Revoked server certificates.",
        "revocation lists are not read: remove it, or trust a certificate authority of its own with `ca-file`"),
    yes("crt", "<file>", "The client certificate of TLS checks, with its key.", crt),
    yes("disabled", "", "Starts in maintenance.", |o, _, _, _| o.disabled = true),
    yes("downinter", "<time>", "The pause between two checks while the server is down.",
        |o, args, _, d| o.check.down_interval = positive_duration_after(args, d)),
    yes("enabled", "", "Undoes `disabled`.", |o, _, _, _| o.disabled = false),
    yes("error-limit", "<count>", "Errors in a row that trigger `on-error`; 10 by default.",
        |o, args, _, d| o.observe.error_limit = integer_after(args, "a count", value::POSITIVE, d)),
    yes("fall", "<count>", "Failed checks in a row that take the server down; 3 by default.",
        |o, args, _, d| o.check.fall = integer_after(args, "a count", value::POSITIVE, d)),
    yes("fastinter", "<time>", "The pause between two checks while the state is in transition.",
        |o, args, _, d| o.check.fast_interval = positive_duration_after(args, d)),
    no("force-sslv3", "", "Only SSLv3.", VERSIONS),
    no("force-tlsv10", "", "Only TLS 1.0.", VERSIONS),
    no("force-tlsv11", "", "Only TLS 1.1.", VERSIONS),
    no("force-tlsv12", "", "Only TLS 1.2.", VERSIONS),
    no("force-tlsv13", "", "Only TLS 1.3.", VERSIONS),
    yes("id", "<number>", "The server's number in the statistics.", id),
    yes("init-addr", "<methods>", "How a host name gets its first address: last, libc, none, an address.",
        init_addr),
    yes("init-state", "<state>", "The state before the first check: up, down, fully-up or fully-down.",
        init_state),
    yes("inter", "<time>", "The pause between two checks; 2 s by default.",
        |o, args, _, d| o.check.interval = positive_duration_after(args, d)),
    no("log-proto", "<protocol>", "Framing of log lines.",
        "rings are not supported: name the syslog daemon with `log`"),
    inert("max-reuse", "<count>", "Requests on one connection.", POOL),
    yes("maxconn", "<count>", "Sessions at once; more wait in a queue.",
        |o, args, _, d| set(&mut o.max_connections, limit_after(args, COUNT, d))),
    yes("maxqueue", "<count>", "Sessions that may wait for this very server.",
        |o, args, _, d| set(&mut o.max_queue, limit_after(args, COUNT, d))),
    yes("minconn", "<count>", "The limit of sessions when the backend is idle.",
        |o, args, _, d| set(&mut o.min_connections, limit_after(args, COUNT, d))),
    no("namespace", "<name>", "Connects from another network namespace.",
        "start the program inside that namespace, as in `ip netns exec NAME …`"),
    yes("no-agent-check", "", "Undoes `agent-check`.", |o, _, _, _| o.agent.enabled = None),
    yes("no-backup", "", "Undoes `backup`.", |o, _, _, _| o.backup = false),
    yes("no-check", "", "Undoes `check`.", |o, _, _, _| o.check.enabled = None),
    yes("no-check-send-proxy", "", "Undoes `check-send-proxy`.", |o, _, _, _| o.check.send_proxy = false),
    yes("no-check-ssl", "", "Undoes `check-ssl`.", |o, _, _, _| o.tls.enabled = false),
    yes("no-send-proxy", "", "Undoes `send-proxy`.",
        |o, _, _, _| o.send_proxy = o.send_proxy.filter(|v| *v != Version::V1)),
    yes("no-send-proxy-v2", "", "Undoes `send-proxy-v2`.",
        |o, _, _, _| o.send_proxy = o.send_proxy.filter(|v| *v != Version::V2)),
    inert("no-send-proxy-v2-ssl", "", "Undoes `send-proxy-v2-ssl`.", DEFAULT),
    inert("no-send-proxy-v2-ssl-cn", "", "Undoes `send-proxy-v2-ssl-cn`.", DEFAULT),
    inert("no-ssl", "", "Undoes `ssl`.", DEFAULT),
    inert("no-ssl-reuse", "", "Without resumed TLS sessions.", PASSED),
    inert("no-sslv3", "", "Without SSLv3.", OLD),
    yes("no-tfo", "", "Undoes `tfo`.", |o, _, _, _| o.fast_open = false),
    inert("no-tls-tickets", "", "Without session tickets.", PASSED),
    inert("no-tlsv10", "", "Without TLS 1.0.", OLD),
    inert("no-tlsv11", "", "Without TLS 1.1.", OLD),
    no("no-tlsv12", "", "Without TLS 1.2.", VERSIONS),
    no("no-tlsv13", "", "Without TLS 1.3.", VERSIONS),
    yes("no-verifyhost", "", "Undoes `verifyhost`.", |o, _, _, _| o.tls.verify_host = None),
    inert("non-stick", "", "Keeps the server out of stick tables.", "there are no stick tables"),
    inert("npn", "<protocols>", "Protocols offered by NPN.", PASSED),
    yes("observe", "<mode>", "Learns from live traffic: `layer4`, or `none`.", observe),
    yes("on-error", "<mode>", "What errors of live traffic do: fastinter, fail-check, sudden-death, mark-down.",
        on_error),
    yes("on-marked-down", "shutdown-sessions", "Ends the server's sessions when it goes down.",
        on_marked_down),
    yes("on-marked-up", "shutdown-backup-sessions", "Ends the backups' sessions when the server comes up.",
        on_marked_up),
    inert("pool-low-conn", "<count>", "Idle connections to keep.", POOL),
    inert("pool-max-conn", "<count>", "Idle connections to keep at most.", POOL),
    inert("pool-purge-delay", "<time>", "When idle connections are closed.", POOL),
    yes("port", "<port>", "The port checks go to, if not the server's.",
        |o, args, _, d| o.check.port = integer_after(args, "a port", value::PORT, d)),
    yes("proto", "none", "The protocol on the connection; only `none` (bytes) is known.", proto),
    no("proxy-v2-options", "<options>", "More fields in the PROXY header.",
        "the PROXY header carries addresses only: use `send-proxy-v2` alone"),
    no("redir", "<prefix>", "Redirects HTTP requests.", "HTTP is not forwarded: remove it"),
    inert("resolve-net", "<networks>", "Networks to prefer when a name is resolved again.", ONCE),
    inert("resolve-opts", "<options>", "How addresses are used when a name is resolved again.", ONCE),
    yes("resolve-prefer", "<family>", "Which address of a host name is taken: `ipv4` or `ipv6`.",
        resolve_prefer),
    no("resolvers", "<section>", "Resolves the host name again and again.",
        "names are resolved once, at the start: remove `resolvers`, and reload when an address changes"),
    yes("rise", "<count>", "Passed checks in a row that bring the server up; 2 by default.",
        |o, args, _, d| o.check.rise = integer_after(args, "a count", value::POSITIVE, d)),
    yes("send-proxy", "", "Connections begin with a PROXY protocol header, version 1.",
        |o, _, _, _| o.send_proxy = Some(Version::V1)),
    yes("send-proxy-v2", "", "Connections begin with a PROXY protocol header, version 2.",
        |o, _, _, _| o.send_proxy = Some(Version::V2)),
    no("send-proxy-v2-ssl", "", "PROXY protocol with TLS details.", TLS_DETAILS),
    no("send-proxy-v2-ssl-cn", "", "PROXY protocol with the client certificate's name.", TLS_DETAILS),
    yes("slowstart", "<time>", "How long a server that came back takes to its full share.", slow_start),
    inert("sni", "<expression>", "The server name sent when traffic is encrypted.", PASSED),
    no("socks4", "<address>", "Connects through a SOCKS4 proxy.", SOCKS),
    yes("source", "<address> ...", "Where connections come from.",
        |o, args, cx, d| o.source = address::source(args, cx, d)),
    no("ssl", "", "Encrypts traffic to the server.", TLS),
    inert("ssl-max-ver", "<version>", "The newest TLS version of traffic.",
        "TLS checks use TLS 1.2 or 1.3, whichever the server prefers"),
    yes("ssl-min-ver", "<version>", "The oldest TLS version of checks.", ssl_min_ver),
    inert("ssl-reuse", "", "Undoes `no-ssl-reuse`.", DEFAULT),
    inert("stick", "", "Undoes `non-stick`.", "there are no stick tables"),
    yes("tcp-ut", "<time>", "How long sent data may stay unacknowledged.",
        |o, args, _, d| o.tcp_user_timeout = duration_after(args, d)),
    yes("tfo", "", "TCP Fast Open.", |o, _, _, _| o.fast_open = true),
    inert("tls-tickets", "", "Undoes `no-tls-tickets`.", DEFAULT),
    yes("track", "[<proxy>/]<server>", "Follows the state of another server.", track),
    yes("verify", "<level>", "Whether TLS checks verify the server's certificate: `required` or `none`.",
        verify),
    yes("verifyhost", "<name>", "The name the server's certificate must have.", verify_host),
    yes("weight", "<number>", "The share of the load, 0 to 256.", weight),
    inert("ws", "<protocol>", "The protocol of WebSockets.", HTTP),
];

type Name = &'static str;

const COUNT: &str = "a count of sessions";

const fn yes(
    name: Name,
    syntax: Name,
    doc: Name,
    parse: Parser<ServerOptions>,
) -> Keyword<ServerOptions> {
    Keyword::<ServerOptions>::supported(name, Sections::SERVER, syntax, doc, parse)
}

const fn inert(name: Name, syntax: Name, doc: Name, reason: Name) -> Keyword<ServerOptions> {
    row::inert(name, Sections::SERVER, syntax, doc, reason)
}

const fn no(name: Name, syntax: Name, doc: Name, instead: Name) -> Keyword<ServerOptions> {
    Keyword::refused(name, Sections::SERVER, syntax, doc, instead)
}

/// Leaves the option as it is where the value was wrong.
fn set<T>(option: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *option = value;
    }
}

fn address_after(args: &mut Args<'_>, cx: &Context<'_>, d: &mut Diagnostics) -> Option<IpAddr> {
    address::ip(required(args, "an address", d)?, cx, d)
}

fn wrong(word: &Word, what: &str, known: &[&str], d: &mut Diagnostics) {
    let near = crate::similar::nearest(&word.text, known.iter().copied());
    d.error(
        "bad-choice",
        word.span,
        format!("`{}` is not {what}", word.text),
    )
    .suggest(near.map_or_else(
        || known.join(", "),
        |near| format!("did you mean `{near}`?"),
    ));
}

/// The choice that the next word names. Errors: `missing-argument`, `bad-choice`.
fn choice<T: Copy>(
    args: &mut Args<'_>,
    what: &str,
    choices: &[(&str, T)],
    d: &mut Diagnostics,
) -> Option<T> {
    let word = required(args, what, d)?;
    let found = choices.iter().find(|(name, _)| *name == word.text);
    if found.is_none() {
        let known: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        wrong(word, what, &known, d);
    }
    found.map(|(_, choice)| *choice)
}

type Options = ServerOptions;

fn weight(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let number: Option<u16> = integer_after(args, "a weight", 0..=256, d);
    o.weight = number.and_then(Weight::new);
}

fn id(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let span = args.peek().map(|word| word.span).unwrap_or_default();
    let number = integer_after(args, "an id", value::POSITIVE, d);
    o.id = number.map(|number| Id { number, span });
}

fn slow_start(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    set(&mut o.slow_start, duration_after(args, d));
}

fn track(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let Some(word) = required(args, "a server to track", d) else {
        return;
    };
    let (proxy, server) = match word.text.split_once('/') {
        Some((proxy, server)) => (Some(proxy.to_owned()), server),
        None => (None, word.text.as_str()),
    };
    o.track = Some(TrackName {
        proxy,
        server: server.to_owned(),
        span: word.span,
    });
}

fn init_addr(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let methods = required(args, "methods such as `last,libc,none`", d)
        .and_then(|word| address::lookup_methods(word, d));
    set(&mut o.lookup.methods, methods);
}

fn resolve_prefer(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let families = [("ipv4", Preference::V4), ("ipv6", Preference::V6)];
    o.lookup.prefer = choice(args, "a family", &families, d);
}

fn init_state(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let states = [
        ("up", InitialState::Up),
        ("down", InitialState::Down),
        ("fully-up", InitialState::FullyUp),
        ("fully-down", InitialState::FullyDown),
    ];
    set(
        &mut o.check.initial,
        choice(args, "an initial state", &states, d),
    );
}

fn observe(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let Some(word) = required(args, "`layer4` or `none`", d) else {
        return;
    };
    match word.text.as_str() {
        "none" => o.observe.layer4 = false,
        "layer4" => o.observe.layer4 = true,
        "layer7" => {
            d.error(
                "unsupported",
                word.span,
                "`observe layer7` is for HTTP, which is not forwarded",
            )
            .suggest("use `observe layer4`");
        }
        _ => wrong(word, "what can be observed", &["layer4", "none"], d),
    }
}

fn on_error(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let modes = [
        ("fastinter", OnError::FastInterval),
        ("fail-check", OnError::FailCheck),
        ("sudden-death", OnError::SuddenDeath),
        ("mark-down", OnError::MarkDown),
    ];
    set(
        &mut o.observe.on_error,
        choice(args, "a mode of `on-error`", &modes, d),
    );
}

fn on_marked_down(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let actions = [("shutdown-sessions", true)];
    let action = choice(args, "an action of `on-marked-down`", &actions, d);
    set(&mut o.shutdown_on_down, action);
}

fn on_marked_up(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let actions = [("shutdown-backup-sessions", true)];
    let action = choice(args, "an action of `on-marked-up`", &actions, d);
    set(&mut o.shutdown_backup_on_up, action);
}

fn proto(_: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    only(args, &["none"], d);
}

/// `h1` is what HTTP checks speak anyway.
fn check_proto(_: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    only(args, &["none", "h1"], d);
}

fn only(args: &mut Args<'_>, known: &[&str], d: &mut Diagnostics) {
    let Some(word) = required(args, "a protocol", d) else {
        return;
    };
    if !known.contains(&word.text.as_str()) {
        d.error(
            "unsupported",
            word.span,
            format!("the protocol `{}` is not supported", word.text),
        )
        .suggest(format!("remove `{}`", args.keyword_text()));
    }
}

fn check_alpn(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    mark(o, args);
    if let Some(word) = required(args, "protocols such as `http/1.1`", d) {
        o.check.alpn = alpn(&word.text);
    }
}

/// The protocols of a comma-separated list.
pub(in crate::haproxy) fn alpn(list: &str) -> Vec<Vec<u8>> {
    list.split(',')
        .filter(|name| !name.is_empty())
        .map(|name| name.as_bytes().to_vec())
        .collect()
}

fn check_sni(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    mark(o, args);
    o.tls.server_name = text_after(args, "a host name", d);
}

fn verify(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    mark(o, args);
    let levels = [("required", true), ("none", false)];
    o.tls.verify = choice(args, "a level of `verify`", &levels, d);
}

fn verify_host(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    mark(o, args);
    o.tls.verify_host = text_after(args, "a host name", d);
}

fn ca_file(o: &mut Options, args: &mut Args<'_>, cx: &Context<'_>, d: &mut Diagnostics) {
    mark(o, args);
    let word = required(args, "a file", d);
    o.tls.ca_file = word
        .filter(|word| word.text != "@system-ca")
        .map(|word| (cx.ca_file(&word.text), word.span));
}

fn crt(o: &mut Options, args: &mut Args<'_>, cx: &Context<'_>, d: &mut Diagnostics) {
    mark(o, args);
    let word = required(args, "a file", d);
    o.tls.certificate = word.map(|word| (cx.crt_file(&word.text), word.span));
}

/// The library's own lower limit is TLS 1.2; nothing can raise it to 1.3 yet.
fn ssl_min_ver(o: &mut Options, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    mark(o, args);
    let versions = [
        ("SSLv3", true),
        ("TLSv1.0", true),
        ("TLSv1.1", true),
        ("TLSv1.2", true),
        ("TLSv1.3", false),
    ];
    let span = args.peek().map(|word| word.span).unwrap_or_default();
    if choice(args, "a TLS version", &versions, d) == Some(false) {
        d.error("unsupported", span, "TLS checks cannot insist on TLS 1.3")
            .suggest("use `ssl-min-ver TLSv1.2`");
    }
}

/// Remembers where the first TLS parameter stands.
fn mark(o: &mut Options, args: &Args<'_>) {
    o.tls.first.get_or_insert(args.keyword_span());
}
