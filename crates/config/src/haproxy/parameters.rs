//! The parameters of `bind` and `server` lines: a row of known words in any order, some with
//! values (HAProxy configuration manual, chapter 5).

use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::keyword::{Draft, Keyword, Level, Sections, Takes},
    source::Word,
};

/// Reads all that is left of a line. Every problem is reported; reading goes on behind it.
///
/// Errors: `unknown-parameter`, `unsupported`, `missing-argument`, and those of the parsers.
pub(super) fn read<C: Draft>(
    table: &'static [Keyword<C>],
    draft: &mut C,
    args: &mut Args<'_>,
    cx: &C::Context<'_>,
    d: &mut Diagnostics,
) {
    let directive = args.keyword_text();
    let mut reader = Reader {
        table,
        directive: &directive,
        refused: Vec::new(),
        lost: false,
    };
    let mut words = args.take_rest();
    while let Some((word, _)) = words.split_first() {
        let taken = match find(table, &word.text) {
            Some(keyword) => reader.known(keyword, words, draft, cx, d),
            None => reader.unknown(word, d),
        };
        words = words.get(taken..).unwrap_or(&[]);
    }
}

fn find<C: Draft>(table: &'static [Keyword<C>], name: &str) -> Option<&'static Keyword<C>> {
    table.iter().find(|keyword| keyword.name == name)
}

struct Reader<'a, C: Draft> {
    table: &'static [Keyword<C>],
    directive: &'a str,
    /// What was said already, so that a family of refused words is refused once.
    refused: Vec<&'static str>,
    /// Behind an unknown word: its values are unknown as well.
    lost: bool,
}

impl<C: Draft> Reader<'_, C> {
    /// Reads one parameter; returns how many words it took.
    fn known(
        &mut self,
        keyword: &'static Keyword<C>,
        words: &[Word],
        draft: &mut C,
        cx: &C::Context<'_>,
        d: &mut Diagnostics,
    ) -> usize {
        self.lost = false;
        let mut args = Args::new(words, 1);
        match &keyword.level {
            Level::Supported(parse) | Level::Depends { parse, .. } => {
                parse(draft, &mut args, cx, d);
            }
            Level::Inert { reason, takes } => {
                if skip(keyword, *takes, &mut args, d) {
                    d.note(
                        "without-effect",
                        words[0].span,
                        format!("`{}` has no effect: {reason}", keyword.name),
                    );
                }
            }
            Level::Refused { instead } => {
                self.refuse(keyword, &words[0], instead, d);
                skip_known(keyword, &mut args);
            }
        }
        words.len() - args.rest().len()
    }

    fn refuse(
        &mut self,
        keyword: &Keyword<C>,
        word: &Word,
        instead: &'static str,
        d: &mut Diagnostics,
    ) {
        if self.refused.contains(&instead) {
            return;
        }
        self.refused.push(instead);
        let message = format!(
            "`{}` of `{}` is not supported",
            keyword.name, self.directive
        );
        d.error("unsupported", word.span, message).suggest(instead);
    }

    fn unknown(&mut self, word: &Word, d: &mut Diagnostics) -> usize {
        if !std::mem::replace(&mut self.lost, true) {
            let names = self.table.iter().map(|keyword| keyword.name);
            let near = crate::similar::nearest(&word.text, names);
            let message = format!("`{}` is not a parameter of `{}`", word.text, self.directive);
            let diagnostic = d.error("unknown-parameter", word.span, message);
            if let Some(near) = near {
                diagnostic.suggest(format!("did you mean `{near}`?"));
            }
        }
        1
    }
}

/// Steps over the values of a word without effect; false if one is missing, which is reported
/// as `missing-argument`.
fn skip<C: Draft>(
    keyword: &Keyword<C>,
    takes: Takes,
    args: &mut Args<'_>,
    d: &mut Diagnostics,
) -> bool {
    match takes {
        Takes::Rest => {
            args.take_rest();
            true
        }
        Takes::Exactly(count) => {
            (0..count).all(|_| super::value::required(args, keyword.syntax, d).is_some())
        }
    }
}

/// Steps over the values of a refused word, as many as its syntax has.
fn skip_known<C: Draft>(keyword: &Keyword<C>, args: &mut Args<'_>) {
    for _ in keyword.syntax.split_whitespace() {
        args.next();
    }
}

/// A parameter without effect, with as many values as its syntax has words.
pub(super) const fn inert<C: Draft>(
    name: &'static str,
    sections: Sections,
    syntax: &'static str,
    doc: &'static str,
    reason: &'static str,
) -> Keyword<C> {
    let takes = Takes::Exactly(if syntax.is_empty() { 0 } else { 1 });
    Keyword {
        name,
        sections,
        syntax,
        doc,
        level: Level::Inert { reason, takes },
    }
}
