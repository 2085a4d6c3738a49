use std::{sync::Arc, time::Duration};

use pontoon_engine::floating_ip::{
    action::{Action, Alarm, Report},
    event::{Event, Whereabouts},
    settings::Settings,
};

use crate::simulation::{
    properties::{Fact, Picture, Property},
    scenario::Scenario,
};

/// A master that has not seen the address for long says so.
pub(crate) struct Alarmed {
    settings: Option<Settings>,
    /// By node: when it saw the address, became master or found that it had to take it back, if it
    /// is master.
    seen: Vec<Option<Duration>>,
    judged: u64,
}

/// The longest that the address may take to come without an alarm, and a little more.
const LATE: Duration = Duration::from_secs(11);

impl Alarmed {
    pub(crate) fn new(scenario: &Arc<Scenario>) -> Self {
        Self {
            settings: scenario.cloud.as_ref().map(|plan| plan.settings.clone()),
            seen: vec![None; scenario.nodes.len()],
            judged: 0,
        }
    }

    fn judge(&mut self, picture: &Picture, node: usize) -> Result<(), String> {
        let (Some(seen), Some(settings)) = (self.seen[node], &self.settings) else {
            return Ok(());
        };
        // Until it looks again, until that has failed, and so long it may fail.
        let verified = settings.verify_interval * 3 + settings.call_timeout;
        let limit = verified.mul_f64(1.03) + LATE;
        let view = picture.nodes[node].floating.as_ref();
        let Some(view) = view.filter(|_| picture.at > seen + limit) else {
            return Ok(());
        };
        self.judged += 1;
        if view.alarm.is_some() {
            return Ok(());
        }
        Err(format!("node {node} has not seen it since {seen:?}"))
    }
}

impl Property for Alarmed {
    fn name(&self) -> &'static str {
        "a master without the floating IP says so"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Gone(node) => self.seen[*node] = None,
            Fact::News { node, event } => match event {
                Event::Master { .. } => self.seen[*node] = Some(picture.at),
                Event::NotMaster => self.seen[*node] = None,
                Event::Described {
                    result: Ok(Whereabouts::Here),
                    ..
                } => self.seen[*node] = self.seen[*node].map(|_| picture.at),
                _ => {}
            },
            Fact::Wished {
                node,
                action:
                    Action::Report(Report::TakenBack { .. } | Report::AlarmOver(Alarm::Yielded { .. })),
            } => self.seen[*node] = self.seen[*node].map(|_| picture.at),
            Fact::Reconciled { node } => return self.judge(picture, *node),
            _ => {}
        }
        Ok(())
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
