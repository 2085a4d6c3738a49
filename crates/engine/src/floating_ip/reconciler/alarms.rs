//! What the user has to know, once.

use std::{
    mem::discriminant,
    time::{Duration, Instant},
};

use super::reign::{Claim, Reign};
use crate::floating_ip::{
    action::{Alarm, Report},
    event::FailureKind,
    settings::Settings,
};

/// So long the address may take to come.
const LATE: Duration = Duration::from_secs(10);

/// The alarm that has been told and is not over.
#[derive(Debug)]
pub(super) struct Alarms(Option<Alarm>);

impl Alarms {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    pub(super) const fn current(&self) -> Option<&Alarm> {
        self.0.as_ref()
    }

    /// What is to be told now. An alarm of the same kind is not told again; what is known of it is
    /// kept up to date.
    pub(super) fn review(
        &mut self,
        reign: Option<&Reign>,
        settings: &Settings,
        now: Instant,
    ) -> impl Iterator<Item = Report> + use<> {
        let due = reign.and_then(|reign| self.wanted(reign, settings, now));
        let before = std::mem::replace(&mut self.0, due.clone());
        let same = before.as_ref().map(discriminant) == due.as_ref().map(discriminant);
        let over = before.map(Report::AlarmOver).filter(|_| !same);
        let new = due.map(Report::Alarm).filter(|_| !same);
        over.into_iter().chain(new)
    }

    /// When the next one begins, if nothing else happens.
    pub(super) fn due(&self, reign: &Reign, settings: &Settings) -> Option<Instant> {
        match (&reign.claim, &self.0) {
            (Claim::Wanted | Claim::Agreed, Some(Alarm::NotHere { .. }))
            | (Claim::Here, Some(Alarm::Unverified { .. }))
            | (Claim::Yielded(_), _) => None,
            (Claim::Wanted | Claim::Agreed, _) => Some(reign.wanted_since + LATE),
            (Claim::Here, _) => {
                let trouble = reign.trouble.as_ref()?;
                Some(trouble.since + patience(settings))
            }
        }
    }

    /// The alarm that things call for. One that the address has not come lasts until it has, whatever
    /// works in between.
    fn wanted(&self, reign: &Reign, settings: &Settings, now: Instant) -> Option<Alarm> {
        let last = reign.trouble.as_ref().map(|trouble| &trouble.last);
        match &reign.claim {
            Claim::Wanted | Claim::Agreed => {
                let told = matches!(self.0, Some(Alarm::NotHere { .. }));
                let refused = last.is_some_and(|failure| failure.kind == FailureKind::Refused);
                let late = reign.wanted_since + LATE <= now;
                let failure = last.cloned();
                (told || refused || late).then_some(Alarm::NotHere { failure })
            }
            Claim::Here => {
                let trouble = reign.trouble.as_ref()?;
                let failure = trouble.last.clone();
                let long = trouble.since + patience(settings) <= now;
                long.then_some(Alarm::Unverified { failure })
            }
            Claim::Yielded(holder) => Some(Alarm::Yielded {
                holder: holder.clone(),
            }),
        }
    }
}

/// So long it may be unknown whether the address is still here.
fn patience(settings: &Settings) -> Duration {
    settings.verify_interval.saturating_mul(2).min(super::A_DAY)
}
