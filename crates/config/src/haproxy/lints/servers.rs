//! Servers that nobody checks, and servers that are one.

use std::collections::HashMap;

use crate::{
    diagnostic::Diagnostics,
    haproxy::{
        check::CheckMethod,
        model::{Mode, Proxy, ServerPort, ServerSide},
        resolve::Written,
    },
};

pub(super) fn check(proxy: &Proxy, written: &Written<'_>, d: &mut Diagnostics) {
    let Some(side) = proxy.backend.as_ref().filter(|_| proxy.mode == Mode::Tcp) else {
        return;
    };
    unchecked(side, written, d);
    same_address(side, written, d);
}

fn unchecked(side: &ServerSide, written: &Written<'_>, d: &mut Diagnostics) {
    let method = !matches!(*side.check, CheckMethod::Connect);
    for (server, draft) in side.servers.iter().zip(&written.draft.servers) {
        let watched = server.check.is_some() || server.agent.is_some() || draft.track.is_some();
        // A single server without checks loses nothing: there is nowhere else to go.
        if watched || side.servers.len() < 2 && !method {
            continue;
        }
        let name = &server.settings.name;
        let message = format!("`{name}` is not checked: sessions go there even when it is dead");
        d.warning("unchecked-server", draft.span, message)
            .suggest("add `check`");
    }
}

fn same_address(side: &ServerSide, written: &Written<'_>, d: &mut Diagnostics) {
    let mut seen = HashMap::new();
    for (server, draft) in side.servers.iter().zip(&written.draft.servers) {
        let Some(address) = &server.address else {
            continue;
        };
        if server.port != ServerPort::Fixed {
            continue;
        }
        if let Some(other) = seen.insert(address, &server.settings.name) {
            let name = &server.settings.name;
            let message =
                format!("`{name}` has the address of `{other}`, so that one machine counts twice");
            d.warning("duplicate-address", draft.span, message)
                .suggest("use `weight` to send one server more sessions");
        }
    }
}
