//! Sample expressions: a fetch method, then converters
//! (HAProxy configuration manual, 7.3).

mod converters;
mod fetches;
mod known;
#[cfg(test)]
mod tests;

pub(super) use self::{converters::CONVERTERS, fetches::FETCHES, known::REFUSED};

pub(in crate::haproxy) use self::converters::describe;

use pontoon_engine::sample::Expression;

use super::Context;
use crate::{
    diagnostic::Diagnostics,
    source::{Span, Word},
};

/// What kind of value an expression gives; it decides how the value can be matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// True or false.
    Bool,
    /// A number.
    Integer,
    /// A version with two parts, such as `3.1`.
    Version,
    /// An address.
    Ip,
    /// Text.
    String,
    /// Bytes.
    Binary,
}

/// When an expression's value can be known; of several needs the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Needs {
    /// Nothing: it is known as soon as there is a connection.
    Connection,
    /// Bytes from the client.
    Content,
    /// An HTTP request: only what answers requests itself has one.
    Http,
}

/// An expression with what the parser knows of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Typed {
    /// The expression.
    pub expression: Expression,
    /// The type of its value.
    pub output: Type,
    /// When it can be evaluated.
    pub needs: Needs,
}

/// One documented word of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Method {
    /// Its name.
    pub name: &'static str,
    /// Its arguments in the manual's notation; empty if it has none.
    pub arguments: &'static str,
    /// One sentence.
    pub doc: &'static str,
}

/// The expression in a word, such as `req.ssl_sni,lower`, with the type of its value.
///
/// Errors: `unknown-fetch`, `unknown-converter`, `unsupported`, `bad-expression`, `bad-argument`,
/// `unknown-proxy`.
pub(super) fn typed(word: &Word, cx: &Context<'_>, d: &mut Diagnostics) -> Option<Typed> {
    let calls = calls(word, d)?;
    let (first, converters) = calls.split_first()?;
    let mut typed = fetches::fetch(first, cx, d)?;
    for call in converters {
        converters::append(call, &mut typed, d)?;
    }
    Some(typed)
}

/// `name` or `name(argument,argument)`, with its place.
#[derive(Debug)]
struct Call<'a> {
    name: &'a str,
    /// `None`: there are no parentheses.
    arguments: Option<Vec<&'a str>>,
    span: Span,
}

impl<'a> Call<'a> {
    fn arguments(&self) -> &[&'a str] {
        self.arguments.as_deref().unwrap_or(&[])
    }
}

/// Cuts `a(1,2),b,c(3)` into calls. Error: `bad-expression`.
fn calls<'a>(word: &'a Word, d: &mut Diagnostics) -> Option<Vec<Call<'a>>> {
    let mut calls = Vec::new();
    let mut rest = word.text.as_str();
    loop {
        let end = rest.find(['(', ',']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (arguments, after) = arguments(after, word, d)?;
        calls.push(Call {
            name,
            arguments,
            span: word.span,
        });
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None if after.is_empty() => return Some(calls),
            None => {
                malformed(word, &format!("a comma is missing before `{after}`"), d);
                return None;
            }
        }
    }
}

type Arguments<'a> = Option<Vec<&'a str>>;

fn arguments<'a>(
    text: &'a str,
    word: &Word,
    d: &mut Diagnostics,
) -> Option<(Arguments<'a>, &'a str)> {
    let Some(inner) = text.strip_prefix('(') else {
        return Some((None, text));
    };
    let Some(close) = inner.find(')') else {
        malformed(word, "a closing parenthesis is missing", d);
        return None;
    };
    let arguments = match &inner[..close] {
        "" => Vec::new(),
        list => list.split(',').collect(),
    };
    Some((Some(arguments), &inner[close + 1..]))
}

fn malformed(word: &Word, why: &str, d: &mut Diagnostics) {
    d.error(
        "bad-expression",
        word.span,
        format!("`{}` cannot be read: {why}", word.text),
    );
}

fn bad_arguments(call: &Call<'_>, syntax: &str, d: &mut Diagnostics) {
    let message = if syntax.is_empty() {
        format!("`{}` takes no arguments", call.name)
    } else {
        format!("the arguments of `{}` are wrong", call.name)
    };
    let diagnostic = d.error("bad-argument", call.span, message);
    diagnostic.suggest(format!("write `{}{syntax}`", call.name));
}
