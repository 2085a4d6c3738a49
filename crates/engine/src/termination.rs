//! How a session ended: the two termination flags of a TCP log line
//! (HAProxy configuration manual, 8.5 "Session state at disconnection").

use std::fmt::{self, Write as _};

/// The first flag: who or what ended the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Cause {
    /// Nobody was at fault: both sides closed.
    #[default]
    Normal,
    /// The client aborted.
    ClientAbort,
    /// The server aborted or refused.
    ServerAbort,
    /// A rule or a limit of the proxy refused it.
    ProxyRefused,
    /// The proxy answered by itself (statistics).
    Local,
    /// A resource ran out: descriptors, ports, memory.
    Resource,
    /// A bug or an impossible state.
    Internal,
    /// The server was marked down, and its sessions with it.
    ServerDown,
    /// An active server came back, and sessions on backup servers ended.
    ServerUp,
    /// An administrator ended it.
    Killed,
    /// The client did not act in time.
    ClientTimeout,
    /// The server did not act in time.
    ServerTimeout,
}

/// The second flag: what the session was doing then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Phase {
    /// It was over.
    #[default]
    Finished,
    /// Waiting for a complete request (here: content inspection).
    Request,
    /// Waiting in a queue.
    Queue,
    /// Connecting to the server.
    Connect,
    /// Waiting for response headers.
    Headers,
    /// Transferring data.
    Data,
    /// Sending the last data to the client.
    Last,
}

/// Both flags, as in `%ts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Termination {
    /// The first flag.
    pub cause: Cause,
    /// The second flag.
    pub phase: Phase,
}

impl Termination {
    /// Both flags at once.
    #[must_use]
    pub const fn new(cause: Cause, phase: Phase) -> Self {
        Self { cause, phase }
    }
}

impl Cause {
    /// The letter in the log line.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Normal => '-',
            Self::ClientAbort => 'C',
            Self::ServerAbort => 'S',
            Self::ProxyRefused => 'P',
            Self::Local => 'L',
            Self::Resource => 'R',
            Self::Internal => 'I',
            Self::ServerDown => 'D',
            Self::ServerUp => 'U',
            Self::Killed => 'K',
            Self::ClientTimeout => 'c',
            Self::ServerTimeout => 's',
        }
    }
}

impl Phase {
    /// The letter in the log line.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Finished => '-',
            Self::Request => 'R',
            Self::Queue => 'Q',
            Self::Connect => 'C',
            Self::Headers => 'H',
            Self::Data => 'D',
            Self::Last => 'L',
        }
    }
}

impl fmt::Display for Termination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char(self.cause.letter())?;
        f.write_char(self.phase.letter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_read_as_in_the_log_line() {
        assert_eq!(Termination::default().to_string(), "--");
        let timeout = Termination::new(Cause::ClientTimeout, Phase::Data);
        assert_eq!(timeout.to_string(), "cD");
    }
}
