//! The numbers of the form.

use pontoon_engine::health::CheckStatus;

/// `srv_op_state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Stopped,
    Starting,
    Running,
    Stopping,
}

impl Op {
    pub(super) const ALL: [Self; 4] =
        [Self::Stopped, Self::Starting, Self::Running, Self::Stopping];

    /// Its number.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Stopped => 0,
            Self::Starting => 1,
            Self::Running => 2,
            Self::Stopping => 3,
        }
    }

    /// The state of this number.
    pub(super) fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.number() == number)
    }
}

/// Bits of `srv_admin_state`.
pub(super) mod admin {
    /// Somebody asked for maintenance.
    pub(in super::super) const MAINTENANCE: u8 = 0x01;
    /// The server that it tracks is in maintenance.
    pub(in super::super) const MAINTENANCE_VIA: u8 = 0x02;
    /// The file says `disabled`.
    pub(in super::super) const DISABLED: u8 = 0x04;
    /// Somebody asked for a drain.
    pub(in super::super) const DRAIN: u8 = 0x08;
    /// The server that it tracks drains.
    pub(in super::super) const DRAIN_VIA: u8 = 0x10;
    /// Its name has no address.
    pub(in super::super) const UNRESOLVED: u8 = 0x20;
    /// All there are; the last is that its name was set at run time.
    pub(in super::super) const ALL: u8 = 0x7f;
}

/// Bits of `srv_check_state` and `srv_agent_state`.
pub(super) mod check {
    /// There is one.
    pub(in super::super) const CONFIGURED: u8 = 0x02;
    /// It is done.
    pub(in super::super) const ENABLED: u8 = 0x04;
    /// Not during maintenance.
    pub(in super::super) const PAUSED: u8 = 0x08;
    /// It is an agent's.
    pub(in super::super) const AGENT: u8 = 0x10;
    /// All there are; the first is that one is under way.
    pub(in super::super) const ALL: u8 = 0x1f;
}

/// `srv_check_status`.
pub(super) const fn status(status: CheckStatus) -> u8 {
    match status {
        CheckStatus::Initializing => 1,
        CheckStatus::Checked => 3,
        CheckStatus::Observed => 4,
        CheckStatus::SocketError => 5,
        CheckStatus::L4Ok => 6,
        CheckStatus::L4Timeout => 7,
        CheckStatus::L4Connection => 8,
        CheckStatus::L6Ok => 9,
        CheckStatus::L6Timeout => 10,
        CheckStatus::L6Response => 11,
        CheckStatus::L7Timeout => 12,
        CheckStatus::L7Response => 13,
        CheckStatus::L7Ok => 15,
        CheckStatus::L7OkConditional => 16,
        CheckStatus::L7Status => 17,
        CheckStatus::ProcessError => 18,
        CheckStatus::ProcessTimeout => 19,
        CheckStatus::ProcessOk => 20,
    }
}

/// The highest `srv_check_status`.
pub(super) const LAST_STATUS: u8 = 20;

/// The status of this number; those that say nothing have none.
pub(super) fn status_of(number: u8) -> Option<CheckStatus> {
    let known = CheckStatus::ALL.into_iter();
    let mut told = known.filter(|it| *it != CheckStatus::Initializing);
    told.find(|it| status(*it) == number)
}

/// `srv_check_result`: unknown, neutral, failed, passed, passed on condition.
pub(super) const fn result(status: Option<CheckStatus>) -> u8 {
    match status {
        None | Some(CheckStatus::Initializing) => 0,
        Some(CheckStatus::Checked) => 1,
        Some(CheckStatus::L7OkConditional) => 4,
        Some(status) if status.passed() => PASSED,
        Some(_) => 2,
    }
}

/// The `srv_check_result` of a server that passed.
pub(super) const PASSED: u8 = 3;
/// The highest `srv_check_result`.
pub(super) const LAST_RESULT: u8 = 4;
