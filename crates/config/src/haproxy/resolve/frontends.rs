//! Client sides.

use pontoon_engine::{rules::ContentRules, units::ProxyId};

use super::{Resolver, Written};
use crate::{
    haproxy::keyword::Sections,
    haproxy::{
        bind,
        model::{Frontend, Mode},
        proxy::Flag,
    },
    similar::nearest,
    source::{Span, Word},
};

impl Resolver<'_> {
    pub(super) fn frontend(&mut self, proxy: &Written<'_>, id: ProxyId) -> Option<Frontend> {
        if !proxy.has_frontend() {
            return None;
        }
        self.warn_without_bind(proxy);
        self.check_targets(proxy);
        let draft = &proxy.draft;
        let flags = draft.flags;
        let mut binds = draft.binds.clone();
        bind::number(&mut binds, &draft.bind_ids, self.d);
        let keepalive = flags.has(Flag::Keepalive) || flags.has(Flag::ClientKeepalive);
        // The content rules of a `listen` are those of its client side: they run once.
        Some(Frontend {
            binds,
            max_connections: draft.max_connections,
            backlog: draft.backlog,
            rate_limit: draft.rate_limit,
            default_backend: self.default_backend(proxy, id),
            use_backend: draft
                .use_backend
                .iter()
                .map(|rule| rule.value.clone())
                .collect(),
            connection_rules: draft.connection_rules.clone(),
            session_rules: draft.session_rules.clone(),
            content_rules: ContentRules {
                inspect_delay: draft.inspect_delay,
                rules: draft.content_rules.clone(),
            },
            timeout_client: draft.timeouts.client.map(|timeout| timeout.value),
            timeout_client_fin: draft.timeouts.client_fin.map(|timeout| timeout.value),
            timeout_http_request: draft.timeouts.http_request.map(|timeout| timeout.value),
            timeout_http_keep_alive: draft.timeouts.http_keep_alive.map(|timeout| timeout.value),
            keepalive: keepalive.then_some(draft.client_keepalive),
            no_linger: flags.has(Flag::NoLinger),
            dont_log_null: flags.has(Flag::DontLogNull),
            socket_stats: flags.has(Flag::SocketStats),
            monitor_net: draft.monitor_net,
        })
    }

    fn warn_without_bind(&mut self, proxy: &Written<'_>) {
        if proxy.draft.binds.is_empty() && !proxy.draft.disabled {
            let message = format!(
                "`{}` has no `bind` line, so nobody can reach it",
                proxy.section.name()
            );
            self.d
                .warning("no-bind", proxy.section.span(), message)
                .suggest("add `bind <address>:<port>`, or make it a `backend`");
        }
    }

    fn default_backend(&mut self, proxy: &Written<'_>, id: ProxyId) -> Option<ProxyId> {
        let listen = proxy.section.kind == Sections::LISTEN;
        let Some(name) = &proxy.draft.default_backend else {
            return listen.then_some(id);
        };
        if listen && !proxy.draft.servers.is_empty() {
            let message = "the servers of this section are never used: `default_backend` sends sessions elsewhere";
            self.d.warning("unused-servers", name.span, message);
        }
        let Some(found) = self.names.backend(&name.text) else {
            self.unknown_backend(name);
            return None;
        };
        Some(found)
    }

    fn unknown_backend(&mut self, name: &Word) {
        let message = format!("there is no backend `{}`", name.text);
        let near = nearest(&name.text, self.names.backend_names());
        let found = self.d.error("unknown-backend", name.span, message);
        match near {
            Some(near) => found.suggest(format!("did you mean `{near}`?")),
            None => found.suggest(format!("add a section `backend {}`", name.text)),
        };
    }

    /// A TCP proxy cannot hand its sessions to an HTTP one.
    fn check_targets(&mut self, proxy: &Written<'_>) {
        let default = proxy.draft.default_backend.iter().filter_map(|name| {
            let id = self.names.backend(&name.text)?;
            Some((id, name.span))
        });
        let rules = proxy
            .draft
            .use_backend
            .iter()
            .map(|rule| (rule.value.action.0, rule.span));
        let targets: Vec<(ProxyId, Span)> = default.chain(rules).collect();
        for (id, span) in targets {
            let Some(target) = self.written.get(id.index()) else {
                continue;
            };
            let http = target.mode() == Mode::Http && !target.draft.disabled;
            if proxy.mode() == Mode::Tcp && http {
                let message = format!(
                    "`{}` is `mode tcp`, and the backend `{}` is `mode http`",
                    proxy.section.name(),
                    target.section.name()
                );
                self.d
                    .error("mode-mismatch", span, message)
                    .suggest("write `mode tcp` in the backend, or in its `defaults`");
            }
        }
    }
}
