//! Listeners of ours beside all proxies: `tune.pontoon.metrics` tells people and scrapers how this
//! process is, `tune.pontoon.agent` tells other balancers.
//!
//! Both are served to the very end of the process, so that a stop is said before anything else
//! happens. Once another process has taken over, both are its business: it has their sockets, and this
//! one lets go.

mod agent;
mod condition;
mod web;

use std::{collections::VecDeque, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use pontoon_config::haproxy::model::{Global, UnixPermissions};
use pontoon_engine::address::Endpoint;
use pontoon_sys::{readiness::Readiness, socket};
use tokio::{
    net::TcpStream,
    task::{AbortHandle, JoinSet},
    time::timeout,
};

use crate::{
    proxy::listen::{ControlError, ControlListener, Inherited},
    state::{Running, owed::Debt},
};

/// Clients served at once; one more takes the place of the oldest.
const MOST_CLIENTS: usize = 32;
/// After an error in accepting, such as a lack of descriptors.
const PAUSE: Duration = Duration::from_secs(1);
/// How long answers under way may take once another process has taken over.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How soon a client that was let in says what it wants, as a rule.
const FIRST_WORDS: Duration = Duration::from_millis(200);

/// The listeners that the file asks for.
#[derive(Debug, Default)]
pub struct Endpoints {
    metrics: Option<ControlListener>,
    agent: Option<ControlListener>,
}

/// An address that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("Cannot listen at {} ({keyword}): {}. Free the address, or choose another.", .error.endpoint, .error.cause)]
pub struct EndpointError {
    keyword: &'static str,
    error: ControlError,
}

impl Endpoints {
    /// Binds what the file asks for, unless another process has handed its socket over.
    ///
    /// # Errors
    /// The first address that could not be bound.
    pub fn bind(global: &Global, inherited: &Inherited) -> Result<Self, EndpointError> {
        let bound = |address: Option<SocketAddr>, keyword| {
            let bind = |address| {
                let endpoint = Endpoint::Ip(address);
                ControlListener::bind(&endpoint, UnixPermissions::default(), inherited)
            };
            let listener = address.map(bind).transpose();
            listener.map_err(|error| EndpointError { keyword, error })
        };
        Ok(Self {
            metrics: bound(global.metrics, "tune.pontoon.metrics")?,
            agent: bound(global.agent, "tune.pontoon.agent")?,
        })
    }

    /// For a process that is to take them over.
    pub fn listeners(&self) -> impl Iterator<Item = &ControlListener> {
        self.metrics.iter().chain(&self.agent)
    }

    /// Serves them until another process has taken over; for ever, if none does.
    pub(super) async fn serve(self, running: &Arc<Running>) {
        let metrics = async {
            if let Some(listener) = self.metrics {
                accept(listener, running, web::serve).await;
            }
        };
        let agent = async {
            if let Some(listener) = self.agent {
                accept(listener, running, agent::answer).await;
            }
        };
        tokio::join!(metrics, agent);
    }
}

async fn accept<F>(
    listener: ControlListener,
    running: &Arc<Running>,
    serve: impl Fn(Arc<Running>, TcpStream) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let Ok(readiness) = Readiness::of(&listener) else {
        return;
    };
    let mut served = JoinSet::new();
    let mut by_age = VecDeque::new();
    let process = &running.process;
    // Whoever waits where nobody else listens is let in before the listener is closed.
    while !process.has_handed_over() || process.is_last_at(listener.bound()) {
        let taken_over = process.taken_over.notified();
        match socket::accept_from(&listener) {
            Ok(Some((socket, _))) => {
                let Ok(stream) = TcpStream::from_std(socket.into()) else {
                    continue;
                };
                make_room(&mut by_age);
                while served.try_join_next().is_some() {}
                let debt = process.owed.owe();
                let serving = serve(Arc::clone(running), stream);
                by_age.push_back(served.spawn(let_begin(serving, debt)));
            }
            Ok(None) | Err(_) if process.has_handed_over() => break,
            Ok(None) => {
                tokio::select! {
                    _ = readiness.readable() => {}
                    () = taken_over => {}
                }
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    drop(listener);
    let all = async { while served.join_next().await.is_some() {} };
    // Idle ones shall come back, and find the other process.
    let _some_idle = timeout(LAST_WORDS, all).await;
}

/// A client that was let in is owed an answer from then on, not only once it was heard: the process could end before that.
/// One that says nothing is not waited for.
async fn let_begin(serving: impl Future<Output = ()>, debt: Debt) {
    let mut serving = pin!(serving);
    let first = timeout(FIRST_WORDS, &mut serving).await;
    drop(debt);
    if first.is_err() {
        serving.await;
    }
}

/// Nobody can shut others out by staying.
fn make_room(by_age: &mut VecDeque<AbortHandle>) {
    by_age.retain(|client| !client.is_finished());
    if by_age.len() >= MOST_CLIENTS
        && let Some(oldest) = by_age.pop_front()
    {
        oldest.abort();
    }
}
