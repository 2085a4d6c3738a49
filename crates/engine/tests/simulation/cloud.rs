//! A provider of floating IPs, and how well it works.

use std::time::Duration;

use pontoon_engine::floating_ip::{event::FailureKind, settings::Settings};

use super::random::Random;

/// Where an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Nowhere,
    Node(usize),
    /// With somebody who is not in the election.
    Stranger,
}

/// What a run knows of the provider before it begins.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Of every node, but for its address.
    pub(crate) settings: Settings,
    pub(crate) weather: Weather,
}

/// How well the provider works.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weather {
    /// Each way.
    pub(crate) latency: Duration,
    /// Each way takes up to so much longer.
    pub(crate) jitter: Duration,
    /// Answers tell of the past, up to so long ago.
    pub(crate) lag: Duration,
    /// In percent: refused for reasons of its own.
    pub(crate) unwell: usize,
    /// Refused for being too many.
    pub(crate) throttled: usize,
    /// Carried out at some time, and never answered.
    pub(crate) lost: usize,
    /// The nodes that do not reach it.
    pub(crate) out_of_reach: Vec<usize>,
    /// The nodes that have no rights there.
    pub(crate) without_rights: Vec<usize>,
}

impl Weather {
    /// Nothing fails.
    pub(crate) const fn good(latency: Duration, jitter: Duration, lag: Duration) -> Self {
        Self {
            latency,
            jitter,
            lag,
            unwell: 0,
            throttled: 0,
            lost: 0,
            out_of_reach: Vec::new(),
            without_rights: Vec::new(),
        }
    }
}

/// What becomes of a call.
pub(crate) enum Fate {
    /// It is carried out after a while, and answered after another if at all.
    Lands {
        after: Duration,
        answered_after: Option<Duration>,
    },
    /// It is not carried out; the caller hears of it after a while.
    Fails { after: Duration, kind: FailureKind },
    /// It is neither carried out nor answered.
    Vanishes,
}

impl Fate {
    /// Whether the caller knows it before it stops waiting.
    pub(crate) fn is_known_within(&self, limit: Duration) -> bool {
        let known_after = match self {
            Self::Lands {
                after,
                answered_after,
            } => answered_after.map(|answered_after| *after + answered_after),
            Self::Fails { after, .. } => Some(*after),
            Self::Vanishes => None,
        };
        known_after.is_some_and(|known_after| known_after < limit)
    }
}

/// The provider.
pub(crate) struct Provider {
    pub(crate) weather: Weather,
    /// Where the address came to when, the latest last.
    history: Vec<(Duration, Place)>,
}

impl Provider {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            weather: plan.weather.clone(),
            history: vec![(Duration::ZERO, Place::Nowhere)],
        }
    }

    /// What becomes of a call by a node.
    pub(crate) fn fate(&self, node: usize, limit: Duration, random: &mut Random) -> Fate {
        let weather = &self.weather;
        let after = weather.latency + random.up_to(weather.jitter);
        let back = weather.latency + random.up_to(weather.jitter);
        let fails = |kind| Fate::Fails {
            after: after + back,
            kind,
        };
        if weather.out_of_reach.contains(&node) {
            return match random.chance(50) {
                true => fails(FailureKind::Unanswered),
                false => Fate::Vanishes,
            };
        }
        if weather.without_rights.contains(&node) {
            return fails(FailureKind::Refused);
        }
        if random.chance(weather.throttled) {
            let seconds = random.pick(&[None, None, Some(2), Some(5)]);
            let after = seconds.map(Duration::from_secs);
            return fails(FailureKind::Throttled { after });
        }
        if random.chance(weather.unwell) {
            return fails(FailureKind::Unwell);
        }
        if random.chance(weather.lost) {
            return Fate::Lands {
                after: random.up_to(limit),
                answered_after: None,
            };
        }
        Fate::Lands {
            after,
            answered_after: Some(back),
        }
    }

    /// What the provider says of it.
    pub(crate) fn says(&self, at: Duration, random: &mut Random) -> Place {
        let then = at.saturating_sub(random.up_to(self.weather.lag));
        let known = self.history.iter().rfind(|(since, _)| *since <= then);
        known.map_or(Place::Nowhere, |(_, place)| *place)
    }

    /// It is somewhere else from now on.
    pub(crate) fn put(&mut self, at: Duration, place: Place) {
        self.history.push((at, place));
    }
}
