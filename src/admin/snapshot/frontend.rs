//! Rows of frontends and their listeners.

use std::{sync::PoisonError, time::Instant};

use pontoon_config::haproxy::model::{Bind, Frontend, Mode, Proxy};
use pontoon_engine::moment::Moment;

use super::{Column, Health, Kind, Row, Selection, listener_address};
use crate::state::{FrontendState, FrontendStatus, ListenerState, Running};

/// The row of the client side, and those of its listeners with `option socket-stats`.
pub(super) fn rows(
    running: &Running,
    proxy: &Proxy,
    state: &FrontendState,
    selection: Selection<'_>,
    now: Instant,
    rows: &mut Vec<Row>,
) {
    let Some(frontend) = &proxy.frontend else {
        return;
    };
    let status = *state.status.lock().unwrap_or_else(PoisonError::into_inner);
    rows.push(frontend_row(running, proxy, frontend, state, status, now));
    if frontend.socket_stats {
        let listeners = frontend.binds.iter().zip(&state.listeners);
        rows.extend(
            listeners.map(|(bind, state)| listener_row(proxy, bind, state, status, selection)),
        );
    }
}

fn frontend_row(
    running: &Running,
    proxy: &Proxy,
    frontend: &Frontend,
    state: &FrontendState,
    status: FrontendStatus,
    now: Instant,
) -> Row {
    let health = Health::Client(status);
    let mut row = Row::new(Kind::Frontend, proxy, "FRONTEND", 0, health);
    let limit = state.limit.shown();
    row.small(
        Column::Slim,
        limit.unwrap_or(running.process.max_connections),
    );
    row.text(Column::Status, status_word(status));
    traffic(&mut row, state);
    rates(&mut row, frontend, state, running.moment(now));
    row.zeros(&[
        Column::CompIn,
        Column::CompOut,
        Column::CompByp,
        Column::CompRsp,
    ]);
    if proxy.mode == Mode::Http {
        http(&mut row, state);
    }
    row
}

fn traffic(row: &mut Row, state: &FrontendState) {
    let counters = &state.counters;
    row.small(Column::Scur, state.sessions.get());
    row.small(Column::Smax, state.sessions.most());
    row.large(Column::Stot, counters.sum(|c| &c.sessions));
    row.large(Column::Bin, counters.sum(|c| &c.bytes_in));
    row.large(Column::Bout, counters.sum(|c| &c.bytes_out));
    row.large(Column::Dreq, counters.sum(|c| &c.denied_requests));
    row.large(Column::Ereq, counters.sum(|c| &c.request_errors));
    row.large(Column::ConnTot, counters.sum(|c| &c.connections));
    row.large(Column::Dcon, counters.sum(|c| &c.denied_connections));
    row.large(Column::Dses, counters.sum(|c| &c.denied_sessions));
    row.large(Column::Eint, counters.sum(|c| &c.internal_errors));
    row.large(Column::ReqTot, counters.sum(|c| &c.requests));
}

fn rates(row: &mut Row, frontend: &Frontend, state: &FrontendState, now: Moment) {
    row.small(Column::Rate, state.session_rate.get(now));
    row.small(Column::RateLim, frontend.rate_limit.unwrap_or(0));
    row.small(Column::RateMax, state.session_rate.most());
    row.small(Column::ReqRate, state.request_rate.get(now));
    row.small(Column::ReqRateMax, state.request_rate.most());
    row.small(Column::ConnRate, state.connection_rate.get(now));
    row.small(Column::ConnRateMax, state.connection_rate.most());
}

fn http(row: &mut Row, state: &FrontendState) {
    let counters = &state.counters;
    for (i, column) in super::RESPONSES.into_iter().enumerate() {
        row.large(column, counters.sum(|c| &c.responses[i]));
    }
    row.large(Column::Intercepted, counters.sum(|c| &c.intercepted));
    row.zeros(&[Column::CacheLookups, Column::CacheHits]);
}

fn listener_row(
    proxy: &Proxy,
    bind: &Bind,
    state: &ListenerState,
    status: FrontendStatus,
    selection: Selection<'_>,
) -> Row {
    let unnamed = || format!("sock-{}", bind.number);
    let name = bind.name.clone().unwrap_or_else(unnamed);
    let status = listener_status(bind, state, status);
    let health = Health::Client(status);
    let mut row = Row::new(Kind::Listener, proxy, &name, bind.number, health);
    let counters = &state.counters;
    row.small(Column::Scur, state.sessions.get());
    row.small(Column::Smax, state.sessions.most());
    row.small(Column::Slim, bind.max_connections.unwrap_or(0));
    row.large(Column::Stot, counters.sum(|c| &c.sessions));
    row.large(Column::Bin, counters.sum(|c| &c.bytes_in));
    row.large(Column::Bout, counters.sum(|c| &c.bytes_out));
    row.large(Column::Dreq, counters.sum(|c| &c.denied_requests));
    row.large(Column::Ereq, counters.sum(|c| &c.request_errors));
    row.text(Column::Status, listener_word(status));
    row.large(Column::Dcon, counters.sum(|c| &c.denied_connections));
    row.large(Column::Dses, counters.sum(|c| &c.denied_sessions));
    row.large(Column::Eint, counters.sum(|c| &c.internal_errors));
    if selection.legends {
        row.text(Column::Addr, listener_address(&bind.address));
    }
    row
}

/// A listener is full by its own limit, or waits because its proxy is.
fn listener_status(bind: &Bind, state: &ListenerState, proxy: FrontendStatus) -> FrontendStatus {
    let full = bind
        .max_connections
        .is_some_and(|limit| state.sessions.get() >= limit);
    match proxy {
        FrontendStatus::Open if full => FrontendStatus::Full,
        other => other,
    }
}

const fn status_word(status: FrontendStatus) -> &'static str {
    match status {
        // A full frontend is open all the same; its listeners tell that they wait.
        FrontendStatus::Open | FrontendStatus::Full => "OPEN",
        FrontendStatus::Disabled | FrontendStatus::Paused => "PAUSED",
        FrontendStatus::Stopped => "STOP",
    }
}

const fn listener_word(status: FrontendStatus) -> &'static str {
    match status {
        FrontendStatus::Open => "OPEN",
        FrontendStatus::Full => "FULL",
        FrontendStatus::Disabled | FrontendStatus::Paused => "PAUSED",
        FrontendStatus::Stopped => "STOP",
    }
}
