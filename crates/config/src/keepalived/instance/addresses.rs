//! What an instance holds as master.

use super::{At, InstanceDraft};
use crate::keepalived::{address, context::Context, keyword::Keyword, route, statement::Line};

pub(super) const KEYWORDS: &[Keyword<InstanceDraft>] = &[
    Keyword::list(
        "virtual_ipaddress",
        "{ <address>[/<prefix>] [dev <interface>] [label <label>] [brd <address>|+|-] [scope <scope>] [peer <address>] [-nodad] [home] [preferred_lft <seconds>|forever] … }",
        "The addresses the master holds and advertises.",
        addresses,
    ),
    Keyword::list(
        "virtual_ipaddress_excluded",
        "{ <address> … }",
        "Addresses the master holds and does not advertise, of both families.",
        |draft, line, ctx| {
            let found = address::entries(line.body(ctx), ctx);
            draft.excluded.extend(found);
        },
    ),
    Keyword::list(
        "virtual_routes",
        "{ [src <address>] [to] <network> [via <address>] [dev <interface>] [scope <scope>] [table <number>] [metric <number>] … }",
        "Routes the master holds.",
        |draft, line, ctx| {
            let found = route::entries(line.body(ctx), ctx);
            draft.routes.extend(found);
        },
    ),
    Keyword::supported(
        "promote_secondaries",
        "",
        "Other addresses of the interface stay when one of them is taken away.",
        |draft, _, _| draft.promote_secondaries = true,
    ),
    Keyword::supported(
        "accept",
        "",
        "What arrives for the addresses is accepted; so it is anyway.",
        |draft, line, _| {
            draft.accept = Some(At {
                value: true,
                span: line.span(),
            })
        },
    ),
    Keyword::supported(
        "no_accept",
        "",
        "What arrives for the addresses is dropped. Pontoon sets up no packet filter, and warns.",
        |draft, line, _| {
            draft.accept = Some(At {
                value: false,
                span: line.span(),
            })
        },
    ),
];

fn addresses(draft: &mut InstanceDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    let found = address::entries(line.body(ctx), ctx);
    for entry in found {
        if draft.is_of_family(entry.address.address, entry.span, ctx) {
            draft.addresses.push(entry);
        }
    }
}
