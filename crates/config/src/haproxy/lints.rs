//! What runs, and will hurt in production.

mod files;
mod kernel;
mod listeners;
mod process;
mod sandbox;
mod servers;
mod timeouts;

pub(super) use self::{files::check as files, kernel::check as kernel, sandbox::check as sandbox};
use super::{global::GlobalDraft, model::Model, resolve::Written};
use crate::diagnostic::Diagnostics;

/// Looks at a whole configuration.
pub(super) fn run(
    model: &Model,
    global: &GlobalDraft,
    written: &[Written<'_>],
    d: &mut Diagnostics,
) {
    process::check(global, d);
    for (proxy, written) in model.proxies.iter().zip(written) {
        if proxy.disabled {
            continue;
        }
        timeouts::missing(proxy, written, d);
        servers::check(proxy, written, d);
        listeners::passwords(proxy, written, d);
    }
    timeouts::too_short_for_databases(model, written, d);
    listeners::same_address(model, written, d);
}
