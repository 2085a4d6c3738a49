//! Health: what a run of check results makes of a server.

mod agent;
mod counter;

use std::time::Duration;

pub use self::agent::{AgentAnswer, AgentVerdict};
pub(crate) use self::counter::Counter;

/// `check` and its parameters (HAProxy configuration manual, 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// `rise`: passes in a row that bring a server up.
    pub rise: u32,
    /// `fall`: failures in a row that take it down.
    pub fall: u32,
    /// `inter`: pause between two checks.
    pub interval: Duration,
    /// `fastinter`: the pause while the state is in transition.
    pub fast_interval: Option<Duration>,
    /// `downinter`: the pause while the server is down.
    pub down_interval: Option<Duration>,
    /// `init-state`.
    pub initial: InitialState,
}

/// `init-state`: what a server is before its first check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InitialState {
    /// Up; the first failure takes it down (the default).
    #[default]
    Up,
    /// Up; needs all `fall` failures.
    FullyUp,
    /// Down; the first pass brings it up.
    Down,
    /// Down; needs all `rise` passes.
    FullyDown,
}

/// `agent-check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentSettings {
    /// `agent-inter`.
    pub interval: Duration,
}

/// `observe layer4` with `on-error` and `error-limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observe {
    /// Consecutive errors of live traffic that trigger `on_error`.
    pub error_limit: u32,
    /// What happens then.
    pub on_error: OnError,
}

/// `on-error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// `fastinter`: check at the fast interval.
    FastInterval,
    /// `fail-check`: counts as a failed check (the default).
    #[default]
    FailCheck,
    /// `sudden-death`: one more failure takes the server down.
    SuddenDeath,
    /// `mark-down`: down at once.
    MarkDown,
}

/// What a probe found: the `check_status` of the statistics (HAProxy management manual, 9.1,
/// column 36).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckStatus {
    /// Not checked yet.
    Initializing,
    /// The socket could not be made.
    SocketError,
    /// A step of a check script passed without a verdict of its own; layer 4 ok.
    L4Ok,
    /// No connection in time.
    L4Timeout,
    /// No connection: refused, unreachable.
    L4Connection,
    /// TLS handshake done.
    L6Ok,
    /// No TLS handshake in time.
    L6Timeout,
    /// The handshake failed.
    L6Response,
    /// The answer is right.
    L7Ok,
    /// The answer is right for a server that wants to stop (`disable-on-404`).
    L7OkConditional,
    /// No answer in time.
    L7Timeout,
    /// The answer makes no sense.
    L7Response,
    /// The answer says no.
    L7Status,
    /// An external program could not be run.
    ProcessError,
    /// An external program took too long.
    ProcessTimeout,
    /// An external program said yes.
    ProcessOk,
    /// An agent answered without a word on whether the service works.
    Checked,
    /// Live traffic failed too often (`observe`); the result's `info` is
    /// `Detected 2 consecutive errors, last one was: L4 unsuccessful connection`.
    Observed,
}

impl CheckStatus {
    /// The word in the CSV.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Initializing => "INI",
            Self::SocketError => "SOCKERR",
            Self::L4Ok => "L4OK",
            Self::L4Timeout => "L4TOUT",
            Self::L4Connection => "L4CON",
            Self::L6Ok => "L6OK",
            Self::L6Timeout => "L6TOUT",
            Self::L6Response => "L6RSP",
            Self::L7Ok => "L7OK",
            Self::L7OkConditional => "L7OKC",
            Self::L7Timeout => "L7TOUT",
            Self::L7Response => "L7RSP",
            Self::L7Status => "L7STS",
            Self::ProcessError => "PROCERR",
            Self::ProcessTimeout => "PROCTOUT",
            Self::ProcessOk => "PROCOK",
            Self::Checked => "CHECKED",
            Self::Observed => "HANA",
        }
    }

    /// The status of this code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }

    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Initializing,
        Self::SocketError,
        Self::L4Ok,
        Self::L4Timeout,
        Self::L4Connection,
        Self::L6Ok,
        Self::L6Timeout,
        Self::L6Response,
        Self::L7Ok,
        Self::L7OkConditional,
        Self::L7Timeout,
        Self::L7Response,
        Self::L7Status,
        Self::ProcessError,
        Self::ProcessTimeout,
        Self::ProcessOk,
        Self::Checked,
        Self::Observed,
    ];

    /// The words in the log.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Initializing => "Initializing",
            Self::SocketError => "Socket error",
            Self::L4Ok => "Layer4 check passed",
            Self::L4Timeout => "Layer4 timeout",
            Self::L4Connection => "Layer4 connection problem",
            Self::L6Ok => "Layer6 check passed",
            Self::L6Timeout => "Layer6 timeout",
            Self::L6Response => "Layer6 invalid response",
            Self::L7Ok => "Layer7 check passed",
            Self::L7OkConditional => "Layer7 check conditionally passed",
            Self::L7Timeout => "Layer7 timeout",
            Self::L7Response => "Layer7 invalid response",
            Self::L7Status => "Layer7 wrong status",
            Self::ProcessError => "External check error",
            Self::ProcessTimeout => "External check timeout",
            Self::ProcessOk => "External check passed",
            Self::Checked => "No status change",
            Self::Observed => "Health analyze",
        }
    }

    /// Whether the server passed.
    #[must_use]
    pub const fn passed(self) -> bool {
        matches!(
            self,
            Self::L4Ok | Self::L6Ok | Self::L7Ok | Self::L7OkConditional | Self::ProcessOk
        )
    }
}

/// One finished probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// The verdict.
    pub status: CheckStatus,
    /// The protocol's own code (HTTP status, SMTP code), if there is one.
    pub code: Option<u16>,
    /// What an operator wants to know: an errno text, an answer's first line.
    pub info: Option<String>,
    /// How long the probe took.
    pub duration: Duration,
}
