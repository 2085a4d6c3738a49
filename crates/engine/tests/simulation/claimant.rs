//! What brings the floating IP to a node, whole or broken on purpose.

use std::time::{Duration, Instant};

use pontoon_engine::{
    floating_ip::{
        action::{Action, Report},
        event::{Event, Holder, Whereabouts},
        reconciler::Reconciler,
        settings::Settings,
        view::{Phase, View},
    },
    vrrp::Priority,
};

use super::subject::Defect;

/// A reconciler.
pub(crate) struct Claimant {
    reconciler: Reconciler,
    verify_interval: Duration,
    defect: Defect,
}

impl Claimant {
    pub(crate) fn new(mut settings: Settings, seed: u64, defect: Defect) -> Self {
        if defect == Defect::CallsTooOften {
            settings.refill = Duration::ZERO;
            settings.backoff_longest = Duration::ZERO;
        }
        Self {
            verify_interval: settings.verify_interval,
            reconciler: Reconciler::new(settings, seed),
            defect,
        }
    }

    pub(crate) fn handle(&mut self, event: Event, now: Instant) {
        if let Some(event) = self.distort(event) {
            self.reconciler.handle(event, now);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let due = self.reconciler.poll_timeout()?;
        let view = self.reconciler.view();
        match (self.defect, view.phase, view.seen) {
            (Defect::FiresOnce, Phase::Here, _) => None,
            (Defect::LooksSeldom, Phase::Here, Some((_, seen_at))) => {
                Some(due.max(seen_at + self.verify_interval))
            }
            _ => Some(due),
        }
    }

    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        loop {
            let action = self.reconciler.poll_action()?;
            let alarm = matches!(action, Action::Report(Report::Alarm(_)));
            if !(alarm && self.defect == Defect::RaisesNoAlarm) {
                return Some(action);
            }
        }
    }

    pub(crate) fn view(&self) -> View {
        let view = self.reconciler.view();
        match self.defect {
            Defect::RaisesNoAlarm => View {
                alarm: None,
                ..view
            },
            _ => view,
        }
    }

    fn distort(&self, event: Event) -> Option<Event> {
        match (self.defect, event) {
            (Defect::CallsAfterwards, Event::NotMaster) => None,
            (Defect::Awed, Event::Peer { address, .. }) => Some(Event::Peer {
                address,
                priority: Priority::OWNER,
            }),
            (
                Defect::Quarrels,
                Event::Described {
                    call,
                    result: Ok(Whereabouts::With(holder)),
                },
            ) => Some(Event::Described {
                call,
                result: Ok(Whereabouts::With(Holder {
                    peer: None,
                    ..holder
                })),
            }),
            (_, event) => Some(event),
        }
    }
}
