//! Access lists and the conditions made of them
//! (HAProxy configuration manual, 7.1, 7.2, 7.4).

mod condition;
mod lists;
mod patterns;
#[cfg(test)]
mod tests;

pub(super) use self::condition::{Reported, condition, conditional};

pub use self::lists::{PatternList, PatternUse, Reading};
pub(in crate::haproxy) use self::{lists::PatternLists, patterns::compile};

use std::borrow::Cow;

use pontoon_engine::acl::{ListRef, Pattern, Test};

use self::patterns::Match;
use super::{
    Context,
    expression::{self, Needs, Type, Typed},
    value::{integer, required},
};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    source::{Span, Word},
};

/// The words after `acl`: a name and its tests, of which any is enough.
///
/// Errors: `missing-argument`, `bad-name`, `missing-pattern`, `bad-pattern`, `bad-match`,
/// `unreadable-file`, `unsupported`, and those of expressions.
pub(super) fn line(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<(String, Vec<Test>)> {
    let name = required(args, "a name and a criterion", d)?;
    check_name(name, d);
    if args.peek().is_none() {
        d.error(
            "missing-argument",
            name.span,
            format!("the access list `{}` needs a criterion", name.text),
        )
        .suggest(format!("as in `acl {} src 10.0.0.0/8`", name.text));
        return None;
    }
    let tests = tests(args.take_rest(), cx, d)?;
    Some((name.text.clone(), tests.tests))
}

fn check_name(name: &Word, d: &mut Diagnostics) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if let Some(bad) = name.text.chars().find(|c| !allowed(*c)) {
        d.error(
            "bad-name",
            name.span,
            format!("`{bad}` may not be part of the name `{}`", name.text),
        )
        .suggest("letters, digits, `-`, `_`, `.` and `:`");
    } else if matches!(name.text.as_str(), "or" | "if" | "unless") {
        d.error(
            "bad-name",
            name.span,
            format!("`{}` means something else in a condition", name.text),
        )
        .suggest("choose another name");
    }
}

/// Tests of which any is enough, and what they need.
struct Tests {
    tests: Vec<Test>,
    needs: Needs,
}

/// A criterion, flags, and patterns. Where `-i` stands between patterns there are two tests.
fn tests(words: &[Word], cx: &Context<'_>, d: &mut Diagnostics) -> Option<Tests> {
    let (criterion, rest) = words.split_first()?;
    let (criterion, named) = derived(criterion);
    let criterion = criterion.as_ref();
    let typed = expression::typed(criterion, cx, d);
    // Flags are read even if the criterion is wrong, so that all problems come out at once; but
    // patterns mean nothing then.
    let typed = typed?;
    let mut reader = Reader {
        cx,
        criterion,
        matching: named.or(Match::default_of(typed.output)),
        typed: &typed,
        resolve: true,
        ignore_case: false,
        id: None,
        entries: Vec::new(),
        patterns: Vec::new(),
        tests: Vec::new(),
    };
    let patterns = reader.flags(rest, d)?;
    reader.patterns(criterion, patterns, d)?;
    Some(Tests {
        tests: reader.finish(),
        needs: typed.needs,
    })
}

/// `path_beg` as `path -m beg`, and so on: files protect their metrics with these.
fn derived(criterion: &Word) -> (Cow<'_, Word>, Option<Match>) {
    let found = ["path", "url"].into_iter().find_map(|base| {
        let suffix = criterion.text.strip_prefix(base)?.strip_prefix('_')?;
        Some((base, Match::of_suffix(suffix)?))
    });
    let Some((base, matching)) = found else {
        return (Cow::Borrowed(criterion), None);
    };
    let word = Word {
        text: base.to_owned(),
        span: criterion.span,
    };
    (Cow::Owned(word), Some(matching))
}

struct Reader<'a> {
    cx: &'a Context<'a>,
    criterion: &'a Word,
    typed: &'a Typed,
    /// `None`: bytes have no default, `-m` must say.
    matching: Option<Match>,
    resolve: bool,
    ignore_case: bool,
    /// `-u`: the number of the line's own list.
    id: Option<u32>,
    /// The line's own patterns, as written and as meant.
    entries: Vec<String>,
    patterns: Vec<Pattern>,
    /// Those of its files.
    tests: Vec<Test>,
}

impl Reader<'_> {
    /// Reads flags; returns what follows them.
    fn flags<'w>(&mut self, words: &'w [Word], d: &mut Diagnostics) -> Option<&'w [Word]> {
        let mut rest = words;
        while let [flag, after @ ..] = rest {
            match flag.text.as_str() {
                "--" => return Some(after),
                "-i" => self.ignore_case = true,
                "-n" => self.resolve = false,
                "-f" | "-m" | "-u" => {
                    let Some((value, more)) = after.split_first() else {
                        let message = format!("`{}` needs a value", flag.text);
                        d.error("missing-argument", flag.span, message);
                        return None;
                    };
                    self.flag(flag, value, d)?;
                    rest = more;
                    continue;
                }
                "-M" => {
                    d.error(
                        "unsupported",
                        flag.span,
                        "map files (`-M`) are not supported",
                    )
                    .suggest("use a file with one pattern on each line, with `-f`");
                    return None;
                }
                text if is_unknown_flag(text) => {
                    d.error("unknown-flag", flag.span, format!("`{text}` is not a flag"))
                        .suggest(
                            "-i, -f, -m, -n or -u; write `--` before patterns that begin with `-`",
                        );
                    return None;
                }
                _ => return Some(rest),
            }
            rest = after;
        }
        Some(rest)
    }

    fn flag(&mut self, flag: &Word, value: &Word, d: &mut Diagnostics) -> Option<()> {
        match flag.text.as_str() {
            "-f" => self.file(value, d),
            "-m" => self.match_method(flag, value, d),
            _ => {
                self.id = Some(integer(
                    value,
                    "the number of a list",
                    0..=i64::from(i32::MAX),
                    d,
                )?);
                Some(())
            }
        }
    }

    fn match_method(&mut self, flag: &Word, value: &Word, d: &mut Diagnostics) -> Option<()> {
        if !self.tests.is_empty() {
            d.error(
                "bad-match",
                flag.span,
                "`-m` must stand before patterns and files",
            );
            return None;
        }
        self.matching = Some(Match::named(value, self.typed.output, d)?);
        Some(())
    }

    fn file(&mut self, path: &Word, d: &mut Diagnostics) -> Option<()> {
        let content = match self.cx.surroundings.read(&path.text) {
            Ok(content) => content,
            Err(why) => {
                let message = format!("the patterns in `{}` cannot be read: {why}", path.text);
                d.error("unreadable-file", path.span, message);
                return None;
            }
        };
        let matching = self.matching_or_report(path, d)?;
        let mut entries = Vec::new();
        let mut patterns = Vec::new();
        for line in String::from_utf8_lossy(&content).lines() {
            let pattern = line.trim_start_matches([' ', '\t']).trim_end_matches('\r');
            if line.starts_with('#') || pattern.is_empty() {
                continue;
            }
            let word = Word {
                text: pattern.to_owned(),
                span: path.span,
            };
            patterns.extend(self.pattern(matching, &word, d)?);
            entries.push(word.text);
        }
        let reading = self.reading(matching);
        let list = self
            .cx
            .lists
            .file(&path.text, entries, self.used(), reading);
        self.tests.push(self.test(patterns, Some(list)));
        Some(())
    }

    /// Everything behind the flags.
    fn patterns(&mut self, criterion: &Word, words: &[Word], d: &mut Diagnostics) -> Option<()> {
        let matching = self.matching_or_report(criterion, d)?;
        if !matching.takes_patterns() {
            if let Some(extra) = words.first() {
                let message = format!(
                    "`{}` compares with nothing: patterns have no effect",
                    criterion.text
                );
                d.warning("without-effect", extra.span, message);
            }
            self.patterns.extend(matching.constant(self.typed.output));
            return Some(());
        }
        if words.is_empty() && self.tests.is_empty() {
            let message = format!("`{}` needs something to compare with", criterion.text);
            d.error("missing-pattern", criterion.span, message)
                .suggest(matching.example());
            return None;
        }
        let words = match matching.operator(words, d)? {
            (Some(operator), rest) => return self.compare(operator, rest, d),
            (None, rest) => rest,
        };
        for word in words {
            let found = self.pattern(matching, word, d)?;
            self.patterns.extend(found);
            self.entries.push(word.text.clone());
        }
        Some(())
    }

    fn compare(
        &mut self,
        operator: patterns::Operator,
        words: &[Word],
        d: &mut Diagnostics,
    ) -> Option<()> {
        let is_version = self.typed.output == Type::Version;
        for word in words {
            let range = operator.range(word, is_version, d)?;
            let is_length = self.matching == Some(Match::Length);
            self.patterns.push(patterns::numeric(range, is_length));
            self.entries.push(patterns::written(range));
        }
        Some(())
    }

    fn pattern(&self, matching: Match, word: &Word, d: &mut Diagnostics) -> Option<Vec<Pattern>> {
        let surroundings = self.resolve.then_some(self.cx.surroundings);
        matching.patterns(word, self.typed.output, self.ignore_case, surroundings, d)
    }

    fn matching_or_report(&self, at: &Word, d: &mut Diagnostics) -> Option<Match> {
        if self.matching.is_none() {
            let message = "bytes have no obvious comparison: `-m` must name one";
            d.error("bad-match", at.span, message)
                .suggest("such as `-m bin`, `-m str` or `-m sub`, before the patterns");
        }
        self.matching
    }

    fn used(&self) -> (Span, PatternUse) {
        let name = self.criterion.text.split(['(', ',']).next();
        let used = PatternUse {
            criterion: name.unwrap_or_default().to_owned(),
            at: self.cx.sources.location(self.criterion.span),
        };
        (self.criterion.span, used)
    }

    const fn reading(&self, matching: Match) -> Reading {
        Reading {
            matching,
            output: self.typed.output,
            ignore_case: self.ignore_case,
        }
    }

    fn test(&self, patterns: Vec<Pattern>, list: Option<ListRef>) -> Test {
        Test {
            sample: self.typed.expression.clone(),
            patterns,
            ignore_case: self.ignore_case,
            list,
        }
    }

    /// The tests of its files, and the one of its own patterns: also if there are none yet.
    fn finish(mut self) -> Vec<Test> {
        let matching = self.matching.filter(|it| it.takes_patterns());
        let reading = matching.map(|matching| self.reading(matching));
        let entries = std::mem::take(&mut self.entries);
        let list = self.cx.lists.line(self.id, entries, self.used(), reading);
        let own = std::mem::take(&mut self.patterns);
        self.tests.push(self.test(own, reading.map(|_| list)));
        self.tests
    }
}

/// `-x`, but not a negative number.
fn is_unknown_flag(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next() == Some(b'-') && bytes.next().is_some_and(|b| !b.is_ascii_digit())
}
