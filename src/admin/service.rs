//! From a request to its answer.

use std::{sync::Arc, time::Instant};

use pontoon_config::haproxy::model::{Proxy, Stats, StatsAdmin};
use pontoon_engine::{acl::Verdict, units::ProxyId};

use super::{
    auth::Checker,
    command::{Command, Outcome},
    csv,
    http::{answer::Answer, body::Body, request::Head},
    json, origin, page,
    snapshot::Snapshot,
    typed,
    view::{Form, View},
};
use crate::{facts::SessionFacts, record::SessionRecord, state::Running};

/// Answers requests to the statistics of all proxies.
#[derive(Debug)]
pub(crate) struct Service {
    running: Arc<Running>,
    checker: Checker,
}

/// The statistics that a request is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'r> {
    /// The proxy whose `stats` lines count.
    pub(crate) proxy: &'r Proxy,
    stats: &'r Stats,
    /// What stands behind `stats uri`.
    options: &'r str,
}

impl Service {
    /// One for this process.
    pub(crate) fn new(running: Arc<Running>) -> Self {
        Self {
            running,
            checker: Checker::new(),
        }
    }

    /// The process it tells about.
    pub(crate) const fn running(&self) -> &Arc<Running> {
        &self.running
    }

    /// The statistics at this address: those of the proxy itself, or of the backend it would
    /// send the request to. Other methods than these reach no statistics in HAProxy either.
    pub(crate) fn page<'r>(&'r self, frontend: ProxyId, head: &'r Head) -> Option<Page<'r>> {
        if !matches!(&*head.method, "GET" | "HEAD" | "POST") {
            return None;
        }
        let own = self.running.proxy(frontend);
        let next = own
            .frontend
            .as_ref()
            .and_then(|side| side.default_backend)
            .map(|backend| self.running.proxy(backend));
        [Some(own), next].into_iter().flatten().find_map(|proxy| {
            let stats = proxy.stats.as_deref()?;
            let options = head.path().strip_prefix(&stats.uri)?;
            Some(Page {
                proxy,
                stats,
                options,
            })
        })
    }

    /// Whether the sender of this head may see the page.
    pub(crate) async fn refuses(&self, page: Page<'_>, head: &Head) -> Option<Answer> {
        let auth = page.stats.auth.as_ref()?;
        if self
            .checker
            .admits(auth, head.header("authorization"))
            .await
        {
            return None;
        }
        let realm = page.stats.realm.as_deref().unwrap_or("HAProxy Statistics");
        let realm = realm.replace('\\', "\\\\").replace('"', "\\\"");
        let answer = Answer::error(
            401,
            "You need a valid user and password to access this content.",
        );
        Some(answer.with("www-authenticate", format!("Basic realm=\"{realm}\"")))
    }

    /// The answer to a request that is let in.
    pub(crate) fn answer(
        &self,
        page: Page<'_>,
        head: &Head,
        body: Option<&Body>,
        record: &SessionRecord,
    ) -> Answer {
        let view = View::parse(page.options);
        let visitor = SessionFacts::new(&self.running, record).answered_by_own_section();
        let admin = may_change(page.stats, &visitor);
        match body {
            Some(body) => self.act(page, head, body, view, admin),
            None => self.show(page, &view, admin),
        }
    }

    fn act(&self, page: Page<'_>, head: &Head, body: &Body, mut view: View, admin: bool) -> Answer {
        if let Some(refusal) = origin::refuses(head) {
            return refusal;
        }
        let outcome = match body {
            _ if !admin => Outcome::Denied,
            Body::Complete(form, _) => Command::parse(form).map_or_else(
                |outcome| outcome,
                |command| command.apply(&self.running, Instant::now()),
            ),
            Body::TooLarge | Body::Incomplete => Outcome::TooLarge,
        };
        view.outcome = Some(outcome.code().to_owned());
        // As in HAProxy's answers: without a refresh there is nothing to switch off.
        view.no_refresh &= page.stats.refresh.is_some();
        Answer::new(303, "text/plain", "").with("location", view.link(&page.stats.uri))
    }

    fn show(&self, page: Page<'_>, view: &View, admin: bool) -> Answer {
        let stats = page.stats;
        let selection = view.selection(&stats.scope, stats.show_legends);
        let snapshot = || Snapshot::take(&self.running, selection, Instant::now());
        let settings = self.settings(page, view, admin);
        let answer = match view.form {
            Form::Page => return secured(page::render(&snapshot(), &settings)),
            Form::Live => return secured(page::live(&snapshot(), &settings)),
            Form::Csv => Answer::new(200, "text/plain", csv::render(&snapshot())),
            Form::Typed => Answer::new(200, "text/plain", typed::render(&snapshot(), false)),
            Form::Schema => Answer::new(200, "application/json", json::schema()),
            Form::Json => match json::render(&snapshot()) {
                Ok(text) => Answer::new(200, "application/json", text),
                Err(error) => Answer::error(500, &error.to_string()),
            },
        };
        match stats.refresh.filter(|_| !view.no_refresh) {
            Some(refresh) => answer.with("refresh", refresh.as_secs().max(1).to_string()),
            None => answer,
        }
    }

    fn settings<'a>(&'a self, page: Page<'a>, view: &'a View, admin: bool) -> page::Settings<'a> {
        let stats = page.stats;
        let global = &self.running.model.global;
        page::Settings {
            uri: &stats.uri,
            view,
            refresh: stats.refresh,
            version: (!stats.hide_version).then_some(env!("CARGO_PKG_VERSION")),
            node: or_default(stats.show_node.as_deref(), Some(&self.running.process.node)),
            description: or_default(
                stats.show_description.as_deref(),
                global.description.as_deref(),
            ),
            legends: stats.show_legends,
            admin,
        }
    }
}

/// `stats show-node` and `show-desc` may leave the words to the global section.
fn or_default<'a>(given: Option<&'a str>, default: Option<&'a str>) -> Option<&'a str> {
    match given {
        Some("") => default,
        other => other,
    }
}

fn may_change(stats: &Stats, visitor: &SessionFacts<'_>) -> bool {
    match &stats.admin {
        None => false,
        Some(StatsAdmin::Always) => true,
        Some(StatsAdmin::When(condition)) => condition.evaluate(visitor) == Verdict::Yes,
    }
}

/// A page, with what a browser must know to keep it harmless.
fn secured(html: String) -> Answer {
    Answer::new(200, "text/html; charset=utf-8", html)
        .with("content-security-policy", page::POLICY.as_str())
        .with("referrer-policy", "same-origin")
        .with("x-content-type-options", "nosniff")
}
