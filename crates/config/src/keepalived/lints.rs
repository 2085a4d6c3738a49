//! What will hurt in production.

use super::{blocks::Written, context::Context, model::Model};

/// Looks for what will hurt in production.
pub(super) fn run(_model: &Model, _written: &Written, _ctx: &mut Context<'_>) {}
