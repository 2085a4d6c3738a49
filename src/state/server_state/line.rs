//! One line: the state of one server.

use std::{ops::RangeInclusive, str::FromStr, time::Duration};

use pontoon_engine::{health::CheckStatus, server::AdminState, units::Weight};

use super::{
    FIELDS,
    code::{self, Op, admin, check},
};

/// Fewer are no line; those that other versions have not are at the end.
const LEAST: usize = 20;

/// A line taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) backend: String,
    pub(super) server: String,
    pub(super) state: Result<Recorded, Unreadable>,
}

/// What it says of the server.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recorded {
    pub(super) op: Op,
    pub(super) admin: AdminState,
    /// The file of that time said `disabled`.
    pub(super) disabled: bool,
    /// It was in maintenance for any reason: then `op` says nothing.
    pub(super) out: bool,
    pub(super) weight: Weight,
    pub(super) configured_weight: Weight,
    /// Since its last change.
    pub(super) since: Duration,
    /// What its last check found, if there was any.
    pub(super) status: Option<CheckStatus>,
    /// That check was passed, if only on condition.
    pub(super) passed: bool,
    /// An agent was asked.
    pub(super) agent: bool,
}

/// A value that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {field} value '{value}'")]
pub(super) struct Unreadable {
    field: &'static str,
    value: String,
}

impl Line {
    /// The line; `None` if it has too few fields to be one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let fields = Fields(text.split_ascii_whitespace().collect());
        if fields.0.len() < LEAST {
            return None;
        }
        Some(Self {
            backend: fields.text("be_name").to_owned(),
            server: fields.text("srv_name").to_owned(),
            state: recorded(&fields),
        })
    }
}

fn recorded(fields: &Fields<'_>) -> Result<Recorded, Unreadable> {
    let op = fields.number("srv_op_state", 0..=u8::MAX)?;
    let op = Op::of_number(op).ok_or_else(|| fields.unreadable("srv_op_state"))?;
    let flags = fields.number("srv_admin_state", 0..=admin::ALL)?;
    let has = |bit: u8| flags & bit != 0;
    if has(admin::MAINTENANCE) && has(admin::DRAIN) {
        return Err(fields.unreadable("srv_admin_state"));
    }
    let status = fields.number("srv_check_status", 0..=code::LAST_STATUS)?;
    let result = fields.number("srv_check_result", 0..=code::LAST_RESULT)?;
    fields.number::<u8>("srv_check_state", 0..=check::ALL)?;
    let agent = fields.number("srv_agent_state", 0..=check::ALL)?;
    fields.number::<i32>(
        "srv_port",
        i32::from(u16::MAX).wrapping_neg()..=u16::MAX.into(),
    )?;
    let out = admin::MAINTENANCE | admin::MAINTENANCE_VIA | admin::UNRESOLVED;
    Ok(Recorded {
        op,
        admin: if has(admin::MAINTENANCE) {
            AdminState::Maintenance
        } else if has(admin::DRAIN) {
            AdminState::Drain
        } else {
            AdminState::Ready
        },
        disabled: has(admin::DISABLED),
        out: has(out),
        weight: fields.weight("srv_uweight")?,
        configured_weight: fields.weight("srv_iweight")?,
        since: Duration::from_secs(fields.seconds()?),
        status: code::status_of(status),
        passed: result >= code::PASSED,
        agent: agent & check::CONFIGURED != 0,
    })
}

struct Fields<'a>(Vec<&'a str>);

impl<'a> Fields<'a> {
    /// A field, empty if this version has none of that name.
    fn text(&self, name: &'static str) -> &'a str {
        let at = FIELDS.iter().position(|field| *field == name);
        at.and_then(|at| self.0.get(at).copied())
            .unwrap_or_default()
    }

    fn number<T: FromStr + PartialOrd>(
        &self,
        name: &'static str,
        range: RangeInclusive<T>,
    ) -> Result<T, Unreadable> {
        let number = self.text(name).parse().ok();
        let known = number.filter(|number| range.contains(number));
        known.ok_or_else(|| self.unreadable(name))
    }

    fn weight(&self, name: &'static str) -> Result<Weight, Unreadable> {
        let weight = self.text(name).parse().ok().and_then(Weight::new);
        weight.ok_or_else(|| self.unreadable(name))
    }

    /// HAProxy's clock may have been set back: then it writes less than none.
    fn seconds(&self) -> Result<u64, Unreadable> {
        let written = self.number("srv_time_since_last_change", i64::MIN..=i64::from(i32::MAX))?;
        Ok(written.max(0).unsigned_abs())
    }

    fn unreadable(&self, field: &'static str) -> Unreadable {
        Unreadable {
            field,
            value: self.text(field).to_owned(),
        }
    }
}
