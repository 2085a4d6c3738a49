//! What values are compared with.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use ipnet::IpNet;
use pontoon_engine::acl::{Pattern, Regex};

use crate::{
    diagnostic::Diagnostics,
    haproxy::{
        Surroundings,
        expression::{Type, describe},
        value,
    },
    source::Word,
};

/// How values are compared: `-m`, or what the type implies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    Found,
    Bool,
    Integer,
    Ip,
    Bin,
    Length,
    Exact,
    Substring,
    Regex,
    Prefix,
    Suffix,
    Directory,
    Domain,
}

const NAMES: [(&str, Match); 13] = [
    ("beg", Match::Prefix),
    ("bin", Match::Bin),
    ("bool", Match::Bool),
    ("dir", Match::Directory),
    ("dom", Match::Domain),
    ("end", Match::Suffix),
    ("found", Match::Found),
    ("int", Match::Integer),
    ("ip", Match::Ip),
    ("len", Match::Length),
    ("reg", Match::Regex),
    ("str", Match::Exact),
    ("sub", Match::Substring),
];

impl Match {
    /// What the type implies; bytes imply nothing.
    pub(super) const fn default_of(output: Type) -> Option<Self> {
        match output {
            Type::Bool => Some(Self::Bool),
            Type::Integer | Type::Version => Some(Self::Integer),
            Type::Ip => Some(Self::Ip),
            Type::String => Some(Self::Exact),
            Type::Binary => None,
        }
    }

    /// The method that ends the name of an older criterion, such as `beg` in `path_beg`.
    pub(super) fn of_suffix(suffix: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(name, _)| *name == suffix);
        let texts = !matches!(suffix, "bool" | "bin" | "int" | "ip" | "found");
        found.filter(|_| texts).map(|(_, matching)| *matching)
    }

    /// The method that `-m` names. Error: `bad-match`.
    pub(super) fn named(word: &Word, output: Type, d: &mut Diagnostics) -> Option<Self> {
        let Some((_, method)) = NAMES.iter().find(|(name, _)| *name == word.text) else {
            let near = crate::similar::nearest(&word.text, NAMES.iter().map(|(name, _)| *name));
            let message = format!("`{}` is not a way to compare", word.text);
            d.error("bad-match", word.span, message)
                .suggest(near.map_or_else(
                    || NAMES.map(|(name, _)| name).join(", "),
                    |near| format!("did you mean `{near}`?"),
                ));
            return None;
        };
        if !method.fits(output) {
            let message = format!("`-m {}` cannot compare {}", word.text, describe(output));
            d.error("bad-match", word.span, message);
            return None;
        }
        Some(*method)
    }

    const fn fits(self, output: Type) -> bool {
        match self {
            Self::Found => true,
            Self::Bool => matches!(output, Type::Bool | Type::Integer | Type::Version),
            Self::Integer => matches!(output, Type::Bool | Type::Integer | Type::Version),
            Self::Ip => matches!(output, Type::Ip),
            _ => matches!(output, Type::String | Type::Binary),
        }
    }

    pub(super) const fn takes_patterns(self) -> bool {
        !matches!(self, Self::Found | Self::Bool)
    }

    /// The pattern of a method that takes none; a boolean needs none at all.
    pub(super) const fn constant(self, output: Type) -> Option<Pattern> {
        match (self, output) {
            (Self::Found, _) => Some(Pattern::Found),
            (Self::Bool, Type::Bool) => None,
            _ => Some(Pattern::Bool(true)),
        }
    }

    pub(super) const fn example(self) -> &'static str {
        match self {
            Self::Ip => "an address or network, such as `10.0.0.0/8`",
            Self::Integer | Self::Length => "a number, a range such as `1024:65535`, or `lt 2`",
            Self::Bin => "hexadecimal digits",
            _ => "one or more texts",
        }
    }

    /// `lt` and the like, if numbers are compared and one stands first.
    pub(super) fn operator<'w>(
        self,
        words: &'w [Word],
        d: &mut Diagnostics,
    ) -> Option<(Option<Operator>, &'w [Word])> {
        if !matches!(self, Self::Integer | Self::Length) {
            return Some((None, words));
        }
        let Some((first, rest)) = words.split_first() else {
            return Some((None, words));
        };
        let Some(operator) = Operator::named(&first.text) else {
            return Some((None, words));
        };
        if rest.is_empty() {
            let message = format!("`{}` needs a number to compare with", first.text);
            d.error("missing-pattern", first.span, message);
            return None;
        }
        Some((Some(operator), rest))
    }

    /// The patterns one word stands for: a host name may have several addresses.
    pub(super) fn patterns(
        self,
        word: &Word,
        output: Type,
        ignore_case: bool,
        resolver: Option<&dyn Surroundings>,
        d: &mut Diagnostics,
    ) -> Option<Vec<Pattern>> {
        let bytes = || Arc::from(word.text.as_bytes());
        let one = match self {
            Self::Ip => return networks(word, resolver, d),
            Self::Integer | Self::Length => numeric(
                range(word, output == Type::Version, d)?,
                self == Self::Length,
            ),
            Self::Bin => Pattern::Exact(Arc::from(value::hex(word, d)?)),
            Self::Regex => regex(word, ignore_case, d)?,
            Self::Prefix => Pattern::Prefix(bytes()),
            Self::Suffix => Pattern::Suffix(bytes()),
            Self::Substring => Pattern::Contains(bytes()),
            Self::Directory => Pattern::Directory(bytes()),
            Self::Domain => Pattern::Domain(bytes()),
            Self::Exact | Self::Found | Self::Bool => Pattern::Exact(bytes()),
        };
        Some(vec![one])
    }
}

fn bad_pattern(word: &Word, what: &str, d: &mut Diagnostics) {
    d.error(
        "bad-pattern",
        word.span,
        format!("`{}` is not {what}", word.text),
    );
}

pub(super) const fn numeric((low, high): (i64, i64), is_length: bool) -> Pattern {
    if is_length {
        Pattern::Length(low, high)
    } else {
        Pattern::Range(low, high)
    }
}

/// A range as it could have been written.
pub(super) fn written((low, high): (i64, i64)) -> String {
    match (low, high) {
        (low, high) if low == high => low.to_string(),
        (i64::MIN, high) => format!(":{high}"),
        (low, i64::MAX) => format!("{low}:"),
        (low, high) => format!("{low}:{high}"),
    }
}

fn regex(word: &Word, ignore_case: bool, d: &mut Diagnostics) -> Option<Pattern> {
    compile(word, ignore_case, d).map(|regex| Pattern::Regex(Regex(regex)))
}

/// A regular expression on bytes. Error: `bad-regex`.
pub(in crate::haproxy) fn compile(
    word: &Word,
    ignore_case: bool,
    d: &mut Diagnostics,
) -> Option<regex::bytes::Regex> {
    let built = regex::bytes::RegexBuilder::new(&word.text)
        .unicode(false)
        .case_insensitive(ignore_case)
        .size_limit(1 << 20)
        .build();
    match built {
        Ok(regex) => Some(regex),
        Err(error) => {
            let message = format!("`{}` is not a regular expression", word.text);
            d.error("bad-regex", word.span, message)
                .suggest(explain(&error));
            None
        }
    }
}

fn explain(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    let why = last.unwrap_or_default().trim();
    format!(
        "{}; look-around and back-references are not supported",
        why.strip_prefix("error: ").unwrap_or(why)
    )
}

/// `a`, `a:b`, `a:`, `:b`.
fn range(word: &Word, is_version: bool, d: &mut Diagnostics) -> Option<(i64, i64)> {
    let number = |text: &str| number(text, is_version);
    let range = match word.text.split_once(':') {
        None => number(&word.text).map(|it| (it, it)),
        Some(("", "")) => None,
        Some((low, "")) => number(low).map(|low| (low, i64::MAX)),
        Some(("", high)) => number(high).map(|high| (i64::MIN, high)),
        Some((low, high)) => number(low).zip(number(high)),
    };
    let range = range.filter(|(low, high)| low <= high);
    if range.is_none() {
        bad_pattern(word, "a number or a range such as `1024:65535`", d);
    }
    range
}

/// A version is its major part times 65536 plus its minor part.
fn number(text: &str, is_version: bool) -> Option<i64> {
    if !is_version {
        return text.parse().ok();
    }
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    let (major, minor): (u16, u16) = (major.parse().ok()?, minor.parse().ok()?);
    Some(i64::from(major) * 65_536 + i64::from(minor))
}

/// A comparison that is no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    fn named(text: &str) -> Option<Self> {
        Some(match text {
            "eq" => Self::Equal,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    /// The numbers for which the comparison with this word holds. Error: `bad-pattern`.
    pub(super) fn range(
        self,
        word: &Word,
        is_version: bool,
        d: &mut Diagnostics,
    ) -> Option<(i64, i64)> {
        let Some(number) = number(&word.text, is_version) else {
            bad_pattern(word, "a number", d);
            return None;
        };
        Some(match self {
            Self::Equal => (number, number),
            Self::Less => (i64::MIN, number.saturating_sub(1)),
            Self::LessOrEqual => (i64::MIN, number),
            Self::Greater => (number.saturating_add(1), i64::MAX),
            Self::GreaterOrEqual => (number, i64::MAX),
        })
    }
}

fn networks(
    word: &Word,
    resolver: Option<&dyn Surroundings>,
    d: &mut Diagnostics,
) -> Option<Vec<Pattern>> {
    if let Some(network) = network(&word.text) {
        return Some(vec![Pattern::Network(network)]);
    }
    let addresses = resolver
        .filter(|_| looks_like_host(&word.text))
        .map(|resolver| resolver.resolve(&word.text))
        .unwrap_or_default();
    // Host names stand for IPv4 addresses only: names are never allowed for IPv6 patterns.
    let found: Vec<Pattern> = addresses
        .into_iter()
        .filter(IpAddr::is_ipv4)
        .map(|address| Pattern::Network(IpNet::from(address)))
        .collect();
    if found.is_empty() {
        bad_pattern(word, "an address or a network such as `10.0.0.0/8`", d);
        return None;
    }
    Some(found)
}

fn looks_like_host(text: &str) -> bool {
    text.len() <= 255
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

fn network(text: &str) -> Option<IpNet> {
    let (address, mask) = match text.split_once('/') {
        Some((address, mask)) => (address, Some(mask)),
        None => (text, None),
    };
    let address = match address.parse() {
        Ok(address) => address,
        Err(_) => IpAddr::V4(abbreviated(address)?),
    };
    let full = if address.is_ipv4() { 32 } else { 128 };
    let bits = match mask {
        None => full,
        Some(mask) => prefix_length(mask, address)?,
    };
    IpNet::new(address, bits)
        .ok()
        .map(|network| network.trunc())
}

fn prefix_length(mask: &str, address: IpAddr) -> Option<u8> {
    if let Ok(bits) = mask.parse() {
        return Some(bits);
    }
    let mask: Ipv4Addr = mask.parse().ok().filter(|_| address.is_ipv4())?;
    ipnet::ipv4_mask_to_prefix(mask).ok()
}

/// `192.168.1` is 192.168.0.1: what is left out between the last two numbers is zero.
fn abbreviated(text: &str) -> Option<Ipv4Addr> {
    let numbers: Vec<u8> = text
        .split('.')
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    let (last, first) = numbers.split_last()?;
    let mut octets = [0; 4];
    octets.get_mut(..first.len())?.copy_from_slice(first);
    octets[3] = *last;
    (first.len() < 4).then(|| Ipv4Addr::from(octets))
}
