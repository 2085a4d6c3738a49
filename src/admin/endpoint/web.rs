//! `/metrics` and `/health` over HTTP.

use std::{sync::Arc, time::Duration};

use pontoon_engine::address::Endpoint;
use tokio::net::TcpStream;

use super::condition::Condition;
use crate::{
    admin::{
        http::{
            answer::Answer,
            request::{self, Framing, Head},
        },
        metrics,
        stream::{Read, Stream},
    },
    state::Running,
};

/// How long a client may take for a request, or for taking some of an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may be idle between two requests: longer than scrapers wait.
const IDLE: Duration = Duration::from_secs(90);

/// Serves one client until it leaves.
pub(super) async fn serve(running: Arc<Running>, socket: TcpStream) {
    let Ok(local) = socket.local_addr() else {
        return;
    };
    let Ok(socket) = socket.into_std() else {
        return;
    };
    let Ok(mut stream) = Stream::new(socket.into(), &Endpoint::Ip(local), Vec::new()) else {
        return;
    };
    let owed = &running.process.owed;
    let mut debt = Some(owed.owe());
    while let Some(head) = next(&mut stream).await {
        debt.get_or_insert_with(|| owed.owe());
        let answer = answer(&running, &head).await;
        let clean = head.framing == Framing::Length(0);
        let keep_alive = head.keep_alive && clean && !running.process.is_stopping();
        let bytes = answer.bytes(head.method == "HEAD", keep_alive);
        if !stream.write(&bytes, PATIENCE).await || !keep_alive {
            break;
        }
        debt = None;
    }
    stream.close().await;
}

/// The next request; `None`: the client is gone, too slow, or talks nonsense.
async fn next(stream: &mut Stream) -> Option<Head> {
    let mut patience = IDLE;
    loop {
        match request::parse(&stream.received) {
            Ok(Some((head, length))) => {
                stream.received.drain(..length);
                return Some(head);
            }
            Ok(None) => {}
            Err(_) => {
                let answer = Answer::error(400, "This is no request.");
                stream.write(&answer.bytes(false, false), PATIENCE).await;
                return None;
            }
        }
        if stream.read(patience).await != Read::Some {
            return None;
        }
        patience = PATIENCE;
    }
}

async fn answer(running: &Running, head: &Head) -> Answer {
    if !matches!(&*head.method, "GET" | "HEAD") {
        return Answer::error(405, "GET and HEAD are all that is understood here.");
    }
    let path = head.path();
    match path.split_once('?').map_or(path, |(path, _)| path) {
        "/metrics" => metrics::answer(running, head).await,
        "/health" => health(Condition::of(running)),
        _ => Answer::error(404, "There are /metrics and /health."),
    }
}

fn health(condition: Condition) -> Answer {
    let status = match condition {
        Condition::Serving => 200,
        Condition::Stopping | Condition::NoServer => 503,
    };
    Answer::new(
        status,
        "text/plain; charset=utf-8",
        format!("{condition}\n"),
    )
}
