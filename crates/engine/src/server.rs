//! A server of a backend: what was configured, and the state it is in.

use std::{fmt, sync::Arc, time::Duration};

use crate::{health, units::Weight};

/// What the file says of a server, as far as decisions go.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Its name, unique in the backend.
    pub name: Arc<str>,
    /// Its share of the load.
    pub weight: Weight,
    /// `backup`: used only when no active server is left.
    pub backup: bool,
    /// `disabled`: starts in maintenance.
    pub disabled: bool,
    /// `maxconn`: sessions at once; the rest waits. `None`: no limit.
    pub max_connections: Option<u32>,
    /// `minconn`: the limit when the backend is idle; grows towards `maxconn` with its load.
    pub min_connections: Option<u32>,
    /// `maxqueue`: how many may wait for this very server. `None`: no limit.
    pub max_queue: Option<u32>,
    /// `slowstart`: how long a server that came back takes to reach its full weight.
    pub slow_start: Duration,
    /// `check`: active health checks; `None` means the server counts as up.
    pub health: Option<health::Settings>,
    /// `track`: this server's state follows another's; then `health` is `None`.
    pub tracks: bool,
    /// `agent-check`: an agent reports state and weight.
    pub agent: Option<health::AgentSettings>,
    /// `observe`, `on-error`, `error-limit`: learn from live traffic.
    pub observe: Option<health::Observe>,
    /// `on-marked-down shutdown-sessions`.
    pub shutdown_sessions_on_down: bool,
    /// `on-marked-up shutdown-backup-sessions`.
    pub shutdown_backup_sessions_on_up: bool,
}

/// Whether an administrator took the server away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AdminState {
    /// In use.
    #[default]
    Ready,
    /// Finishes its sessions, takes no new ones except persistent ones.
    Drain,
    /// Out of use; not checked.
    Maintenance,
}

/// What checks say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperState {
    /// Takes traffic.
    Up,
    /// Takes traffic at a growing share (`slowstart`).
    Starting,
    /// Finishes its sessions (`disable-on-404`, agent `drain` or `stopping`).
    Stopping,
    /// Takes nothing.
    Down,
}

/// The `status` column of the statistics (HAProxy management manual, 9.1, column 17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// No checks are configured.
    NoCheck,
    /// Up, all checks pass.
    Up,
    /// Up, but `rise` out of `of` checks: on its way down.
    GoingDown {
        /// Checks it may still fail.
        rise: u32,
        /// Of so many.
        of: u32,
    },
    /// Down.
    Down,
    /// Down because the agent says so.
    DownByAgent,
    /// Down, `rise` out of `of` passed: on its way up.
    GoingUp {
        /// Checks it has passed.
        rise: u32,
        /// Of so many.
        of: u32,
    },
    /// Finishing its sessions.
    Stopping,
    /// Taken out softly.
    Drain,
    /// Taken out softly by its agent.
    DrainByAgent,
    /// Taken out.
    Maintenance,
    /// In maintenance because the server it tracks is.
    MaintenanceVia,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCheck => f.write_str("no check"),
            Self::Up => f.write_str("UP"),
            Self::GoingDown { rise, of } => write!(f, "UP {rise}/{of}"),
            Self::Down => f.write_str("DOWN"),
            Self::DownByAgent => f.write_str("DOWN (agent)"),
            Self::GoingUp { rise, of } => write!(f, "DOWN {rise}/{of}"),
            Self::Stopping => f.write_str("NOLB"),
            Self::Drain => f.write_str("DRAIN"),
            Self::DrainByAgent => f.write_str("DRAIN (agent)"),
            Self::Maintenance => f.write_str("MAINT"),
            Self::MaintenanceVia => f.write_str("MAINT (via)"),
        }
    }
}
