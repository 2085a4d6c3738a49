//! `tcp-request`, `use_backend` and `use-server`
//! (HAProxy configuration manual, 4.2).

mod actions;
#[cfg(test)]
mod tests;

pub(super) use self::actions::{REFUSED as REFUSED_ACTIONS, WORKING as ACTIONS};

use std::collections::HashMap;

use pontoon_engine::{
    acl::Condition,
    rules::{ConnectionAction, ContentAction, Rule, UseBackend, UseServer},
    units::ServerId,
};

use super::{
    Context,
    acl::{Reported, conditional},
    expression::Needs,
    model::Server,
    value::required,
};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    source::{Span, Word},
};

/// The server of a `use-server` rule, not yet looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerName {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// The words after `tcp-request connection`.
///
/// Errors: `missing-argument`, `unknown-action`, `unsupported`, `never-matches`, and those of
/// conditions.
pub(super) fn tcp_request_connection(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<Rule<ConnectionAction>> {
    let known = &["accept", "reject", "silent-drop", "expect-proxy"];
    let action = match action(known, args, d)? {
        "accept" => ConnectionAction::Accept,
        "reject" => ConnectionAction::Reject,
        "silent-drop" => ConnectionAction::SilentDrop,
        _ => expect_proxy(args, d)?,
    };
    let condition = early_condition(args, cx, d).ok()?;
    Some(Rule { action, condition })
}

/// The words after `tcp-request session`. Errors as for connections.
pub(super) fn tcp_request_session(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<Rule<ConnectionAction>> {
    let action = match action(&["accept", "reject", "silent-drop"], args, d)? {
        "accept" => ConnectionAction::Accept,
        "reject" => ConnectionAction::Reject,
        _ => ConnectionAction::SilentDrop,
    };
    let condition = early_condition(args, cx, d).ok()?;
    Some(Rule { action, condition })
}

/// The words after `tcp-request content`.
///
/// Errors: `missing-argument`, `unknown-action`, `unsupported`, and those of conditions.
pub(super) fn tcp_request_content(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<Rule<ContentAction>> {
    let action = match action(&["accept", "reject", "silent-drop"], args, d)? {
        "accept" => ContentAction::Accept,
        "reject" => ContentAction::Reject,
        _ => ContentAction::SilentDrop,
    };
    let condition = any_condition(args, cx, d).ok()?;
    Some(Rule { action, condition })
}

/// The words after `use_backend`.
///
/// Errors: `missing-argument`, `unsupported`, `unknown-proxy`, `backend-loop`, and those of
/// conditions.
pub(super) fn use_backend(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<Rule<UseBackend>> {
    let name = required(args, "the name of a backend", d)?;
    let target = static_name(name, "backend", d).and_then(|()| find_backend(name, cx, d));
    let condition = any_condition(args, cx, d).ok()?;
    Some(Rule {
        action: UseBackend(target?),
        condition,
    })
}

/// The words after `use-server`.
///
/// Errors: `missing-argument`, `missing-condition`, `unsupported`, and those of conditions.
pub(super) fn use_server(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<Rule<ServerName>> {
    let name = required(args, "the name of a server", d)?;
    if args.peek().is_none() {
        d.error(
            "missing-condition",
            name.span,
            "`use-server` needs `if` or `unless` and a condition",
        )
        .suggest(format!(
            "as in `use-server {} if {{ src 10.0.0.0/8 }}`",
            name.text
        ));
        return None;
    }
    let is_static = static_name(name, "server", d);
    let condition = any_condition(args, cx, d).ok()?;
    is_static?;
    Some(Rule {
        action: ServerName {
            name: name.text.clone(),
            span: name.span,
        },
        condition,
    })
}

/// Looks servers up among those of the same proxy. Error: `unknown-server`.
pub(super) fn resolve_use_server(
    rules: &[Rule<ServerName>],
    servers: &[Server],
    d: &mut Diagnostics,
) -> Vec<Rule<UseServer>> {
    if rules.is_empty() {
        return Vec::new();
    }
    // Of two servers with one name, which is an error, the first one counts.
    let named = servers.iter().rev();
    let by_name: HashMap<&str, ServerId> = named
        .map(|server| (&*server.settings.name, server.id))
        .collect();
    let resolve = |rule: &Rule<ServerName>| {
        let Some(id) = by_name.get(rule.action.name.as_str()) else {
            report_unknown_server(&rule.action, servers, d);
            return None;
        };
        Some(Rule {
            action: UseServer(*id),
            condition: rule.condition.clone(),
        })
    };
    rules.iter().filter_map(resolve).collect()
}

fn report_unknown_server(wanted: &ServerName, servers: &[Server], d: &mut Diagnostics) {
    let names = servers.iter().map(|server| &*server.settings.name);
    let near = crate::similar::nearest(&wanted.name, names);
    let message = format!("there is no server `{}` in this section", wanted.name);
    let diagnostic = d.error("unknown-server", wanted.span, message);
    if let Some(near) = near {
        diagnostic.suggest(format!("did you mean `{near}`?"));
    }
}

/// One of the known actions.
fn action<'k>(known: &[&'k str], args: &mut Args<'_>, d: &mut Diagnostics) -> Option<&'k str> {
    let keyword = args.keyword_text();
    let word = required(args, "an action", d)?;
    let found = known.iter().find(|name| **name == word.text);
    if found.is_none() {
        actions::report(word, known, &keyword, d);
        args.take_rest();
    }
    found.copied()
}

fn expect_proxy(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<ConnectionAction> {
    let layer = required(args, "`layer4` after `expect-proxy`", d)?;
    if layer.text == "layer4" {
        return Some(ConnectionAction::ExpectProxy);
    }
    let message = format!(
        "`expect-proxy` goes with `layer4`, not with `{}`",
        layer.text
    );
    d.error("bad-choice", layer.span, message)
        .suggest("write `expect-proxy layer4`");
    None
}

fn any_condition(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Result<Option<Condition>, Reported> {
    let at = args.peek().map(|word| word.span);
    let Some(found) = conditional(args, cx, d)? else {
        return Ok(None);
    };
    if found.needs == Needs::Http {
        return Err(without_http(at, d));
    }
    Ok(Some(found.condition))
}

/// A rule on sessions cannot look at HTTP requests.
fn without_http(at: Option<Span>, d: &mut Diagnostics) -> Reported {
    d.error(
        "unsupported",
        at.unwrap_or_default(),
        "this condition needs HTTP requests, and HTTP is not forwarded",
    )
    .suggest("path, url and method are for `http-request use-service` and `stats admin`");
    Reported
}

/// A condition that must be known before the client has sent anything.
fn early_condition(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Result<Option<Condition>, Reported> {
    let at = args.peek().map(|word| word.span);
    let Some(found) = conditional(args, cx, d)? else {
        return Ok(None);
    };
    if found.needs == Needs::Content {
        let message = format!(
            "this condition can never hold: no bytes are there yet at `{}`",
            args.keyword_text()
        );
        d.error("never-matches", at.unwrap_or_default(), message)
            .suggest("use `tcp-request content` with `tcp-request inspect-delay`");
        return Err(Reported);
    }
    if found.needs == Needs::Http {
        return Err(without_http(at, d));
    }
    Ok(Some(found.condition))
}

/// Names made for each session are not supported.
fn static_name(word: &Word, what: &str, d: &mut Diagnostics) -> Option<()> {
    if !word.text.contains('%') {
        return Some(());
    }
    let message = format!("a {what} name made for each session is not supported");
    d.error("unsupported", word.span, message)
        .suggest("write one line with a fixed name for each case");
    None
}

fn find_backend(
    name: &Word,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<pontoon_engine::units::ProxyId> {
    let Some(found) = cx.proxies.backend(&name.text) else {
        let near = crate::similar::nearest(&name.text, cx.proxies.backend_names());
        let message = format!("there is no backend or listen section `{}`", name.text);
        let diagnostic = d.error("unknown-proxy", name.span, message);
        if let Some(near) = near {
            diagnostic.suggest(format!("did you mean `{near}`?"));
        }
        return None;
    };
    if cx.section.proxy == Some(found) {
        let message = format!("`{}` would switch to itself", name.text);
        d.error("backend-loop", name.span, message)
            .suggest("remove the line: its own servers are used where no rule applies");
        return None;
    }
    Some(found)
}
