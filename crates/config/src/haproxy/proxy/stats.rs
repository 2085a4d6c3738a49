//! `stats …` of a proxy. Any of them enables the page.

use std::time::Duration;

use pontoon_engine::acl::Condition;

use super::{ProxyDraft, rules::http_auth_list};
use crate::{
    args::{Args, joined},
    diagnostic::Diagnostics,
    haproxy::keyword::{Keyword, Sections},
    haproxy::{
        Context, acl,
        value::{self, Unit},
    },
    source::{Span, Word},
};

/// The page's settings as written.
#[derive(Debug, Clone)]
pub(in crate::haproxy) struct StatsDraft {
    /// Where the first of them stands.
    pub(in crate::haproxy) span: Span,
    pub(in crate::haproxy) uri: Option<String>,
    pub(in crate::haproxy) realm: Option<String>,
    /// `stats auth`: names and passwords.
    pub(in crate::haproxy) users: Vec<(String, String)>,
    /// `stats http-request auth unless { http_auth(…) }`.
    pub(in crate::haproxy) userlist: Option<Word>,
    pub(in crate::haproxy) refresh: Option<Duration>,
    pub(in crate::haproxy) hide_version: bool,
    pub(in crate::haproxy) scope: Vec<String>,
    pub(in crate::haproxy) show_node: Option<String>,
    pub(in crate::haproxy) show_description: Option<String>,
    pub(in crate::haproxy) show_legends: bool,
    pub(in crate::haproxy) admin: Option<Admin>,
}

/// `stats admin`.
#[derive(Debug, Clone)]
pub(in crate::haproxy) struct Admin {
    /// When; `None`: always.
    pub(in crate::haproxy) when: Option<Condition>,
    /// Where.
    pub(in crate::haproxy) span: Span,
}

impl StatsDraft {
    /// The settings of `stats enable` alone.
    pub(in crate::haproxy) const fn new(span: Span) -> Self {
        Self {
            span,
            uri: None,
            realm: None,
            users: Vec::new(),
            userlist: None,
            refresh: None,
            hide_version: false,
            scope: Vec::new(),
            show_node: None,
            show_description: None,
            show_legends: false,
            admin: None,
        }
    }
}

const PROXY: Sections = Sections::PROXY;
const NOT_DEFAULTS: Sections = PROXY.but(Sections::DEFAULTS);

pub(super) const KEYWORDS: &[Keyword<ProxyDraft>] = &[
    Keyword::supported(
        "stats enable",
        PROXY,
        "",
        "Serve the statistics page.",
        |draft, args, _, d| {
            draft.stats(args.keyword_span());
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "stats uri",
        PROXY,
        "<prefix>",
        "Where the page is (default: `/haproxy?stats`).",
        |draft, args, _, d| {
            let uri = value::text_after(args, "a prefix", d);
            draft.stats(args.keyword_span()).uri = uri;
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "stats auth",
        PROXY,
        "<user>:<password>",
        "Who may see the page; may be repeated.",
        |draft, args, _, d| auth(draft, args, d),
    ),
    Keyword::supported(
        "stats realm",
        PROXY,
        "<realm>",
        "What the browser says when it asks for a password.",
        |draft, args, _, d| {
            let realm = value::text_after(args, "a realm", d);
            draft.stats(args.keyword_span()).realm = realm;
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "stats refresh",
        PROXY,
        "<time>",
        "How often the page renews itself, in seconds unless it has a unit.",
        |draft, args, _, d| {
            let word = value::required(args, "a time", d);
            let refresh = word.and_then(|word| value::duration(word, Unit::Seconds, d));
            draft.stats(args.keyword_span()).refresh = refresh;
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "stats hide-version",
        PROXY,
        "",
        "Do not show the version.",
        |draft, args, _, d| {
            draft.stats(args.keyword_span()).hide_version = true;
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "stats scope",
        PROXY,
        "{ <name> | . }",
        "Show these proxies only; may be repeated.",
        |draft, args, ctx, d| {
            let name = value::text_after(args, "the name of a proxy", d);
            let name = name.map(|name| {
                if name == "." {
                    ctx.section.name.to_owned()
                } else {
                    name
                }
            });
            draft.stats(args.keyword_span()).scope.extend(name);
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "stats show-node",
        PROXY,
        "[<name>]",
        "Show the node's name.",
        |draft, args, _, d| {
            let name = args
                .next()
                .map_or_else(String::new, |word| word.text.clone());
            draft.stats(args.keyword_span()).show_node = Some(name);
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "stats show-desc",
        PROXY,
        "[<text>]",
        "Show the description.",
        |draft, args, _, _| {
            let text = joined(args.take_rest());
            draft.stats(args.keyword_span()).show_description = Some(text);
        },
    ),
    Keyword::supported(
        "stats show-legends",
        PROXY,
        "",
        "Show addresses, ids and settings as well.",
        |draft, args, _, d| {
            draft.stats(args.keyword_span()).show_legends = true;
            value::end(args, d);
        },
    ),
    Keyword::inert(
        "stats show-modules",
        PROXY,
        "",
        "Show what modules count.",
        "there are no modules that count",
    ),
    Keyword::supported(
        "stats admin",
        NOT_DEFAULTS,
        "{ if | unless } <condition>",
        "When servers may be changed on the page.",
        |draft, args, ctx, d| admin(draft, args, ctx, d),
    ),
    Keyword::supported(
        "stats http-request",
        NOT_DEFAULTS,
        "auth [realm <realm>] unless { http_auth(<userlist>) }",
        "Only users of this list may see the page.",
        |draft, args, _, d| {
            http_request(draft, args, d);
        },
    ),
];

fn auth(draft: &mut ProxyDraft, args: &mut Args<'_>, d: &mut Diagnostics) {
    let span = args.keyword_span();
    let Some(word) = value::required(args, "a user and a password", d) else {
        return;
    };
    match word.text.split_once(':') {
        Some((user, password)) if !user.is_empty() => {
            let user = (user.to_owned(), password.to_owned());
            draft.stats(span).users.push(user);
        }
        _ => {
            d.error("bad-account", word.span, "a user and a password are needed")
                .suggest("write `stats auth <user>:<password>`");
        }
    }
    value::end(args, d);
}

fn admin(draft: &mut ProxyDraft, args: &mut Args<'_>, ctx: &Context<'_>, d: &mut Diagnostics) {
    let span = args.keyword_span();
    let always =
        matches!(args.rest(), [first, second] if first.text == "if" && second.text == "TRUE");
    let when = if always {
        args.take_rest();
        None
    } else {
        match acl::condition(args, ctx, d) {
            Ok(Some(condition)) => Some(condition),
            Ok(None) => {
                d.error(
                    "missing-argument",
                    span,
                    "`stats admin` needs `if` or `unless`",
                )
                .suggest("write `stats admin if TRUE`");
                return;
            }
            Err(_) => return,
        }
    };
    draft.stats(span).admin = Some(Admin { when, span });
}

/// The forms that say who may see the page; others would need HTTP rules.
fn http_request(draft: &mut ProxyDraft, args: &mut Args<'_>, d: &mut Diagnostics) {
    let span = args.keyword_span();
    draft.stats(span);
    let words = args.take_rest();
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let (realm, test) = match texts.as_slice() {
        ["auth", "realm", realm, "unless", test @ ..] => (Some(*realm), test),
        ["auth", "unless", test @ ..] => (None, test),
        _ => return refuse_http_request(span, d),
    };
    let list = match test {
        ["{", _, "}"] => words.get(words.len() - 2).and_then(http_auth_list),
        [name] => draft.http_auth.get(*name).cloned(),
        _ => None,
    };
    let Some(list) = list else {
        return refuse_http_request(span, d);
    };
    let stats = draft.stats(span);
    stats.userlist = Some(list);
    stats.realm = realm.map(str::to_owned).or(stats.realm.take());
}

fn refuse_http_request(span: Span, d: &mut Diagnostics) {
    d.error(
        "unsupported",
        span,
        "this form of `stats http-request` is not supported",
    )
    .suggest("write `stats http-request auth unless { http_auth(<userlist>) }`, or `stats auth`");
}
