//! TLS for the whole process. Only health checks speak TLS here, with settings of their own.

use super::{GlobalDraft, switch};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::Context,
    haproxy::keyword::{Keyword, Sections},
};

const GLOBAL: Sections = Sections::GLOBAL;

const LISTENERS: &str = "TLS passes through; listeners that end it are refused";
const CHECKS: &str =
    "only health checks speak TLS to servers, with today's safe protocols and ciphers";
const OPENSSL: &str = "TLS comes from rustls, not from OpenSSL";

pub(super) const KEYWORDS: &[Keyword<GlobalDraft>] = &[
    Keyword::supported(
        "ssl-server-verify",
        GLOBAL,
        "{ none | required }",
        "Whether certificates of servers are verified unless a server says so itself.",
        |draft, args, ctx, d| server_verify(draft, args, ctx, d),
    ),
    Keyword::inert(
        "ssl-default-bind-ciphers",
        GLOBAL,
        "<ciphers>",
        "Ciphers of listeners up to TLS 1.2.",
        LISTENERS,
    ),
    Keyword::inert(
        "ssl-default-bind-ciphersuites",
        GLOBAL,
        "<ciphersuites>",
        "Ciphers of listeners from TLS 1.3.",
        LISTENERS,
    ),
    Keyword::inert(
        "ssl-default-bind-curves",
        GLOBAL,
        "<curves>",
        "Curves of listeners.",
        LISTENERS,
    ),
    Keyword::inert(
        "ssl-default-bind-options",
        GLOBAL,
        "<option>…",
        "Options of listeners.",
        LISTENERS,
    ),
    Keyword::inert(
        "ssl-default-server-ciphers",
        GLOBAL,
        "<ciphers>",
        "Ciphers towards servers up to TLS 1.2.",
        CHECKS,
    ),
    Keyword::inert(
        "ssl-default-server-ciphersuites",
        GLOBAL,
        "<ciphersuites>",
        "Ciphers towards servers from TLS 1.3.",
        CHECKS,
    ),
    Keyword::inert(
        "ssl-default-server-options",
        GLOBAL,
        "<option>…",
        "Options towards servers.",
        CHECKS,
    ),
    Keyword::inert(
        "ssl-dh-param-file",
        GLOBAL,
        "<file>",
        "Diffie-Hellman parameters of listeners.",
        LISTENERS,
    ),
    Keyword::inert(
        "ssl-load-extra-files",
        GLOBAL,
        "<type>…",
        "Which files are read beside certificates.",
        LISTENERS,
    ),
    Keyword::inert(
        "ssl-load-extra-del-ext",
        GLOBAL,
        "",
        "How files beside certificates are named.",
        LISTENERS,
    ),
    Keyword::inert(
        "ssl-skip-self-issued-ca",
        GLOBAL,
        "",
        "Leave self-issued authorities out of chains.",
        LISTENERS,
    ),
    Keyword::inert(
        "issuers-chain-path",
        GLOBAL,
        "<directory>",
        "Where chains of certificates are.",
        LISTENERS,
    ),
    Keyword::inert(
        "ssl-engine",
        GLOBAL,
        "<name> [algo <list>]",
        "OpenSSL engine.",
        OPENSSL,
    ),
    Keyword::inert(
        "ssl-mode-async",
        GLOBAL,
        "",
        "Asynchronous OpenSSL engines.",
        OPENSSL,
    ),
    Keyword::inert(
        "ssl-propquery",
        GLOBAL,
        "<query>",
        "OpenSSL property query.",
        OPENSSL,
    ),
    Keyword::inert(
        "ssl-provider",
        GLOBAL,
        "<name>",
        "OpenSSL provider.",
        OPENSSL,
    ),
    Keyword::inert(
        "ssl-provider-path",
        GLOBAL,
        "<path>",
        "Where OpenSSL providers are.",
        OPENSSL,
    ),
    Keyword::inert(
        "tune.ssl.cachesize",
        GLOBAL,
        "<number>",
        "TLS session cache of listeners.",
        LISTENERS,
    ),
    Keyword::inert(
        "tune.ssl.capture-buffer-size",
        GLOBAL,
        "<number>",
        "Capture of ClientHellos.",
        LISTENERS,
    ),
    Keyword::inert(
        "tune.ssl.capture-cipherlist-size",
        GLOBAL,
        "<number>",
        "Capture of cipher lists (obsolete).",
        LISTENERS,
    ),
    Keyword::inert(
        "tune.ssl.default-dh-param",
        GLOBAL,
        "<bits>",
        "Diffie-Hellman size of listeners.",
        LISTENERS,
    ),
    Keyword::inert(
        "tune.ssl.force-private-cache",
        GLOBAL,
        "",
        "TLS session cache of each process.",
        LISTENERS,
    ),
    Keyword::inert(
        "tune.ssl.hard-maxrecord",
        GLOBAL,
        "<bytes>",
        "Size of TLS records.",
        LISTENERS,
    ),
    Keyword::inert(
        "tune.ssl.keylog",
        GLOBAL,
        "{ on | off }",
        "Log TLS keys.",
        LISTENERS,
    ),
    Keyword::inert(
        "tune.ssl.lifetime",
        GLOBAL,
        "<time>",
        "How long TLS sessions are remembered.",
        LISTENERS,
    ),
    Keyword::inert(
        "tune.ssl.maxrecord",
        GLOBAL,
        "<bytes>",
        "Size of TLS records.",
        LISTENERS,
    ),
    Keyword::inert(
        "tune.ssl.ssl-ctx-cache-size",
        GLOBAL,
        "<number>",
        "Cache of made-up certificates.",
        LISTENERS,
    ),
];

fn server_verify(
    draft: &mut GlobalDraft,
    args: &mut Args<'_>,
    _: &Context<'_>,
    d: &mut Diagnostics,
) {
    let none = args.take_if("none");
    if !none && !args.take_if("required") {
        let span = args.peek().map_or(args.keyword_span(), |word| word.span);
        args.take_rest();
        d.error(
            "unknown-value",
            span,
            "`ssl-server-verify` is `none` or `required`",
        );
        return;
    }
    switch(args, d, || draft.global.tls_server_verify_none = none);
}
