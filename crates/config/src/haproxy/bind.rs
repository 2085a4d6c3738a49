//! `bind` lines: addresses and what their sockets are like
//! (HAProxy configuration manual, 4.2 `bind`, 5.1).

mod parameters;
#[cfg(test)]
mod tests;

pub(super) use self::parameters::KEYWORDS;

use std::collections::HashMap;

use pontoon_engine::address::Endpoint;

use super::{
    Context, address,
    model::{Access, Bind, BindAddress, SeverityOutput, StatsSocket},
    parameters as row,
    value::required,
};
use crate::{args::Args, diagnostic::Diagnostics, haproxy::keyword::Draft, source::Span};

/// What the parameters of one line say, for all its addresses.
#[derive(Debug, Clone)]
pub(super) struct BindDraft {
    bind: Bind,
    /// Where `id` stands.
    id: Option<Span>,
    /// Where `mode`, `user` or the like stands.
    unix: Option<Span>,
    /// It is about a `stats socket`.
    runtime: bool,
    /// `level`.
    access: Access,
    /// `severity-output`.
    severity: SeverityOutput,
}

impl Draft for BindDraft {
    type Context<'a> = Context<'a>;
}

/// The listeners of one line.
#[derive(Debug, Clone, Default)]
pub(super) struct BindLine {
    /// One for each address. A `number` of 0 says that none was written; [`number`] fills it in.
    pub binds: Vec<Bind>,
    /// Where `id` stands, if it was written.
    pub id: Option<Span>,
}

/// The words after `bind`.
///
/// Errors: `missing-argument`, `id-of-many`, and those of addresses and parameters.
pub(super) fn parse(args: &mut Args<'_>, cx: &Context<'_>, d: &mut Diagnostics) -> BindLine {
    let Some((addresses, draft)) = read(args, cx, false, d) else {
        return BindLine::default();
    };
    check_id(&draft, &addresses, d);
    note_unused_permissions(&draft, &addresses, d);
    let with_address = |address| Bind {
        address,
        ..draft.bind.clone()
    };
    BindLine {
        binds: addresses.into_iter().map(with_address).collect(),
        id: draft.id,
    }
}

/// The words after `stats socket`.
pub(super) fn stats_socket(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Vec<StatsSocket> {
    let span = args.peek().map(|word| word.span);
    let Some((addresses, draft)) = read(args, cx, true, d) else {
        return Vec::new();
    };
    note_unused_permissions(&draft, &addresses, d);
    check_runtime(&draft.bind, span.unwrap_or_else(|| args.keyword_span()), d);
    let socket = |endpoint| StatsSocket {
        endpoint,
        access: draft.access,
        severity: draft.severity,
        unix: draft.bind.unix,
        declared: draft.bind.declared.clone(),
    };
    let mut sockets = Vec::new();
    for address in addresses {
        match address {
            BindAddress::Endpoint(endpoint) => sockets.push(socket(endpoint)),
            BindAddress::Inherited(_) => {
                let span = span.unwrap_or_else(|| args.keyword_span());
                let message = "the runtime socket cannot be an inherited descriptor";
                d.error("unsupported", span, message)
                    .suggest("write a path or an address");
            }
        }
    }
    sockets
}

/// Gives each listener of a proxy without a number the lowest that is free, from 1. `ids` says
/// where the `id` of each stands, if it was written.
///
/// Error: `duplicate-id`.
pub(super) fn number(binds: &mut [Bind], ids: &[Option<Span>], d: &mut Diagnostics) {
    let mut taken: HashMap<u32, u32> = HashMap::new();
    for (bind, id) in binds.iter().zip(ids) {
        let Some(span) = id else { continue };
        let line = bind.declared.line;
        if let Some(other) = taken
            .insert(bind.number, line)
            .filter(|other| *other != line)
        {
            let number = bind.number;
            let message = format!("the listener of line {other} has the id {number} already");
            d.error("duplicate-id", *span, message);
        }
    }
    let mut free = (1..).filter(|number| !taken.contains_key(number));
    for bind in binds.iter_mut().filter(|bind| bind.number == 0) {
        bind.number = free.next().unwrap_or(u32::MAX);
    }
}

fn read(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    runtime: bool,
    d: &mut Diagnostics,
) -> Option<(Vec<BindAddress>, BindDraft)> {
    let word = required(args, "an address, as in `:8563` or `10.0.0.1:8563`", d)?;
    let addresses = address::bind(word, cx, d);
    let mut draft = BindDraft::new(cx, word.span);
    draft.runtime = runtime;
    row::read(KEYWORDS, &mut draft, args, cx, d);
    Some((addresses, draft))
}

impl BindDraft {
    fn new(cx: &Context<'_>, span: Span) -> Self {
        let bind = Bind {
            address: BindAddress::Inherited(-1),
            name: None,
            number: 0,
            accept_proxy: false,
            backlog: None,
            max_connections: None,
            defer_accept: false,
            interface: None,
            mss: None,
            tcp_user_timeout: None,
            fast_open: false,
            transparent: false,
            v6_only: None,
            unix: super::model::UnixPermissions::default(),
            congestion_control: None,
            declared: cx.location(span),
        };
        Self {
            bind,
            id: None,
            unix: None,
            runtime: false,
            access: Access::default(),
            severity: SeverityOutput::default(),
        }
    }
}

fn check_id(draft: &BindDraft, addresses: &[BindAddress], d: &mut Diagnostics) {
    if let Some(span) = draft.id.filter(|_| addresses.len() > 1) {
        let message = format!(
            "`id` names one listener, but this line has {}",
            addresses.len()
        );
        d.error("id-of-many", span, message)
            .suggest("write one `bind` line for each address");
    }
}

/// What `bind` knows and the runtime socket does not: an error where it says who may come in, a note
/// where it is about load.
fn check_runtime(bind: &Bind, span: Span, d: &mut Diagnostics) {
    let refused = [
        ("accept-proxy", bind.accept_proxy),
        ("interface", bind.interface.is_some()),
        ("transparent", bind.transparent),
        ("v4v6` or `v6only", bind.v6_only.is_some()),
    ];
    for (name, _) in refused.iter().filter(|(_, written)| *written) {
        let message = format!("`{name}` is not supported on `stats socket`");
        d.error("unsupported", span, message).suggest(
            "remove it, and listen on a path or on an address that only the right ones reach",
        );
    }
    let inert = [
        ("backlog", bind.backlog.is_some()),
        ("cc", bind.congestion_control.is_some()),
        ("defer-accept", bind.defer_accept),
        ("id", bind.number != 0),
        ("maxconn", bind.max_connections.is_some()),
        ("mss", bind.mss.is_some()),
        ("name", bind.name.is_some()),
        ("tcp-ut", bind.tcp_user_timeout.is_some()),
        ("tfo", bind.fast_open),
    ];
    for (name, _) in inert.iter().filter(|(_, written)| *written) {
        let message = format!(
            "`{name}` has no effect on `stats socket`: a few clients at a time are served \
             (`stats maxconn`), and they are not counted"
        );
        d.note("without-effect", span, message);
    }
}

fn note_unused_permissions(draft: &BindDraft, addresses: &[BindAddress], d: &mut Diagnostics) {
    let is_path =
        |address: &BindAddress| matches!(address, BindAddress::Endpoint(Endpoint::Unix(_)));
    let Some(span) = draft.unix else { return };
    if !addresses.is_empty() && !addresses.iter().any(is_path) {
        d.note(
            "without-effect",
            span,
            "permissions have no effect: none of the addresses is a UNIX socket",
        );
    }
}
