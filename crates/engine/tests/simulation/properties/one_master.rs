use std::{sync::Arc, time::Duration};

use super::{Fact, Picture, Property};
use crate::simulation::scenario::Scenario;

/// Once all is well there is exactly one master within a bound, and there is one at any time from
/// then on; two only for the moment in which one hands over to the other.
pub(crate) struct OneMaster {
    bound: Duration,
    handover: Duration,
    /// By router: since when there are two, and who they were then.
    two_since: Vec<Option<(Duration, Vec<usize>)>>,
    judged: u64,
}

impl OneMaster {
    pub(crate) fn new(scenario: &Arc<Scenario>) -> Self {
        let nodes = &scenario.nodes;
        let interval = nodes
            .iter()
            .map(|node| node.interval)
            .max()
            .unwrap_or_default();
        let startup = nodes
            .iter()
            .map(|node| node.startup_delay)
            .max()
            .unwrap_or_default();
        let late = nodes
            .iter()
            .map(|node| node.lateness)
            .max()
            .unwrap_or_default();
        // Master down: three intervals and the longest skew. One more for what is told in the
        // beginning, for the claim and for clocks.
        let bound = startup + interval * 5;
        let grace = Duration::from_millis(20);
        Self {
            bound: scenario.heals_at + bound,
            handover: scenario.slowest() + late * 2 + grace.mul_f64(1.05),
            two_since: vec![None; scenario.routers],
            judged: 0,
        }
    }

    fn judge(&mut self, picture: &Picture, router: usize) -> Result<(), String> {
        let masters = picture.masters(router);
        if masters.len() == 1 {
            self.two_since[router] = None;
            return Ok(());
        }
        if masters.is_empty() {
            return Err(format!("router {router}: nobody is master"));
        }
        // One may be handed over to that hands over in its turn.
        let went =
            |(_, before): &(Duration, Vec<usize>)| before.iter().any(|it| !masters.contains(it));
        if self.two_since[router].as_ref().is_none_or(went) {
            self.two_since[router] = Some((picture.at, masters));
            return Ok(());
        }
        if let Some((since, masters)) = &self.two_since[router]
            && picture.at - *since > self.handover
        {
            return Err(format!(
                "router {router}: masters are {masters:?} since {since:?}"
            ));
        }
        Ok(())
    }
}

impl Property for OneMaster {
    fn name(&self) -> &'static str {
        "once all is well there is exactly one master"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        let settled = matches!(fact, Fact::Settled { .. } | Fact::Gone(_));
        if !settled || picture.at < self.bound {
            return Ok(());
        }
        self.judged += 1;
        (0..self.two_since.len()).try_for_each(|router| self.judge(picture, router))
    }

    fn end(&mut self, picture: &Picture) -> Result<(), String> {
        (0..self.two_since.len()).try_for_each(|router| self.judge(picture, router))
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
