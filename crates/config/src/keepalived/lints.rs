//! What will hurt in production, and what is worth knowing.

mod floating_ips;
mod instances;
mod movers;
mod scripts;

use super::{blocks::Written, context::Context, model::Model};

/// Looks for what will hurt in production.
pub(super) fn run(model: &Model, written: &Written, ctx: &mut Context<'_>) {
    instances::run(model, written, ctx);
    floating_ips::run(written, ctx);
    movers::run(written, ctx);
    scripts::run(model, written, ctx);
    tracked_files(written, ctx);
}

/// What they keep a running election from giving up: nothing is wrong, but it should be known.
fn tracked_files(written: &Written, ctx: &mut Context<'_>) {
    if let Some(first) = written.files.first() {
        let message = "the running election keeps CAP_DAC_READ_SEARCH for `track_file`: such files may be \
                       others' property";
        ctx.d
            .note("sandbox-exception", first.name.span, message)
            .suggest("a `vrrp_script` that reads the file needs no such right");
    }
}
