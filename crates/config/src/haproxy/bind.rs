//! `bind` lines: addresses and what their sockets are like
//! (HAProxy configuration manual, 4.2 `bind`, 5.1).

mod parameters;
#[cfg(test)]
mod tests;

pub use self::parameters::KEYWORDS;

use pontoon_engine::address::Endpoint;

use super::{
    Context, address,
    model::{Bind, BindAddress, StatsSocket},
    parameters as row,
    value::required,
};
use crate::{
    diagnostic::Diagnostics,
    keyword::{Args, Draft},
    source::Span,
};

/// What the parameters of one line say, for all its addresses.
#[derive(Debug, Clone)]
pub struct BindDraft {
    bind: Bind,
    /// Where `id` stands.
    id: Option<Span>,
    /// Where `mode`, `user` or the like stands.
    unix: Option<Span>,
}

impl Draft for BindDraft {
    type Context<'a> = Context<'a>;
}

/// The words after `bind`. `before` are the listeners of the same proxy so far. A `number` of 0
/// says that none was written; [`number`] fills it in.
///
/// Errors: `missing-argument`, `duplicate-id`, `id-of-many`, and those of addresses and
/// parameters.
pub fn parse(
    args: &mut Args<'_>,
    before: &[Bind],
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Vec<Bind> {
    let Some((addresses, draft)) = read(args, cx, d) else {
        return Vec::new();
    };
    check_id(&draft, &addresses, before, d);
    note_unused_permissions(&draft, &addresses, d);
    let with_address = |address| Bind {
        address,
        ..draft.bind.clone()
    };
    addresses.into_iter().map(with_address).collect()
}

/// The words after `stats socket`.
pub fn stats_socket(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Vec<StatsSocket> {
    let Some((addresses, draft)) = read(args, cx, d) else {
        return Vec::new();
    };
    let socket = |endpoint| StatsSocket {
        endpoint,
        declared: draft.bind.declared.clone(),
    };
    addresses.into_iter().map(socket).collect()
}

/// Gives each listener without a number the lowest that is free, from 1.
pub fn number(binds: &mut [Bind]) {
    let taken: std::collections::BTreeSet<u32> = binds.iter().map(|bind| bind.number).collect();
    let mut free = (1..).filter(|number| !taken.contains(number));
    for bind in binds.iter_mut().filter(|bind| bind.number == 0) {
        bind.number = free.next().unwrap_or(u32::MAX);
    }
}

fn read(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<(Vec<BindAddress>, BindDraft)> {
    let word = required(args, "an address, as in `:8563` or `10.0.0.1:8563`", d)?;
    let addresses = address::bind(word, cx, d);
    let mut draft = BindDraft::new(cx, word.span);
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
        }
    }
}

fn check_id(draft: &BindDraft, addresses: &[BindAddress], before: &[Bind], d: &mut Diagnostics) {
    let Some(span) = draft.id else { return };
    if addresses.len() > 1 {
        d.error(
            "id-of-many",
            span,
            format!(
                "`id` names one listener, but this line has {}",
                addresses.len()
            ),
        )
        .suggest("write one `bind` line for each address");
    }
    if let Some(other) = before.iter().find(|it| it.number == draft.bind.number) {
        d.error(
            "duplicate-id",
            span,
            format!(
                "the listener of line {} has the id {} already",
                other.declared.line, other.number
            ),
        );
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
