//! `server`, `default-server` and `server-template` lines
//! (HAProxy configuration manual, 4.2, 5.2).

mod build;
mod links;
mod options;
mod parameters;
#[cfg(test)]
mod tests;

pub(super) use self::{
    links::{Track, finish, link_tracks},
    options::{ServerOptions, TrackName},
    parameters::KEYWORDS,
};

use std::sync::Arc;

use super::{Context, address, model::Server, parameters as row, value::required};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    source::{Span, Word},
};

/// A server whose references to others are still names.
#[derive(Debug, Clone)]
pub(super) struct ServerDraft {
    /// The server; its `id` and, where none was written, its `number` are still 0.
    pub server: Server,
    /// `track`.
    pub track: Option<TrackName>,
    /// Where its name stands.
    pub span: Span,
    /// Where `id` stands, if it was written.
    id: Option<Span>,
    /// Where the first parameter for TLS stands.
    tls: Option<Span>,
}

/// The words after `default-server`.
///
/// Errors: `id-of-many`, and those of parameters.
pub(super) fn default_server(
    options: &mut ServerOptions,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) {
    row::read(KEYWORDS, options, args, cx, d);
    if let Some(id) = options.id.take() {
        d.error(
            "id-of-many",
            id.span,
            "`id` cannot be a default of several servers",
        )
        .suggest("write it on the `server` line");
    }
}

/// The words after `server`.
///
/// Errors: `missing-argument`, `bad-name`, `check-and-track`, and those of addresses and
/// parameters. [`finish`] looks at all servers of a proxy together.
pub(super) fn server(
    defaults: &ServerOptions,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<ServerDraft> {
    let name = required(args, "a name and an address", d)?;
    let Some(address) = args.next() else {
        d.error(
            "missing-argument",
            name.span,
            format!("the server `{}` needs an address", name.text),
        )
        .suggest("as in `server db1 10.0.1.11:8563`");
        return None;
    };
    check_name(name, d);
    let options = options_of(defaults, args, cx, d);
    let target = address::server(address, &options.lookup, cx, d)?;
    Some(build::draft(&name.text, name.span, target, &options, cx, d))
}

/// The words after `server-template`.
///
/// Errors: those of [`server`], and `bad-count`.
pub(super) fn server_template(
    defaults: &ServerOptions,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Vec<ServerDraft> {
    let Some((prefix, numbers, address)) = template_head(args, d) else {
        return Vec::new();
    };
    check_name(prefix, d);
    let options = options_of(defaults, args, cx, d);
    if let Some(id) = options.id {
        d.error(
            "id-of-many",
            id.span,
            "`id` names one server, not all of a template",
        );
    }
    let Some(target) = address::server(address, &options.lookup, cx, d) else {
        return Vec::new();
    };
    let model = build::draft(&prefix.text, prefix.span, target, &options, cx, d);
    let draft = |number| {
        let mut draft = model.clone();
        draft.server.settings.name = Arc::from(format!("{}{number}", prefix.text));
        draft
    };
    numbers.map(draft).collect()
}

/// The most servers one template makes.
const MOST: u32 = 4_096;

type Head<'a> = (&'a Word, std::ops::RangeInclusive<u32>, &'a Word);

fn template_head<'a>(args: &mut Args<'a>, d: &mut Diagnostics) -> Option<Head<'a>> {
    let what = "a prefix, a number or range, and an address";
    let prefix = required(args, what, d)?;
    let count = required(args, what, d)?;
    let address = required(args, what, d)?;
    let numbers = match count.text.split_once('-') {
        Some((low, high)) => low.parse().ok().zip(high.parse().ok()),
        None => count.text.parse().ok().map(|high| (1, high)),
    };
    match numbers {
        Some((low, high)) if low >= 1 && low <= high && high - low < MOST => {
            Some((prefix, low..=high, address))
        }
        _ => {
            d.error(
                "bad-count",
                count.span,
                format!("`{}` is not a number of servers", count.text),
            )
            .suggest("a number such as `3`, or a range such as `1-3`");
            None
        }
    }
}

fn options_of(
    defaults: &ServerOptions,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> ServerOptions {
    let mut options = defaults.clone();
    row::read(KEYWORDS, &mut options, args, cx, d);
    options
}

fn check_name(name: &Word, d: &mut Diagnostics) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if let Some(bad) = name.text.chars().find(|c| !allowed(*c)) {
        d.error(
            "bad-name",
            name.span,
            format!("`{bad}` may not be part of the server name `{}`", name.text),
        )
        .suggest("letters, digits, `-`, `_`, `.` and `:`");
    }
}
