//! From text to pieces.

use super::{Flags, LogFormat, Piece, names};
use crate::{
    diagnostic::Diagnostics,
    haproxy::{
        Context,
        expression::{self, Needs},
    },
    source::{Span, Word},
};

/// A format for log lines: blanks in a row are written as one, and none begins the line.
///
/// Errors: `bad-format`, `unknown-variable`, and those of expressions.
pub fn parse(word: &Word, cx: &Context<'_>, d: &mut Diagnostics) -> Option<LogFormat> {
    read(word, true, Some(cx), d)
}

/// A format for other texts: every blank counts. Errors as for [`parse`].
///
/// These belong to checks, so that variables of HTTP messages have no value: `http-variable`.
pub fn parse_verbatim(word: &Word, cx: &Context<'_>, d: &mut Diagnostics) -> Option<LogFormat> {
    let format = read(word, false, Some(cx), d)?;
    if let Some(name) = format.http_variable() {
        let message = format!("`%{name}` is of HTTP messages, and a check has none");
        d.error("http-variable", word.span, message);
        return None;
    }
    Some(format)
}

/// Without a context expressions are not understood: that is enough for formats of our own.
pub(super) fn read(
    word: &Word,
    merge_blanks: bool,
    cx: Option<&Context<'_>>,
    d: &mut Diagnostics,
) -> Option<LogFormat> {
    let mut parser = Parser {
        word,
        at: 0,
        cx,
        merge_blanks,
        sticky: Flags::default(),
        text: String::new(),
        pieces: Vec::new(),
    };
    while parser.at < word.text.len() {
        parser.step(d)?;
    }
    parser.end_text();
    Some(LogFormat {
        pieces: parser.pieces,
    })
}

struct Parser<'a> {
    word: &'a Word,
    at: usize,
    cx: Option<&'a Context<'a>>,
    merge_blanks: bool,
    /// What `%{…}o` said, for all that follows.
    sticky: Flags,
    text: String,
    pieces: Vec<Piece>,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.word.text[self.at..]
    }

    fn step(&mut self, d: &mut Diagnostics) -> Option<()> {
        let Some(special) = self.rest().strip_prefix('%') else {
            let end = self.rest().find('%').unwrap_or(self.rest().len());
            self.literal(&self.rest()[..end]);
            self.at += end;
            return Some(());
        };
        if special.starts_with('%') {
            self.literal("%");
            self.at += 2;
            return Some(());
        }
        let start = self.at;
        self.at += 1;
        let flags = self.flags(start, d)?;
        if self.rest().starts_with('[') {
            return self.sample(start, flags, d);
        }
        self.variable(start, flags, d)
    }

    fn literal(&mut self, text: &str) {
        if !self.merge_blanks {
            self.text.push_str(text);
            return;
        }
        for c in text.chars() {
            if !c.is_ascii_whitespace() {
                self.text.push(c);
            } else if !self.after_blank() {
                self.text.push(' ');
            }
        }
    }

    fn after_blank(&self) -> bool {
        let begins = self.text.is_empty() && self.pieces.is_empty();
        begins || self.text.ends_with(' ')
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.pieces.push(Piece::Text(text));
        }
    }

    /// `{+Q,-X}`, on top of the sticky ones.
    fn flags(&mut self, start: usize, d: &mut Diagnostics) -> Option<Flags> {
        let mut flags = self.sticky;
        let Some(inner) = self.rest().strip_prefix('{') else {
            return Some(flags);
        };
        let Some(close) = inner.find('}') else {
            self.bad(start, self.word.text.len(), "a `}` is missing", d);
            return None;
        };
        for part in inner[..close].split(',') {
            if !set_flag(&mut flags, part) {
                let why = format!("`{part}` is not a flag: Q quotes, X is hexadecimal, E escapes");
                self.bad(start, self.at + close + 2, &why, d);
                return None;
            }
        }
        self.at += close + 2;
        Some(flags)
    }

    fn sample(&mut self, start: usize, flags: Flags, d: &mut Diagnostics) -> Option<()> {
        let Some(length) = closing_bracket(self.rest()) else {
            self.bad(start, self.word.text.len(), "a `]` is missing", d);
            return None;
        };
        let (from, to) = (self.at + 1, self.at + length);
        let inner = Word {
            text: self.word.text[from..to].to_owned(),
            span: self.span(from, to),
        };
        self.at = to + 1;
        let typed = expression::typed(&inner, self.cx?, d)?;
        let why = match typed.needs {
            Needs::Connection => None,
            Needs::Content => Some("the client's bytes are gone when a line is written"),
            Needs::Http => Some("a line tells of a request by variables, such as %HP"),
        };
        if let Some(why) = why {
            self.bad(start, self.at, why, d);
            return None;
        }
        self.end_text();
        self.pieces.push(Piece::Sample(typed.expression, flags));
        Some(())
    }

    fn variable(&mut self, start: usize, flags: Flags, d: &mut Diagnostics) -> Option<()> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
        let name = &rest[..end.unwrap_or(rest.len())];
        self.at += name.len();
        if name == "o" {
            self.sticky = flags;
            return Some(());
        }
        if name.is_empty() {
            self.bad(start, self.at, "a variable is missing after `%`", d);
            return None;
        }
        let Some(variable) = names::variable(name) else {
            self.unknown(name, start, d);
            return None;
        };
        self.end_text();
        self.pieces.push(Piece::Variable(variable, flags));
        Some(())
    }

    fn unknown(&self, name: &str, start: usize, d: &mut Diagnostics) {
        let message = format!("`%{name}` is not a variable of log formats");
        let diagnostic = d.error("unknown-variable", self.span(start, self.at), message);
        // A known name may be run into letters that follow it.
        let shorter = (1..name.len())
            .rev()
            .find_map(|end| names::variable(&name[..end]).map(|_| &name[..end]));
        let known = names::VARIABLES.iter().map(|(known, _)| *known);
        let same_letters = known.clone().find(|known| known.eq_ignore_ascii_case(name));
        match same_letters
            .or(shorter)
            .or_else(|| crate::similar::nearest(name, known))
        {
            Some(near) => diagnostic.suggest(format!("did you mean `%{near}`?")),
            None => diagnostic.suggest("write `%%` for the sign itself"),
        };
    }

    fn bad(&self, from: usize, to: usize, why: &str, d: &mut Diagnostics) {
        let text = self.word.text.get(from..to).unwrap_or_default();
        let message = format!("`{text}` cannot be read: {why}");
        let diagnostic = d.error("bad-format", self.span(from, to), message);
        if text == "%" {
            diagnostic.suggest("write `%%` for the sign itself");
        }
    }

    /// The place of some bytes of the word; the whole word where quoting makes it unknowable.
    fn span(&self, from: usize, to: usize) -> Span {
        let whole = self.word.span;
        if usize::try_from(whole.end - whole.start) != Ok(self.word.text.len()) {
            return whole;
        }
        let place = |at: usize| whole.start + u32::try_from(at).unwrap_or(0);
        Span {
            start: place(from),
            end: place(to),
            ..whole
        }
    }
}

/// `+Q`, `-Q` or `Q`; false if there is no such flag.
fn set_flag(flags: &mut Flags, part: &str) -> bool {
    let (on, name) = match part.strip_prefix('-') {
        Some(name) => (false, name),
        None => (true, part.strip_prefix('+').unwrap_or(part)),
    };
    match name {
        "Q" => flags.quote = on,
        "X" => flags.hex = on,
        "E" => flags.escape = on,
        _ => return false,
    }
    true
}

/// The place of the `]` that closes the `[` at the beginning; those in parentheses do not count.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, b) in text.bytes().enumerate() {
        match b {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b']' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}
