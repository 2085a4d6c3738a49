//! What a request to the statistics adds to the counters, and its line.

use std::sync::atomic::Ordering;

use pontoon_engine::{moment::Moment, termination::Cause};

use crate::{record::SessionRecord, state::Running};

/// A request was answered.
pub(crate) fn request(running: &Running, mut record: SessionRecord, now: Moment) {
    let shard = running.control_shard();
    record.total_time = now.since(record.accepted);
    running.count_bytes(&mut record, shard);
    let http = record.http.as_ref();
    let intercepted = http.is_some_and(|http| http.service.is_some());
    let class = http.and_then(|http| http.status).map_or(5, class);
    if let Some(frontend) = running.frontend(record.frontend) {
        let counters = frontend.counters.of(shard);
        counters.requests.increment();
        counters.responses[class].increment();
        counters.intercepted.add(u64::from(intercepted));
        frontend.request_rate.count(now);
    }
    record.number = running.process.requests.fetch_add(1, Ordering::Relaxed);
    if intercepted {
        touch_backend(running, &record, now);
    } else {
        count_without_server(running, &record, class, now);
    }
    running.write_line(&mut record, false);
}

/// What never became a request counts as one, and as an answer, and as an error unless the client is at
/// fault: those errors are counted with the end of the session.
pub(crate) fn bad_request(running: &Running, record: &SessionRecord, status: u16, now: Moment) {
    let Some(frontend) = running.frontend(record.frontend) else {
        return;
    };
    let counters = frontend.counters.of(running.control_shard());
    counters.requests.increment();
    counters.responses[class(status)].increment();
    frontend.request_rate.count(now);
    if record.termination.cause == Cause::ProxyRefused {
        counters.request_errors.increment();
    }
}

/// The page is a use of the backend that shows it, but no session of it.
fn touch_backend(running: &Running, record: &SessionRecord, now: Moment) {
    if let Some(backend) = record.backend.and_then(|id| running.backend(id)) {
        let uptime = now.millis().max(1);
        backend.last_session.store(uptime, Ordering::Relaxed);
    }
}

/// The request went to a backend that has no server for it.
fn count_without_server(running: &Running, record: &SessionRecord, class: usize, now: Moment) {
    let proxy = running.proxy(record.frontend);
    let chosen = proxy
        .frontend
        .as_ref()
        .and_then(|side| side.default_backend);
    let Some(backend) = running.backend(chosen.unwrap_or(proxy.id)) else {
        return;
    };
    let counters = backend.counters.of(running.control_shard());
    counters.sessions.increment();
    counters.requests.increment();
    counters.responses[class].increment();
    counters.connection_errors.increment();
    backend.session_rate.count(now);
}

/// The place of a status among the counters: 1xx to 5xx, then others.
fn class(status: u16) -> usize {
    match status {
        100..=599 => usize::from(status / 100) - 1,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_counted_by_class() {
        assert_eq!([class(101), class(200), class(503), class(7)], [0, 1, 4, 5]);
    }
}
