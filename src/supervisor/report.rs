//! The state of the node, as it is told at the door.

use std::time::Instant;

use super::{
    Supervisor,
    child::{Child, State},
    inquiry::Inquiry,
    leaving::Leaving,
};
use crate::node::status::{LeavingStatus, NodeStatus, ProcessState, ProcessStatus};

impl Supervisor {
    pub(super) fn report(&self, inquiry: &Inquiry) -> NodeStatus {
        NodeStatus {
            version: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            running_for: self.started.elapsed().as_secs_f64(),
            stopping: self.stop.is_some(),
            proxy: self.children.proxy.as_ref().map(report_of),
            reloading: self.reload.is_some(),
            reloads: self.reloads.succeeded,
            failed_reload: self.reloads.failure.clone(),
            leaving: self.children.leaving.iter().map(leaving).collect(),
            servers: inquiry.servers,
            election: self.children.election.as_ref().map(report_of),
            vrrp: inquiry.vrrp.clone(),
        }
    }
}

fn leaving(leaving: &Leaving) -> LeavingStatus {
    LeavingStatus {
        pid: leaving.process.pid(),
        leaving_for: leaving.since.elapsed().as_secs_f64(),
    }
}

fn report_of(child: &Child) -> ProcessStatus {
    let up_for = |since: &Instant| since.elapsed().as_secs_f64();
    let (state, up_for) = match child.state() {
        State::Starting(_) | State::HandedOver => (ProcessState::Starting, None),
        State::Up { since, .. } => (ProcessState::Up, Some(up_for(since))),
        State::Waiting { .. } => (ProcessState::Waiting, None),
        State::Ended => (ProcessState::Ended, None),
    };
    ProcessStatus {
        state,
        pid: child.process().map(super::process::Process::pid),
        up_for,
        restarts: child.restarts,
        last_end: child.last_end.clone(),
    }
}
