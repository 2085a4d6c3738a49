//! `http-request use-service`: what answers requests by itself. Other rules on requests are noted
//! only; see [`super::http`].

use pontoon_engine::rules::Rule;

use super::{ProxyDraft, Written};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::{Context, acl, expression::Needs, model::Service},
    source::Span,
};

/// The words after `http-request`.
pub(super) fn http_request(
    draft: &mut ProxyDraft,
    args: &mut Args<'_>,
    ctx: &Context<'_>,
    d: &mut Diagnostics,
) {
    let span = args.keyword_span();
    let exporter = matches!(
        args.rest(),
        [action, service, ..] if action.text == "use-service" && service.text == "prometheus-exporter"
    );
    if !exporter {
        let action = args.take_rest().first();
        let action = action.map_or(String::new(), |word| format!(" {}", word.text));
        draft.http_rule(args.keyword_text() + &action, span);
        return;
    }
    args.next();
    args.next();
    if let Some(value) = exporter_rule(args, ctx, d) {
        draft.services.push(Written { value, span });
    }
}

fn exporter_rule(
    args: &mut Args<'_>,
    ctx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<Rule<Service>> {
    let at: Option<Span> = args.peek().map(|word| word.span);
    let found = acl::conditional(args, ctx, d).ok()?;
    if found
        .as_ref()
        .is_some_and(|found| found.needs == Needs::Content)
    {
        d.error(
            "unsupported",
            at.unwrap_or_default(),
            "this condition looks at bytes, and a request is more than that",
        )
        .suggest("as in `if { path /metrics }` or `if { src 10.0.0.0/8 }`");
        return None;
    }
    Some(Rule {
        action: Service::Prometheus,
        condition: found.map(|found| found.condition),
    })
}
