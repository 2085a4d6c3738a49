//! What `tcp-check` and `http-check` lines have in common.

use std::sync::Arc;

use super::{CheckTls, ConnectStep};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::{
        Context, address,
        value::{self, required, text_after},
    },
    source::{Span, Word},
};

/// The section that a script belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    section: u16,
    name: String,
}

impl Owner {
    pub(super) fn of(cx: &Context<'_>) -> Self {
        Self {
            section: cx.section.kind.0,
            name: cx.section.name.to_owned(),
        }
    }
}

/// The lines of one script.
#[derive(Debug, Clone)]
pub(super) struct Rules<S> {
    owner: Option<Owner>,
    first: Option<Span>,
    /// Lines so far, comments counted.
    lines: u32,
    /// What a `comment` line just before said, and where.
    comment: Option<(String, Span)>,
    pub(super) steps: Vec<S>,
}

impl<S> Default for Rules<S> {
    fn default() -> Self {
        Self {
            owner: None,
            first: None,
            lines: 0,
            comment: None,
            steps: Vec::new(),
        }
    }
}

impl<S> Rules<S> {
    /// A line of this section begins; lines inherited from `defaults` make way for it. True if
    /// there were some.
    pub(super) fn begin_line(&mut self, at: Span, cx: &Context<'_>) -> bool {
        let replaced = self.claim(cx);
        self.first.get_or_insert(at);
        self.lines += 1;
        replaced
    }

    /// The script is this section's own from now on. True if it was another's.
    pub(super) fn claim(&mut self, cx: &Context<'_>) -> bool {
        let here = Owner::of(cx);
        let replaces = !self.is_of(&here);
        if replaces {
            *self = Self::default();
        }
        self.owner = Some(here);
        replaces
    }

    /// Whether the script is this section's own, or nobody's yet.
    pub(super) fn is_of(&self, here: &Owner) -> bool {
        self.owner.as_ref().is_none_or(|owner| owner == here)
            && (self.owner.is_some() || self.steps.is_empty())
    }

    /// Where the section's first line stands.
    pub(super) fn first_of(&self, here: &Owner) -> Option<Span> {
        self.first.filter(|_| self.owner.as_ref() == Some(here))
    }

    /// The number of the line just begun.
    pub(super) const fn number(&self) -> u32 {
        self.lines
    }

    pub(super) fn set_comment(&mut self, text: String, at: Span) {
        self.comment = Some((text, at));
    }

    /// A step that reports never name follows a `comment` line: where that stands.
    pub(super) fn forget_comment(&mut self) -> Option<Span> {
        self.comment.take().map(|(_, at)| at)
    }

    /// The line's own comment, or that of a `comment` line just before.
    pub(super) fn comment(&mut self, own: Option<String>) -> Option<String> {
        let before = self.comment.take();
        own.or(before.map(|(text, _)| text))
    }
}

/// The parameters of `connect`, and its comment. `None`: an error was reported.
pub(super) fn connect(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<(ConnectStep, Option<String>)> {
    let mut step = ConnectStep::default();
    let mut comment = None;
    let mut tls = false;
    let mut server_name = None;
    while let Some(word) = args.next() {
        match word.text.as_str() {
            "default" => step.default = true,
            "send-proxy" => step.send_proxy = true,
            "linger" => step.linger = true,
            "ssl" => tls = true,
            "port" => step.port = Some(port(args, d)?),
            "addr" => step.address = Some(address::ip(required(args, "an address", d)?, cx, d)?),
            "sni" => server_name = Some((text_after(args, "a host name", d)?, word.span)),
            "comment" => comment = Some(text_after(args, "a comment", d)?),
            "via-socks4" | "alpn" | "proto" => return refuse(word, d),
            _ => return unknown(word, CONNECT, "connect", d),
        }
    }
    if let Some((_, span)) = server_name.as_ref().filter(|_| !tls) {
        d.warning("without-effect", *span, "`sni` has no effect without `ssl`")
            .suggest("add `ssl`, or set `check-sni` on the server");
    }
    step.tls = tls.then(|| step_tls(server_name.map(|(name, _)| name), cx));
    Some((step, comment))
}

const CONNECT: &[&str] = &[
    "addr",
    "comment",
    "default",
    "linger",
    "port",
    "send-proxy",
    "sni",
    "ssl",
];

/// Everything but the name is the server's own.
fn step_tls(server_name: Option<String>, cx: &Context<'_>) -> Arc<CheckTls> {
    Arc::new(CheckTls {
        server_name,
        verify: !cx.tls_server_verify_none,
        verify_host: None,
        ca_file: None,
        certificate: None,
    })
}

fn port(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<u16> {
    let word = required(args, "a port", d)?;
    value::integer(word, "a port", value::PORT, d)
}

fn refuse<T>(word: &Word, d: &mut Diagnostics) -> Option<T> {
    let instead = match word.text.as_str() {
        "alpn" => "use `check-alpn` on the server",
        "proto" => "remove it: a check speaks its own protocol",
        _ => "SOCKS is not supported: connect to the server itself",
    };
    let message = format!("`{}` of a check's `connect` is not supported", word.text);
    d.error("unsupported", word.span, message).suggest(instead);
    None
}

/// Says that a word is no parameter of a step.
pub(super) fn unknown<T>(
    word: &Word,
    known: &[&str],
    step: &str,
    d: &mut Diagnostics,
) -> Option<T> {
    let message = format!("`{}` is not a parameter of `{step}`", word.text);
    let near = crate::similar::nearest(&word.text, known.iter().copied());
    d.error("unknown-parameter", word.span, message)
        .suggest(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "{}; blanks inside a text need quotes or a backslash",
                known.join(", ")
            ),
        });
    None
}

/// `[comment <text>]` at the end of a line. `None`: an error was reported.
pub(super) fn trailing_comment(
    args: &mut Args<'_>,
    step: &str,
    d: &mut Diagnostics,
) -> Option<Option<String>> {
    let Some(word) = args.next() else {
        return Some(None);
    };
    if word.text != "comment" {
        return unknown(word, &["comment"], step, d);
    }
    let comment = text_after(args, "a comment", d)?;
    value::end(args, d);
    Some(Some(comment))
}

/// A script that connects begins by connecting. False: an error was reported.
pub(super) fn connects_first(
    is_first: bool,
    begins_connecting: bool,
    at: Span,
    d: &mut Diagnostics,
) -> bool {
    if is_first || begins_connecting {
        return true;
    }
    d.error(
        "bad-check-order",
        at,
        "a script with `connect` must begin with `connect`",
    )
    .suggest("add a `connect` line before the first step");
    false
}
