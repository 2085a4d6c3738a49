//! Words and braces to statements and blocks.

use super::{context::Context, statement::Statement, words::Token};
use crate::source::Span;

/// Deeper blocks are not read; keepalived's own go four deep.
const DEEPEST: usize = 16;

/// Blocks that stand in no other one: where one begins inside another, a brace is missing.
const OUTERMOST: &[&str] = &[
    "bfd_instance",
    "global_defs",
    "static_ipaddress",
    "static_routes",
    "static_rules",
    "virtual_server",
    "virtual_server_group",
    "vrrp_instance",
    "vrrp_script",
    "vrrp_sync_group",
    "vrrp_track_file",
    "vrrp_track_process",
];

/// Builds the statements of all files.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Blocks that are open, the innermost last.
    open: Vec<Open>,
    /// Statements outside of all blocks.
    outside: Vec<Statement>,
    words: Vec<crate::source::Word>,
    /// Open braces too deep to be read.
    skipped: usize,
    /// A missing brace was reported: those that are left over later are a consequence.
    unbalanced: bool,
}

#[derive(Debug)]
struct Open {
    /// Whose block it is; `None`: nobody's.
    owner: Option<Statement>,
    inside: Vec<Statement>,
    brace: Span,
}

impl Tree {
    /// Adds the words and braces of one line.
    pub(super) fn line(&mut self, tokens: Vec<Token>, ctx: &mut Context<'_>) {
        for token in tokens {
            match token {
                Token::Word(word) => self.words.push(word),
                Token::Open(span) => self.opened(span, ctx),
                Token::Close(span) => self.closed(span, ctx),
            }
        }
        self.end_statement();
    }

    /// All statements, at the end of the files.
    pub(super) fn finish(mut self, ctx: &mut Context<'_>) -> Vec<Statement> {
        if let Some(innermost) = self.open.last() {
            let message = format!("{} is not closed", innermost.name());
            ctx.fault("unclosed-block", innermost.brace, message)
                .suggest("a `}` is missing");
        }
        while self.close_innermost() {}
        self.outside
    }

    fn opened(&mut self, brace: Span, ctx: &mut Context<'_>) {
        if self.open.len() >= DEEPEST {
            if self.skipped == 0 {
                let message = "blocks are nested too deep; this one is not read";
                ctx.d.error("too-deep", brace, message);
            }
            self.skipped += 1;
            self.words.clear();
            return;
        }
        let owner = self.owner(brace, ctx);
        self.open.push(Open {
            owner,
            inside: Vec::new(),
            brace,
        });
    }

    /// Whose block begins: that of the words before the brace, or of the line above.
    fn owner(&mut self, brace: Span, ctx: &mut Context<'_>) -> Option<Statement> {
        if self.words.is_empty() {
            let above = self.level().pop_if(|above| above.block.is_none());
            if above.is_none() {
                let message = "this `{` belongs to no keyword; its block is not read";
                ctx.fault("stray-brace", brace, message);
            }
            return above;
        }
        let words = std::mem::take(&mut self.words);
        if OUTERMOST.contains(&words[0].text.as_str()) {
            self.close_forgotten(&words[0].text, ctx);
        }
        Some(Statement { words, block: None })
    }

    /// What is still open when an outermost block begins lacks its brace.
    fn close_forgotten(&mut self, next: &str, ctx: &mut Context<'_>) {
        let Some(innermost) = self.open.last() else {
            return;
        };
        let message = format!("{} is not closed before `{next}` begins", innermost.name());
        ctx.fault("unclosed-block", innermost.brace, message)
            .suggest("a `}` is missing");
        self.unbalanced = true;
        while self.close_innermost() {}
    }

    fn closed(&mut self, span: Span, ctx: &mut Context<'_>) {
        self.end_statement();
        if self.skipped > 0 {
            self.skipped -= 1;
        } else if !self.close_innermost() && !self.unbalanced {
            ctx.fault("extra-brace", span, "this `}` closes nothing");
        }
    }

    fn close_innermost(&mut self) -> bool {
        let Some(open) = self.open.pop() else {
            return false;
        };
        if let Some(mut owner) = open.owner {
            owner.block = Some(open.inside);
            self.level().push(owner);
        }
        true
    }

    fn end_statement(&mut self) {
        let words = std::mem::take(&mut self.words);
        if !words.is_empty() && self.skipped == 0 {
            self.level().push(Statement { words, block: None });
        }
    }

    /// Where the next statement goes.
    fn level(&mut self) -> &mut Vec<Statement> {
        match self.open.last_mut() {
            Some(open) => &mut open.inside,
            None => &mut self.outside,
        }
    }
}

impl Open {
    fn name(&self) -> String {
        self.owner.as_ref().map_or_else(
            || "a block".to_owned(),
            |owner| format!("`{}`", crate::args::joined(&owner.words)),
        )
    }
}
