//! The listeners of `stats socket` lines.

use pontoon_config::haproxy::model::{Access, Model, SeverityOutput};

use crate::proxy::listen::{ControlError, ControlListener, Inherited};

/// One for each address.
pub type Sockets = Vec<Socket>;

/// A listener, and on which terms its clients are served.
#[derive(Debug)]
pub struct Socket {
    /// Where they come.
    pub listener: ControlListener,
    /// What they may do.
    pub access: Access,
    /// Whether feedback shows how grave it is.
    pub severity: SeverityOutput,
}

/// An address that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("Starting frontend GLOBAL: {0} (`stats socket`)")]
pub struct SocketError(#[from] ControlError);

/// Binds what the file asks for, unless another process has handed its socket over.
///
/// # Errors
/// The first address that could not be bound.
pub fn bind(model: &Model, inherited: &Inherited) -> Result<Sockets, SocketError> {
    let wanted = model.global.stats_sockets.iter();
    wanted
        .map(|socket| {
            Ok(Socket {
                listener: ControlListener::bind(&socket.endpoint, socket.unix, inherited)?,
                access: socket.access,
                severity: socket.severity,
            })
        })
        .collect()
}
