//! Whether a backend could serve anybody, as far as its checks know.

use super::{
    Backend,
    member::{Face, Member},
};

/// What is known of the servers of a backend, or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// None is checked, so nothing is known.
    Unchecked,
    /// Checks have begun and none has passed yet.
    Pending,
    /// At least one has passed a check and takes sessions.
    Usable,
    /// None takes sessions.
    AllDown,
}

impl Readiness {
    /// What is known of both together: one usable server is enough, and what may still come up
    /// gives more hope than what is down.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let hope = |readiness| match readiness {
            Self::Unchecked => 0,
            Self::AllDown => 1,
            Self::Pending => 2,
            Self::Usable => 3,
        };
        if hope(other) > hope(self) {
            other
        } else {
            self
        }
    }

    fn of(member: &Member) -> Self {
        match member.face() {
            _ if member.gone || member.counter.is_none() => Self::Unchecked,
            Face::Up if !member.proven => Self::Pending,
            _ if member.is_usable() => Self::Usable,
            _ => Self::AllDown,
        }
    }
}

impl Backend {
    pub(super) fn members_readiness(&self) -> Readiness {
        let each = self.members.iter().map(Readiness::of);
        each.fold(Readiness::Unchecked, Readiness::and)
    }
}
