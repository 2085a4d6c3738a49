//! The words of a line behind its keyword, in either language.

use crate::source::{Span, Word};

/// The texts of words, joined by blanks.
#[must_use]
pub(crate) fn joined(words: &[Word]) -> String {
    words
        .iter()
        .map(|word| word.text.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The words after a keyword, taken one at a time.
#[derive(Debug)]
pub struct Args<'a> {
    keyword: &'a [Word],
    rest: &'a [Word],
}

impl<'a> Args<'a> {
    /// The words of a line, the first `keyword_words` of which name the keyword (at least one).
    #[must_use]
    pub fn new(words: &'a [Word], keyword_words: usize) -> Self {
        let (keyword, rest) = words.split_at(keyword_words.min(words.len()));
        Self { keyword, rest }
    }

    /// The next word, if there is one.
    pub fn next(&mut self) -> Option<&'a Word> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// The next word, left in place.
    #[must_use]
    pub fn peek(&self) -> Option<&'a Word> {
        self.rest.first()
    }

    /// Takes the next word if it is this one.
    pub fn take_if(&mut self, text: &str) -> bool {
        let found = self.peek().is_some_and(|word| word.text == text);
        if found {
            self.next();
        }
        found
    }

    /// All that is left.
    #[must_use]
    pub const fn rest(&self) -> &'a [Word] {
        self.rest
    }

    /// Takes all that is left.
    pub fn take_rest(&mut self) -> &'a [Word] {
        std::mem::take(&mut self.rest)
    }

    /// The keyword itself.
    #[must_use]
    pub fn keyword_text(&self) -> String {
        joined(self.keyword)
    }

    /// Where the keyword stands.
    #[must_use]
    pub fn keyword_span(&self) -> Span {
        match (self.keyword.first(), self.keyword.last()) {
            (Some(first), Some(last)) => Span {
                end: last.span.end,
                ..first.span
            },
            _ => Span::default(),
        }
    }
}
