//! The statistics: one snapshot of the running state, in many forms.
//!
//! A data thread that accepts a connection on a statistics proxy hands it over
//! ([`crate::proxy::handoff`]); it is served here, on the control thread.
//!
//! ```text
//! handoff → connection → http → service ┬→ snapshot → page | csv | json | typed
//!                            │          └→ command  → the balancer
//!               endpoint ────┴→ metrics → snapshot
//! ```

mod auth;
mod column;
mod command;
mod connection;
mod count;
pub(crate) mod csv;
pub mod endpoint;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod fuzzing;
mod http;
mod json;
mod metrics;
mod origin;
mod page;
mod patience;
pub mod runtime;
mod service;
pub mod sessions;
pub(crate) mod snapshot;
mod stream;
#[cfg(test)]
mod tests;
mod typed;
mod view;
pub mod why;

use std::sync::Arc;

use tokio::task::JoinSet;

use self::{endpoint::Endpoints, service::Service};
use crate::{proxy::handoff::Receiver, state::Running};

/// Serves connections until no thread can hand any over, then until the last one ends; beside
/// them what the file asks for apart from proxies.
///
/// Needs a tokio runtime with I/O and time. An idle connection ends soon after
/// [`crate::state::ProcessState::stopping`] is set.
pub async fn serve(running: Arc<Running>, connections: Receiver, endpoints: Endpoints) {
    let beside = endpoints.serve(&running);
    tokio::join!(serve_proxies(Arc::clone(&running), connections), beside);
}

async fn serve_proxies(running: Arc<Running>, mut connections: Receiver) {
    let service = Arc::new(Service::new(running));
    let mut served = JoinSet::new();
    while let Some(connection) = connections.recv().await {
        served.spawn(connection::serve(Arc::clone(&service), connection));
        while served.try_join_next().is_some() {}
    }
    while served.join_next().await.is_some() {}
}
