//! A line to words and braces: quotes, escapes.

use std::{iter::Peekable, str::CharIndices};

use super::{context::Context, text::Text};
use crate::source::{Span, Word};

/// A word or a brace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A word, its quotes taken off.
    Word(Word),
    /// `{`
    Open(Span),
    /// `}`
    Close(Span),
}

/// The length of a line without its comment and trailing blanks. A comment begins with `#` or
/// `!` wherever no quote is open.
pub(super) fn without_comment(line: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match quote {
            _ if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '#' || c == '!' => return line[..at].trim_end().len(),
            None => {}
        }
    }
    line.trim_end().len()
}

/// Whether a comment begins in the middle of a word: `abc!def`, which may have been meant as it
/// stands.
pub(super) fn cuts_a_word(line: &str, length: usize) -> bool {
    let comment = line[length..].strip_prefix(['#', '!']);
    let cut = comment.is_some_and(|rest| rest.starts_with(|c: char| !c.is_whitespace()));
    cut && line[..length].ends_with(|c: char| !"{};".contains(c))
}

/// The words and braces of a line.
pub(super) fn split(line: &Text, ctx: &mut Context<'_>) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut letters = line.as_str().char_indices().peekable();
    while let Some(&(at, c)) = letters.peek() {
        match c {
            '{' | '}' => {
                letters.next();
                let span = line.span(at..at + 1);
                tokens.push(if c == '{' {
                    Token::Open(span)
                } else {
                    Token::Close(span)
                });
            }
            c if c.is_whitespace() => {
                letters.next();
            }
            _ => tokens.push(Token::Word(word(at, line, &mut letters, ctx))),
        }
    }
    tokens
}

type Letters<'t> = Peekable<CharIndices<'t>>;

fn word(start: usize, line: &Text, letters: &mut Letters<'_>, ctx: &mut Context<'_>) -> Word {
    let mut text = String::new();
    let mut end = start;
    while let Some(&(at, c)) = letters.peek() {
        if c.is_whitespace() || c == '{' || c == '}' {
            break;
        }
        letters.next();
        end = at + c.len_utf8();
        match c {
            '"' | '\'' => end = quoted(c, at, line, letters, &mut text, ctx),
            '$' if letters.peek().is_some_and(|(_, next)| *next == '{') => {
                text.push('$');
                end = reference(at, line, letters, &mut text, ctx);
            }
            _ => text.push(c),
        }
    }
    let span = line.span(start..end);
    check_letters(&text, span, ctx);
    Word { text, span }
}

fn check_letters(text: &str, span: Span, ctx: &mut Context<'_>) {
    if text.contains('\u{fffd}') {
        let message = "this is not UTF-8; what cannot be read became `\u{fffd}`";
        ctx.d.warning("invalid-utf8", span, message);
    }
    if text.contains('\0') {
        let message = "there is a NUL byte in this word";
        ctx.d.error("control-character", span, message);
    }
}

/// The rest of a quoted stretch; says where it ends.
fn quoted(
    quote: char,
    start: usize,
    line: &Text,
    letters: &mut Letters<'_>,
    text: &mut String,
    ctx: &mut Context<'_>,
) -> usize {
    let mut end = start + 1;
    while let Some((at, c)) = letters.next() {
        end = at + c.len_utf8();
        match c {
            _ if c == quote => return end,
            '\\' if quote == '"' => escape(letters, text),
            _ => text.push(c),
        }
    }
    let message = format!("this {quote} is not closed on its line");
    ctx.fault("unclosed-quote", line.span(start..start + 1), message);
    end
}

/// What follows a backslash between double quotes (keepalived.conf(5), Quoted strings).
fn escape(letters: &mut Letters<'_>, text: &mut String) {
    let Some((_, c)) = letters.next() else {
        return text.push('\\');
    };
    match c {
        'a' => text.push('\u{7}'),
        'b' => text.push('\u{8}'),
        'E' | 'e' => text.push('\u{1b}'),
        'f' => text.push('\u{c}'),
        'n' => text.push('\n'),
        'r' => text.push('\r'),
        't' => text.push('\t'),
        'v' => text.push('\u{b}'),
        'x' => push_number(letters, text, 0, 16, 2),
        'c' => {
            if let Some((_, c)) = letters.next() {
                text.push(char::from(c.to_ascii_uppercase() as u8 & 0x1f));
            }
        }
        '0'..='7' => push_number(letters, text, c.to_digit(8).unwrap_or(0), 8, 2),
        other => text.push(other),
    }
}

/// Up to so many more digits of a character's number.
fn push_number(letters: &mut Letters<'_>, text: &mut String, first: u32, radix: u32, most: usize) {
    let mut number = first;
    for _ in 0..most {
        let Some(digit) = letters.peek().and_then(|(_, c)| c.to_digit(radix)) else {
            break;
        };
        letters.next();
        number = number * radix + digit;
    }
    text.extend(char::from_u32(number & 0xff));
}

/// `${NAME}` that no definition has replaced; says where it ends.
fn reference(
    start: usize,
    line: &Text,
    letters: &mut Letters<'_>,
    text: &mut String,
    ctx: &mut Context<'_>,
) -> usize {
    let mut end = start + 1;
    let mut name = String::new();
    while let Some(&(at, c)) = letters.peek() {
        if c.is_whitespace() {
            break;
        }
        letters.next();
        end = at + c.len_utf8();
        name.push(c);
        if c == '}' {
            break;
        }
    }
    text.push_str(&name);
    let message = format!("`${name}` is not defined here");
    ctx.fault("unknown-variable", line.span(start..end), message)
        .suggest("write `$NAME=value` on a line above");
    end
}
