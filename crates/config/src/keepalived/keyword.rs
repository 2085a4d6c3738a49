//! Keywords: each is declared once, with its block, syntax, doc line and level; the parser, the
//! reference manual and "did you mean" all come from that declaration.

use std::collections::HashSet;

use super::{
    context::Context,
    statement::{Line, Statement},
    tables,
};
use crate::{diagnostic::Severity, reference::Support};

/// The parser of one keyword.
pub(super) type Parser<C> = fn(&mut C, &mut Line<'_>, &mut Context<'_>);

/// What Pontoon does with a keyword. `C` is what its parser fills in.
pub(super) enum Level<C: 'static> {
    /// Implemented.
    Supported(Parser<C>),
    /// Accepted; that it changes nothing here is a note.
    Inert {
        /// Why it has no effect.
        reason: &'static str,
    },
    /// Accepted; that it has no effect may surprise, and is a warning.
    Without {
        /// What does not happen, and why.
        reason: &'static str,
    },
    /// An error.
    Refused {
        /// What to do instead.
        instead: &'static str,
    },
}

/// One declaration.
pub(super) struct Keyword<C: 'static> {
    /// The word.
    pub(super) name: &'static str,
    /// What follows it, in the manual's notation.
    pub(super) syntax: &'static str,
    /// One sentence.
    pub(super) doc: &'static str,
    /// What Pontoon does with it.
    pub(super) level: Level<C>,
    /// Whether several in one block add up; otherwise the last one counts.
    pub(super) adds_up: bool,
}

impl<C: 'static> Keyword<C> {
    /// An implemented keyword.
    pub(super) const fn supported(
        name: &'static str,
        syntax: &'static str,
        doc: &'static str,
        parse: Parser<C>,
    ) -> Self {
        Self::new(name, syntax, doc, Level::Supported(parse))
    }

    /// A keyword without effect.
    pub(super) const fn inert(
        name: &'static str,
        syntax: &'static str,
        doc: &'static str,
        reason: &'static str,
    ) -> Self {
        Self::new(name, syntax, doc, Level::Inert { reason })
    }

    /// A keyword without effect, which may surprise.
    pub(super) const fn without(
        name: &'static str,
        syntax: &'static str,
        doc: &'static str,
        reason: &'static str,
    ) -> Self {
        Self::new(name, syntax, doc, Level::Without { reason })
    }

    /// A keyword that is an error.
    pub(super) const fn refused(
        name: &'static str,
        syntax: &'static str,
        doc: &'static str,
        instead: &'static str,
    ) -> Self {
        Self::new(name, syntax, doc, Level::Refused { instead })
    }

    /// An implemented keyword, several of which add up.
    pub(super) const fn list(
        name: &'static str,
        syntax: &'static str,
        doc: &'static str,
        parse: Parser<C>,
    ) -> Self {
        Self {
            name,
            syntax,
            doc,
            level: Level::Supported(parse),
            adds_up: true,
        }
    }

    const fn new(
        name: &'static str,
        syntax: &'static str,
        doc: &'static str,
        level: Level<C>,
    ) -> Self {
        Self {
            name,
            syntax,
            doc,
            level,
            adds_up: false,
        }
    }

    /// What the manual says of it: its level, and the reason or the advice.
    pub(super) const fn support(&self) -> (Support, Option<&'static str>) {
        match self.level {
            Level::Supported(_) => (Support::Supported, None),
            Level::Inert { reason } | Level::Without { reason } => (Support::Inert, Some(reason)),
            Level::Refused { instead } => (Support::Refused, Some(instead)),
        }
    }
}

/// A kind of block: what fills it in, and its keywords.
pub(super) trait Block: Sized + 'static {
    /// Its name in messages and in the manual.
    const NAME: &'static str;
    /// Its keywords.
    const TABLES: &'static [&'static [Keyword<Self>]];
}

/// Reads the statements of a block.
pub(super) fn read<C: Block>(body: &[Statement], draft: &mut C, ctx: &mut Context<'_>) {
    let mut seen = HashSet::new();
    for statement in body {
        let Some(keyword) = find::<C>(statement.name()) else {
            unknown::<C>(statement, ctx);
            continue;
        };
        if !seen.insert(keyword.name) && !keyword.adds_up {
            let message = format!("`{}` stands here twice; the last one counts", keyword.name);
            ctx.d.warning("repeated", statement.span(), message);
        }
        apply(keyword, statement, draft, ctx);
    }
}

fn find<C: Block>(name: &str) -> Option<&'static Keyword<C>> {
    C::TABLES
        .iter()
        .flat_map(|table| table.iter())
        .find(|keyword| keyword.name == name)
}

fn apply<C: Block>(
    keyword: &Keyword<C>,
    statement: &Statement,
    draft: &mut C,
    ctx: &mut Context<'_>,
) {
    let name = keyword.name;
    let span = statement.span();
    match keyword.level {
        Level::Supported(parse) => {
            let mut line = Line::new(statement);
            parse(draft, &mut line, ctx);
            line.finish(ctx);
        }
        Level::Inert { reason } => {
            let message = format!("`{name}` has no effect: {reason}");
            ctx.d.note("without-effect", span, message);
        }
        Level::Without { reason } => {
            let message = format!("`{name}` has no effect: {reason}");
            ctx.d
                .add(Severity::Warning, "not-done", Some(span), message);
        }
        Level::Refused { instead } => {
            let message = format!("`{name}` is not supported");
            ctx.d.error("refused", span, message).suggest(instead);
        }
    }
}

fn unknown<C: Block>(statement: &Statement, ctx: &mut Context<'_>) {
    let name = statement.name();
    let place = if C::NAME.is_empty() {
        "outside of all blocks".to_owned()
    } else {
        format!("in `{}`", C::NAME)
    };
    let elsewhere = tables::blocks_of(name);
    let advice = if elsewhere.is_empty() {
        let known = C::TABLES.iter().flat_map(|table| table.iter());
        let known = known.map(|keyword| keyword.name);
        unusual(name).or_else(|| ctx.nearest(name, known))
    } else {
        Some(format!("it belongs {}", elsewhere.join(" or ")))
    };
    let message = format!("`{name}` is not known {place}");
    let found = ctx.fault("unknown-keyword", statement.span(), message);
    if let Some(advice) = advice {
        found.suggest(advice);
    }
}

/// Advice on slips that no similar word explains.
fn unusual(name: &str) -> Option<String> {
    let (before, after) = name.split_once('=')?;
    (!before.is_empty()).then(|| format!("write a blank instead of `=`: `{before} {after}`"))
}
