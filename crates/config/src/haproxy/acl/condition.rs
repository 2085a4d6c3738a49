//! `if …` and `unless …`.

use std::sync::Arc;

use pontoon_engine::{
    acl::{Condition, Pattern, Term, Test},
    sample::{Expression, Fetch},
};

use super::{Tests, tests};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::{Context, expression::Needs},
    source::Word,
};

/// An error was reported; there is no condition to go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reported;

/// A condition, and whether it needs bytes from the client.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Conditional {
    /// The condition.
    pub condition: Condition,
    /// What it needs.
    pub needs: Needs,
}

/// The rest of a line: nothing, or `if` or `unless` and a condition.
///
/// # Errors
/// [`Reported`] after one of `bad-condition`, `unknown-acl`, `unexpected-word`, or what stands
/// between braces.
pub(crate) fn condition(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Result<Option<Condition>, Reported> {
    Ok(conditional(args, cx, d)?.map(|found| found.condition))
}

/// [`condition`], with what it needs.
///
/// # Errors
/// As [`condition`].
pub(crate) fn conditional(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Result<Option<Conditional>, Reported> {
    let Some(first) = args.next() else {
        return Ok(None);
    };
    let unless = match first.text.as_str() {
        "if" => false,
        "unless" => true,
        other => {
            d.error(
                "unexpected-word",
                first.span,
                format!("`{other}` stands where `if` or `unless` may"),
            )
            .suggest(format!("write `if {other}`"));
            return Err(Reported);
        }
    };
    let mut reader = Reader {
        cx,
        any_of: vec![Vec::new()],
        needs: Needs::Connection,
    };
    reader.read(first, args.take_rest(), d)?;
    Ok(Some(Conditional {
        condition: Condition {
            unless,
            any_of: reader.any_of,
        },
        needs: reader.needs,
    }))
}

struct Reader<'a> {
    cx: &'a Context<'a>,
    any_of: Vec<Vec<Term>>,
    needs: Needs,
}

impl Reader<'_> {
    fn read(
        &mut self,
        keyword: &Word,
        words: &[Word],
        d: &mut Diagnostics,
    ) -> Result<(), Reported> {
        let mut rest = words;
        let mut last = keyword;
        while let Some((word, after)) = rest.split_first() {
            rest = match word.text.as_str() {
                "||" | "or" => {
                    self.next_group(last, d)?;
                    after
                }
                _ => self.term(rest, d)?,
            };
            last = word;
        }
        self.require_terms(last, d)
    }

    fn next_group(&mut self, last: &Word, d: &mut Diagnostics) -> Result<(), Reported> {
        self.require_terms(last, d)?;
        self.any_of.push(Vec::new());
        Ok(())
    }

    fn require_terms(&self, last: &Word, d: &mut Diagnostics) -> Result<(), Reported> {
        if self.any_of.last().is_some_and(|group| !group.is_empty()) {
            return Ok(());
        }
        d.error(
            "bad-condition",
            last.span,
            format!("after `{}` a condition is missing", last.text),
        )
        .suggest("the name of an access list, or `{ … }`");
        Err(Reported)
    }

    /// Reads one term; returns what follows it.
    fn term<'w>(&mut self, words: &'w [Word], d: &mut Diagnostics) -> Result<&'w [Word], Reported> {
        let mut rest = words;
        let mut negated = false;
        loop {
            let Some((word, after)) = rest.split_first() else {
                d.error(
                    "bad-condition",
                    words[0].span,
                    "after `!` a condition is missing",
                );
                return Err(Reported);
            };
            let bare = word.text.trim_start_matches('!');
            negated ^= (word.text.len() - bare.len()) % 2 == 1;
            rest = after;
            if bare.is_empty() {
                continue;
            }
            let (tests, after) = if bare == "{" {
                self.anonymous(word, after, d)?
            } else {
                (self.named(word, bare, d)?, after)
            };
            if let Some(group) = self.any_of.last_mut() {
                group.push(Term { negated, tests });
            }
            return Ok(after);
        }
    }

    fn anonymous<'w>(
        &mut self,
        open: &Word,
        words: &'w [Word],
        d: &mut Diagnostics,
    ) -> Result<(Arc<[Test]>, &'w [Word]), Reported> {
        let Some(close) = words.iter().position(|word| word.text == "}") else {
            d.error("bad-condition", open.span, "this brace is never closed")
                .suggest("write ` }`, with a blank before it");
            return Err(Reported);
        };
        if close == 0 {
            d.error(
                "bad-condition",
                open.span,
                "there is nothing between these braces",
            );
            return Err(Reported);
        }
        let Tests { tests, needs } = tests(&words[..close], self.cx, d).ok_or(Reported)?;
        self.require(needs);
        Ok((Arc::from(tests), &words[close + 1..]))
    }

    fn require(&mut self, needs: Needs) {
        self.needs = self.needs.max(needs);
    }

    fn named(
        &mut self,
        word: &Word,
        name: &str,
        d: &mut Diagnostics,
    ) -> Result<Arc<[Test]>, Reported> {
        if let Some(tests) = self.cx.acls.get(name) {
            for test in tests.iter() {
                self.require(needs_of(&test.sample));
            }
            return Ok(Arc::clone(tests));
        }
        if let Some(test) = predefined(name) {
            self.require(needs_of(&test.sample));
            return Ok(Arc::from([test]));
        }
        self.report_unknown(word, name, d);
        Err(Reported)
    }

    fn report_unknown(&self, word: &Word, name: &str, d: &mut Diagnostics) {
        if let Some(reason) = refused_name(name) {
            let message = format!("the predefined access list `{name}` is not supported");
            d.error("unsupported", word.span, message).suggest(reason);
            return;
        }
        let message = format!("there is no access list `{name}` in this section");
        let diagnostic = d.error("unknown-acl", word.span, message);
        if name.starts_with('{') || name.ends_with('}') {
            diagnostic.suggest("write blanks around braces, as in `{ src 10.0.0.0/8 }`");
            return;
        }
        let known = self.cx.acls.keys().map(String::as_str).chain(PREDEFINED);
        if let Some(near) = crate::similar::nearest(name, known) {
            diagnostic.suggest(format!("did you mean `{near}`?"));
        }
    }
}

/// What a sample needs.
const fn needs_of(sample: &Expression) -> Needs {
    match sample.fetch {
        Fetch::RequestLength
        | Fetch::RequestPayload { .. }
        | Fetch::TlsServerName
        | Fetch::TlsHelloType
        | Fetch::TlsVersion
        | Fetch::WaitEnd => Needs::Content,
        Fetch::Path | Fetch::Url | Fetch::Method => Needs::Http,
        _ => Needs::Connection,
    }
}

/// The predefined lists, but for those of each method.
const PREDEFINED: [&str; 6] = [
    "FALSE",
    "LOCALHOST",
    "METH_GET",
    "REQ_CONTENT",
    "TRUE",
    "WAIT_END",
];

fn predefined(name: &str) -> Option<Test> {
    let (fetch, patterns) = match name {
        "FALSE" => (Fetch::AlwaysFalse, Vec::new()),
        "LOCALHOST" => (Fetch::Source, localhost()),
        "REQ_CONTENT" => (Fetch::RequestLength, vec![Pattern::Range(1, i64::MAX)]),
        "TRUE" => (Fetch::AlwaysTrue, Vec::new()),
        "WAIT_END" => (Fetch::WaitEnd, Vec::new()),
        _ => (Fetch::Method, methods(name.strip_prefix("METH_")?)?),
    };
    Some(Test {
        sample: Expression {
            fetch,
            converters: Vec::new(),
        },
        patterns,
        ignore_case: false,
        list: None,
    })
}

/// The methods that `METH_…` stands for.
fn methods(name: &str) -> Option<Vec<Pattern>> {
    let methods: &[&str] = match name {
        "GET" => &["GET", "HEAD"],
        "CONNECT" => &["CONNECT"],
        "DELETE" => &["DELETE"],
        "HEAD" => &["HEAD"],
        "OPTIONS" => &["OPTIONS"],
        "POST" => &["POST"],
        "PUT" => &["PUT"],
        "TRACE" => &["TRACE"],
        _ => return None,
    };
    let exact = |method: &&str| Pattern::Exact(Arc::from(method.as_bytes()));
    Some(methods.iter().map(exact).collect())
}

/// 127.0.0.0/8 and ::1.
fn localhost() -> Vec<Pattern> {
    let v4 = ipnet::Ipv4Net::new_assert(std::net::Ipv4Addr::new(127, 0, 0, 0), 8);
    let v6 = ipnet::Ipv6Net::new_assert(std::net::Ipv6Addr::LOCALHOST, 128);
    vec![
        Pattern::Network(ipnet::IpNet::V4(v4)),
        Pattern::Network(ipnet::IpNet::V6(v6)),
    ]
}

fn refused_name(name: &str) -> Option<&'static str> {
    match name {
        "HTTP" | "HTTP_1.0" | "HTTP_1.1" | "HTTP_2.0" | "HTTP_CONTENT" | "HTTP_URL_ABS"
        | "HTTP_URL_SLASH" | "HTTP_URL_STAR" => Some("it needs HTTP, and HTTP is not forwarded"),
        "RDP_COOKIE" => Some("RDP cookies are not read"),
        _ => None,
    }
}
