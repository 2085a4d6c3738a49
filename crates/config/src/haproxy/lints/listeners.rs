//! Listeners that exclude each other, and statistics that anybody can read.

use std::collections::HashMap;

use pontoon_engine::address::Endpoint;

use crate::{
    diagnostic::Diagnostics,
    haproxy::{
        model::{BindAddress, Model, Proxy},
        resolve::Written,
    },
};

/// The kernel would spread connections over both at random.
pub(super) fn same_address(model: &Model, written: &[Written<'_>], d: &mut Diagnostics) {
    let mut seen: HashMap<(&BindAddress, &Option<String>), &str> = HashMap::new();
    for (proxy, draft) in model.proxies.iter().zip(written) {
        let binds = proxy.frontend.iter().flat_map(|side| &side.binds);
        for (bind, span) in binds.zip(&draft.draft.bind_spans) {
            if proxy.disabled || matches!(bind.address, BindAddress::Inherited(_)) {
                continue;
            }
            let place = (&bind.address, &bind.interface);
            if let Some(other) = seen.insert(place, &proxy.name) {
                let message = format!(
                    "`{other}` listens at this address already; each gets some of the connections"
                );
                d.warning("duplicate-bind", *span, message)
                    .suggest("give one of them another address or port");
            }
        }
    }
}

/// Who may see the statistics, and how their password travels.
pub(super) fn passwords(proxy: &Proxy, written: &Written<'_>, d: &mut Diagnostics) {
    let (Some(stats), Some(side)) = (&proxy.stats, &proxy.frontend) else {
        return;
    };
    let exposed = side.binds.iter().any(|bind| match &bind.address {
        BindAddress::Endpoint(Endpoint::Ip(address)) => !address.ip().is_loopback(),
        _ => false,
    });
    let Some(draft) = written.draft.stats.as_ref().filter(|_| exposed) else {
        return;
    };
    let span = if written.owns(draft.span) {
        draft.span
    } else {
        written.section.span()
    };
    if stats.auth.is_none() {
        let everybody = draft.admin.as_ref().filter(|admin| admin.when.is_none());
        let (code, span, may) = match everybody {
            Some(admin) => ("open-admin-page", admin.span, "change servers"),
            None => ("open-statistics", span, "see the statistics"),
        };
        d.warning(
            code,
            span,
            format!("whoever reaches this address may {may}"),
        )
        .suggest("add `stats auth <user>:<password>`, or bind to 127.0.0.1");
    } else {
        d.note(
            "clear-password",
            span,
            "the password of the statistics travels and is kept in clear",
        )
        .suggest("use one that opens nothing else, and let only administrators read the file");
    }
}
