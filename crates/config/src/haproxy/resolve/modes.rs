//! What `mode http` may do here: serve statistics. Forwarding HTTP is refused, and so are rules
//! that would need to look at HTTP messages.

use std::collections::HashSet;

use super::Written;
use crate::{
    diagnostic::Diagnostics, haproxy::keyword::Sections, haproxy::model::Mode, source::Span,
};

/// Reports what a proxy's mode makes impossible or pointless.
pub(super) fn check(proxy: &Written<'_>, d: &mut Diagnostics) {
    if proxy.draft.disabled {
        return;
    }
    match proxy.mode() {
        Mode::Tcp => tcp(proxy, d),
        Mode::Http => http(proxy, d),
    }
}

fn tcp(proxy: &Written<'_>, d: &mut Diagnostics) {
    for rule in &proxy.draft.http_rules {
        let message = format!(
            "`{}` has no effect: on a TCP proxy there are no HTTP messages",
            rule.value
        );
        d.note("without-effect", rule.span, message);
    }
    for service in &proxy.draft.services {
        let message =
            "`http-request use-service` has no effect: on a TCP proxy there are no HTTP messages";
        d.note("without-effect", service.span, message);
    }
    if let Some(stats) = proxy
        .draft
        .stats
        .as_ref()
        .filter(|stats| proxy.owns(stats.span))
    {
        d.warning(
            "stats-on-tcp",
            stats.span,
            "`stats` has no effect on a TCP proxy",
        )
        .suggest("put it in a `listen` section with `mode http` and a `bind` of its own");
    }
}

fn http(proxy: &Written<'_>, d: &mut Diagnostics) {
    let draft = &proxy.draft;
    let forwards = !draft.servers.is_empty()
        || !draft.use_backend.is_empty()
        || proxy.has_frontend() && draft.default_backend.is_some();
    if forwards {
        let message = format!(
            "`{}` would forward HTTP, which is not supported",
            proxy.section.name()
        );
        d.error("http-forwarding", proxy.mode_span(), message)
            .suggest("write `mode tcp` in this section: HTTP passes through as it is");
        return;
    }
    rules(proxy, d);
    match (&draft.stats, proxy.section.kind) {
        (Some(_), Sections::BACKEND) => {
            d.warning(
                "unreachable-stats",
                proxy.section.span(),
                "the statistics of a backend are never shown: HTTP is not forwarded to it",
            )
            .suggest("make it a `listen` section with a `bind` of its own");
        }
        (None, Sections::BACKEND) => {
            d.warning(
                "empty-backend",
                proxy.section.span(),
                "this backend has no servers",
            );
        }
        (None, _) if draft.http_rules.is_empty() && draft.services.is_empty() => {
            d.error(
                "http-without-stats",
                proxy.mode_span(),
                "a `mode http` proxy serves statistics or metrics, and this one has none",
            )
            .suggest("write `mode tcp` to forward, or `stats enable` to serve the statistics page");
        }
        _ => {}
    }
}

/// Notes the timeouts of HTTP that no statistics inherit.
pub(super) fn idle_timeouts(written: &[Written<'_>], d: &mut Diagnostics) {
    let (serving, others): (Vec<_>, Vec<_>) = written
        .iter()
        .partition(|proxy| proxy.mode() == Mode::Http && proxy.has_frontend());
    let used: HashSet<Span> = serving.into_iter().flat_map(http_timeouts).collect();
    let unused: HashSet<Span> = others.into_iter().flat_map(http_timeouts).collect();
    for span in unused.difference(&used) {
        let message = "this timeout has no effect: no `mode http` proxy uses it";
        d.note("without-effect", *span, message);
    }
}

fn http_timeouts(proxy: &Written<'_>) -> impl Iterator<Item = Span> {
    let timeouts = proxy.draft.timeouts;
    let set = [timeouts.http_request, timeouts.http_keep_alive];
    set.into_iter().flatten().map(|timeout| timeout.span)
}

fn rules(proxy: &Written<'_>, d: &mut Diagnostics) {
    for rule in &proxy.draft.http_rules {
        let message = format!("`{}` is not supported on a `mode http` proxy", rule.value);
        let instead = if rule.value == "http-request use-service" {
            "the only service is `prometheus-exporter`"
        } else {
            "HTTP is not forwarded; use `stats auth` or `stats http-request auth` to protect the statistics page"
        };
        d.error("http-rule", rule.span, message).suggest(instead);
    }
}
