//! Conditions of `.if` and of `haproxy -cc` (HAProxy configuration manual, 2.4).

use super::{COMPATIBLE_VERSION, Surroundings, environment::Environment};

/// Nesting deeper than this is refused rather than recursed into.
const DEEPEST: u32 = 64;

/// What of HAProxy's build features Pontoon has as well. `OPENSSL` is not among them: files ask
/// for it to decide whether they may write `bind … ssl`.
pub const FEATURES: &[&str] = &[
    "ACCEPT4",
    "CPU_AFFINITY",
    "CRYPT_H",
    "EPOLL",
    "GETADDRINFO",
    "LIBCRYPT",
    "LINUX_SPLICE",
    "LINUX_TPROXY",
    "NETFILTER",
    "NS",
    "PRCTL",
    "RT",
    "SYSTEMD",
    "TFO",
    "THREAD",
    "TPROXY",
];

/// Options of `enabled(…)` (a predicate of HAProxy 2.7), and whether Pontoon works that way.
const OPTIONS: &[(&str, bool)] = &[
    ("POLL", false),
    ("EPOLL", true),
    ("KQUEUE", false),
    ("EVPORTS", false),
    ("SPLICE", true),
    ("GETADDRINFO", true),
    ("REUSEPORT", true),
    ("FAST-FORWARD", true),
    ("SERVER-SSL-VERIFY-NONE", false),
];

/// Evaluates a condition as `haproxy -cc` does.
///
/// # Errors
/// What is wrong with the condition, in one sentence.
pub fn evaluate(condition: &str, surroundings: &dyn Surroundings) -> Result<bool, String> {
    holds(
        condition,
        &Environment::new(surroundings, std::iter::empty()),
    )
}

/// Evaluates a condition in the environment of a line.
pub(super) fn holds(condition: &str, environment: &Environment<'_>) -> Result<bool, String> {
    if condition.is_empty() {
        return Ok(false);
    }
    let mut parser = Parser {
        text: condition,
        rest: condition,
        environment,
        depth: 0,
    };
    let value = parser.any_of()?;
    parser.skip_blanks();
    match parser.rest.chars().next() {
        None => Ok(value),
        Some(other) => Err(format!("unexpected `{other}` after the condition")),
    }
}

struct Parser<'c> {
    text: &'c str,
    rest: &'c str,
    environment: &'c Environment<'c>,
    depth: u32,
}

impl<'c> Parser<'c> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip_blanks();
        let taken = self.rest.strip_prefix(token);
        self.rest = taken.unwrap_or(self.rest);
        taken.is_some()
    }

    /// `A || B`. All is parsed, so that mistakes show whatever the values are.
    fn any_of(&mut self) -> Result<bool, String> {
        let mut value = self.all_of()?;
        while self.take("||") {
            value |= self.all_of()?;
        }
        Ok(value)
    }

    /// `A && B`, which binds more tightly.
    fn all_of(&mut self) -> Result<bool, String> {
        let mut value = self.term()?;
        while self.take("&&") {
            value &= self.term()?;
        }
        Ok(value)
    }

    fn term(&mut self) -> Result<bool, String> {
        let mut negated = false;
        while self.take("!") {
            negated = !negated;
        }
        Ok(self.positive_term()? != negated)
    }

    fn positive_term(&mut self) -> Result<bool, String> {
        if self.take("(") {
            return self.parenthesis();
        }
        if let Some(number) = self.number() {
            return Ok(number);
        }
        let length = self
            .rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count();
        let (name, rest) = self.rest.split_at(length);
        if name.is_empty() {
            return Err(match self.rest {
                "" => format!("`{}` ends where a condition is expected", self.text),
                rest => format!("`{rest}` is not a condition"),
            });
        }
        self.rest = rest;
        let arguments = self.arguments(name)?;
        self.predicate(name, &arguments)
    }

    fn parenthesis(&mut self) -> Result<bool, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("more than {DEEPEST} nested parentheses"));
        }
        let value = self.any_of()?;
        self.depth -= 1;
        if self.take(")") {
            Ok(value)
        } else {
            Err(format!("a `)` is missing in `{}`", self.text))
        }
    }

    /// Zero is false, any other integer is true.
    fn number(&mut self) -> Option<bool> {
        let unsigned = self.rest.strip_prefix(['-', '+']).unwrap_or(self.rest);
        let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return None;
        }
        let value = unsigned[..digits].bytes().any(|digit| digit != b'0');
        self.rest = &unsigned[digits..];
        Some(value)
    }

    /// `(a,b)`, with quotes; nothing at all counts as one empty argument.
    fn arguments(&mut self, name: &str) -> Result<Vec<String>, String> {
        let Some(inside) = self.rest.strip_prefix('(') else {
            return Ok(vec![String::new()]);
        };
        let (arguments, rest) = split_arguments(inside)
            .ok_or_else(|| format!("the arguments of `{name}` are not closed by `)`"))?;
        self.rest = rest;
        Ok(arguments)
    }

    fn predicate(&self, name: &str, arguments: &[String]) -> Result<bool, String> {
        match (name, arguments) {
            ("defined", [name]) => Ok(self.environment.get(name).is_some()),
            ("feature", [name]) => Ok(FEATURES.contains(&name.as_str())),
            ("enabled", [name]) => enabled(name),
            ("streq", [a, b]) => Ok(a == b),
            ("strneq", [a, b]) => Ok(a != b),
            ("strstr", [whole, part]) => Ok(whole.contains(part.as_str())),
            ("version_atleast", [version]) => Ok(Version::ours() >= Version::read(version)),
            ("version_before", [version]) => Ok(Version::ours() < Version::read(version)),
            ("defined" | "feature" | "enabled" | "version_atleast" | "version_before", _) => {
                Err(wrong_count(name, 1, arguments.len()))
            }
            ("streq" | "strneq" | "strstr", _) => Err(wrong_count(name, 2, arguments.len())),
            _ => Err(unknown(name)),
        }
    }
}

fn wrong_count(name: &str, wanted: usize, got: usize) -> String {
    format!("`{name}` takes {wanted} argument(s), not {got}")
}

fn unknown(name: &str) -> String {
    const KNOWN: [&str; 8] = [
        "defined",
        "enabled",
        "feature",
        "streq",
        "strneq",
        "strstr",
        "version_atleast",
        "version_before",
    ];
    match crate::similar::nearest(name, KNOWN) {
        Some(near) => format!("`{name}` is not a predicate; did you mean `{near}`?"),
        None => format!(
            "`{name}` is not a predicate; known are {}",
            KNOWN.join(", ")
        ),
    }
}

fn enabled(name: &str) -> Result<bool, String> {
    OPTIONS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, on)| *on)
        .ok_or_else(|| {
            let known: Vec<&str> = OPTIONS.iter().map(|(known, _)| *known).collect();
            format!("`{name}` is not an option; known are {}", known.join(", "))
        })
}

/// Arguments up to the closing parenthesis, and what follows it. Quotes protect commas and
/// parentheses; a backslash protects one character inside double quotes or outside of quotes.
fn split_arguments(text: &str) -> Option<(Vec<String>, &str)> {
    let mut arguments = vec![String::new()];
    let mut quote = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let current = arguments.last_mut()?;
        match (quote, character) {
            (None, ')') => return Some((arguments, &text[at + 1..])),
            (None, ',') => arguments.push(String::new()),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None | Some('"'), '\\') => {
                let escaped = characters.next_if(|(_, c)| matches!(c, '\\' | '\'' | '"' | ' '));
                current.push(escaped.map_or('\\', |(_, escaped)| escaped));
            }
            _ => current.push(character),
        }
    }
    None
}

/// A version of HAProxy, in its order: `2.6-dev1` < `2.6.0` < `2.6.0-5` (five commits later).
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    numbers: [u64; 3],
    /// Below zero for development and candidate versions.
    stage: (i8, u64),
}

impl Version {
    fn ours() -> Self {
        Self::read(COMPATIBLE_VERSION)
    }

    /// Missing components are zero.
    fn read(text: &str) -> Self {
        let (numbers, suffix) = text.split_once('-').unwrap_or((text, ""));
        let mut parts = numbers.split('.').map(leading_number);
        let mut next = || parts.next().unwrap_or(0);
        Self {
            numbers: [next(), next(), next()],
            stage: stage(suffix),
        }
    }
}

fn stage(suffix: &str) -> (i8, u64) {
    if let Some(number) = suffix.strip_prefix("dev") {
        (-2, leading_number(number))
    } else if let Some(number) = suffix.strip_prefix("rc") {
        (-1, leading_number(number))
    } else {
        (0, leading_number(suffix))
    }
}

fn leading_number(text: &str) -> u64 {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..digits].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::haproxy::testing::Machine;

    fn value(condition: &str) -> Result<bool, String> {
        evaluate(condition, &Machine::with_variables(&[("HOME", "/root")]))
    }

    // HAProxy 2.6.12 answered each of these three lists in the same way with `-cc`.

    #[test]
    fn what_holds_for_haproxy_holds() {
        for yes in [
            "1",
            "2 ",
            "-1",
            "!0",
            "! 0",
            "!!1",
            "((1))",
            "!(0)",
            "1 && 0 || 1",
            "streq(,)",
            "streq('a',a)",
            r#"streq("a",a)"#,
            "streq(a b,a b)",
            "defined(HOME)",
            "version_atleast(2.6.12)",
            "version_atleast(2.6-dev3)",
            "version_atleast()",
            "version_before(2.7-dev0)",
            "defined(HOME) ||(0)",
        ] {
            assert_eq!(value(yes), Ok(true), "{yes}");
        }
    }

    #[test]
    fn what_does_not_hold_for_haproxy_does_not_hold() {
        for no in [
            "",
            "0",
            "00",
            "!1",
            "1&&0",
            "0 || 0",
            "defined()",
            "defined",
            "feature(FOO)",
            "streq(a, a)",
            "strneq(a,a)",
            "version_atleast(2.6.13)",
            "version_atleast(2.6.12-1)",
            "version_before(2.6.12)",
            "feature(OPENSSL)",
        ] {
            assert_eq!(value(no), Ok(false), "{no}");
        }
    }

    #[test]
    fn what_haproxy_refuses_is_refused() {
        for bad in [
            " ",
            "foo",
            "(1",
            "1)",
            "streq(a",
            "streq(a)",
            "streq(a,b,c)",
            "1 1",
            "1 &&",
            "&& 1",
            "()",
            "!",
            "1x",
            r"streq(a\,b,a)",
            "1 || (",
            "0 && (",
            "STREQ(a,a)",
            "defined(A,B)",
            "1 & 1",
            "1 | 1",
            "enabled(foo)",
        ] {
            assert!(value(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn newer_predicates_are_understood() {
        assert_eq!(value("strstr(abc,b)"), Ok(true));
        assert_eq!(value("enabled(EPOLL)"), Ok(true));
        assert_eq!(value("enabled(POLL)"), Ok(false));
        assert_eq!(value("feature(THREAD)"), Ok(true));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(
            value("steq(a,b)").unwrap_err(),
            "`steq` is not a predicate; did you mean `streq`?"
        );
        assert_eq!(
            value("streq(a)").unwrap_err(),
            "`streq` takes 2 argument(s), not 1"
        );
    }

    #[test]
    fn deep_nesting_is_refused_not_recursed_into() {
        assert!(value(&"(".repeat(100_000)).is_err());
        assert_eq!(value(&format!("{}1", "!".repeat(100_000))), Ok(true));
    }
}
