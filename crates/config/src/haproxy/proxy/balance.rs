//! `balance` and `hash-type`.

use pontoon_engine::balance::{Algorithm, Hash, HashMethod};

use super::{ProxyDraft, Written};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::keyword::{Keyword, Sections},
    haproxy::value,
    similar::nearest,
    source::{Span, Word},
};

/// `hash-type`.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::haproxy) struct HashDraft {
    /// What it says.
    pub(in crate::haproxy) hash: Hash,
    /// Where, if it was written.
    pub(in crate::haproxy) span: Option<Span>,
}

const SERVER: Sections = Sections::SERVER;

pub(super) const KEYWORDS: &[Keyword<ProxyDraft>] = &[
    Keyword::supported(
        "balance",
        SERVER,
        "[ roundrobin | static-rr | leastconn | first | source | random[(<draws>)] ]",
        "How the server of a session is picked (default: roundrobin).",
        |draft, args, _, d| {
            let span = args.keyword_span();
            let algorithm = algorithm(args, d);
            draft.algorithm = algorithm.map(|value| Written { value, span });
        },
    ),
    Keyword::supported(
        "hash-type",
        SERVER,
        "{ map-based | consistent } [ sdbm | djb2 | wt6 | crc32 ] [ avalanche ]",
        "How `balance source` finds a server from a hash. The function makes no difference, as an address is its own number. On the map a client gets the server HAProxy picks, on the ring it need not.",
        |draft, args, _, d| {
            let span = Some(args.keyword_span());
            if let Some(hash) = hash_type(args, d) {
                draft.hash = HashDraft { hash, span };
            }
        },
    ),
    Keyword::refused(
        "hash-balance-factor",
        SERVER,
        "<percent>",
        "Bound the load of a server under consistent hashing.",
        "give the servers a `maxconn`, or use `balance leastconn`",
    ),
    Keyword::supported(
        "fullconn",
        SERVER,
        "<number>",
        "Sessions at which servers with `minconn` reach their `maxconn` (default: a tenth of what the frontends may send).",
        |draft, args, _, d| {
            draft.full_connections = value::limit_after(args, "a number of sessions", d).flatten();
            value::end(args, d);
        },
    ),
];

/// What can be hashed of an HTTP request, and what of others is not implemented.
const REFUSED: [(&str, &str); 5] = [
    (
        "uri",
        "it hashes HTTP requests; use `balance source` or `balance leastconn`",
    ),
    (
        "url_param",
        "it hashes HTTP requests; use `balance source` or `balance leastconn`",
    ),
    (
        "hdr",
        "it hashes HTTP requests; use `balance source` or `balance leastconn`",
    ),
    (
        "rdp-cookie",
        "use `balance source`, which keeps a client on its server as well",
    ),
    (
        "hash",
        "use `balance source`, which hashes the client's address",
    ),
];

const NAMES: [&str; 6] = [
    "roundrobin",
    "static-rr",
    "leastconn",
    "first",
    "source",
    "random",
];

fn algorithm(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<Algorithm> {
    let Some(word) = args.next() else {
        return Some(Algorithm::RoundRobin);
    };
    let (name, argument) = split(&word.text);
    let algorithm = match (name, argument) {
        ("roundrobin", None) => Algorithm::RoundRobin,
        ("static-rr", None) => Algorithm::StaticRr,
        ("leastconn", None) => Algorithm::LeastConn,
        ("first", None) => Algorithm::First,
        ("source", None) => Algorithm::Source(Hash::default()),
        ("random", argument) => draws(word, argument, d)?,
        _ => {
            unknown(word, name, d);
            args.take_rest();
            return None;
        }
    };
    value::end(args, d);
    Some(algorithm)
}

/// `name(argument)`.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once('(') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(')').unwrap_or(rest))),
        None => (text, None),
    }
}

fn draws(word: &Word, argument: Option<&str>, d: &mut Diagnostics) -> Option<Algorithm> {
    let Some(argument) = argument.filter(|argument| !argument.is_empty()) else {
        return Some(Algorithm::Random { draws: 2 });
    };
    let number = Word {
        text: argument.to_owned(),
        span: word.span,
    };
    let draws = value::integer(&number, "a number of draws", 1..=i64::from(u16::MAX), d)?;
    Some(Algorithm::Random { draws })
}

fn unknown(word: &Word, name: &str, d: &mut Diagnostics) {
    if let Some((_, instead)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        let message = format!("`balance {name}` is not supported");
        d.error("unsupported", word.span, message).suggest(*instead);
        return;
    }
    let message = format!("`{}` is not a way to balance", word.text);
    let found = d.error("unknown-value", word.span, message);
    match nearest(name, NAMES) {
        Some(near) => found.suggest(format!("did you mean `{near}`?")),
        None => found.suggest(format!("known are {}", NAMES.join(", "))),
    };
}

/// The functions of `hash-type`.
const FUNCTIONS: [&str; 4] = ["sdbm", "djb2", "wt6", "crc32"];

fn hash_type(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<Hash> {
    let word = value::required(args, "`map-based` or `consistent`", d)?;
    let method = match word.text.as_str() {
        "map-based" => HashMethod::MapBased,
        "consistent" => HashMethod::Consistent,
        // An old form: map-based with `avalanche`.
        "avalanche" => {
            value::end(args, d);
            return Some(Hash {
                avalanche: true,
                ..Hash::default()
            });
        }
        other => {
            let message = format!("`{other}` is not a way to map hashes");
            d.error("unknown-value", word.span, message)
                .suggest("known are map-based and consistent");
            return None;
        }
    };
    hash_function(args, d)?;
    let avalanche = args.take_if("avalanche");
    value::end(args, d);
    Some(Hash { method, avalanche })
}

/// The function of texts. An address is its own number, with HAProxy as well: the word is only checked.
fn hash_function(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<()> {
    let Some(word) = args.peek().filter(|word| word.text != "avalanche") else {
        return Some(());
    };
    args.next();
    if FUNCTIONS.contains(&word.text.as_str()) {
        return Some(());
    }
    let message = format!("`{}` is not a hash function", word.text);
    d.error("unknown-value", word.span, message)
        .suggest("known are sdbm, djb2, wt6 and crc32");
    None
}
