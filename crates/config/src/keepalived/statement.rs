//! Statements: a keyword, its words, and perhaps a block of statements.

use super::context::Context;
use crate::{
    args::Args,
    source::{Span, Word},
};

/// A keyword, its words, and perhaps a block.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    /// The keyword and what follows; never empty.
    pub(super) words: Vec<Word>,
    /// What stands between braces.
    pub(super) block: Option<Vec<Self>>,
}

impl Statement {
    /// Where its first word stands.
    pub(super) fn span(&self) -> Span {
        self.words
            .first()
            .map_or_else(Span::default, |word| word.span)
    }

    /// Its first word.
    pub(super) fn name(&self) -> &str {
        self.words.first().map_or("", |word| &word.text)
    }
}

/// What a keyword's parser takes apart: the words after the keyword, and the block.
pub(super) struct Line<'s> {
    /// The words after the keyword.
    pub(super) args: Args<'s>,
    /// The block, until a parser takes it.
    block: Option<&'s [Statement]>,
}

impl<'s> Line<'s> {
    /// A statement, its keyword taken off.
    pub(super) fn new(statement: &'s Statement) -> Self {
        Self {
            args: Args::new(&statement.words, 1),
            block: statement.block.as_deref(),
        }
    }

    /// Where the keyword stands.
    pub(super) fn span(&self) -> Span {
        self.args.keyword_span()
    }

    /// The keyword.
    pub(super) fn keyword(&self) -> String {
        self.args.keyword_text()
    }

    /// The next word, or the error `missing-argument`, which names what was expected.
    pub(super) fn required(&mut self, what: &str, ctx: &mut Context<'_>) -> Option<&'s Word> {
        let word = self.args.next().filter(|word| !word.text.is_empty());
        if word.is_none() {
            let message = format!("`{}` needs {what}", self.keyword());
            ctx.fault("missing-argument", self.span(), message);
        }
        word
    }

    /// The statements between the braces, or the error `missing-block`.
    pub(super) fn body_or_fault(&mut self, ctx: &mut Context<'_>) -> Option<&'s [Statement]> {
        let body = self.block.take();
        if body.is_none() {
            let message = format!("`{}` needs a block", self.keyword());
            ctx.fault("missing-block", self.span(), message)
                .suggest(format!("`{} {{ … }}`", self.keyword()));
        }
        body
    }

    /// [`Self::body_or_fault`], where no block is as good as an empty one.
    pub(super) fn body(&mut self, ctx: &mut Context<'_>) -> &'s [Statement] {
        self.body_or_fault(ctx).unwrap_or_default()
    }

    /// Takes a block that may be missing.
    pub(super) fn body_if_any(&mut self) -> Option<&'s [Statement]> {
        self.block.take()
    }

    /// Says what no parser wanted.
    pub(super) fn finish(&mut self, ctx: &mut Context<'_>) {
        let keyword = self.keyword();
        if let Some(word) = self.args.take_rest().first() {
            let message = format!("`{}` is too much after `{keyword}`", word.text);
            ctx.d
                .warning("extra-words", word.span, message + "; it is not read");
        }
        if self.block.take().is_some() {
            let message = format!("`{keyword}` has no block; what stands in it is not read");
            ctx.fault("unexpected-block", self.span(), message);
        }
    }
}
