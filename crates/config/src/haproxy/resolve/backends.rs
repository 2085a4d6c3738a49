//! Server sides.

use std::sync::Arc;

use pontoon_engine::{backend, balance::Algorithm, rules::ContentRules};

use super::{Resolver, Written};
use crate::{
    haproxy::keyword::Sections,
    haproxy::{
        model::ServerSide,
        proxy::{Flag, ProxyDraft},
        rules,
        server::{self, Track},
    },
};

/// Attempts after the first if `retries` says nothing.
const DEFAULT_RETRIES: u32 = 3;

impl Resolver<'_> {
    pub(super) fn backend(&mut self, proxy: &Written<'_>) -> (Option<ServerSide>, Vec<Track>) {
        if !proxy.has_backend() {
            return (None, Vec::new());
        }
        self.unused_hash(proxy);
        let draft = &proxy.draft;
        let (servers, tracks) = server::finish(draft.servers.clone(), &proxy.method, self.d);
        let use_server = rules::resolve_use_server(&draft.use_server, &servers, self.d);
        let timeout =
            |written: Option<crate::haproxy::proxy::Written<_>>| written.map(|it| it.value);
        let flags = draft.flags;
        let keepalive = flags.has(Flag::Keepalive) || flags.has(Flag::ServerKeepalive);
        let side = ServerSide {
            settings: settings(draft),
            servers: servers.into(),
            use_server,
            content_rules: content_rules(proxy),
            retries: draft.retries.unwrap_or(DEFAULT_RETRIES),
            redispatch: draft.redispatch,
            timeout_connect: timeout(draft.timeouts.connect),
            timeout_server: timeout(draft.timeouts.server),
            timeout_server_fin: timeout(draft.timeouts.server_fin),
            timeout_queue: timeout(draft.timeouts.queue),
            timeout_tunnel: timeout(draft.timeouts.tunnel),
            timeout_check: timeout(draft.timeouts.check),
            keepalive: keepalive.then_some(draft.server_keepalive),
            no_linger: flags.has(Flag::NoLinger),
            abort_on_close: flags.has(Flag::AbortOnClose),
            source: draft.source.clone(),
            log_health_checks: flags.has(Flag::LogHealthChecks),
            check: Arc::new(proxy.method.clone()),
            external_check_path: draft.check.external_path(),
            states: draft.states.source(proxy.section.name()),
        };
        (Some(side), tracks)
    }

    fn unused_hash(&mut self, proxy: &Written<'_>) {
        let draft = &proxy.draft;
        let algorithm = draft.algorithm.map(|written| written.value);
        let span = draft.hash.span.filter(|span| proxy.owns(*span));
        if let (Some(span), false) = (span, matches!(algorithm, Some(Algorithm::Source(_)))) {
            let message = "`hash-type` has no effect without `balance source`";
            self.d.note("without-effect", span, message);
        }
    }
}

fn settings(draft: &ProxyDraft) -> backend::Settings {
    let algorithm = match draft.algorithm.map(|algorithm| algorithm.value) {
        Some(Algorithm::Source(_)) => Algorithm::Source(draft.hash.hash),
        Some(other) => other,
        None => Algorithm::RoundRobin,
    };
    backend::Settings {
        algorithm,
        all_backups: draft.flags.has(Flag::AllBackups),
        full_connections: draft.full_connections,
        redispatch: draft.redispatch.is_some(),
    }
}

/// In a `listen` section they belong to the client side, and must not run twice.
fn content_rules(proxy: &Written<'_>) -> ContentRules {
    if proxy.section.kind == Sections::LISTEN {
        return ContentRules::default();
    }
    ContentRules {
        inspect_delay: proxy.draft.inspect_delay,
        rules: proxy.draft.content_rules.clone(),
    }
}
