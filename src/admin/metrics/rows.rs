//! `haproxy_frontend_…`, `haproxy_listener_…`, `haproxy_backend_…` and `haproxy_server_…`: the
//! columns of the statistics under the names that HAProxy's exporter gives them.

use std::time::Duration;

use pontoon_engine::{health::CheckStatus, server::Status};

use super::{
    query::{Query, Scope},
    text::{Kind, Labels, Number, Text},
};
use crate::{
    admin::{
        column::Column,
        snapshot::{self, Health, ProxyRows, Row, Snapshot, Value},
    },
    state::FrontendStatus,
};

/// One metric of each row of some kinds.
struct Metric {
    /// Behind `haproxy_server_` and the like.
    name: &'static str,
    kind: Kind,
    /// Which rows have it.
    rows: u8,
    help: &'static str,
    what: What,
}

/// Where a metric's samples come from.
#[derive(Clone, Copy)]
enum What {
    /// A column; without a value there is NaN.
    Column(Column),
    /// A column that only proxies that speak HTTP have.
    Http(Column),
    /// A column in milliseconds.
    Millis(Column),
    /// As before, but without a check there is no sample.
    CheckTime(Column),
    /// What only proxies that speak HTTP have, and nobody counts: 0.
    HttpZero,
    /// The answers by the first digit of their status.
    Responses,
    /// One sample for each state, 1 for the one it is in.
    Status,
    /// One sample for each result of a check, 1 for the last one.
    CheckStatus,
    /// The code of the last check, 0 if it has none.
    CheckCode,
    /// How many servers of a backend are in each state.
    ServerStatus,
    /// How many servers of a backend had each result of a check.
    ServerCheckStatus,
}

const F: u8 = 1;
const L: u8 = 2;
const B: u8 = 4;
const S: u8 = 8;
const ALL: u8 = F | L | B | S;

const fn gauge(name: &'static str, rows: u8, column: Column, help: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Gauge,
        rows,
        help,
        what: What::Column(column),
    }
}

const fn counter(name: &'static str, rows: u8, column: Column, help: &'static str) -> Metric {
    Metric {
        kind: Kind::Counter,
        ..gauge(name, rows, column, help)
    }
}

const fn time(name: &'static str, rows: u8, column: Column, help: &'static str) -> Metric {
    Metric {
        what: What::Millis(column),
        ..gauge(name, rows, column, help)
    }
}

const fn http(name: &'static str, rows: u8, column: Column, help: &'static str) -> Metric {
    Metric {
        what: What::Http(column),
        ..counter(name, rows, column, help)
    }
}

const fn special(name: &'static str, rows: u8, what: What, help: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Gauge,
        rows,
        help,
        what,
    }
}

const fn http_zero(name: &'static str, help: &'static str) -> Metric {
    Metric {
        kind: Kind::Counter,
        ..special(name, F | B, What::HttpZero, help)
    }
}

/// Names and types are HAProxy's; the words are ours.
#[rustfmt::skip]
const METRICS: &[Metric] = &[
    gauge("current_queue", B | S, Column::Qcur, "Sessions waiting now."),
    gauge("max_queue", B | S, Column::Qmax, "Most sessions that waited at once."),
    gauge("current_sessions", ALL, Column::Scur, "Sessions now."),
    gauge("max_sessions", ALL, Column::Smax, "Most sessions at once."),
    gauge("limit_sessions", ALL, Column::Slim, "Sessions allowed at once (maxconn; fullconn of a backend)."),
    counter("sessions_total", ALL, Column::Stot, "Sessions begun."),
    counter("bytes_in_total", ALL, Column::Bin, "Bytes from clients."),
    counter("bytes_out_total", ALL, Column::Bout, "Bytes to clients."),
    counter("requests_denied_total", F | L | B, Column::Dreq, "Sessions refused by content rules."),
    counter("responses_denied_total", ALL, Column::Dresp, "Answers refused by rules; there are no such rules here."),
    counter("request_errors_total", F | L, Column::Ereq, "Sessions that the client ended before it was served, and requests that were none."),
    counter("connection_errors_total", B | S, Column::Econ, "Sessions that got no connection to a server."),
    counter("response_errors_total", B | S, Column::Eresp, "Sessions that the server ended wrongly."),
    counter("retry_warnings_total", B | S, Column::Wretr, "Connections to servers tried again."),
    counter("redispatch_warnings_total", B | S, Column::Wredis, "Sessions sent to another server after failed connections."),
    special("status", ALL, What::Status, "1 for the state it is in, 0 for the others."),
    gauge("weight", B | S, Column::Weight, "Weight in effect; of a backend: the sum over its usable servers."),
    gauge("active_servers", B, Column::Act, "Usable servers that are no backups."),
    gauge("backup_servers", B, Column::Bck, "Usable backup servers."),
    counter("check_failures_total", S, Column::Chkfail, "Failed checks."),
    counter("check_up_down_total", B | S, Column::Chkdown, "Times it went down."),
    gauge("check_last_change_seconds", B | S, Column::Lastchg, "Seconds since its state changed."),
    counter("downtime_seconds_total", B | S, Column::Downtime, "Seconds it was down altogether."),
    gauge("queue_limit", S, Column::Qlimit, "Sessions that may wait for it (maxqueue)."),
    gauge("current_throttle", S, Column::Throttle, "How far a slow start has come, in percent."),
    counter("loadbalanced_total", B | S, Column::Lbtot, "Times it was picked by the balancing algorithm."),
    gauge("limit_session_rate", F, Column::RateLim, "New sessions allowed a second (rate-limit sessions)."),
    gauge("max_session_rate", F | B | S, Column::RateMax, "Most new sessions in a second."),
    special("check_status", S, What::CheckStatus, "1 for the result of the last check, 0 for the others."),
    special("check_code", S, What::CheckCode, "The code that came with the result of the last check."),
    Metric { what: What::CheckTime(Column::CheckDuration), ..gauge("check_duration_seconds", S, Column::CheckDuration, "How long the last check took.") },
    Metric { kind: Kind::Counter, ..special("http_responses_total", F | B | S, What::Responses, "Answers to HTTP requests, by the first digit of their status.") },
    Metric { kind: Kind::Gauge, ..http("http_requests_rate_max", F, Column::ReqRateMax, "Most HTTP requests in a second.") },
    http("http_requests_total", F | B, Column::ReqTot, "HTTP requests."),
    http_zero("http_comp_bytes_in_total", "Bytes given to compression; nothing is compressed here."),
    http_zero("http_comp_bytes_out_total", "Bytes that compression has left; nothing is compressed here."),
    http_zero("http_comp_bytes_bypassed_total", "Bytes that compression did not take; nothing is compressed here."),
    http_zero("http_comp_responses_total", "Compressed answers; nothing is compressed here."),
    counter("client_aborts_total", B | S, Column::CliAbrt, "Sessions that the client broke off."),
    counter("server_aborts_total", B | S, Column::SrvAbrt, "Sessions that the server broke off."),
    gauge("last_session_seconds", B | S, Column::Lastsess, "Seconds since the last session began; -1: there was none."),
    time("queue_time_average_seconds", B | S, Column::Qtime, "Time in the queue, average of about 1024 sessions."),
    time("connect_time_average_seconds", B | S, Column::Ctime, "Time to connect, average of about 1024 sessions."),
    time("response_time_average_seconds", B | S, Column::Rtime, "Time to answer, average of about 1024 requests."),
    time("total_time_average_seconds", B | S, Column::Ttime, "Length of sessions, average of about 1024."),
    gauge("connections_rate_max", F, Column::ConnRateMax, "Most new connections in a second."),
    counter("connections_total", F, Column::ConnTot, "Connections accepted."),
    http("intercepted_requests_total", F, Column::Intercepted, "HTTP requests answered by this process itself."),
    counter("denied_connections_total", F | L, Column::Dcon, "Connections refused by connection rules."),
    counter("denied_sessions_total", F | L, Column::Dses, "Sessions refused by session rules."),
    counter("failed_header_rewriting_total", ALL, Column::Wrew, "Headers that could not be changed; none are changed here."),
    counter("connection_attempts_total", B | S, Column::Connect, "Connections made to servers."),
    counter("connection_reuses_total", B | S, Column::Reuse, "Connections to servers used again; a session has its own here."),
    http_zero("http_cache_lookups_total", "Requests looked up in a cache; there is none here."),
    http_zero("http_cache_hits_total", "Requests answered by a cache; there is none here."),
    gauge("idle_connections_current", S, Column::SrvIcur, "Idle connections kept; none are kept here."),
    gauge("idle_connections_limit", S, Column::SrcIlim, "Idle connections allowed; none are kept here."),
    time("max_queue_time_seconds", B | S, Column::QtimeMax, "Longest time in the queue."),
    time("max_connect_time_seconds", B | S, Column::CtimeMax, "Longest time to connect."),
    time("max_response_time_seconds", B | S, Column::RtimeMax, "Longest time to answer."),
    time("max_total_time_seconds", B | S, Column::TtimeMax, "Longest session."),
    counter("internal_errors_total", ALL, Column::Eint, "Errors inside the process."),
    gauge("unsafe_idle_connections_current", S, Column::IdleConnCur, "Idle connections; none are kept here."),
    gauge("safe_idle_connections_current", S, Column::SafeConnCur, "Idle connections safe to use again; none are kept here."),
    gauge("used_connections_current", S, Column::UsedConnCur, "Connections in use."),
    gauge("need_connections_current", S, Column::NeedConnEst, "Connections needed, estimated."),
    gauge("uweight", B | S, Column::Uweight, "Weight as set; of a backend: the sum over its usable servers."),
    special("agg_server_status", B, What::ServerStatus, "Servers in each state."),
    special("agg_server_check_status", B, What::ServerStatus, "Older name of agg_server_status."),
    special("agg_check_status", B, What::ServerCheckStatus, "Servers by the result of their last check."),
];

/// States of servers.
const SERVER_STATES: [&str; 5] = ["DOWN", "UP", "MAINT", "DRAIN", "NOLB"];
/// States of frontends and backends.
const PROXY_STATES: [&str; 2] = ["DOWN", "UP"];
/// States of listeners.
const LISTENER_STATES: [&str; 3] = ["WAITING", "OPEN", "FULL"];
/// Results of checks that have samples.
const RESULTS: [CheckStatus; 16] = [
    CheckStatus::Observed,
    CheckStatus::SocketError,
    CheckStatus::L4Ok,
    CheckStatus::L4Timeout,
    CheckStatus::L4Connection,
    CheckStatus::L6Ok,
    CheckStatus::L6Timeout,
    CheckStatus::L6Response,
    CheckStatus::L7Timeout,
    CheckStatus::L7Response,
    CheckStatus::L7Ok,
    CheckStatus::L7OkConditional,
    CheckStatus::L7Status,
    CheckStatus::ProcessError,
    CheckStatus::ProcessTimeout,
    CheckStatus::ProcessOk,
];
const CLASSES: [(&str, Column); 6] = [
    ("1xx", Column::Hrsp1xx),
    ("2xx", Column::Hrsp2xx),
    ("3xx", Column::Hrsp3xx),
    ("4xx", Column::Hrsp4xx),
    ("5xx", Column::Hrsp5xx),
    ("other", Column::HrspOther),
];

/// Kinds of rows, in the order in which they are written.
const KINDS: [(snapshot::Kind, u8, Scope, &str); 4] = [
    (
        snapshot::Kind::Frontend,
        F,
        Scope::Frontend,
        "haproxy_frontend_",
    ),
    (
        snapshot::Kind::Listener,
        L,
        Scope::Listener,
        "haproxy_listener_",
    ),
    (
        snapshot::Kind::Backend,
        B,
        Scope::Backend,
        "haproxy_backend_",
    ),
    (snapshot::Kind::Server, S, Scope::Server, "haproxy_server_"),
];

/// Writes all that is wanted of them. The snapshot must hold all servers.
pub(super) fn write(snapshot: &Snapshot, query: Query, text: &mut Text) {
    for (kind, bit, scope, prefix) in KINDS {
        if !query.wants(scope) {
            continue;
        }
        for metric in METRICS.iter().filter(|metric| metric.rows & bit != 0) {
            let name = format!("{prefix}{}", metric.name);
            let mut family = text.family(&name, metric.kind, metric.help);
            for proxy in &snapshot.proxies {
                for row in proxy.rows.iter().filter(|row| row.kind == kind) {
                    if query.without_maintenance && in_maintenance(row) {
                        continue;
                    }
                    let subject = Subject { proxy, row };
                    subject.samples(metric.what, |labels, value| family.sample(labels, value));
                }
            }
        }
    }
}

fn in_maintenance(row: &Row) -> bool {
    server_state(row) == Some("MAINT")
}

/// A row and the proxy it belongs to.
struct Subject<'s> {
    proxy: &'s ProxyRows,
    row: &'s Row,
}

impl Subject<'_> {
    fn samples(&self, what: What, mut write: impl FnMut(Labels<'_>, Number)) {
        let mut labels = vec![("proxy", &*self.proxy.name)];
        let own = self.row.get(Column::Svname).as_text().unwrap_or("");
        match self.row.kind {
            snapshot::Kind::Server => labels.push(("server", own)),
            snapshot::Kind::Listener => labels.push(("listener", own)),
            snapshot::Kind::Frontend | snapshot::Kind::Backend => {}
        }
        let mut one = |number: Option<Number>| {
            if let Some(number) = number {
                write(&labels, number);
            }
        };
        match what {
            What::Column(column) => one(Some(number(self.row.get(column)).unwrap_or(Number::None))),
            What::Http(column) => one(number(self.row.get(column)).filter(|_| self.speaks_http())),
            What::Millis(column) => {
                one(Some(millis(self.row.get(column)).unwrap_or(Number::None)));
            }
            What::CheckTime(column) => one(millis(self.row.get(column))),
            What::HttpZero => one(self.speaks_http().then_some(Number::Whole(0))),
            What::CheckCode => {
                let code = number(self.row.get(Column::CheckCode));
                one(last_result(self.row).map(|_| code.unwrap_or(Number::Whole(0))));
            }
            What::Responses => self.each("code", &labels, self.responses(), write),
            What::Status => self.each("state", &labels, self.states(), write),
            What::CheckStatus => self.each("state", &labels, self.results(), write),
            What::ServerStatus => self.each("state", &labels, self.server_states(), write),
            What::ServerCheckStatus => self.each("state", &labels, self.server_results(), write),
        }
    }

    fn speaks_http(&self) -> bool {
        self.proxy.mode == "http"
    }

    /// One sample for each value of a label.
    fn each(
        &self,
        label: &str,
        labels: Labels<'_>,
        samples: impl IntoIterator<Item = (&'static str, Number)>,
        mut write: impl FnMut(Labels<'_>, Number),
    ) {
        let mut labels = labels.to_vec();
        labels.push((label, ""));
        for (value, number) in samples {
            if let Some(last) = labels.last_mut() {
                last.1 = value;
            }
            write(&labels, number);
        }
    }

    fn responses(&self) -> Vec<(&'static str, Number)> {
        let classes = CLASSES.iter();
        classes
            .filter_map(|(class, column)| Some((*class, number(self.row.get(*column))?)))
            .collect()
    }

    fn states(&self) -> Vec<(&'static str, Number)> {
        let (all, now): (&[&str], &str) = match self.row.health {
            Health::Client(status) if self.row.kind == snapshot::Kind::Listener => {
                (&LISTENER_STATES, listener_state(status))
            }
            Health::Client(FrontendStatus::Stopped) => (&PROXY_STATES, "DOWN"),
            Health::Client(_) => (&PROXY_STATES, "UP"),
            Health::Backend { up } => (&PROXY_STATES, if up { "UP" } else { "DOWN" }),
            Health::Server { status, .. } => (&SERVER_STATES, state_of(status)),
        };
        let samples = all.iter();
        samples
            .map(|state| (*state, Number::from(*state == now)))
            .collect()
    }

    fn results(&self) -> Vec<(&'static str, Number)> {
        let Some(last) = last_result(self.row) else {
            return Vec::new();
        };
        let codes = RESULTS.iter().map(|result| result.code());
        codes
            .map(|code| (code, Number::from(code == last)))
            .collect()
    }

    /// The servers of the backend that this row is about.
    fn servers(&self) -> impl Iterator<Item = &Row> {
        let rows = self.proxy.rows.iter();
        rows.filter(|row| row.kind == snapshot::Kind::Server)
    }

    fn server_states(&self) -> Vec<(&'static str, Number)> {
        let count = |state: &str| {
            let there = self
                .servers()
                .filter(|row| server_state(row) == Some(state));
            Number::Whole(there.count() as u64)
        };
        self.of_servers(SERVER_STATES.iter().map(|state| (*state, count(state))))
    }

    fn server_results(&self) -> Vec<(&'static str, Number)> {
        let count = |code: &str| {
            let there = self.servers().filter(|row| last_result(row) == Some(code));
            Number::Whole(there.count() as u64)
        };
        let codes = RESULTS.iter().map(|result| result.code());
        self.of_servers(codes.map(|code| (code, count(code))))
    }

    /// A backend without servers has nothing to sum up.
    fn of_servers(
        &self,
        samples: impl Iterator<Item = (&'static str, Number)>,
    ) -> Vec<(&'static str, Number)> {
        if self.servers().next().is_none() {
            return Vec::new();
        }
        samples.collect()
    }
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Small(number) => Some(Number::Whole(u64::from(*number))),
        Value::Large(number) => Some(Number::Whole(*number)),
        Value::Signed(number) => Some(Number::Signed(i64::from(*number))),
        Value::Empty | Value::Text(_) => None,
    }
}

fn millis(value: &Value) -> Option<Number> {
    value
        .number()
        .map(|millis| Number::Seconds(Duration::from_millis(millis)))
}

/// What came of the last check, if there was one.
fn last_result(row: &Row) -> Option<&str> {
    row.get(Column::CheckStatus).as_text()
}

fn server_state(row: &Row) -> Option<&'static str> {
    match row.health {
        Health::Server { status, .. } => Some(state_of(status)),
        Health::Client(_) | Health::Backend { .. } => None,
    }
}

const fn state_of(status: Status) -> &'static str {
    match status {
        Status::NoCheck | Status::Up | Status::GoingDown { .. } => "UP",
        Status::Down | Status::DownByAgent | Status::GoingUp { .. } => "DOWN",
        Status::Stopping => "NOLB",
        Status::Drain | Status::DrainByAgent => "DRAIN",
        Status::Maintenance | Status::MaintenanceVia => "MAINT",
    }
}

const fn listener_state(status: FrontendStatus) -> &'static str {
    match status {
        FrontendStatus::Open => "OPEN",
        FrontendStatus::Full => "FULL",
        FrontendStatus::Disabled | FrontendStatus::Paused | FrontendStatus::Stopped => "WAITING",
    }
}
