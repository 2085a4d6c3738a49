//! What readings do to a priority.

use crate::vrrp::{
    GroupId, InstanceId, Priority, TrackerId,
    event::Reading,
    settings::{Effect, Settings, Track, Tracker},
    view::Contribution,
};

/// The last reading of each tracker.
#[derive(Debug)]
pub(super) struct Tracking(Vec<Option<Reading>>);

/// What an instance's trackers say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What comes of the priority.
    pub(super) priority: Priority,
    /// The first tracker that faults the instance.
    pub(super) fault: Option<TrackerId>,
    /// A tracker that could fault it has not been read yet.
    pub(super) unknown: bool,
}

impl Tracking {
    /// Before the first reading.
    pub(super) fn new(trackers: &[Tracker]) -> Self {
        Self(trackers.iter().map(|tracker| tracker.initially).collect())
    }

    /// After a reload: what is known of a tracker of the same name stays known.
    pub(super) fn renewed(&self, old: &[Tracker], new: &[Tracker]) -> Self {
        let reading = |tracker: &Tracker| {
            let before = old.iter().position(|known| known.name == tracker.name);
            let known = before.and_then(|index| self.0[index]);
            known.or(tracker.initially)
        };
        Self(new.iter().map(reading).collect())
    }

    /// What a tracker said last.
    pub(super) fn last(&self, tracker: TrackerId) -> Option<Reading> {
        self.0.get(tracker.0).copied().flatten()
    }

    /// A tracker was read.
    pub(super) fn read(&mut self, tracker: TrackerId, reading: Reading) {
        if let Some(known) = self.0.get_mut(tracker.0) {
            *known = Some(reading);
        }
    }

    /// What each of an instance's trackers does: its own first, then its group's.
    pub(super) fn contributions<'a>(
        &'a self,
        settings: &'a Settings,
        instance: InstanceId,
        group: Option<GroupId>,
    ) -> impl Iterator<Item = (Track, Contribution)> + 'a {
        let own = settings.instances[instance.0].tracks.iter();
        let shared = group.map_or(&[][..], |group| &settings.groups[group.0].tracks);
        own.chain(shared)
            .map(|track| (*track, self.contribution(*track)))
    }

    /// What they say together.
    pub(super) fn verdict(
        &self,
        settings: &Settings,
        instance: InstanceId,
        group: Option<GroupId>,
    ) -> Verdict {
        let base = settings.instances[instance.0].priority;
        let mut verdict = Verdict {
            priority: base,
            fault: None,
            unknown: false,
        };
        let mut sum = i32::from(base.0);
        for (track, contribution) in self.contributions(settings, instance, group) {
            sum += i32::from(contribution.weight);
            if contribution.faults {
                verdict.fault.get_or_insert(track.tracker);
            }
            verdict.unknown |= contribution.reading.is_none() && could_fault(track.effect);
        }
        if base != Priority::OWNER {
            let clamped = u8::try_from(sum.clamp(1, 254)).unwrap_or(Priority::DEFAULT.0);
            verdict.priority = Priority(clamped);
        }
        verdict
    }

    fn contribution(&self, track: Track) -> Contribution {
        let reading = self.0.get(track.tracker.0).copied().flatten();
        let faults = reading.is_some_and(|reading| faults(track.effect, reading));
        // What forbids to take part says nothing of the priority.
        let weighed = reading.filter(|_| !faults);
        Contribution {
            tracker: track.tracker,
            reading,
            weight: weighed.map_or(0, |reading| weight(track.effect, reading)),
            faults,
        }
    }
}

/// Whether a reading other than a number can make it Fault.
const fn could_fault(effect: Effect) -> bool {
    matches!(effect, Effect::Fault | Effect::FaultReversed)
}

/// What is added to the priority (keepalived.conf(5), "weight").
const fn weight(effect: Effect, reading: Reading) -> i16 {
    match (effect, reading) {
        (Effect::Fault | Effect::FaultReversed, _) => 0,
        (Effect::Weight(_), Reading::Value(value)) => value,
        (Effect::WeightReversed(_), Reading::Value(value)) => value.saturating_neg(),
        (Effect::Weight(weight), Reading::Up) | (Effect::WeightReversed(weight), Reading::Down) => {
            if weight > 0 {
                weight
            } else {
                0
            }
        }
        (Effect::Weight(weight), Reading::Down) | (Effect::WeightReversed(weight), Reading::Up) => {
            if weight < 0 {
                weight
            } else {
                0
            }
        }
    }
}

/// Whether it means Fault: a number below -253 does whatever its weight (keepalived.conf(5),
/// "track_file"), and with weight 0 any number but 0.
const fn faults(effect: Effect, reading: Reading) -> bool {
    match (effect, reading) {
        (Effect::Fault, Reading::Down) | (Effect::FaultReversed, Reading::Up) => true,
        (Effect::Fault, Reading::Value(value)) => value != 0,
        (Effect::FaultReversed, Reading::Value(value)) => value == 0,
        (Effect::Weight(_), Reading::Value(value)) => value < -253,
        (Effect::WeightReversed(_), Reading::Value(value)) => value > 253,
        (Effect::Fault, Reading::Up)
        | (Effect::FaultReversed, Reading::Down)
        | (Effect::Weight(_) | Effect::WeightReversed(_), Reading::Up | Reading::Down) => false,
    }
}
