//! What HAProxy does not have: `tune.pontoon.*`.

use std::time::Duration;

use super::GlobalDraft;
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::{
        keyword::{Keyword, Sections},
        model::Engine,
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
        "tune.pontoon.engine",
        Sections::GLOBAL,
        "{ auto | epoll | io_uring }",
        "How data threads talk to the kernel (Pontoon's own keyword).",
        |draft, args, _, d| {
            if let Some(engine) = engine(args, d) {
                draft.global.tune.engine = engine;
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

fn engine(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<Engine> {
    let word = value::required(args, "`auto`, `epoll` or `io_uring`", d)?;
    let engine = match word.text.as_str() {
        "auto" => Some(Engine::Auto),
        "epoll" => Some(Engine::Epoll),
        "io_uring" => {
            d.error("no-io-uring", word.span, "there is no io_uring engine yet")
                .suggest("write `auto`, or remove the line");
            None
        }
        _ => {
            let message = format!("`{}` is not an engine", word.text);
            d.error("unknown-engine", word.span, message)
                .suggest("`auto`, `epoll` or `io_uring`");
            None
        }
    };
    value::end(args, d);
    engine
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
