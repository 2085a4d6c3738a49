//! Instances that stand and fall together (`vrrp_sync_group`).

use std::time::Instant;

use super::{
    Election, Gate, Standing,
    instance::{Move, Signal, Takeover},
};
use crate::vrrp::{
    GroupId, InstanceId, Priority, Role,
    action::{Action, NotifyState, Reason, Report, Subject},
    settings::Settings,
};

/// What has been told of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GroupState {
    pub(super) role: Role,
    pub(super) stopped: bool,
}

impl GroupState {
    pub(super) const NEW: Self = Self {
        role: Role::Init,
        stopped: false,
    };
}

impl Election {
    pub(super) fn move_group(&mut self, group: GroupId, leader: InstanceId, mv: Move) {
        let signal = Signal::Group(mv, Reason::Group(group));
        for member in 0..self.settings.groups[group.0].members.len() {
            let id = self.settings.groups[group.0].members[member];
            if id != leader {
                self.with(id, None, |instance, at| instance.step(signal, at));
            }
        }
    }

    /// Members of a group that have just come, by a reload or out of Init, may differ from the
    /// others in role. They follow the one that hears a master, if there is one, and else the one
    /// that is master.
    pub(super) fn join_groups(&mut self) {
        for group in (0..self.groups.len()).map(GroupId) {
            let members = &self.settings.groups[group.0].members;
            let role = |id: &InstanceId| self.instances[id.0].state.role();
            let begun = |role| matches!(role, Role::Backup | Role::Master);
            if self.group_role(group.0).is_none() && members.iter().map(role).all(begun) {
                self.join_group(group);
            }
        }
    }

    fn join_group(&mut self, group: GroupId) {
        let mv = match self.deferring_until(group, None) {
            Some(_) => Move::Yield,
            None => Move::Lead(Takeover::Vacant),
        };
        for member in 0..self.settings.groups[group.0].members.len() {
            let id = self.settings.groups[group.0].members[member];
            let signal = Signal::Group(mv, Reason::Group(group));
            self.with(id, None, |instance, at| instance.step(signal, at));
        }
    }

    /// Until when a member of a group, not counting the one that asks, is sure of a master that it
    /// must not contradict.
    pub(super) fn deferring_until(
        &self,
        group: GroupId,
        asking: Option<InstanceId>,
    ) -> Option<Instant> {
        let members = self.settings.groups[group.0].members.iter();
        let others = members.filter(|id| Some(**id) != asking);
        let sure = others.filter_map(|id| {
            let file = &self.settings.instances[id.0];
            self.instances[id.0].sure_of_master_until(file, self.proxy_hold(*id), self.now)
        });
        sure.max()
    }

    /// One fault faults a whole group, and one that is not ready keeps all of it waiting.
    pub(super) fn group_standings(&self, standings: &[Standing]) -> Vec<Standing> {
        let mut groups = vec![Standing::Well; self.groups.len()];
        for (own, group) in standings.iter().zip(&self.group_of) {
            let Some(group) = group else { continue };
            let shared = &mut groups[group.0];
            match own {
                Standing::Unwell(_) => *shared = Standing::Unwell(Reason::Group(*group)),
                Standing::Unknown if *shared == Standing::Well => *shared = Standing::Unknown,
                Standing::Unknown | Standing::Well => {}
            }
        }
        groups
    }

    /// Tells of groups whose members have changed their role.
    pub(super) fn tell_groups(&mut self) {
        let stopped = self.gate == Gate::Closed;
        for index in 0..self.groups.len() {
            let Some(role) = self.group_role(index) else {
                continue;
            };
            if role == Role::Init && !stopped {
                continue; // Not begun, or all its members are new: nothing to tell yet.
            }
            let told = GroupState { role, stopped };
            if std::mem::replace(&mut self.groups[index], told) != told {
                self.tell_group(GroupId(index), role);
            }
        }
    }

    fn tell_group(&mut self, group: GroupId, to: Role) {
        let state = match to {
            Role::Init => NotifyState::Stop,
            Role::Backup => NotifyState::Backup,
            Role::Master => NotifyState::Master,
            Role::Fault => NotifyState::Fault,
        };
        let first = self.settings.groups[group.0].members.first();
        let priority = first.map_or(Priority::DEFAULT, |id| self.instances[id.0].priority);
        let report = Report::GroupTransition { group, to };
        self.orders.push_back(Action::Report(report));
        self.orders.push_back(Action::Notify {
            subject: Subject::Group(group),
            state,
            priority,
        });
    }

    /// The role that all members of a group have.
    pub(super) fn group_role(&self, index: usize) -> Option<Role> {
        let members = &self.settings.groups[index].members;
        let mut roles = members.iter().map(|id| self.instances[id.0].state.role());
        let first = roles.next()?;
        roles.all(|role| role == first).then_some(first)
    }
}

/// The group of each instance.
pub(super) fn groups_of(settings: &Settings) -> Vec<Option<GroupId>> {
    let ids = (0..settings.instances.len()).map(InstanceId);
    ids.map(|id| settings.group_of(id)).collect()
}
