//! The statistics in the format of Prometheus: a rendering of the same [`Snapshot`] as all others.
//!
//! HAProxy's metrics come first, under its exporter's names (`process`, `rows`), then what HAProxy
//! does not have (`own`), and what the election of this node says (`election`).

mod election;
mod own;
mod process;
pub(super) mod query;
mod rows;
mod text;

use std::time::Instant;

use pontoon_config::haproxy::model::Service;
use pontoon_engine::rules::{Decision, first_match};

use self::{
    query::{Query, Scope},
    text::Text,
};
use super::{
    http::{answer::Answer, request::Head},
    snapshot::{Selection, Snapshot},
};
use crate::{facts::SessionFacts, node::hatch, record::SessionRecord, state::Running};

/// What HAProxy's exporter says, too.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4";

/// Whether a rule of the proxy hands this request to the exporter.
pub(super) fn are_wanted(running: &Running, record: &SessionRecord) -> bool {
    let services = &running.proxy(record.frontend).services;
    let visitor = SessionFacts::new(running, record).answered_by_own_section();
    matches!(
        first_match(services, &visitor),
        Decision::Matched(Service::Prometheus)
    )
}

/// The answer to a request for metrics.
pub(super) async fn answer(running: &Running, head: &Head) -> Answer {
    match Query::parse(&head.target) {
        Ok(query) => Answer::new(200, CONTENT_TYPE, render(running, query).await),
        Err(_) => Answer::error(400, "Your browser sent an invalid request."),
    }
}

/// Everything that is wanted. Asks the supervisor for the election, if there is one.
async fn render(running: &Running, query: Query) -> String {
    let election = if query.wants(Scope::Pontoon) {
        hatch::ask().await
    } else {
        None
    };
    let selection = Selection {
        sizes: query.wants(Scope::Pontoon),
        ..Selection::default()
    };
    let snapshot = Snapshot::take(running, selection, Instant::now());
    let mut text = Text::default();
    if query.wants(Scope::Global) {
        process::write(&snapshot.process, &mut text);
    }
    rows::write(&snapshot, query, &mut text);
    if query.wants(Scope::Pontoon) {
        own::write(&snapshot, &mut text);
    }
    if let Some(status) = election {
        election::write(&status, &mut text);
    }
    text.finish()
}
