//! Rows of servers.

use std::{
    borrow::Cow,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use pontoon_config::haproxy::model::{Mode, Proxy, Server};
use pontoon_engine::{
    backend::ServerView,
    health::{CheckResult, CheckStatus},
    server::{OperState, Status},
    units::ServerId,
};

use super::{Column, Health, Kind, Row, Selection, address_word, clamp, last_session};
use crate::state::{BackendState, Running, ServerState, Times};

/// Servers looked at under one lock: sessions that are to be placed wait that long.
const AT_ONCE: usize = 64;

/// What the balancer knows of each server.
pub(super) fn views(state: &BackendState, now: Instant) -> Vec<ServerView> {
    let mut views = Vec::with_capacity(state.servers.len());
    let count = u32::try_from(state.servers.len()).unwrap_or(u32::MAX);
    for first in (0..count).step_by(AT_ONCE) {
        let balancer = state.balancer();
        let some = (first..count).take(AT_ONCE).map(ServerId);
        views.extend(some.map(|server| balancer.server_view(server, now)));
    }
    views
}

/// The rows of the servers that are not hidden.
pub(super) fn rows(
    running: &Running,
    proxy: &Proxy,
    state: &BackendState,
    views: &[ServerView],
    selection: Selection<'_>,
    now: Instant,
    rows: &mut Vec<Row>,
) {
    let Some(side) = &proxy.backend else { return };
    for (server, state) in state.servers(side) {
        let Some(view) = views.get(server.id.index()) else {
            continue;
        };
        if !selection.hides(view.status) {
            let source = Source {
                running,
                proxy,
                server,
                view,
                state,
                now,
            };
            rows.push(source.row(selection));
        }
    }
}

/// Everything a server's row is made of.
struct Source<'a> {
    running: &'a Running,
    proxy: &'a Proxy,
    server: &'a Server,
    view: &'a ServerView,
    state: &'a ServerState,
    now: Instant,
}

impl Source<'_> {
    fn row(&self, selection: Selection<'_>) -> Row {
        let health = Health::Server {
            status: self.view.status,
            backup: self.view.backup,
        };
        let name = &self.server.settings.name;
        let mut row = Row::new(Kind::Server, self.proxy, name, self.server.number, health);
        self.queue_and_sessions(&mut row);
        self.trouble(&mut row);
        self.standing(&mut row);
        self.checks(&mut row);
        self.agent(&mut row);
        self.connections(&mut row);
        times(&mut row, &self.state.times, self.sessions_total());
        if self.proxy.mode == Mode::Http {
            row.zeros(&super::RESPONSES);
            row.large(Column::ReqTot, 0);
        }
        if selection.legends
            && let (Some(address), _) = self.running.address_of(self.proxy.id, self.server)
        {
            row.text(Column::Addr, address_word(&address.0));
        }
        row
    }

    fn sessions_total(&self) -> u64 {
        self.state.counters.sum(|c| &c.sessions)
    }

    fn queue_and_sessions(&self, row: &mut Row) {
        let counters = &self.state.counters;
        row.small(Column::Qcur, self.view.queued);
        row.small(Column::Qmax, self.view.queued_max);
        row.small(Column::Scur, self.state.sessions.get());
        row.small(Column::Smax, self.state.sessions.most());
        if let Some(limit) = self.view.max_connections {
            row.small(Column::Slim, limit);
        }
        row.large(Column::Stot, self.sessions_total());
        row.large(Column::Bin, counters.sum(|c| &c.bytes_in));
        row.large(Column::Bout, counters.sum(|c| &c.bytes_out));
        if let Some(limit) = self.server.settings.max_queue {
            row.small(Column::Qlimit, limit);
        }
        row.large(Column::Lbtot, self.view.picked);
        row.small(
            Column::Rate,
            self.state.session_rate.get(self.running.moment(self.now)),
        );
        row.small(Column::RateMax, self.state.session_rate.most());
        let last = self.state.last_session.load(Ordering::Relaxed);
        row.set(Column::Lastsess, last_session(self.running, last, self.now));
    }

    fn trouble(&self, row: &mut Row) {
        let counters = &self.state.counters;
        row.large(Column::Econ, counters.sum(|c| &c.connection_errors));
        row.large(Column::Eresp, counters.sum(|c| &c.response_errors));
        row.large(Column::Wretr, counters.sum(|c| &c.retries));
        row.large(Column::Wredis, counters.sum(|c| &c.redispatches));
        row.large(Column::CliAbrt, counters.sum(|c| &c.client_aborts));
        row.large(Column::SrvAbrt, counters.sum(|c| &c.server_aborts));
        row.large(Column::Eint, counters.sum(|c| &c.internal_errors));
    }

    fn standing(&self, row: &mut Row) {
        let view = self.view;
        row.text(Column::Status, self.status_word());
        row.small(Column::Weight, u32::from(view.effective_weight.get()));
        row.small(Column::Uweight, u32::from(view.weight.get()));
        row.small(Column::Act, u32::from(!view.backup));
        row.small(Column::Bck, u32::from(view.backup));
        let unchanged = self.now.saturating_duration_since(view.last_change);
        row.small(Column::Lastchg, clamp(unchanged.as_secs()));
        if view.oper == OperState::Starting {
            let percent = throttle(unchanged, self.server.settings.slow_start);
            row.small(Column::Throttle, percent);
        }
        if let Some(tracked) = self.tracked() {
            row.text(Column::Tracked, tracked);
        }
    }

    fn status_word(&self) -> Cow<'static, str> {
        match (self.view.status, self.tracked()) {
            (Status::MaintenanceVia, Some(tracked)) => format!("MAINT (via {tracked})").into(),
            (Status::NoCheck, _) => "no check".into(),
            (status, _) => status.to_string().into(),
        }
    }

    /// `backend/server`, if this one tracks it.
    fn tracked(&self) -> Option<String> {
        let (backend, server) = self.server.track?;
        let proxy = self.running.model.proxies.get(backend.index())?;
        let server = proxy.backend.as_ref()?.servers.get(server.index())?;
        Some(format!("{}/{}", proxy.name, server.settings.name))
    }

    /// Maintenance stops the checks, and takes their columns away with them.
    fn in_maintenance(&self) -> bool {
        matches!(
            self.view.status,
            Status::Maintenance | Status::MaintenanceVia
        )
    }

    fn checks(&self, row: &mut Row) {
        let settings = self.server.settings.health.as_ref();
        let Some(settings) = settings.filter(|_| self.view.checks_on) else {
            return;
        };
        row.large(Column::Chkfail, self.view.failed_checks);
        row.large(Column::Chkdown, self.view.went_down);
        row.small(Column::Downtime, clamp(self.view.downtime_secs));
        if self.in_maintenance() {
            return;
        }
        row.small(Column::CheckRise, settings.rise);
        row.small(Column::CheckFall, settings.fall);
        row.small(Column::CheckHealth, self.view.health);
        let Some(result) = &self.view.last_check else {
            let status = CheckStatus::Initializing;
            row.text(Column::CheckStatus, status.code());
            row.text(Column::CheckDesc, status.description());
            return;
        };
        last_check(row, result);
    }

    fn agent(&self, row: &mut Row) {
        if !self.view.agent_on || self.in_maintenance() {
            return;
        }
        let Some(agent) = &self.view.last_agent else {
            let status = CheckStatus::Initializing;
            row.text(Column::AgentStatus, status.code());
            row.text(Column::AgentDesc, status.description());
            row.large(Column::AgentDuration, 0);
            agent_health(row, true);
            return;
        };
        row.text(Column::AgentStatus, agent.status.code());
        row.text(Column::AgentDesc, agent.status.description());
        row.large(Column::AgentDuration, milliseconds(agent.duration));
        if matches!(agent.status, CheckStatus::L7Ok | CheckStatus::L7Status) {
            row.small(Column::AgentCode, 0);
        }
        if !agent.text.is_empty() {
            row.text(Column::LastAgt, agent.text.clone());
        }
        agent_health(row, agent.status != CheckStatus::L7Status);
    }

    /// We keep no idle connections: each in use is one that is needed.
    fn connections(&self, row: &mut Row) {
        let counters = &self.state.counters;
        row.large(Column::Connect, counters.sum(|c| &c.connects));
        row.large(Column::Reuse, 0);
        for column in [Column::SrvIcur, Column::IdleConnCur, Column::SafeConnCur] {
            row.small(column, 0);
        }
        row.small(Column::UsedConnCur, self.state.sessions.get());
        row.small(Column::NeedConnEst, self.state.sessions.get());
    }
}

fn last_check(row: &mut Row, result: &CheckResult) {
    row.text(Column::CheckStatus, result.status.code());
    row.text(Column::CheckDesc, result.status.description());
    row.large(Column::CheckDuration, milliseconds(result.duration));
    if let Some(code) = result.code {
        row.small(Column::CheckCode, u32::from(code));
    }
    if let Some(info) = &result.info {
        row.text(Column::LastChk, info.clone());
    }
}

/// An agent's word counts at once: one good word up, one bad word down.
fn agent_health(row: &mut Row, up: bool) {
    row.small(Column::AgentRise, 1);
    row.small(Column::AgentFall, 1);
    row.small(Column::AgentHealth, u32::from(up));
}

/// Averages and maxima over the last sessions, in milliseconds.
pub(super) fn times(row: &mut Row, times: &Times, sessions: u64) {
    let averages = [
        (Column::Qtime, Column::QtimeMax, &times.queue),
        (Column::Ctime, Column::CtimeMax, &times.connect),
        (Column::Rtime, Column::RtimeMax, &times.response),
        (Column::Ttime, Column::TtimeMax, &times.total),
    ];
    for (average, most, of) in averages {
        row.small(average, clamp(of.get(sessions)));
        row.small(most, clamp(of.most()));
    }
}

/// How far a slow start has come, in percent, 1 to 100.
fn throttle(elapsed: Duration, slow_start: Duration) -> u32 {
    let elapsed = elapsed.as_millis().max(1) * 100;
    let percent = elapsed.div_ceil(slow_start.as_millis().max(1));
    u32::try_from(percent).unwrap_or(100).clamp(1, 100)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_start_tells_its_progress() {
        let minute = Duration::from_secs(60);
        assert_eq!(throttle(Duration::ZERO, minute), 1);
        assert_eq!(throttle(Duration::from_secs(30), minute), 50);
        assert_eq!(throttle(Duration::from_secs(90), minute), 100);
    }
}
