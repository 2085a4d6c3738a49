use std::{collections::VecDeque, sync::Arc};

use pontoon_engine::vrrp::{
    Role,
    action::{Action, NotifyState, Report, Subject},
};

use super::{Fact, Picture, Property};
use crate::simulation::scenario::Scenario;

/// Scripts hear of every transition, of nothing else, and in order.
pub(crate) struct NotifiedInOrder {
    /// By node and router: the role that was told last, and what has to be told.
    instances: Vec<Vec<Line>>,
    /// By node.
    groups: Vec<Line>,
    judged: u64,
}

#[derive(Clone, Default)]
struct Line {
    role: Option<Role>,
    owed: VecDeque<NotifyState>,
}

impl NotifiedInOrder {
    pub(crate) fn new(scenario: &Arc<Scenario>) -> Self {
        let nodes = scenario.nodes.len();
        Self {
            instances: vec![vec![Line::default(); scenario.routers]; nodes],
            groups: vec![Line::default(); nodes],
            judged: 0,
        }
    }

    fn order(&mut self, node: usize, action: &Action) -> Result<(), String> {
        match action {
            Action::Report(Report::Transition {
                instance, from, to, ..
            }) => {
                let line = &mut self.instances[node][instance.0];
                if line.role.is_some_and(|role| role != *from) {
                    return Err(format!("from {from} to {to}, but it was {:?}", line.role));
                }
                line.changes(*to);
            }
            Action::Report(Report::GroupTransition { to, .. }) => self.groups[node].changes(*to),
            Action::Notify { subject, state, .. } => {
                self.judged += 1;
                let line = match subject {
                    Subject::Instance(instance) => &mut self.instances[node][instance.0],
                    Subject::Group(_) => &mut self.groups[node],
                };
                return line.told(*state);
            }
            _ => {}
        }
        Ok(())
    }

    fn lines(&self, node: usize) -> impl Iterator<Item = &Line> {
        self.instances[node].iter().chain([&self.groups[node]])
    }
}

impl Line {
    fn changes(&mut self, to: Role) {
        self.role = Some(to);
        self.owed.push_back(match to {
            Role::Init => NotifyState::Stop,
            Role::Backup => NotifyState::Backup,
            Role::Master => NotifyState::Master,
            Role::Fault => NotifyState::Fault,
        });
    }

    fn told(&mut self, state: NotifyState) -> Result<(), String> {
        let owed = self.owed.pop_front();
        if owed == Some(state) {
            return Ok(());
        }
        Err(format!("{state} is told where {owed:?} is due"))
    }
}

impl Property for NotifiedInOrder {
    fn name(&self) -> &'static str {
        "scripts hear of every transition in its order"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Started(node) => {
                self.instances[*node].fill(Line::default());
                self.groups[*node] = Line::default();
                Ok(())
            }
            Fact::Ordered { node, action } => {
                let judged = self.order(*node, action);
                judged.map_err(|what| format!("node {node}: {what}"))
            }
            Fact::Settled { node } => {
                if let Some(late) = self.lines(*node).find(|line| !line.owed.is_empty()) {
                    return Err(format!("node {node}: {:?} is not told", late.owed));
                }
                let shown = picture.nodes[*node].instances.iter().map(|i| i.role);
                let told = self.instances[*node].iter().map(|line| line.role);
                let differ = shown
                    .zip(told)
                    .find(|(shown, told)| told.is_some_and(|t| t != *shown));
                differ.map_or(Ok(()), |pair| {
                    Err(format!("node {node}: is and was told {pair:?}"))
                })
            }
            _ => Ok(()),
        }
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
