//! Servers begin as a file says that they were.

use std::time::Instant;

use pontoon_config::haproxy::model::{LogLevel, Proxy, Server};
use pontoon_engine::{
    backend::{AdminMemory, Backend, HealthMemory, Sameness, ServerMemory, SlowStart},
    health::CheckResult,
    server::{OperState, Status},
};

use super::{States, code::Op, line::Recorded};
use crate::state::Running;

impl Running {
    /// Lets servers begin in these states. To be called before anything is accepted or checked,
    /// unless an older process has told more: [`Running::take_over`].
    pub fn begin_with(&self, states: &States, now: Instant) {
        if states.known.is_empty() {
            return;
        }
        for proxy in &self.model.proxies {
            let (Some(side), Some(state)) = (&proxy.backend, self.backend(proxy.id)) else {
                continue;
            };
            let mut balancer = state.balancer();
            for server in &side.servers {
                let key = (proxy.name.to_string(), server.settings.name.to_string());
                if let Some(recorded) = states.known.get(&key) {
                    recorded.apply(&mut balancer, server, now);
                }
            }
        }
        self.resume_from_files(now);
        for proxy in &self.model.proxies {
            self.tell_states(proxy, states, now);
        }
    }

    /// Tells of servers that begin otherwise than their lines say, in HAProxy's words.
    fn tell_states(&self, proxy: &Proxy, states: &States, now: Instant) {
        let (Some(side), Some(state)) = (&proxy.backend, self.backend(proxy.id)) else {
            return;
        };
        let (views, whole) = {
            let balancer = state.balancer();
            let views = side.servers.iter();
            let views = views.map(|server| balancer.server_view(server.id, now));
            (views.collect::<Vec<_>>(), balancer.view(now))
        };
        for (server, view) in side.servers.iter().zip(views) {
            let name = &server.settings.name;
            let known = states
                .known
                .contains_key(&(proxy.name.to_string(), name.to_string()));
            let became = match (view.status, view.oper) {
                (Status::Maintenance, _) if server.settings.disabled => continue,
                (Status::Maintenance | Status::MaintenanceVia, _) => "in maintenance",
                (_, OperState::Down) => "DOWN",
                (Status::Drain | Status::DrainByAgent, _) => "draining",
                (_, OperState::Stopping) => "stopping",
                _ => continue,
            };
            if known {
                let text = format!(
                    "Server {}/{name} is {became}, changed from server-state after a reload. {} \
                     active and {} backup servers left. 0 sessions active, 0 requeued, 0 remaining \
                     in queue.",
                    proxy.name, whole.active, whole.backup
                );
                self.logger.event(Some(proxy), LogLevel::Notice, &text);
            }
        }
    }
}

impl Recorded {
    fn apply(&self, balancer: &mut Backend, server: &Server, now: Instant) {
        let fresh = balancer.server_memory(server.id);
        let memory = self.over(fresh, now);
        balancer.restore_server(server.id, &memory, Sameness::Same, true, now);
    }

    /// What the server would remember, had it been ours.
    fn over(&self, mut memory: ServerMemory, now: Instant) -> ServerMemory {
        // Of a server in maintenance, `srv_op_state` says that it is stopped, which it need not be
        // when that is over.
        let op = if self.out { None } else { Some(self.op) };
        let changed = now.checked_sub(self.since).unwrap_or(now);
        memory.admin = AdminMemory {
            state: self.admin,
            by_agent: false,
            disabled: self.disabled,
        };
        memory.configured_weight = self.configured_weight;
        memory.weight = self.weight;
        memory.last_change = changed;
        memory.down_since = (self.out || self.op == Op::Stopped).then_some(changed);
        memory.start = (op == Some(Op::Starting)).then_some(SlowStart {
            since: changed,
            // The steps that are due are taken at once.
            ramp: 1,
        });
        let by_agent = self.agent && self.passed && op == Some(Op::Stopped);
        memory.agent.down = by_agent;
        if let (Some(health), Some(op)) = (&mut memory.health, op) {
            self.over_health(health, if by_agent { Op::Running } else { op });
        }
        memory
    }

    fn over_health(&self, health: &mut HealthMemory, op: Op) {
        health.health = match op {
            Op::Stopped => 0,
            Op::Starting | Op::Running | Op::Stopping => health.rise + health.fall - 1,
        };
        health.stopping = op == Op::Stopping;
        health.proven = self.passed && op != Op::Stopped;
        health.last = self.status.map(|status| CheckResult {
            status,
            code: None,
            info: None,
            duration: Default::default(),
        });
    }
}
