//! The row of a backend.

use std::{borrow::Cow, sync::atomic::Ordering, time::Instant};

use pontoon_config::haproxy::model::{Mode, Proxy};
use pontoon_engine::backend::{BackendView, ServerView};

use super::{Column, Health, Hide, Kind, Row, Selection, clamp, last_session, server::times};
use crate::state::{BackendState, Running};

/// The row of the server side.
pub(super) fn row(
    running: &Running,
    proxy: &Proxy,
    state: &BackendState,
    servers: &[ServerView],
    selection: Selection<'_>,
    now: Instant,
) -> Row {
    let view = state.balancer().view(now);
    // Without servers it can only serve statistics, and does.
    let up = servers.is_empty() || view.active + view.backup > 0;
    let health = Health::Backend { up };
    let mut row = Row::new(Kind::Backend, proxy, "BACKEND", 0, health);
    sessions(&mut row, running, state, &view, now);
    trouble(&mut row, state);
    standing(&mut row, &view, servers, now);
    row.text(Column::Status, status_word(up, selection.hide, servers));
    let limit = proxy
        .backend
        .as_ref()
        .and_then(|side| side.settings.full_connections)
        .unwrap_or(0);
    row.small(Column::Slim, limit);
    row.zeros(&[
        Column::CompIn,
        Column::CompOut,
        Column::CompByp,
        Column::CompRsp,
        Column::Reuse,
    ]);
    for column in [
        Column::AggServerStatus,
        Column::AggServerCheckStatus,
        Column::AggCheckStatus,
    ] {
        row.small(column, 0);
    }
    if proxy.mode == Mode::Http {
        http(&mut row, state);
    }
    if selection.legends
        && let Some(side) = &proxy.backend
    {
        row.text(Column::Algo, side.settings.algorithm.name());
    }
    row
}

fn sessions(
    row: &mut Row,
    running: &Running,
    state: &BackendState,
    view: &BackendView,
    now: Instant,
) {
    let counters = &state.counters;
    let total = counters.sum(|c| &c.sessions);
    row.small(Column::Qcur, view.queued);
    row.small(Column::Qmax, view.queued_max);
    row.small(Column::Scur, state.sessions.get());
    row.small(Column::Smax, state.sessions.most());
    row.large(Column::Stot, total);
    row.large(Column::Bin, counters.sum(|c| &c.bytes_in));
    row.large(Column::Bout, counters.sum(|c| &c.bytes_out));
    row.large(Column::Lbtot, counters.sum(|c| &c.picked));
    row.large(Column::Connect, counters.sum(|c| &c.connects));
    row.small(Column::Rate, state.session_rate.get(running.moment(now)));
    row.small(Column::RateMax, state.session_rate.most());
    let last = state.last_session.load(Ordering::Relaxed);
    row.set(Column::Lastsess, last_session(running, last, now));
    times(row, &state.times, total);
}

fn trouble(row: &mut Row, state: &BackendState) {
    let counters = &state.counters;
    row.large(Column::Dreq, counters.sum(|c| &c.denied_requests));
    row.large(Column::Econ, counters.sum(|c| &c.connection_errors));
    row.large(Column::Eresp, counters.sum(|c| &c.response_errors));
    row.large(Column::Wretr, counters.sum(|c| &c.retries));
    row.large(Column::Wredis, counters.sum(|c| &c.redispatches));
    row.large(Column::CliAbrt, counters.sum(|c| &c.client_aborts));
    row.large(Column::SrvAbrt, counters.sum(|c| &c.server_aborts));
    row.large(Column::Eint, counters.sum(|c| &c.internal_errors));
}

fn standing(row: &mut Row, view: &BackendView, servers: &[ServerView], now: Instant) {
    row.small(Column::Weight, view.weight);
    row.small(Column::Uweight, view.weight_set);
    row.small(Column::Act, view.active);
    row.small(Column::Bck, view.backup);
    row.large(Column::Chkdown, view.went_down);
    let unchanged = now.saturating_duration_since(view.last_change);
    row.small(Column::Lastchg, clamp(unchanged.as_secs()));
    if !servers.is_empty() {
        row.small(Column::Downtime, clamp(view.downtime_secs));
    }
}

/// `UP` or `DOWN`, with how many servers are not down where some are hidden.
fn status_word(up: bool, hide: Hide, servers: &[ServerView]) -> Cow<'static, str> {
    let word = if up { "UP" } else { "DOWN" };
    if hide == Hide::Nothing {
        return word.into();
    }
    let standing = Selection {
        hide: Hide::Down,
        ..Selection::default()
    };
    let stands = |server: &&ServerView| !standing.hides(server.status);
    let (some, all) = (servers.iter().filter(stands).count(), servers.len());
    format!("{word} ({some}/{all})").into()
}

fn http(row: &mut Row, state: &BackendState) {
    let counters = &state.counters;
    for (i, column) in super::RESPONSES.into_iter().enumerate() {
        row.large(column, counters.sum(|c| &c.responses[i]));
    }
    row.large(Column::ReqTot, counters.sum(|c| &c.requests));
    row.zeros(&[Column::CacheLookups, Column::CacheHits]);
}
