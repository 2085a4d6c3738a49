//! One pattern against one value, which is cast to the type that the pattern asks for
//! (HAProxy configuration manual, 7.1.1 to 7.1.6).

use ipnet::IpNet;

use super::Pattern;
use crate::sample::Value;

impl Pattern {
    pub(super) fn matches(&self, value: &Value, ignore_case: bool) -> bool {
        let bytes = || value.to_bytes();
        let same = |a: &[u8], b: &[u8]| equal(a, b, ignore_case);
        match self {
            Self::Range(low, high) => value.as_integer().is_some_and(|n| *low <= n && n <= *high),
            Self::Network(network) => value.as_ip().is_some_and(|ip| contains(network, ip)),
            Self::Exact(text) => same(&bytes(), text),
            Self::Prefix(text) => bytes()
                .get(..text.len())
                .is_some_and(|head| same(head, text)),
            Self::Suffix(text) => {
                let bytes = bytes();
                let start = bytes.len().checked_sub(text.len());
                start.is_some_and(|start| same(&bytes[start..], text))
            }
            Self::Contains(text) => positions(&bytes(), text, ignore_case).next().is_some(),
            Self::Domain(text) => has_part(&bytes(), text, b".:/?", ignore_case),
            Self::Directory(text) => has_part(&bytes(), text, b"/", ignore_case),
            Self::Regex(regex) => regex.0.is_match(&bytes()),
            Self::Found => true,
            Self::Bool(wanted) => value.as_bool() == Some(*wanted),
            Self::Length(low, high) => {
                let length = i64::try_from(bytes().len()).unwrap_or(i64::MAX);
                *low <= length && length <= *high
            }
        }
    }
}

/// Whether a network holds an address; IPv4 mapped into IPv6 counts as IPv4.
fn contains(network: &IpNet, address: std::net::IpAddr) -> bool {
    network.contains(&address) || network.contains(&address.to_canonical())
}

fn equal(a: &[u8], b: &[u8], ignore_case: bool) -> bool {
    if ignore_case {
        a.eq_ignore_ascii_case(b)
    } else {
        a == b
    }
}

/// Where a text occurs. An empty text occurs everywhere.
fn positions<'a>(
    bytes: &'a [u8],
    text: &'a [u8],
    ignore_case: bool,
) -> impl Iterator<Item = usize> + 'a {
    let last = bytes.len().checked_sub(text.len());
    let starts = last.map_or(0..0, |last| 0..last + 1);
    starts.filter(move |at| equal(&bytes[*at..*at + text.len()], text, ignore_case))
}

/// Whether the text stands between delimiters or ends; its own outer delimiters do not count.
fn has_part(bytes: &[u8], text: &[u8], delimiters: &[u8], ignore_case: bool) -> bool {
    let delimits = |byte: &u8| delimiters.contains(byte);
    let Some(start) = text.iter().position(|byte| !delimits(byte)) else {
        return false;
    };
    let end = text
        .iter()
        .rposition(|byte| !delimits(byte))
        .map_or(start, |at| at + 1);
    let text = &text[start..end];
    positions(bytes, text, ignore_case).any(|at| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let after = bytes.get(at + text.len());
        before.is_none_or(delimits) && after.is_none_or(delimits)
    })
}
