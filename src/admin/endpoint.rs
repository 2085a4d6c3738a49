//! Listeners of ours beside all proxies: `tune.pontoon.metrics` tells people and scrapers how this
//! process is, `tune.pontoon.agent` tells other balancers.
//!
//! Both are served to the very end of the process, so that a stop is said before anything else
//! happens. Once another process has taken over, both are its business: they share their addresses
//! with it (`SO_REUSEPORT`), and this one lets go.

mod agent;
mod condition;
mod web;

use std::{
    collections::VecDeque,
    io,
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use pontoon_config::haproxy::model::Global;
use pontoon_sys::{
    option,
    socket::{self, Address},
};
use tokio::{
    net::TcpStream,
    task::{AbortHandle, JoinSet},
    time::timeout,
};

use crate::state::Running;

/// Clients served at once; one more takes the place of the oldest.
const MOST_CLIENTS: usize = 32;
/// How often is looked whether another process has taken over.
const PULSE: Duration = Duration::from_millis(200);
/// After an error in accepting, such as a lack of descriptors.
const PAUSE: Duration = Duration::from_secs(1);
/// How long answers under way may take once another process has taken over.
const LAST_WORDS: Duration = Duration::from_secs(1);
const BACKLOG: i32 = 64;

/// The listeners that the file asks for.
#[derive(Debug, Default)]
pub struct Endpoints {
    metrics: Option<TcpListener>,
    agent: Option<TcpListener>,
}

/// An address that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("Cannot listen at {address} ({keyword}): {cause}. Free the address, or choose another.")]
pub struct EndpointError {
    address: SocketAddr,
    keyword: &'static str,
    cause: io::Error,
}

impl Endpoints {
    /// Binds what the file asks for; `replacing`: beside an old process that does the same.
    ///
    /// # Errors
    /// The first address that could not be bound.
    pub fn bind(global: &Global, replacing: bool) -> Result<Self, EndpointError> {
        let bound = |address: Option<SocketAddr>, keyword| {
            let Some(address) = address else {
                return Ok(None);
            };
            let listener = listen(address, replacing).map_err(|cause| EndpointError {
                address,
                keyword,
                cause,
            });
            listener.map(Some)
        };
        Ok(Self {
            metrics: bound(global.metrics, "tune.pontoon.metrics")?,
            agent: bound(global.agent, "tune.pontoon.agent")?,
        })
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

fn listen(address: SocketAddr, replacing: bool) -> io::Result<TcpListener> {
    let address = Address::Ip(address);
    if !replacing {
        // A process that has nothing to do with us may not share the address by accident.
        bound(&address)?;
    }
    let socket = unbound(&address)?;
    option::reuse_port(&socket)?;
    socket::bind_to(&socket, &address)?;
    socket::listen_on(&socket, BACKLOG)?;
    Ok(socket.into())
}

fn bound(address: &Address) -> io::Result<OwnedFd> {
    let socket = unbound(address)?;
    socket::bind_to(&socket, address)?;
    Ok(socket)
}

fn unbound(address: &Address) -> io::Result<OwnedFd> {
    let socket = socket::stream_for(address)?;
    option::reuse_address(&socket)?;
    Ok(socket)
}

async fn accept<F>(
    listener: TcpListener,
    running: &Arc<Running>,
    serve: impl Fn(Arc<Running>, TcpStream) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let mut served = JoinSet::new();
    let mut by_age = VecDeque::new();
    loop {
        while served.try_join_next().is_some() {}
        by_age.retain(|client: &AbortHandle| !client.is_finished());
        // Nobody can shut others out by staying.
        if by_age.len() >= MOST_CLIENTS
            && let Some(oldest) = by_age.pop_front()
        {
            oldest.abort();
        }
        // Who waits in the queue is let in before the listener is closed.
        let last = running.process.handed_over.load(Ordering::Relaxed);
        match timeout(PULSE, listener.accept()).await {
            Ok(Ok((stream, _))) => {
                by_age.push_back(served.spawn(serve(Arc::clone(running), stream)));
            }
            Err(_) if last => break,
            Err(_) => {}
            Ok(Err(_)) => tokio::time::sleep(PAUSE).await,
        }
    }
    drop(listener);
    let all = async { while served.join_next().await.is_some() {} };
    // Idle ones shall come back, and find the other process.
    let _some_idle = timeout(LAST_WORDS, all).await;
}
