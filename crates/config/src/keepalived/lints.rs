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
}
