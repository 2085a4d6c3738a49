//! The running state at one moment, as rows of the statistics.
//!
//! Every form of the statistics (page, CSV, JSON, typed) is made from one [`Snapshot`], so that
//! they cannot disagree.

mod backend;
mod frontend;
mod process;
mod server;
mod sizes;

use std::{borrow::Cow, sync::Arc, time::Instant};

use pontoon_config::haproxy::model::{BindAddress, Mode, Proxy};
use pontoon_engine::{address::Endpoint, server::Status};

pub(crate) use self::{process::Process, sizes::Sizes};
use super::column::Column;
use crate::state::{FrontendStatus, Running};

/// What a snapshot shall contain.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Selection<'a> {
    /// Only proxies of these names (`stats scope`); empty: all.
    pub(crate) scope: &'a [String],
    /// Only proxies whose names contain this (`?scope=`).
    pub(crate) pattern: Option<&'a str>,
    /// Which servers are left out.
    pub(crate) hide: Hide,
    /// Addresses and algorithms as well (`stats show-legends`).
    pub(crate) legends: bool,
    /// How sessions, connects and checks spread over their sizes as well.
    pub(crate) sizes: bool,
}

/// Which servers are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Hide {
    /// None.
    #[default]
    Nothing,
    /// Those in maintenance (`;no-maint`).
    Maintenance,
    /// Those in maintenance and those that are down (`;up`).
    Down,
}

/// The running state at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The process as a whole.
    pub(crate) process: Process,
    /// The selected proxies, in the order of the file.
    pub(crate) proxies: Vec<ProxyRows>,
}

/// One proxy's part.
#[derive(Debug)]
pub(crate) struct ProxyRows {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// Its number (`iid`).
    pub(crate) number: u32,
    /// `description`.
    pub(crate) description: Option<String>,
    /// `tcp` or `http`.
    pub(crate) mode: &'static str,
    /// It has a client side.
    pub(crate) frontend: bool,
    /// It has a server side.
    pub(crate) backend: bool,
    /// Frontend, listeners, servers, backend.
    pub(crate) rows: Vec<Row>,
    /// How sessions, connects and checks spread, if that was asked for and it has a server side.
    pub(crate) sizes: Option<Sizes>,
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Frontend,
    Backend,
    Server,
    Listener,
}

/// The state a row shows, for those who need more than its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// A frontend's or a listener's.
    Client(FrontendStatus),
    /// A server's.
    Server {
        /// What the `status` column says.
        status: Status,
        /// `backup`.
        backup: bool,
    },
    /// A backend's: takes traffic, or not.
    Backend {
        /// It does.
        up: bool,
    },
}

/// One row: a frontend, a listener, a server or a backend.
#[derive(Debug)]
pub(crate) struct Row {
    /// What it is about.
    pub(crate) kind: Kind,
    /// Its proxy's number (`iid`).
    pub(crate) proxy: u32,
    /// Its own number within the proxy (`sid`).
    pub(crate) number: u32,
    /// Its state.
    pub(crate) health: Health,
    values: Vec<Value>,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing: the column does not apply.
    Empty,
    /// A small number.
    Small(u32),
    /// A counter.
    Large(u64),
    /// A number that may be negative.
    Signed(i32),
    /// Text.
    Text(Cow<'static, str>),
}

impl Snapshot {
    /// Looks at everything now.
    pub(crate) fn take(running: &Running, selection: Selection<'_>, now: Instant) -> Self {
        let proxies = running
            .model
            .proxies
            .iter()
            .filter(|proxy| !proxy.disabled && selection.includes(&proxy.name))
            .map(|proxy| ProxyRows::take(running, proxy, selection, now))
            .collect();
        Self {
            process: Process::take(running, now),
            proxies,
        }
    }

    /// All rows, in order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.proxies.iter().flat_map(|proxy| &proxy.rows)
    }
}

impl Selection<'_> {
    fn includes(&self, name: &str) -> bool {
        let in_scope = self.scope.is_empty() || self.scope.iter().any(|allowed| allowed == name);
        in_scope && self.pattern.is_none_or(|pattern| name.contains(pattern))
    }

    const fn hides(&self, status: Status) -> bool {
        let maintenance = matches!(status, Status::Maintenance | Status::MaintenanceVia);
        let down = matches!(
            status,
            Status::Down | Status::DownByAgent | Status::GoingUp { .. }
        );
        match self.hide {
            Hide::Nothing => false,
            Hide::Maintenance => maintenance,
            Hide::Down => maintenance || down,
        }
    }
}

impl ProxyRows {
    fn take(running: &Running, proxy: &Proxy, selection: Selection<'_>, now: Instant) -> Self {
        let mut rows = Vec::new();
        if let Some(state) = running.frontend(proxy.id) {
            frontend::rows(running, proxy, state, selection, now, &mut rows);
        }
        if let Some(state) = running.backend(proxy.id) {
            let views = server::views(state, now);
            server::rows(running, proxy, state, &views, selection, now, &mut rows);
            let row = backend::row(running, proxy, state, &views, selection, now);
            rows.push(row);
        }
        Self {
            name: Arc::clone(&proxy.name),
            number: proxy.number,
            description: proxy.description.clone(),
            mode: mode_word(proxy.mode),
            frontend: proxy.frontend.is_some(),
            backend: proxy.backend.is_some(),
            rows,
            sizes: running
                .backend(proxy.id)
                .filter(|_| selection.sizes)
                .map(Sizes::take),
        }
    }
}

impl Row {
    /// A row with what all rows have.
    fn new(kind: Kind, proxy: &Proxy, name: &str, number: u32, health: Health) -> Self {
        let mut row = Self {
            kind,
            proxy: proxy.number,
            number,
            health,
            values: vec![Value::Empty; Column::ALL.len()],
        };
        row.text(Column::Pxname, proxy.name.to_string());
        row.text(Column::Svname, name.to_owned());
        row.small(Column::Pid, 1);
        row.small(Column::Iid, proxy.number);
        row.small(Column::Sid, number);
        row.small(Column::Type, kind.number());
        row.text(Column::Mode, mode_word(proxy.mode));
        // Never counted here: nothing rewrites headers or inspects responses.
        row.large(Column::Dresp, 0);
        row.large(Column::Wrew, 0);
        row
    }

    /// The value of a column.
    pub(crate) fn get(&self, column: Column) -> &Value {
        &self.values[column.position()]
    }

    /// All columns with their values.
    pub(crate) fn values(&self) -> impl Iterator<Item = (Column, &Value)> {
        Column::ALL.iter().copied().zip(&self.values)
    }

    fn set(&mut self, column: Column, value: Value) {
        self.values[column.position()] = value;
    }

    fn small(&mut self, column: Column, value: u32) {
        self.set(column, Value::Small(value));
    }

    fn large(&mut self, column: Column, value: u64) {
        self.set(column, Value::Large(value));
    }

    fn text(&mut self, column: Column, value: impl Into<Cow<'static, str>>) {
        self.set(column, Value::Text(value.into()));
    }

    /// Columns that count what this proxy does not do, and that HAProxy prints as zero.
    fn zeros(&mut self, columns: &[Column]) {
        for &column in columns {
            self.large(column, 0);
        }
    }
}

impl Kind {
    /// The `type` column.
    const fn number(self) -> u32 {
        match self {
            Self::Frontend => 0,
            Self::Backend => 1,
            Self::Server => 2,
            Self::Listener => 3,
        }
    }

    /// The word in JSON.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Frontend => "Frontend",
            Self::Backend => "Backend",
            Self::Server => "Server",
            Self::Listener => "Listener",
        }
    }
}

impl Value {
    /// The number, if it is one that cannot be negative.
    pub(crate) fn number(&self) -> Option<u64> {
        match self {
            Self::Small(number) => Some(u64::from(*number)),
            Self::Large(number) => Some(*number),
            Self::Signed(number) => u64::try_from(*number).ok(),
            Self::Empty | Self::Text(_) => None,
        }
    }

    /// Its type in the typed formats; `None`: there is no value.
    pub(crate) const fn type_word(&self) -> Option<&'static str> {
        match self {
            Self::Empty => None,
            Self::Small(_) => Some("u32"),
            Self::Large(_) => Some("u64"),
            Self::Signed(_) => Some("s32"),
            Self::Text(_) => Some("str"),
        }
    }

    /// The text, if it is text.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Small(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Large(number)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Small(number) => number.fmt(f),
            Self::Large(number) => number.fmt(f),
            Self::Signed(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// HTTP answers 1xx to 5xx, then others, as the counters hold them.
const RESPONSES: [Column; 6] = [
    Column::Hrsp1xx,
    Column::Hrsp2xx,
    Column::Hrsp3xx,
    Column::Hrsp4xx,
    Column::Hrsp5xx,
    Column::HrspOther,
];

/// The `mode` column.
const fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Tcp => "tcp",
        Mode::Http => "http",
    }
}

/// The `addr` column: the address and port, or `unix`.
fn address_word(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Ip(address) => address.to_string(),
        Endpoint::Unix(_) | Endpoint::Abstract(_) => "unix".to_owned(),
    }
}

/// The `addr` column of a listener.
fn listener_address(address: &BindAddress) -> String {
    match address {
        BindAddress::Endpoint(endpoint) => address_word(endpoint),
        BindAddress::Inherited(descriptor) => format!("fd@{descriptor}"),
    }
}

/// A count that the formats know as 32 bits wide.
fn clamp(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Seconds since the last session, or -1 (`lastsess`).
///
/// `last` is in milliseconds since the process started; 0 means never.
fn last_session(running: &Running, last: u64, now: Instant) -> Value {
    if last == 0 {
        return Value::Signed(-1);
    }
    let elapsed = running.moment(now).millis().saturating_sub(last) / 1000;
    Value::Signed(i32::try_from(elapsed).unwrap_or(i32::MAX))
}
