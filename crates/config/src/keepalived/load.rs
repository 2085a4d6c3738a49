//! Files to model: read, take blocks apart, resolve what they say of each other, then look for
//! what will hurt in production.

use super::{
    Loaded, Settings, Surroundings, blocks::Written, context::Context, keyword, lints, reader,
    resolve,
};
use crate::source::{SourceFile, Sources};

/// Reads files in this order, as if they were one, and what they include.
#[must_use]
pub fn load(
    files: Vec<SourceFile>,
    settings: &Settings,
    surroundings: &dyn Surroundings,
) -> Loaded {
    let read = reader::read(files, settings, surroundings);
    let sources = Sources::new(read.files);
    let mut ctx = Context::new(surroundings, &sources, settings.unknown_words, read.d);
    let mut written = Written::default();
    keyword::read(&read.statements, &mut written, &mut ctx);
    let model = resolve::model(&written, &mut ctx);
    lints::run(&model, &written, &mut ctx);
    let mut diagnostics = ctx.d;
    diagnostics.sort();
    Loaded {
        model: (!diagnostics.has_errors()).then_some(model),
        files: sources.into_files(),
        diagnostics,
    }
}
