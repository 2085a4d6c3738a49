//! The process as a whole.

use crate::{diagnostic::Diagnostics, haproxy::global::GlobalDraft};

pub(super) fn check(draft: &GlobalDraft, d: &mut Diagnostics) {
    if let (Some(span), None) = (draft.chroot_span, draft.user_span) {
        d.warning(
            "chroot-as-root",
            span,
            "`chroot` does not hold back a process that stays root",
        )
        .suggest("add `user` and `group`");
    }
    for span in &draft.open_sockets {
        d.warning(
            "open-admin-socket",
            *span,
            "whoever reaches this address may change servers",
        )
        .suggest("use a path with `mode 600`, or an address on loopback");
    }
    if let Some(span) = draft.external_check_span {
        let root = draft.user_span.is_none();
        if root {
            d.warning(
                "checks-as-root",
                span,
                "external checks run as the user who starts the process, maybe root",
            )
            .suggest("add `user` and `group`");
        }
    }
}
