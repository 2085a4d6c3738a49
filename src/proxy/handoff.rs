//! How a connection to a statistics proxy leaves its data thread.

use std::os::fd::OwnedFd;

use crate::record::SessionRecord;

/// A connection that the control thread serves over HTTP.
///
/// It counts in the levels of the process, the frontend and the listener, and its rules have
/// let it in. Whoever takes it ends it with [`crate::state::Running::finish`], in the shard
/// [`crate::state::Running::control_shard`]: that leaves the levels, counts and logs.
#[derive(Debug)]
pub struct HttpConnection {
    /// The connected socket; it never blocks.
    pub socket: OwnedFd,
    /// What is known so far. If the page counts as served by a backend, see
    /// [`crate::state::Running::enter_backend`].
    pub record: SessionRecord,
    /// Bytes already read from the socket (with a PROXY header in front of the request).
    pub received: Vec<u8>,
}

/// Where data threads send such connections.
pub type Sender = tokio::sync::mpsc::UnboundedSender<HttpConnection>;

/// Where the control thread receives them.
pub type Receiver = tokio::sync::mpsc::UnboundedReceiver<HttpConnection>;
