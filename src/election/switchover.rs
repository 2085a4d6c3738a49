//! Handing mastership over on purpose: what is asked of the peers before, and what they answer.
//!
//! A question goes the way of advertisements ([`pontoon_engine::vrrp::readiness`]), a few times, as
//! any packet may be lost; then the machine hands over or the operator hears why not.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher as _, Hasher as _, RandomState},
    net::IpAddr,
    time::{Duration, Instant},
};

use pontoon_engine::vrrp::{
    InstanceId, Role,
    readiness::{Readiness, Unready, heir},
    settings::Settings,
};

use crate::node::status::{Heir, Whose};

/// Between two questions.
const AGAIN: Duration = Duration::from_millis(200);
/// How long answers may take altogether.
const PATIENCE: Duration = Duration::from_millis(700);
/// So many questions are answered in a second: whoever asks more often is no operator.
const MOST_ANSWERS: u32 = 200;

/// Peers are being asked.
#[derive(Debug)]
pub(super) struct Asking {
    /// The number of the supervisor's request.
    pub(super) id: u64,
    /// The number in our questions.
    pub(super) number: u64,
    /// Of each group one, and those without a group.
    pub(super) leaders: Vec<InstanceId>,
    /// All that would move, and who has answered for them.
    answers: BTreeMap<InstanceId, BTreeMap<IpAddr, Readiness>>,
    /// Nobody else can answer; `None`: whoever hears the group can.
    peers: BTreeMap<InstanceId, Option<BTreeSet<IpAddr>>>,
    /// Once they are ready, it is done.
    pub(super) hand_over: bool,
    again: Instant,
    until: Instant,
}

/// What time asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    /// To ask once more.
    Again,
    /// Whoever has not answered yet will not.
    Over,
}

impl Asking {
    /// The first question is to be sent now.
    pub(super) fn new(
        id: u64,
        leaders: Vec<InstanceId>,
        members: BTreeMap<InstanceId, Option<BTreeSet<IpAddr>>>,
        hand_over: bool,
        now: Instant,
    ) -> Self {
        Self {
            id,
            number: unguessable(),
            leaders,
            answers: members.keys().map(|id| (*id, BTreeMap::new())).collect(),
            peers: members,
            hand_over,
            again: now + AGAIN,
            until: now + PATIENCE,
        }
    }

    /// Those whose peers are asked.
    pub(super) fn members(&self) -> Vec<InstanceId> {
        self.answers.keys().copied().collect()
    }

    /// An answer to our question.
    pub(super) fn take(&mut self, instance: InstanceId, from: IpAddr, readiness: Readiness) {
        /// A flood of forged senders does not grow it.
        const MOST: usize = 64;
        if let Some(answers) = self.answers.get_mut(&instance)
            && (answers.len() < MOST || answers.contains_key(&from))
        {
            answers.insert(from, readiness);
        }
    }

    /// Whether all have answered that can.
    pub(super) fn is_complete(&self) -> bool {
        self.answers.iter().all(|(id, answers)| {
            let peers = self.peers.get(id).and_then(Option::as_ref);
            peers.is_some_and(|peers| peers.iter().all(|peer| answers.contains_key(peer)))
        })
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        self.again.min(self.until)
    }

    /// Moves on the time of the next question.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        if now >= self.until {
            return Due::Over;
        }
        if now < self.again {
            return Due::Nothing;
        }
        self.again = now + AGAIN;
        Due::Again
    }

    /// Who would take over.
    ///
    /// # Errors
    /// Why it had better not be done.
    pub(super) fn verdict(&self, name: impl Fn(InstanceId) -> String) -> Result<Vec<Heir>, String> {
        let verdict = |(id, answers): (&InstanceId, &BTreeMap<IpAddr, Readiness>)| {
            let answers: Vec<_> = answers.iter().map(|(ip, it)| (*ip, it.clone())).collect();
            let instance = name(*id);
            match heir(&answers) {
                Ok(peer) => Ok(Heir {
                    instance,
                    peer: Some(peer),
                }),
                Err(why) => Err(format!("{instance}: {}", unready(&why))),
            }
        };
        self.answers.iter().map(verdict).collect()
    }
}

fn unready(why: &Unready) -> String {
    match why {
        Unready::Nobody => "no peer says that it is ready: either none can be reached, or it is \
                            no Pontoon of this version (Keepalived does not answer)"
            .to_owned(),
        Unready::Obstacle(peer, obstacle) => {
            format!("{peer} would take over and is not ready: {obstacle}")
        }
        Unready::Role(peer, Role::Master, _) => format!("{peer} is master as well"),
        Unready::Role(peer, role, obstacle) => {
            format!("{peer} cannot take over, it is in {role}: {obstacle}")
        }
    }
}

/// Which instances are meant, one of each group; `is_master` tells those that can be moved if all
/// are meant.
///
/// # Errors
/// There is no such instance or group, or none is master.
pub(super) fn meant(
    whose: &Whose,
    settings: &Settings,
    is_master: impl Fn(InstanceId) -> bool,
) -> Result<Vec<InstanceId>, String> {
    let ids = || (0..settings.instances.len()).map(InstanceId);
    match whose {
        Whose::Instance(name) => {
            let found = ids().find(|id| *settings.instances[id.0].name == **name);
            found
                .map(|id| vec![id])
                .ok_or_else(|| format!("there is no vrrp_instance {name}"))
        }
        Whose::Group(name) => {
            let group = settings.groups.iter().find(|it| *it.name == **name);
            group
                .and_then(|group| group.members.first())
                .map(|id| vec![*id])
                .ok_or_else(|| format!("there is no vrrp_sync_group {name}"))
        }
        Whose::All => {
            let leads = |id: &InstanceId| {
                let group = settings.group_of(*id);
                group.is_none_or(|group| settings.groups[group.0].members.first() == Some(id))
            };
            let found: Vec<_> = ids().filter(leads).filter(|id| is_master(*id)).collect();
            if found.is_empty() {
                return Err("no vrrp_instance of this node is concerned".to_owned());
            }
            Ok(found)
        }
    }
}

/// A number that whoever does not hear the question cannot know: the standard library keys its
/// hashes with random bytes of the system.
fn unguessable() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Keeps answers few.
#[derive(Debug, Default)]
pub(super) struct Sparing {
    second: Option<Instant>,
    answered: u32,
}

impl Sparing {
    /// Whether one more may be given now.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        let fresh = |since: Instant| now < since + Duration::from_secs(1);
        if !self.second.is_some_and(fresh) {
            self.second = Some(now);
            self.answered = 0;
        }
        self.answered += 1;
        self.answered <= MOST_ANSWERS
    }
}

#[cfg(test)]
mod tests {
    use pontoon_engine::vrrp::Priority;

    use super::*;

    fn host(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    fn ready(priority: u8) -> Readiness {
        Readiness {
            role: Role::Backup,
            priority: Priority(priority),
            obstacle: String::new(),
        }
    }

    fn asking(peers: Option<BTreeSet<IpAddr>>, now: Instant) -> Asking {
        let members = [(InstanceId(0), peers)].into();
        Asking::new(1, vec![InstanceId(0)], members, true, now)
    }

    fn verdict(asking: &Asking) -> Result<Vec<Heir>, String> {
        asking.verdict(|_| "VI_1".to_owned())
    }

    #[test]
    fn it_ends_when_every_peer_has_answered() {
        let peers = Some([host(2), host(3)].into());
        let mut asking = asking(peers, Instant::now());
        asking.take(InstanceId(0), host(2), ready(100));
        assert!(!asking.is_complete());
        asking.take(InstanceId(7), host(3), ready(100));
        assert!(!asking.is_complete(), "for something else");
        asking.take(InstanceId(0), host(3), ready(90));
        assert!(asking.is_complete());
        let peer = Some(host(2));
        let instance = "VI_1".to_owned();
        assert_eq!(verdict(&asking), Ok(vec![Heir { instance, peer }]));
    }

    #[test]
    fn a_group_is_asked_until_the_end() {
        let now = Instant::now();
        let mut asking = asking(None, now);
        asking.take(InstanceId(0), host(2), ready(100));
        assert!(!asking.is_complete(), "there may be more");
        assert_eq!(asking.due(now), Due::Nothing);
        assert_eq!(asking.due(asking.poll_timeout()), Due::Again);
        assert_eq!(asking.due(now + AGAIN), Due::Nothing, "moved on");
        assert_eq!(asking.due(now + PATIENCE), Due::Over);
    }

    #[test]
    fn silence_is_told_with_its_reason() {
        let told = verdict(&asking(None, Instant::now())).unwrap_err();
        assert!(
            told.starts_with("VI_1: no peer says that it is ready"),
            "{told}"
        );
        assert!(told.contains("Keepalived does not answer"), "{told}");
    }

    #[test]
    fn a_flood_of_answers_is_bounded() {
        let mut asking = asking(None, Instant::now());
        for number in 0..1000_u32 {
            let address = IpAddr::from(number.to_be_bytes());
            asking.take(InstanceId(0), address, ready(1));
        }
        assert_eq!(asking.answers[&InstanceId(0)].len(), 64);
        let mut sparing = Sparing::default();
        let now = Instant::now();
        let given = (0..1000).filter(|_| sparing.allows(now)).count();
        assert_eq!(given, 200);
        assert!(sparing.allows(now + Duration::from_secs(1)));
    }
}
