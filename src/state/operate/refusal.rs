//! Why something cannot be done, in HAProxy's words.

use pontoon_engine::backend::Stays;

/// Why a change is refused; displayed, it is the answer of the runtime socket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A server has to be named with its backend.
    #[error("Require 'backend/server'.")]
    NeedsPath,
    /// There is no such backend.
    #[error("No such backend.")]
    NoSuchBackend,
    /// There is no such server in that backend.
    #[error("No such server.")]
    NoSuchServer,
    /// There is no such frontend.
    #[error("No such frontend.")]
    NoSuchFrontend,
    /// There is such a server already.
    #[error("Already exists a server with the same name in backend.")]
    ServerExists,
    /// The number of a new server is another's.
    #[error("'id' : custom id {number} already used ('server {server}').")]
    NumberTaken {
        /// The number.
        number: u32,
        /// Whose it is.
        server: String,
    },
    /// No place is left for new servers.
    #[error(
        "Too many servers were added since the last reload: put them into the file and reload."
    )]
    TooManyServers,
    /// The algorithm knows only the servers of the file.
    #[error("Backend must use a dynamic load balancing to support dynamic servers.")]
    StaticAlgorithm,
    /// What was told of a new server is wrong.
    #[error("{0}")]
    BadServer(String),
    /// A server is to be deleted that is in use.
    #[error("Only servers in maintenance mode can be deleted.")]
    NotInMaintenance,
    /// A server is to be deleted that sessions use.
    #[error("Server still has connections attached to it, cannot remove it.")]
    StillConnected,
    /// A server is to be deleted that the file names elsewhere.
    #[error(
        "This server cannot be removed at runtime due to other configuration elements pointing to it."
    )]
    Named,
    /// A limit is beyond what the process can do.
    #[error("Value out of range.")]
    OutOfRange,
    /// No weight at all.
    #[error("Require <weight> or <weight%>.")]
    NeedsWeight,
    /// A weight begins with something else than digits.
    #[error("Empty weight string empty or preceded by garbage")]
    WeightGarbage,
    /// A weight is followed by something.
    #[error("Trailing garbage in weight string")]
    WeightTrailing,
    /// A weight is too large.
    #[error("Absolute weight can only be between 0 and 256 inclusive.")]
    WeightRange,
    /// A percentage is negative.
    #[error("Relative weight must be positive.")]
    WeightSign,
    /// The algorithm fixes all weights at the start.
    #[error("Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.")]
    StaticWeights,
    /// The health of a server that tracks another is the other's.
    #[error("cannot change health on a tracking server.")]
    Tracks,
    /// There are no checks to be switched or moved.
    #[error("health checks are not enabled on this server")]
    NoChecks,
    /// There is no agent to be overruled.
    #[error("agent checks are not enabled on this server.")]
    NoAgent,
    /// There is no agent to be asked elsewhere.
    #[error("agent checks are not enabled on this server")]
    NoAgentToMove,
    /// There are no checks to be switched on.
    #[error("Health check was not configured on this server, cannot enable.")]
    CannotEnableChecks,
    /// There is no agent to be switched on.
    #[error("Agent was not configured on this server, cannot enable.")]
    CannotEnableAgent,
    /// The address of a UNIX socket stays.
    #[error(
        "Update for the current server address family is only supported through configuration \
         file by 'stats socket command'"
    )]
    FixedFamily,
    /// Checks have no port if the server has none of its own.
    #[error(
        "can't change <port> to port map because it is incompatible with current health check \
         port configuration (use 'port' statement from the 'server' directive. by \
         'stats socket command'"
    )]
    PortMap,
    /// All listeners of the frontend listen.
    #[error("All sockets are already enabled.")]
    AlreadyEnabled,
    /// None of the listeners of the frontend listens.
    #[error("All sockets are already disabled.")]
    AlreadyDisabled,
    /// The frontend is gone.
    #[error("Frontend was previously shut down, cannot enable.")]
    ShutDownCannotEnable,
    /// The frontend is gone.
    #[error("Frontend was previously shut down, cannot disable.")]
    ShutDownCannotDisable,
    /// The frontend is gone.
    #[error("Frontend was already shut down.")]
    AlreadyShutDown,
    /// An address cannot be listened on any more.
    #[error("Failed to resume frontend, check logs for precise cause (port conflict?).")]
    CannotListen,
    /// What was given is no session's name.
    #[error("Session pointer expected (use 'show sess').")]
    NeedsSession,
    /// The session is over, or never was.
    #[error("No such session (use 'show sess').")]
    NoSuchSession,
}

impl From<Stays> for Refusal {
    fn from(why: Stays) -> Self {
        match why {
            Stays::InUse => Self::NotInMaintenance,
            Stays::Busy => Self::StillConnected,
        }
    }
}

impl Refusal {
    /// No empty line ends the answer (as in HAProxy).
    #[must_use]
    pub const fn is_curt(&self) -> bool {
        matches!(
            self,
            Self::WeightGarbage | Self::WeightTrailing | Self::NoChecks | Self::NoAgentToMove
        )
    }
}
