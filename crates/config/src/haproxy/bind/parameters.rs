//! The table of `bind` parameters.

use super::{BindDraft, Context};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::keyword::{Keyword, Parser, Sections},
    haproxy::{
        model::{Access, SeverityOutput},
        parameters as row,
        value::{self, duration_after, integer_after, limit_after, required, text_after},
    },
    source::Word,
};

const TLS: &str = "TLS is not terminated yet: remove the TLS parameters to pass TLS through as it \
                   is, or terminate it at the servers";
const QUIC: &str = "QUIC is not supported: remove the parameter";
const SOCKET_ONLY: &str = "for `stats socket`; without effect on `bind`";
const ALL_THREADS: &str = "every thread serves every listener";

/// All parameters of `bind`.
#[rustfmt::skip]
pub(crate) static KEYWORDS: &[Keyword<BindDraft>] = &[
    no("accept-netscaler-cip", "<magic>", "Expects NetScaler's client address header.",
        "only the PROXY protocol is understood: use `accept-proxy`"),
    yes("accept-proxy", "", "Expects a PROXY protocol header on each connection.",
        |b, _, _, _| b.bind.accept_proxy = true),
    tls("allow-0rtt", "", "Accepts TLS 1.3 early data."),
    tls("alpn", "<protocols>", "Protocols offered by ALPN."),
    yes("backlog", "<count>", "Connections the kernel may hold before they are accepted.", backlog),
    tls("ca-file", "<file>", "Certificate authorities for client certificates."),
    tls("ca-ignore-err", "<errors>", "Errors of client certificates to ignore, at depths above 0."),
    tls("ca-sign-file", "<file>", "The authority that signs generated certificates."),
    tls("ca-sign-pass", "<passphrase>", "The passphrase of `ca-sign-file`."),
    tls("ca-verify-file", "<file>", "Authorities that are not announced to clients."),
    yes("cc", "<algorithm>", "The kernel's TCP congestion control algorithm.",
        |b, args, _, d| b.bind.congestion_control = text_after(args, "an algorithm such as `bbr`", d)),
    tls("ciphers", "<ciphers>", "Cipher suites up to TLS 1.2."),
    tls("ciphersuites", "<ciphers>", "Cipher suites of TLS 1.3."),
    tls("crl-file", "<file>", "Revoked client certificates."),
    tls("crt", "<file>", "A certificate with its key."),
    tls("crt-ignore-err", "<errors>", "Errors of client certificates to ignore, at depth 0."),
    tls("crt-list", "<file>", "A list of certificates."),
    tls("curves", "<curves>", "Elliptic curves offered."),
    yes("defer-accept", "", "Accepts a connection once the client has sent data.",
        |b, _, _, _| b.bind.defer_accept = true),
    tls("ecdhe", "<curve>", "The curve for ephemeral keys."),
    inert("expose-fd", "listeners", "Lets a successor fetch the listeners.",
        "a successor fetches them by the number of the process, without a socket (`-sf`)"),
    tls("force-sslv3", "", "Only SSLv3."),
    tls("force-tlsv10", "", "Only TLS 1.0."),
    tls("force-tlsv11", "", "Only TLS 1.1."),
    tls("force-tlsv12", "", "Only TLS 1.2."),
    tls("force-tlsv13", "", "Only TLS 1.3."),
    tls("generate-certificates", "", "Generates certificates on the fly."),
    yes("gid", "<number>", "The group that owns a UNIX socket.", gid),
    yes("group", "<name>", "The group that owns a UNIX socket, by name.", group),
    yes("id", "<number>", "The listener's number in the statistics.", id),
    yes("interface", "<name>", "Takes only connections that arrive on this interface.",
        |b, args, _, d| b.bind.interface = text_after(args, "the name of an interface", d)),
    Keyword::<BindDraft>::depends("level", HERE, "{ user | operator | admin }", "What clients of the runtime socket may do.",
        SOCKET_ONLY, level),
    yes("maxconn", "<count>", "Connections at once on this listener.", max_connections),
    yes("mode", "<octal>", "The permissions of a UNIX socket.", mode),
    yes("mss", "<bytes>", "The TCP maximum segment size announced to clients.", mss),
    yes("name", "<name>", "The listener's name in the statistics.",
        |b, args, _, d| b.bind.name = text_after(args, "a name", d)),
    no("namespace", "<name>", "Listens in another network namespace.",
        "start the program inside that namespace, as in `ip netns exec NAME …`"),
    inert("nice", "<number>", "Scheduling priority of the listener's sessions.",
        "sessions are served in the order of their events, without priorities"),
    tls("no-ca-names", "", "Does not announce certificate authorities."),
    tls("no-sslv3", "", "Without SSLv3."),
    tls("no-tls-tickets", "", "Without session tickets."),
    tls("no-tlsv10", "", "Without TLS 1.0."),
    tls("no-tlsv11", "", "Without TLS 1.1."),
    tls("no-tlsv12", "", "Without TLS 1.2."),
    tls("no-tlsv13", "", "Without TLS 1.3."),
    tls("npn", "<protocols>", "Protocols offered by NPN."),
    tls("prefer-client-ciphers", "", "The client's order of ciphers counts."),
    inert("process", "<set>", "Obsolete: the threads that serve this listener.", ALL_THREADS),
    yes("proto", "none", "The protocol on the connection; only `none` (bytes) is known.", proto),
    no("quic-cc-algo", "<algorithm>", "QUIC congestion control.", QUIC),
    no("quic-force-retry", "", "QUIC address validation.", QUIC),
    Keyword::<BindDraft>::depends("severity-output", HERE, "{ none | number | string }",
        "Severities in the runtime socket's answers.", SOCKET_ONLY, severity),
    inert("shards", "<count>", "Sockets that share the load of this line.",
        "the threads share each address already, and the kernel spreads connections over them"),
    tls("ssl", "", "Terminates TLS."),
    tls("ssl-max-ver", "<version>", "The newest TLS version allowed."),
    tls("ssl-min-ver", "<version>", "The oldest TLS version allowed."),
    tls("strict-sni", "", "Refuses clients without a matching server name."),
    yes("tcp-ut", "<time>", "How long sent data may stay unacknowledged.",
        |b, args, _, d| b.bind.tcp_user_timeout = duration_after(args, d)),
    yes("tfo", "", "TCP Fast Open.", |b, _, _, _| b.bind.fast_open = true),
    inert("thread", "<set>", "The threads that serve this listener.", ALL_THREADS),
    tls("tls-ticket-keys", "<file>", "Keys of session tickets."),
    yes("transparent", "", "Listens on addresses that are not this machine's.",
        |b, _, _, _| b.bind.transparent = true),
    yes("uid", "<number>", "The user who owns a UNIX socket.", uid),
    yes("user", "<name>", "The user who owns a UNIX socket, by name.", user),
    yes("v4v6", "", "An IPv6 socket takes IPv4 connections too.",
        |b, _, _, _| { b.bind.v6_only.get_or_insert(false); }),
    yes("v6only", "", "An IPv6 socket takes IPv6 connections only.",
        |b, _, _, _| b.bind.v6_only = Some(true)),
    tls("verify", "<level>", "Whether clients must have certificates."),
];

type Name = &'static str;

const HERE: Sections = Sections::FRONTEND.or(Sections::LISTEN);

const fn yes(name: Name, syntax: Name, doc: Name, parse: Parser<BindDraft>) -> Keyword<BindDraft> {
    Keyword::<BindDraft>::supported(name, HERE, syntax, doc, parse)
}

const fn inert(name: Name, syntax: Name, doc: Name, reason: Name) -> Keyword<BindDraft> {
    row::inert(name, HERE, syntax, doc, reason)
}

const fn no(name: Name, syntax: Name, doc: Name, instead: Name) -> Keyword<BindDraft> {
    Keyword::refused(name, HERE, syntax, doc, instead)
}

const fn tls(name: Name, syntax: Name, doc: Name) -> Keyword<BindDraft> {
    Keyword::refused(name, HERE, syntax, doc, TLS)
}

fn backlog(draft: &mut BindDraft, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    if let Some(backlog) = limit_after(args, "a count of connections", d) {
        draft.bind.backlog = backlog;
    }
}

fn max_connections(
    draft: &mut BindDraft,
    args: &mut Args<'_>,
    _: &Context<'_>,
    d: &mut Diagnostics,
) {
    if let Some(limit) = limit_after(args, "a count of connections", d) {
        draft.bind.max_connections = limit;
    }
}

fn id(draft: &mut BindDraft, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let span = args.peek().map(|word| word.span);
    if let Some(number) = integer_after(args, "an id", value::POSITIVE, d) {
        draft.bind.number = number;
        draft.id = span;
    }
}

fn mode(draft: &mut BindDraft, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let Some(word) = required(args, "octal permissions, as in `660`", d) else {
        return;
    };
    draft.bind.unix.mode = value::octal_mode(word, d);
    draft.unix = Some(args.keyword_span());
}

fn mss(draft: &mut BindDraft, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let Some(word) = required(args, "a number of bytes", d) else {
        return;
    };
    if word.text.starts_with('-') {
        d.error(
            "unsupported",
            word.span,
            "a negative `mss` is not supported",
        )
        .suggest("write the segment size itself");
        return;
    }
    draft.bind.mss = value::integer(word, "a segment size", 1..=65_535, d);
}

fn proto(_: &mut BindDraft, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let Some(word) = required(args, "a protocol", d) else {
        return;
    };
    if word.text != "none" {
        d.error(
            "unsupported",
            word.span,
            format!("the protocol `{}` is not supported", word.text),
        )
        .suggest("remove `proto`: bytes are passed as they are");
    }
}

fn level(draft: &mut BindDraft, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let known = [
        ("user", Access::User),
        ("operator", Access::Operator),
        ("admin", Access::Admin),
    ];
    if let Some(access) = one_of(draft, args, "a level", &known, d) {
        draft.access = access;
    }
}

fn severity(draft: &mut BindDraft, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    let known = [
        ("none", SeverityOutput::None),
        ("number", SeverityOutput::Number),
        ("string", SeverityOutput::Word),
    ];
    if let Some(severity) = one_of(draft, args, "a form", &known, d) {
        draft.severity = severity;
    }
}

/// A word of a parameter of `stats socket`.
fn one_of<T: Copy>(
    draft: &BindDraft,
    args: &mut Args<'_>,
    what: &str,
    known: &[(&str, T)],
    d: &mut Diagnostics,
) -> Option<T> {
    let keyword = args.keyword_text();
    if !draft.runtime {
        let message = format!("`{keyword}` has no effect: it is for `stats socket`");
        d.note("without-effect", args.keyword_span(), message);
    }
    let word = required(args, what, d)?;
    let found = known.iter().find(|(name, _)| *name == word.text);
    if found.is_none() {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        let message = format!("`{}` is not {what} of `{keyword}`", word.text);
        d.error("unknown-value", word.span, message)
            .suggest(format!("known are {}", names.join(", ")));
    }
    found.map(|(_, value)| *value)
}

fn gid(draft: &mut BindDraft, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    draft.bind.unix.gid = integer_after(args, "the number of a group", value::COUNT, d);
    draft.unix = Some(args.keyword_span());
}

fn uid(draft: &mut BindDraft, args: &mut Args<'_>, _: &Context<'_>, d: &mut Diagnostics) {
    draft.bind.unix.uid = integer_after(args, "the number of a user", value::COUNT, d);
    draft.unix = Some(args.keyword_span());
}

fn group(draft: &mut BindDraft, args: &mut Args<'_>, cx: &Context<'_>, d: &mut Diagnostics) {
    let Some(word) = required(args, "the name of a group", d) else {
        return;
    };
    let found = cx.surroundings.group_id(&word.text);
    draft.bind.unix.gid = known(found, word, "group", d);
    draft.unix = Some(args.keyword_span());
}

fn user(draft: &mut BindDraft, args: &mut Args<'_>, cx: &Context<'_>, d: &mut Diagnostics) {
    let Some(word) = required(args, "the name of a user", d) else {
        return;
    };
    let found = cx.surroundings.user_id(&word.text);
    draft.bind.unix.uid = known(found, word, "user", d);
    draft.unix = Some(args.keyword_span());
}

fn known(found: Option<u32>, word: &Word, what: &str, d: &mut Diagnostics) -> Option<u32> {
    if found.is_none() {
        d.error(
            "unknown-account",
            word.span,
            format!("there is no {what} `{}` on this machine", word.text),
        );
    }
    found
}
