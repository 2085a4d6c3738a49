//! Keywords: each is declared once, with its sections, syntax, doc line and level; the parser,
//! the reference manual, the support matrix and "did you mean" all come from that declaration.

use std::collections::HashMap;

use crate::{
    args::{Args, joined},
    diagnostic::Diagnostics,
    source::Word,
};

/// Where a keyword may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sections(pub u16);

impl Sections {
    /// `global`.
    pub const GLOBAL: Self = Self(1);
    /// `defaults`.
    pub const DEFAULTS: Self = Self(2);
    /// `frontend`.
    pub const FRONTEND: Self = Self(4);
    /// `backend`.
    pub const BACKEND: Self = Self(8);
    /// `listen`.
    pub const LISTEN: Self = Self(16);
    /// `userlist`.
    pub const USERLIST: Self = Self(32);
    /// All proxies and their defaults.
    pub const PROXY: Self = Self(2 | 4 | 8 | 16);
    /// What has a client side: defaults, frontend, listen.
    pub const CLIENT: Self = Self(2 | 4 | 16);
    /// What has a server side: defaults, backend, listen.
    pub const SERVER: Self = Self(2 | 8 | 16);

    /// Both sets.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without the other set.
    #[must_use]
    pub const fn but(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether they share a section.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What a keyword's parser fills in, and what it may ask while doing so.
pub trait Draft: 'static {
    /// The names, files and surroundings known at that point.
    type Context<'a>;
}

/// The parser of one keyword.
pub(crate) type Parser<C> =
    for<'a> fn(&mut C, &mut Args<'_>, &<C as Draft>::Context<'a>, &mut Diagnostics);

/// What Pontoon does with a keyword. `C` is what its parser fills in.
pub enum Level<C: Draft> {
    /// Implemented.
    Supported(Parser<C>),
    /// Accepted without effect.
    Inert {
        /// Why it has none.
        reason: &'static str,
        /// How many words may follow it.
        takes: Takes,
    },
    /// Implemented for some proxies only; the parser notes the line, resolution decides.
    Depends {
        /// Where it has an effect, where none, where it is refused.
        on: &'static str,
        /// The parser.
        parse: Parser<C>,
    },
    /// An error.
    Refused {
        /// What to do instead.
        instead: &'static str,
    },
}

/// How many words an inert keyword swallows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Exactly so many.
    Exactly(u8),
    /// The rest of the line.
    Rest,
}

/// One declaration.
pub struct Keyword<C: Draft> {
    /// All its words, joined by one blank: `timeout client`.
    pub name: &'static str,
    /// Where it may stand.
    pub sections: Sections,
    /// What follows it, in the manual's notation; empty if nothing does.
    pub syntax: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// What Pontoon does with it.
    pub level: Level<C>,
}

impl<C: Draft> Keyword<C> {
    /// An implemented keyword.
    #[must_use]
    pub const fn supported(
        name: &'static str,
        sections: Sections,
        syntax: &'static str,
        doc: &'static str,
        parse: Parser<C>,
    ) -> Self {
        Self {
            name,
            sections,
            syntax,
            doc,
            level: Level::Supported(parse),
        }
    }

    /// A keyword whose effect depends on what else the files say.
    #[must_use]
    pub const fn depends(
        name: &'static str,
        sections: Sections,
        syntax: &'static str,
        doc: &'static str,
        on: &'static str,
        parse: Parser<C>,
    ) -> Self {
        Self {
            name,
            sections,
            syntax,
            doc,
            level: Level::Depends { on, parse },
        }
    }

    /// A keyword without effect, and the rest of its line with it.
    #[must_use]
    pub const fn inert(
        name: &'static str,
        sections: Sections,
        syntax: &'static str,
        doc: &'static str,
        reason: &'static str,
    ) -> Self {
        let takes = Takes::Rest;
        Self {
            name,
            sections,
            syntax,
            doc,
            level: Level::Inert { reason, takes },
        }
    }

    /// A keyword that is an error, with what to do instead.
    #[must_use]
    pub const fn refused(
        name: &'static str,
        sections: Sections,
        syntax: &'static str,
        doc: &'static str,
        instead: &'static str,
    ) -> Self {
        Self {
            name,
            sections,
            syntax,
            doc,
            level: Level::Refused { instead },
        }
    }
}

/// All tables of one language part, found by name in constant time.
pub(crate) struct Index<C: Draft> {
    by_name: HashMap<&'static str, &'static Keyword<C>>,
    most_words: usize,
}

impl<C: Draft> Index<C> {
    /// Indexes tables; a name must be declared once.
    #[must_use]
    pub(crate) fn new(tables: &[&'static [Keyword<C>]]) -> Self {
        let by_name: HashMap<_, _> = tables
            .iter()
            .flat_map(|table| table.iter())
            .map(|keyword| (keyword.name, keyword))
            .collect();
        let most_words = by_name.keys().map(|name| name.split(' ').count()).max();
        Self {
            most_words: most_words.unwrap_or(0),
            by_name,
        }
    }

    /// The keyword that the line begins with, of several the one with most words, and how many
    /// words it has.
    #[must_use]
    pub(crate) fn find(&self, words: &[Word]) -> Option<(&'static Keyword<C>, usize)> {
        (1..=self.most_words.min(words.len()))
            .rev()
            .find_map(|count| {
                let name = joined(&words[..count]);
                self.by_name
                    .get(name.as_str())
                    .map(|keyword| (*keyword, count))
            })
    }

    /// All keywords by name, so that messages do not depend on the order of a hash table.
    #[must_use]
    pub(crate) fn sorted(&self) -> Vec<&'static Keyword<C>> {
        let mut all: Vec<_> = self.by_name.values().copied().collect();
        all.sort_unstable_by_key(|keyword| keyword.name);
        all
    }
}
