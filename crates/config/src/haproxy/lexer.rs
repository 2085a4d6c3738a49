//! Lines to words: quotes, escapes, variables, comments (HAProxy configuration manual, 2.2, 2.3).
//!
//! Every byte is looked at once, so that time grows with the length of the line and no faster.

use super::environment::Environment;
use crate::{
    diagnostic::Diagnostics,
    source::{Span, Word},
};

/// HAProxy refuses lines with more words than this.
const MOST_WORDS: usize = 64;

/// Cuts one line, without its end, into words. `start` is the span of its first byte. After an
/// error the line has no words.
pub(super) fn words(
    line: &str,
    start: Span,
    environment: &Environment<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<Word> {
    let lexer = Lexer {
        line,
        bytes: line.as_bytes(),
        at: 0,
        start,
        environment,
        words: Vec::new(),
        word: None,
    };
    match lexer.run() {
        Ok(words) => {
            warn_about_oddities(&words, diagnostics);
            words
        }
        Err(fault) => {
            let span = Span {
                start: offset(start, fault.at),
                end: offset(start, fault.end),
                ..start
            };
            let diagnostic = diagnostics.error(fault.code, span, fault.message);
            if let Some(suggestion) = fault.suggestion {
                diagnostic.suggest(suggestion);
            }
            Vec::new()
        }
    }
}

fn offset(start: Span, at: usize) -> u32 {
    start
        .start
        .saturating_add(u32::try_from(at).unwrap_or(u32::MAX))
}

fn warn_about_oddities(words: &[Word], diagnostics: &mut Diagnostics) {
    if let Some(word) = words.get(MOST_WORDS) {
        diagnostics.warning(
            "too-many-words",
            word.span,
            format!(
                "this line has {} words; HAProxy refuses more than {MOST_WORDS}",
                words.len()
            ),
        );
    }
    if let Some(word) = words
        .iter()
        .find(|word| word.text.contains(char::REPLACEMENT_CHARACTER))
    {
        diagnostics.warning(
            "invalid-utf8",
            word.span,
            "this word holds bytes that are not UTF-8; each was replaced",
        );
    }
}

/// Why a line has no words.
struct Fault {
    at: usize,
    end: usize,
    code: &'static str,
    message: String,
    suggestion: Option<&'static str>,
}

impl Fault {
    fn new(at: usize, end: usize, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            at,
            end: end.max(at + 1),
            code,
            message: message.into(),
            suggestion: None,
        }
    }

    fn suggest(mut self, suggestion: &'static str) -> Self {
        self.suggestion = Some(suggestion);
        self
    }
}

struct Lexer<'l> {
    line: &'l str,
    bytes: &'l [u8],
    at: usize,
    start: Span,
    environment: &'l Environment<'l>,
    words: Vec<Word>,
    /// The word being built: where it began, and its bytes so far.
    word: Option<(usize, Vec<u8>)>,
}

impl Lexer<'_> {
    fn run(mut self) -> Result<Vec<Word>, Fault> {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' => {
                    self.end_word(self.at)?;
                    self.at += 1;
                }
                b'#' => break,
                b'\'' => self.strong_quotes()?,
                b'"' => self.weak_quotes()?,
                b'\\' => self.escape(false)?,
                0 => return Err(self.nul()),
                _ => self.plain(),
            }
        }
        self.end_word(self.at)?;
        Ok(self.words)
    }

    fn push(&mut self, bytes: &[u8]) {
        self.begin_word().extend_from_slice(bytes);
    }

    fn begin_word(&mut self) -> &mut Vec<u8> {
        let at = self.at;
        &mut self.word.get_or_insert_with(|| (at, Vec::new())).1
    }

    fn plain(&mut self) {
        let byte = self.bytes[self.at];
        self.push(&[byte]);
        self.at += 1;
    }

    fn end_word(&mut self, end: usize) -> Result<(), Fault> {
        let Some((begin, bytes)) = self.word.take() else {
            return Ok(());
        };
        let text = String::from_utf8(bytes).map_err(|_| {
            Fault::new(
                begin,
                end,
                "invalid-utf8",
                "the \\x escapes of this word do not make UTF-8 text",
            )
            .suggest("write binary data in hexadecimal, as in `tcp-check send-binary`")
        })?;
        self.words.push(Word {
            text,
            span: Span {
                start: offset(self.start, begin),
                end: offset(self.start, end),
                ..self.start
            },
        });
        Ok(())
    }

    fn nul(&self) -> Fault {
        Fault::new(
            self.at,
            self.at + 1,
            "nul-byte",
            "a NUL byte stands in the line",
        )
        .suggest("the file may be damaged, or not a text file")
    }

    fn strong_quotes(&mut self) -> Result<(), Fault> {
        let open = self.at;
        let inside = &self.bytes[open + 1..];
        let Some(length) = memchr::memchr(b'\'', inside) else {
            return Err(unmatched(open));
        };
        if let Some(nul) = memchr::memchr(0, &inside[..length]) {
            self.at = open + 1 + nul;
            return Err(self.nul());
        }
        let bytes = &self.bytes[open + 1..open + 1 + length];
        self.begin_word().extend_from_slice(bytes);
        self.at = open + length + 2;
        Ok(())
    }

    fn weak_quotes(&mut self) -> Result<(), Fault> {
        let open = self.at;
        self.begin_word();
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape(true)?,
                b'$' => self.variable()?,
                0 => return Err(self.nul()),
                _ => self.plain(),
            }
        }
        Err(unmatched(open))
    }

    /// A backslash outside strong quotes. Before anything without a meaning it stays.
    fn escape(&mut self, quoted: bool) -> Result<(), Fault> {
        let escaped = self.bytes.get(self.at + 1).copied();
        let meant = match escaped {
            Some(byte @ (b' ' | b'\t' | b'#' | b'\\' | b'\'' | b'"')) => byte,
            Some(b'$') if quoted => b'$',
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'x') => return self.hexadecimal(),
            _ => {
                self.plain();
                return Ok(());
            }
        };
        self.push(&[meant]);
        self.at += 2;
        Ok(())
    }

    fn hexadecimal(&mut self) -> Result<(), Fault> {
        let digits = self.line.get(self.at + 2..self.at + 4);
        let value = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match value {
            Some(0) => Err(Fault::new(
                self.at,
                self.at + 4,
                "nul-byte",
                "a word cannot hold a NUL byte",
            )),
            Some(value) => {
                self.push(&[value]);
                self.at += 4;
                Ok(())
            }
            None => Err(Fault::new(
                self.at,
                self.at + 2,
                "bad-escape",
                "`\\x` needs two hexadecimal digits",
            )),
        }
    }

    /// `$NAME`, `${NAME}`, `${NAME-default}`, `${NAME[*]}`, inside weak quotes.
    fn variable(&mut self) -> Result<(), Fault> {
        let reference = Reference::read(self.line, self.at)?;
        let value = self.environment.get(reference.name);
        let value = value.as_deref().or(reference.default).unwrap_or("");
        let end = reference.end;
        if reference.list {
            self.push_list(value, end)?;
        } else {
            self.push(value.as_bytes());
        }
        self.at = end;
        Ok(())
    }

    /// Each value of a list becomes a word; the outer ones touch what stands beside them.
    fn push_list(&mut self, value: &str, end: usize) -> Result<(), Fault> {
        for (index, item) in value.split_ascii_whitespace().enumerate() {
            if index > 0 {
                self.end_word(end)?;
            }
            self.push(item.as_bytes());
        }
        Ok(())
    }
}

fn unmatched(open: usize) -> Fault {
    Fault::new(
        open,
        open + 1,
        "unmatched-quote",
        "this quote is never closed",
    )
    .suggest("close it on the same line, or write \\ before it")
}

/// A reference to a variable.
struct Reference<'l> {
    name: &'l str,
    list: bool,
    default: Option<&'l str>,
    /// Where the line goes on.
    end: usize,
}

impl<'l> Reference<'l> {
    /// `dollar` is where the `$` stands.
    fn read(line: &'l str, dollar: usize) -> Result<Self, Fault> {
        let braced = line[dollar + 1..].starts_with('{');
        let begin = dollar + 1 + usize::from(braced);
        let name = name_at(&line[begin..]);
        if name.is_empty() {
            return Err(Fault::new(
                dollar,
                begin,
                "bad-variable",
                "the name of an environment variable must begin with a letter or `_`",
            )
            .suggest("write \\$ for a plain dollar sign"));
        }
        let end = begin + name.len();
        if !braced {
            return Ok(Self {
                name,
                list: false,
                default: None,
                end,
            });
        }
        Self::read_braced(line, dollar, name, end)
    }

    fn read_braced(
        line: &'l str,
        dollar: usize,
        name: &'l str,
        name_end: usize,
    ) -> Result<Self, Fault> {
        let open = || {
            Fault::new(
                dollar,
                name_end,
                "bad-variable",
                format!("`${{{name}` is not closed by `}}`"),
            )
            .suggest("allowed are ${NAME}, ${NAME-default} and ${NAME[*]}")
        };
        let rest = &line[name_end..];
        let list = rest.starts_with("[*]");
        let rest = if list { &rest[3..] } else { rest };
        let close = memchr::memchr(b'}', rest.as_bytes()).ok_or_else(open)?;
        let default = match &rest[..close] {
            "" => None,
            other => Some(other.strip_prefix('-').ok_or_else(open)?),
        };
        Ok(Self {
            name,
            list,
            default,
            end: name_end + usize::from(list) * 3 + close + 1,
        })
    }
}

/// The variable's name that a text begins with; empty if there is none.
fn name_at(text: &str) -> &str {
    let dot = usize::from(text.starts_with('.'));
    let length = text[dot..]
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        .count();
    let starts_with_digit = text[dot..].starts_with(|c: char| c.is_ascii_digit());
    if length == 0 || starts_with_digit {
        ""
    } else {
        &text[..dot + length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::haproxy::testing::Machine;

    fn lexed(line: &str) -> Result<Vec<String>, String> {
        let fake = Machine::with_variables(&[("HOME", "/root"), ("L", "p q"), ("E", "")]);
        let mut environment = Environment::new(&fake, ["t.cfg"].into_iter());
        environment.file = "t.cfg".into();
        environment.line = 16;
        environment.section = "global".into();
        let mut diagnostics = Diagnostics::default();
        let words = words(line, Span::default(), &environment, &mut diagnostics);
        match diagnostics.all().first() {
            Some(found) => Err(format!(
                "{}..{} {}",
                found.span.unwrap().start,
                found.span.unwrap().end,
                found.code
            )),
            None => Ok(words.into_iter().map(|word| word.text).collect()),
        }
    }

    #[track_caller]
    fn gives(line: &str, words: &[&str]) {
        assert_eq!(lexed(line).unwrap(), words, "{line}");
    }

    /// Each line was given to HAProxy 2.6.12, which reads it the same way.
    #[test]
    fn words_are_cut_as_haproxy_cuts_them() {
        gives(r"a\z", &[r"a\z"]);
        gives(r#""a\z""#, &[r"a\z"]);
        gives(r#""a\$b""#, &["a$b"]);
        gives(r"a\$b", &[r"a\$b"]);
        gives(r#"a'b'"c d""#, &["abc d"]);
        gives(r"a\ b", &["a b"]);
        gives(r"a\tb|", &["a\tb|"]);
        gives(r"'a\n$HOME'", &[r"a\n$HOME"]);
        gives("a#b", &["a"]);
        gives(r"a\#b", &["a#b"]);
        gives("a\tb", &["a", "b"]);
        gives(r#""" b"#, &["", "b"]);
        gives("'a''b'", &["ab"]);
        gives(r#"a\\b\'c\"d"#, &[r#"a\b'c"d"#]);
        gives(r#""a'b\'c""#, &["a'b'c"]);
        gives(r"\x41\x0a", &["A\n"]);
        gives("a$HOME", &["a$HOME"]);
        gives("  # only a comment", &[]);
    }

    #[test]
    fn variables_are_expanded_as_haproxy_expands_them() {
        gives(r#""${NOPE-def x}""#, &["def x"]);
        gives(r#""${NOPE-a}b}""#, &["ab}"]);
        gives(r#""$NOPE-x""#, &["-x"]);
        gives(r#""$HOMEx""#, &[""]);
        gives(r#""$HOME.x""#, &["/root.x"]);
        gives(r#""${.FILE}:${.LINE}:${.SECTION}""#, &["t.cfg:16:global"]);
        gives(r#""$.LINE""#, &["16"]);
        gives(r#""${NOPE[*]}""#, &[""]);
        gives(r#""${NOPE-x y[*]}""#, &["x y[*]"]);
        gives(r#""${L[*]}""#, &["p", "q"]);
        gives(r#""x${L[*]}y""#, &["xp", "qy"]);
        gives(r#""${L[*]-a b}""#, &["p", "q"]);
        gives(r#""${NOPE[*]-a b}""#, &["a", "b"]);
        gives(r#""${E-def}""#, &[""]);
    }

    #[test]
    fn faults_say_where_they_are() {
        let fault = |line: &str| lexed(line).unwrap_err();
        assert_eq!(fault(r#"maxconn "10"#), "8..9 unmatched-quote");
        assert_eq!(fault("a 'b"), "2..3 unmatched-quote");
        assert_eq!(fault(r"a\xzz"), "1..3 bad-escape");
        assert_eq!(fault(r"a\x"), "1..3 bad-escape");
        assert_eq!(fault(r#""a$""#), "2..3 bad-variable");
        assert_eq!(fault(r#""a${""#), "2..4 bad-variable");
        assert_eq!(fault(r#""a${1}""#), "2..4 bad-variable");
        assert_eq!(fault(r#""a${HOME""#), "2..8 bad-variable");
        assert_eq!(fault(r#""${HOME+x}""#), "1..7 bad-variable");
        assert_eq!(fault("a\0b"), "1..2 nul-byte");
        assert_eq!(fault(r"\x00"), "0..4 nul-byte");
        assert_eq!(fault(r"a \xff"), "2..6 invalid-utf8");
    }

    #[test]
    fn spans_point_at_the_bytes_as_written() {
        let fake = Machine::default();
        let environment = Environment::new(&fake, std::iter::empty());
        let start = Span {
            file: 1,
            start: 100,
            end: 100,
        };
        let line = r#"  log "${X-long default}"  x"#;
        let words = words(line, start, &environment, &mut Diagnostics::default());
        let spans: Vec<_> = words.iter().map(|w| (w.span.start, w.span.end)).collect();
        assert_eq!(spans, [(102, 105), (106, 125), (127, 128)]);
    }
}
