//! What an answer must look like.

use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::{
        Context, acl,
        check::{HttpPattern, TextPattern, expect},
        value::required,
    },
    source::Word,
};

/// The names of patterns.
pub(super) const NAMES: [&str; 7] = [
    "fhdr",
    "hdr",
    "rstatus",
    "rstring",
    "status",
    "string",
    "string-lf",
];

/// The pattern of this name. `Some(None)`: there is none. `None`: an error was reported.
pub(super) fn read(
    name: &str,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<Option<HttpPattern>> {
    Some(Some(match name {
        "status" => HttpPattern::Status(codes(required(args, "a status code", d)?, d)?),
        "rstatus" => {
            let word = required(args, "a pattern", d)?;
            HttpPattern::StatusRegex(acl::compile(word, false, d)?)
        }
        "hdr" => header(false, args, d)?,
        "fhdr" => header(true, args, d)?,
        "string" | "rstring" | "string-lf" => HttpPattern::Body(expect::bytes(name, args, cx, d)??),
        _ => return Some(None),
    }))
}

/// `200,201,300-310`.
fn codes(word: &Word, d: &mut Diagnostics) -> Option<Vec<(u16, u16)>> {
    let code = |text: &str| text.parse().ok().filter(|code| (100..=999).contains(code));
    let range = |text: &str| match text.split_once('-') {
        Some((low, high)) => code(low).zip(code(high)).filter(|(low, high)| low <= high),
        None => code(text).map(|code| (code, code)),
    };
    let codes: Option<Vec<_>> = word.text.split(',').map(range).collect();
    if codes.is_none() {
        let message = format!("`{}` is not a list of status codes", word.text);
        d.error("bad-status", word.span, message)
            .suggest("codes and ranges, as in `200,300-399`");
    }
    codes
}

/// `{ name | name-lf } [-m <method>] <name> [{ value | value-lf } [-m <method>] <value>]`
fn header(full: bool, args: &mut Args<'_>, d: &mut Diagnostics) -> Option<HttpPattern> {
    let word = required(args, "`name` and the name of a header", d)?;
    if word.text != "name" {
        return not(word, "name", d);
    }
    let name = text(args, d)?;
    let value = match args.peek().map(|word| word.text.as_str()) {
        Some("value") => {
            args.next();
            Some(text(args, d)?)
        }
        Some("value-lf") => return not(args.peek()?, "value", d),
        _ => None,
    };
    Some(HttpPattern::Header { name, value, full })
}

fn not<T>(word: &Word, wanted: &str, d: &mut Diagnostics) -> Option<T> {
    let (code, message) = if word.text.ends_with("-lf") {
        ("unsupported", format!("`{}` is not supported", word.text))
    } else {
        (
            "bad-choice",
            format!("`{}` stands where `{wanted}` belongs", word.text),
        )
    };
    d.error(code, word.span, message)
        .suggest(format!("write `{wanted}` and a fixed text"));
    None
}

fn text(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<TextPattern> {
    if !args.take_if("-m") {
        let word = required(args, "a text", d)?;
        return Some(TextPattern::Exact(word.text.clone()));
    }
    let method = required(args, "a way to compare after `-m`", d)?;
    let word = required(args, "a text", d)?;
    let text = || word.text.clone();
    match method.text.as_str() {
        "str" => Some(TextPattern::Exact(text())),
        "beg" => Some(TextPattern::Prefix(text())),
        "end" => Some(TextPattern::Suffix(text())),
        "sub" => Some(TextPattern::Contains(text())),
        "reg" => Some(TextPattern::Regex(acl::compile(word, false, d)?)),
        other => {
            let message = format!("`{other}` is not a way to compare");
            d.error("bad-match", method.span, message)
                .suggest("str, beg, end, sub or reg");
            None
        }
    }
}
