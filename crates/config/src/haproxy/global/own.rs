//! What HAProxy does not have: `tune.pontoon.*`.

use std::{net::SocketAddr, time::Duration};

use pontoon_engine::address::Endpoint;

use super::GlobalDraft;
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::{
        Context,
        address::bind,
        keyword::{Keyword, Sections},
        model::BindAddress,
        value,
    },
    source::Word,
};

/// The longest wait without sleeping, in microseconds.
const LONGEST_SPIN: i64 = 10_000;
/// Beyond this many microseconds a sleep adds less than a tenth to what was waited anyway.
const LONG_SPIN: u16 = 1_000;

pub(super) const KEYWORDS: &[Keyword<GlobalDraft>] = &[
    Keyword::supported(
        "tune.pontoon.agent",
        Sections::GLOBAL,
        "<address>:<port>",
        "Where agent checks of other balancers are answered: up, draining or down (Pontoon's own keyword).",
        |draft, args, ctx, d| {
            if let Some(address) = address(args, ctx, d) {
                draft.global.agent = Some(address);
            }
        },
    ),
    Keyword::supported(
        "tune.pontoon.engine",
        Sections::GLOBAL,
        "{ auto | epoll }",
        "How data threads talk to the kernel: through epoll, whichever is said (Pontoon's own keyword).",
        |_, args, _, d| engine(args, d),
    ),
    Keyword::supported(
        "tune.pontoon.metrics",
        Sections::GLOBAL,
        "<address>:<port>",
        "Where `/metrics` and `/health` are served, beside all proxies (Pontoon's own keyword).",
        |draft, args, ctx, d| {
            if let Some(address) = address(args, ctx, d) {
                draft.global.metrics = Some(address);
            }
        },
    ),
    Keyword::supported(
        "tune.pontoon.spin-us",
        Sections::GLOBAL,
        "<microseconds>",
        "How long a busy data thread looks for events before it sleeps; 0: not at all (Pontoon's own keyword).",
        |draft, args, _, d| {
            if let Some(spin) = spin(args, d) {
                draft.global.tune.spin = spin;
            }
        },
    ),
];

/// There is one engine; what is asked for in vain is refused.
fn engine(args: &mut Args<'_>, d: &mut Diagnostics) {
    let Some(word) = value::required(args, "`auto` or `epoll`", d) else {
        return;
    };
    match word.text.as_str() {
        "auto" | "epoll" => {}
        "io_uring" => {
            d.error("no-io-uring", word.span, "there is no io_uring engine")
                .suggest("write `auto`, or remove the line; docs/performance.md tells what it would gain");
        }
        _ => {
            let message = format!("`{}` is not an engine", word.text);
            d.error("unknown-engine", word.span, message)
                .suggest("`auto` or `epoll`");
        }
    }
    value::end(args, d);
}

/// One address of the Internet, with its port.
fn address(args: &mut Args<'_>, cx: &Context<'_>, d: &mut Diagnostics) -> Option<SocketAddr> {
    let word = value::required(args, "an address and a port", d)?;
    let found = bind(word, cx, d);
    value::end(args, d);
    match found.as_slice() {
        [BindAddress::Endpoint(Endpoint::Ip(address))] => Some(*address),
        // Said already.
        [] => None,
        _ => {
            let message = format!("`{}` is not one address with one port", word.text);
            d.error("bad-address", word.span, message)
                .suggest("such as `127.0.0.1:9105`, or `:9105` for all addresses of this machine");
            None
        }
    }
}

fn spin(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<Duration> {
    let word = value::required(args, "a number of microseconds", d)?;
    let micros: u16 = value::integer(word, "a number of microseconds", 0..=LONGEST_SPIN, d)?;
    value::end(args, d);
    if micros > LONG_SPIN {
        warn_long(word, d);
    }
    Some(Duration::from_micros(micros.into()))
}

fn warn_long(word: &Word, d: &mut Diagnostics) {
    d.warning(
        "long-spin",
        word.span,
        "looking for events for so long takes a whole processor, and gains nothing more",
    )
    .suggest("a little more than the time between two messages, such as `50`");
}
