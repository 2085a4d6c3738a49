//! What the files keep a running proxy from giving up: nothing is wrong, but it should be known.

use std::collections::HashSet;

use crate::{
    diagnostic::Diagnostics,
    haproxy::{
        model::Model,
        resolve::Written,
        sandbox::{Need, Needed, needs},
    },
    source::Span,
};

/// Notes each exception once, at the first line that needs it.
pub(in crate::haproxy) fn check(model: &Model, written: &[Written<'_>], d: &mut Diagnostics) {
    let becomes_another = model.global.uid.is_some_and(|uid| uid != 0);
    let mut told = HashSet::new();
    for needed in needs(model) {
        let Some((message, advice)) = exception(needed.need, becomes_another) else {
            continue;
        };
        if let (Some(span), true) = (place(needed, written), told.insert(needed.need)) {
            let finding = d.note("sandbox-exception", span, message);
            if let Some(advice) = advice {
                finding.suggest(advice);
            }
        }
    }
}

fn place(needed: Needed, written: &[Written<'_>]) -> Option<Span> {
    let written = written.get(needed.proxy)?;
    let Some(server) = needed.server else {
        return Some(written.section.span());
    };
    Some(written.draft.servers.get(server)?.span)
}

/// What is kept, and how not to; `None`: a user other than root cannot have it anyway.
fn exception(need: Need, becomes_another: bool) -> Option<(&'static str, Option<&'static str>)> {
    const AS_USER: Option<&str> = Some("add `user` and `group` to the `global` section");
    match need {
        Need::Programs => Some((
            "the running proxy starts programs for `option external-check`: they would inherit its \
             sandbox, so it has none but its user and `chroot`, no capability, and no-new-privs if \
             it is not root",
            Some("check with `tcp-check` or another protocol's check"),
        )),
        Need::ClientAddresses => Some((
            "the running proxy keeps CAP_NET_RAW for the clients' addresses (`usesrc`)",
            Some("remove `usesrc` and send the PROXY header instead"),
        )),
        _ if becomes_another => None,
        Need::LowPorts => Some((
            "a running proxy that stays root keeps CAP_NET_BIND_SERVICE for source ports below 1024",
            Some("use ports from 1024 on"),
        )),
        Need::CongestionControl => Some((
            "a running proxy that stays root keeps CAP_NET_ADMIN for the congestion control of \
             connections to servers",
            AS_USER,
        )),
        Need::SilentDrop => Some((
            "a running proxy that stays root keeps CAP_NET_ADMIN for `silent-drop`",
            Some(
                "add `user` and `group` to the `global` section: what a dropped client then gets is \
                 a reset that dies at the first router",
            ),
        )),
        Need::Paths => Some((
            "a running proxy that stays root keeps CAP_DAC_OVERRIDE for servers' sockets that are \
             others' property",
            AS_USER,
        )),
    }
}
