//! What clients of the statistics send; see [`crate::fuzzing`].

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock},
    task::{Context, Poll, Waker},
    time::{Instant, SystemTime},
};

use pontoon_engine::{
    address::{ClientAddr, Endpoint, LocalAddr},
    units::ProxyId,
};

use super::{
    csv,
    http::{
        body::{self, Body, MAX_BODY},
        request::{self, Framing, Head, MAX_HEAD},
    },
    json,
    metrics::query::Query,
    page,
    service::Service,
    snapshot::Snapshot,
    typed,
    view::View,
};
use crate::{fuzzing::running, record::SessionRecord, state::Running};

/// The proxy with the page.
const STATS: ProxyId = ProxyId(2);

/// A request to the statistics page, its body, and the answer to it. What was read must be read again without what follows
/// it, and no header of the answer may hold the end of a line.
pub fn statistics_request(bytes: &[u8]) -> bool {
    let Ok(Some((head, length))) = request::parse(bytes) else {
        return false;
    };
    assert!(length <= bytes.len().min(MAX_HEAD), "{length}");
    assert_eq!(request::parse(&bytes[..length - 1]), Ok(None));
    let again = request::parse(&bytes[..length]);
    assert_eq!(again, Ok(Some((head.clone(), length))));
    let body = read_body(head.framing, &bytes[length..]);
    let running = running();
    let service = Service::new(Arc::clone(&running));
    let Some(page) = service.page(STATS, &head) else {
        return false;
    };
    let mut refusal = std::pin::pin!(service.refuses(page, &head));
    let refusal = refusal
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(
        matches!(refusal, Poll::Ready(_)),
        "a clear password takes no time"
    );
    answer(&service, &head, body.as_ref(), &record(&running));
    true
}

fn read_body(framing: Framing, bytes: &[u8]) -> Option<Body> {
    let body = body::parse(framing, bytes).ok()?;
    if let Body::Complete(content, used) = &body {
        assert!(content.len() <= MAX_BODY && *used <= bytes.len());
        assert_eq!(body::parse(framing, &bytes[..*used]).as_ref(), Ok(&body));
    }
    Some(body)
}

fn answer(service: &Service, head: &Head, body: Option<&Body>, record: &SessionRecord) {
    let Some(page) = service.page(STATS, head) else {
        return;
    };
    let body = body.filter(|_| head.method == "POST");
    let answer = service.answer(page, head, body, record);
    for (name, value) in &answer.headers {
        assert!(!value.contains(['\r', '\n']), "{name}: {value:?}");
    }
}

fn record(running: &Running) -> SessionRecord {
    let end = Endpoint::Ip(SocketAddr::from(([127, 0, 0, 1], 1004)));
    let now = running.moment(Instant::now());
    SessionRecord::accepted(
        STATS,
        0,
        ClientAddr(end.clone()),
        LocalAddr(end),
        SystemTime::now(),
        now,
    )
}

/// What follows `stats uri`, and the query of `/metrics`. The link to a view must lead to that view, and every row of the
/// CSV must have as many fields as its header.
pub fn statistics_view(bytes: &[u8]) -> bool {
    static RUNNING: LazyLock<Arc<Running>> = LazyLock::new(running);
    let options = String::from_utf8_lossy(bytes);
    let view = View::parse(&options);
    let understood = view != View::default();
    // The words of an outcome are not encoded: what means something in a link ends there.
    if view.outcome.is_none() {
        assert_eq!(View::parse(&view.link("/s")["/s".len()..]), view);
    }
    let snapshot = Snapshot::take(&RUNNING, view.selection(&[], true), Instant::now());
    let csv = csv::render(&snapshot);
    let width = |line: &str| line.matches(',').count();
    let header = csv.lines().next().map_or(0, width);
    assert!(csv.lines().all(|line| width(line) == header), "{csv}");
    let json = json::render(&snapshot).expect("it is always JSON");
    serde_json::from_str::<serde_json::Value>(&json).expect("and read as such");
    typed::render(&snapshot, true);
    let render = |view: &View| {
        let settings = page::Settings {
            uri: "/s",
            view,
            refresh: None,
            version: None,
            node: None,
            description: None,
            legends: true,
            admin: true,
        };
        page::render(&snapshot, &settings)
    };
    let page = render(&view);
    if let Some(scope) = view.scope.clone().filter(|scope| scope.contains('<')) {
        // The page has marks of its own; no more of them may come from a stranger.
        let harmless = View {
            scope: Some("x".into()),
            ..view
        };
        let of = |page: &str| page.matches(&*scope).count();
        assert_eq!(of(&page), of(&render(&harmless)), "not escaped: {scope}");
    }
    let query = Query::parse(&options);
    assert_eq!(Query::parse(&options), query);
    understood
}
