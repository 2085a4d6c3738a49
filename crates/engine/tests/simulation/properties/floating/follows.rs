use std::{sync::Arc, time::Duration};

use pontoon_engine::floating_ip::{settings::Settings, view::Phase};

use crate::simulation::{
    cloud::Place,
    properties::{Fact, Picture, Property},
    scenario::Scenario,
};

/// Once all is well, network and provider, the address is with the one master within a bound. The
/// exception: a master that has left it to a peer, and has not heard from that peer since.
pub(crate) struct FollowsMaster {
    settings: Option<Settings>,
    heals_at: Duration,
    /// By node: since when it is master.
    masters: Vec<Option<Duration>>,
    judged: u64,
}

/// A rival's last call lands before that, and the new master looks until then.
const WATCH: Duration = Duration::from_secs(8);

/// What cannot be set: a throttling provider may say 5 s, calls that hang a second longer than they
/// may, budgets that are spent, clocks that are slow, calls that take their time.
const SLACK: Duration = Duration::from_secs(20);

impl FollowsMaster {
    pub(crate) fn new(scenario: &Arc<Scenario>) -> Self {
        Self {
            settings: scenario.cloud.as_ref().map(|plan| plan.settings.clone()),
            heals_at: scenario.heals_at,
            masters: vec![None; scenario.nodes.len()],
            judged: 0,
        }
    }

    /// Who became master after all was well does not wait for what failed before.
    fn due(&self, settings: &Settings, since: Duration) -> Duration {
        let call = settings.call_timeout;
        if since >= self.heals_at {
            return since + WATCH + call * 2 + SLACK;
        }
        let waits = settings.backoff_longest * 2 + settings.verify_interval;
        self.heals_at + waits + call * 2 + SLACK
    }

    fn follow(&mut self, picture: &Picture) {
        for (node, since) in self.masters.iter_mut().enumerate() {
            let master = picture.is_master(node, 0);
            *since = master.then(|| since.unwrap_or(picture.at));
        }
    }

    fn judge(&mut self, picture: &Picture) -> Result<(), String> {
        let numbered = self.masters.iter().enumerate();
        let masters: Vec<_> = numbered
            .filter_map(|(node, since)| Some((node, (*since)?)))
            .collect();
        let ([(node, since)], Some(settings)) = (masters.as_slice(), &self.settings) else {
            return Ok(());
        };
        let (node, since) = (*node, *since);
        let due = self.due(settings, since);
        if picture.at < due {
            return Ok(());
        }
        let view = picture.nodes[node].floating.as_ref();
        if view.is_none_or(|view| view.phase == Phase::Yielded) {
            return Ok(());
        }
        self.judged += 1;
        if picture.place == Place::Node(node) {
            return Ok(());
        }
        let place = picture.place;
        Err(format!(
            "node {node} is master since {since:?}, the address at {place:?}"
        ))
    }
}

impl Property for FollowsMaster {
    fn name(&self) -> &'static str {
        "once all is well the floating IP is with the one master"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Settled { .. } | Fact::Gone(_) => self.follow(picture),
            Fact::Reconciled { .. } | Fact::Moved(_) => return self.judge(picture),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, picture: &Picture) -> Result<(), String> {
        self.judge(picture)
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
