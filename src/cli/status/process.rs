//! The processes of the node, for people.

use super::{age::duration, report::line};
use crate::{
    election::status::Status,
    node::{
        message::Servers,
        status::{NodeStatus, ProcessState, ProcessStatus},
    },
};

/// The supervisor and what it watches.
pub(super) fn all(node: &NodeStatus, vrrp: Option<&Status>) -> String {
    let running = if node.stopping {
        "stopping, was running"
    } else {
        "running"
    };
    let mut out = format!(
        "node: {running} for {} (process {}, pontoon {})\n",
        duration(node.running_for),
        node.pid,
        node.version
    );
    if let Some(proxy) = &node.proxy {
        out += &line("proxy", &process(proxy));
        out += &line("servers", servers(node.servers));
        for leaving in &node.leaving {
            let text = format!(
                "process {} was replaced {} ago; its last sessions run to their end",
                leaving.pid,
                duration(leaving.leaving_for)
            );
            out += &line("leaving", &text);
        }
    }
    if node.reloading {
        out += &line("reload", "under way");
    } else if let Some(why) = &node.failed_reload {
        let text = format!(
            "the last one failed: {}",
            why.replace('\n', "\n             ")
        );
        out += &line("reload", &text);
    }
    if let Some(election) = &node.election {
        out += &line("election", &(process(election) + &heard_of(node, vrrp)));
    }
    out
}

/// What the election says of itself.
fn heard_of(node: &NodeStatus, vrrp: Option<&Status>) -> String {
    let Some(vrrp) = vrrp else {
        return ", but it does not answer".to_owned();
    };
    let router_id = format!(", router id {}", vrrp.router_id);
    // Of a proxy that serves and is ours, enough has been said.
    let is_ours_and_up = node
        .proxy
        .as_ref()
        .is_some_and(|proxy| proxy.state == ProcessState::Up && node.servers.is_some());
    match &vrrp.proxy {
        Some(proxy) if !is_ours_and_up => format!("{router_id}; sees the proxy: {proxy}"),
        Some(_) | None => router_id,
    }
}

fn process(process: &ProcessStatus) -> String {
    let mut out = match process.state {
        ProcessState::Starting => "starting".to_owned(),
        ProcessState::Up => format!("up for {}", duration(process.up_for.unwrap_or_default())),
        ProcessState::Waiting => "waits to be started again".to_owned(),
        ProcessState::Ended => "has ended".to_owned(),
    };
    if let Some(pid) = process.pid {
        out += &format!(" (process {pid})");
    }
    if let Some(end) = &process.last_end {
        let before = if process.pid.is_some() {
            "; the one before it "
        } else {
            "; it "
        };
        out += &format!("{before}{end}");
    }
    if process.restarts > 0 {
        out += &format!("; restarts so far: {}", process.restarts);
    }
    out
}

const fn servers(servers: Option<Servers>) -> &'static str {
    match servers {
        Some(Servers::Unchecked) => "none is checked",
        Some(Servers::Pending) => "none has passed a check yet",
        Some(Servers::Usable) => "at least one is up and has passed a check",
        Some(Servers::AllDown) => "ALL ARE DOWN",
        None => "not known: the proxy does not answer",
    }
}
