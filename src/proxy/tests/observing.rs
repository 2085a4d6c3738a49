//! Sessions seen from outside.

use std::{
    io::{Read as _, Write as _},
    sync::Arc,
};

use pontoon_engine::session::Stage;
use tokio::runtime::Builder;

use super::fixture::{Fixture, echo};
use crate::{
    proxy::observe::Observed,
    state::operate::{SessionId, Sessions},
};

/// All sessions there are.
fn observe(proxy: &Fixture) -> Vec<Observed> {
    let mut sessions = Sessions::all(Arc::clone(&proxy.running), true);
    let all = async {
        let mut all = Vec::new();
        while let Some(some) = sessions.next().await {
            assert!(some.len() <= 64, "{} at once", some.len());
            all.extend(some);
        }
        all
    };
    Builder::new_current_thread().build().unwrap().block_on(all)
}

#[test]
fn a_session_is_described_as_it_is() {
    let proxy = Fixture::start(&[echo()], 1, "");
    assert!(observe(&proxy).is_empty());
    let mut client = proxy.connect();
    client.write_all(b"four").unwrap();
    client.read_exact(&mut [0; 4]).unwrap();
    let [session] = &observe(&proxy)[..] else {
        panic!("one session");
    };
    let local = client.local_addr().unwrap();
    assert_eq!(session.record.client.0.ip(), Some(local));
    assert_eq!((session.record.bytes_in, session.record.bytes_out), (4, 4));
    assert!(matches!(session.stage, Stage::Relaying { .. }));
    assert!(session.deadlines.client.is_some() && session.deadlines.server.is_some());
    assert!(session.on_server && !session.request.ended);
    let end = session.server.as_ref().unwrap();
    assert!(end.local.as_ref().and_then(|it| it.ip()).is_some());
}

#[test]
fn many_sessions_come_some_at_a_time_and_each_once() {
    let proxy = Fixture::start(&[echo()], 2, "");
    let clients: Vec<_> = (0..200).map(|_| proxy.connect()).collect();
    proxy.wait_until("200 sessions", |running| {
        running.process.sessions.get() == 200
    });
    let all = observe(&proxy);
    assert_eq!(all.len(), 200);
    let mut names: Vec<_> = all.iter().map(|it| SessionId(it.key).to_string()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 200);
    drop(clients);
}
