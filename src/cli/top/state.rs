//! What is shown and what the user is about to do.

use std::{collections::HashMap, time::Instant};

use super::{
    reading::Reading,
    table::{Kind, Row},
};
use crate::admin::sessions::SessionView;

/// More sessions are not shown: nobody reads them.
const MOST_SESSIONS: usize = 1000;

/// A page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Tab {
    /// Proxies and servers.
    #[default]
    Servers,
    Sessions,
    Election,
}

impl Tab {
    pub(super) const ALL: [Self; 3] = [Self::Servers, Self::Sessions, Self::Election];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Servers => "servers",
            Self::Sessions => "sessions",
            Self::Election => "election",
        }
    }

    pub(super) fn next(self) -> Self {
        let at = Self::ALL.iter().position(|it| *it == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// What servers of a proxy are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// As in the file.
    #[default]
    File,
    Name,
    Status,
    Sessions,
    Rate,
    Bytes,
}

impl Order {
    const ALL: [Self; 6] = [
        Self::File,
        Self::Name,
        Self::Status,
        Self::Sessions,
        Self::Rate,
        Self::Bytes,
    ];

    pub(super) fn next(self) -> Self {
        let at = Self::ALL.iter().position(|it| *it == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// What sessions are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SessionOrder {
    /// The oldest first.
    #[default]
    Age,
    /// The longest silent first.
    Idle,
    /// Those that have moved most first.
    Bytes,
    Server,
    Client,
}

impl SessionOrder {
    const ALL: [Self; 5] = [
        Self::Age,
        Self::Idle,
        Self::Bytes,
        Self::Server,
        Self::Client,
    ];

    pub(super) fn next(self) -> Self {
        let at = Self::ALL.iter().position(|it| *it == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    fn compare(self, a: &SessionView, b: &SessionView) -> std::cmp::Ordering {
        let moved = |it: &SessionView| it.bytes_in.saturating_add(it.bytes_out);
        match self {
            Self::Age => b.age_ms.cmp(&a.age_ms),
            Self::Idle => b.idle_ms.cmp(&a.idle_ms),
            Self::Bytes => moved(b).cmp(&moved(a)),
            Self::Server => (&a.backend, &a.server).cmp(&(&b.backend, &b.server)),
            Self::Client => a.client.cmp(&b.client),
        }
    }
}

/// What the keys are about at the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Asking {
    /// Nothing: each key means what the legend says.
    #[default]
    Nothing,
    /// Whether this command is to be given.
    Sure(String),
    /// The weight of this server; these digits so far.
    Weight(String, String),
}

/// Bytes a second, in and out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Flow {
    pub(super) bytes_in: f64,
    pub(super) bytes_out: f64,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) tab: Tab,
    pub(super) order: Order,
    pub(super) session_order: SessionOrder,
    pub(super) reversed: bool,
    pub(super) reading: Option<Reading>,
    flows: HashMap<String, Flow>,
    /// The row or session under the cursor.
    pub(super) selected: Option<String>,
    /// The first row that is shown.
    pub(super) first: usize,
    pub(super) asking: Asking,
    /// What came of the last command.
    pub(super) message: Option<String>,
}

impl State {
    /// Another look.
    pub(super) fn see(&mut self, mut reading: Reading, _now: Instant) {
        self.sort(&mut reading.sessions);
        if let Some(before) = &self.reading {
            self.flows = flows(before, &reading);
        }
        self.reading = Some(reading);
        let ids = self.ids();
        if !self.selected.as_ref().is_some_and(|it| ids.contains(it)) {
            self.selected = ids.first().cloned();
        }
    }

    /// As wished, and no more than anybody reads. Equal ones stay in order from look to look.
    fn sort(&self, sessions: &mut Vec<SessionView>) {
        sessions.sort_by(|a, b| {
            let order = self.session_order.compare(a, b);
            let order = if self.reversed {
                order.reverse()
            } else {
                order
            };
            order.then_with(|| a.id.cmp(&b.id))
        });
        sessions.truncate(MOST_SESSIONS);
    }

    /// What flows through a row.
    pub(super) fn flow(&self, row: &Row) -> Option<Flow> {
        self.flows.get(&row.id()).copied()
    }

    /// Proxies in the order of the file, their servers sorted as wished.
    pub(super) fn rows(&self) -> Vec<&Row> {
        let all = self.reading.iter().flat_map(|it| &it.rows);
        let mut rows: Vec<&Row> = all.collect();
        let mut proxies: Vec<&str> = Vec::new();
        for row in &rows {
            if !proxies.contains(&row.proxy.as_str()) {
                proxies.push(&row.proxy);
            }
        }
        let place = |row: &Row| proxies.iter().position(|it| *it == row.proxy);
        let rank = |row: &Row| match row.kind {
            Kind::Frontend => 0,
            Kind::Backend => 1,
            Kind::Server | Kind::Listener => 2,
        };
        rows.sort_by(|a, b| {
            let outer = (place(a), rank(a)).cmp(&(place(b), rank(b)));
            let inner = self.compare(a, b);
            outer.then(if self.reversed {
                inner.reverse()
            } else {
                inner
            })
        });
        rows
    }

    /// The busiest first.
    fn compare(&self, a: &Row, b: &Row) -> std::cmp::Ordering {
        let most = |column: &str| b.number(column).cmp(&a.number(column));
        match self.order {
            Order::File => std::cmp::Ordering::Equal,
            Order::Name => a.name.cmp(&b.name),
            Order::Status => a.text("status").cmp(b.text("status")),
            Order::Sessions => most("scur"),
            Order::Rate => most("rate"),
            Order::Bytes => {
                let sum = |row| {
                    let flow = self.flow(row).unwrap_or_default();
                    flow.bytes_in + flow.bytes_out
                };
                sum(b).total_cmp(&sum(a))
            }
        }
    }

    /// The sessions that are shown.
    pub(super) fn sessions(&self) -> &[SessionView] {
        self.reading.as_ref().map_or(&[], |it| &it.sessions)
    }

    /// What the cursor can stand on.
    pub(super) fn ids(&self) -> Vec<String> {
        match self.tab {
            Tab::Servers => self.rows().into_iter().map(Row::id).collect(),
            Tab::Sessions => self.sessions().iter().map(|it| it.id.clone()).collect(),
            Tab::Election => Vec::new(),
        }
    }

    /// Where the cursor stands.
    pub(super) fn position(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.ids().iter().position(|id| id == selected)
    }

    /// Moves the cursor, not beyond either end.
    pub(super) fn step(&mut self, by: isize) {
        let ids = self.ids();
        let at = self.position().unwrap_or(0).saturating_add_signed(by);
        self.selected = ids.get(at.min(ids.len().saturating_sub(1))).cloned();
    }

    /// The row under the cursor.
    pub(super) fn row(&self) -> Option<&Row> {
        let selected = self.selected.as_ref()?;
        self.rows().into_iter().find(|row| row.id() == *selected)
    }

    /// Keeps the cursor among so many rows that are shown.
    pub(super) fn scroll(&mut self, height: usize) {
        let at = self.position().unwrap_or(0);
        if at < self.first {
            self.first = at;
        } else if height > 0 && at >= self.first + height {
            self.first = at + 1 - height;
        }
        self.first = self.first.min(self.ids().len().saturating_sub(height));
    }
}

fn flows(before: &Reading, now: &Reading) -> HashMap<String, Flow> {
    let seconds = now.at.saturating_duration_since(before.at).as_secs_f64();
    let old: HashMap<_, _> = before.rows.iter().map(|row| (row.id(), row)).collect();
    let flow = |row: &Row| {
        let old = old.get(&row.id())?;
        let rate = |column: &str| {
            let more = row.number(column)?.saturating_sub(old.number(column)?);
            Some(f64::from(u32::try_from(more).unwrap_or(u32::MAX)) / seconds.max(0.001))
        };
        let flow = Flow {
            bytes_in: rate("bin")?,
            bytes_out: rate("bout")?,
        };
        Some((row.id(), flow))
    };
    now.rows.iter().filter_map(flow).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{admin::sessions::Doing, cli::top::table};

    pub(in crate::cli::top) fn reading(csv: &str, at: Instant) -> Reading {
        Reading {
            at,
            rows: table::rows(csv),
            info: table::info("Uptime: 0d 0h00m05s\nCurrConns: 3\nConnRate: 12\n"),
            sessions: sessions(),
            election: None,
            problem: None,
        }
    }

    /// One that talks to a server, and an older one that waits for one.
    fn sessions() -> Vec<SessionView> {
        let talks = SessionView {
            id: "0x1".into(),
            frontend: "fe".into(),
            backend: Some("be".into()),
            server: Some("s1".into()),
            client: "10.0.0.9:1".into(),
            server_address: Some("10.0.0.1:80".into()),
            stage: Doing::Established,
            age_ms: 97_000,
            idle_ms: 4_200,
            expires_ms: None,
            bytes_in: 12_345,
            bytes_out: 7,
            held: 0,
            retries: 0,
        };
        let waits = SessionView {
            id: "0x2".into(),
            server: None,
            client: "10.0.0.7:2".into(),
            stage: Doing::Queued,
            age_ms: 120_000,
            idle_ms: 0,
            bytes_in: 0,
            ..talks.clone()
        };
        vec![talks, waits]
    }

    pub(in crate::cli::top) fn state() -> State {
        let mut state = State::default();
        let now = Instant::now();
        state.see(reading(table::tests::CSV, now), now);
        state
    }

    fn names(state: &State) -> Vec<String> {
        state.rows().into_iter().map(Row::id).collect()
    }

    #[test]
    fn servers_are_sorted_within_their_proxy() {
        let mut state = state();
        let file = ["fe/FRONTEND", "be/BACKEND", "be/s1", "be/s2"];
        assert_eq!(names(&state), file);
        state.order = Order::Status;
        let by_status = ["fe/FRONTEND", "be/BACKEND", "be/s2", "be/s1"];
        assert_eq!(names(&state), by_status);
        state.reversed = true;
        assert_eq!(names(&state), file);
    }

    #[test]
    fn what_flows_is_the_difference_of_two_looks() {
        let mut state = state();
        let at = state.reading.as_ref().map(|it| it.at).unwrap();
        let later = table::tests::CSV.replace("600,2500,40000", "600,4500,40000");
        state.see(reading(&later, at + Duration::from_secs(2)), at);
        let row = state.rows()[2].clone();
        let flow = state.flow(&row).unwrap();
        assert!((flow.bytes_in - 1000.0).abs() < 0.1, "{flow:?}");
        assert!(flow.bytes_out.abs() < 0.1, "{flow:?}");
    }

    #[test]
    fn the_cursor_stays_on_its_row_and_in_sight() {
        let mut state = state();
        state.step(2);
        assert_eq!(state.selected.as_deref(), Some("be/s1"));
        state.order = Order::Status;
        assert_eq!(state.position(), Some(3));
        state.scroll(2);
        assert_eq!(state.first, 2);
        state.step(-9);
        state.scroll(2);
        assert_eq!((state.position(), state.first), (Some(0), 0));
        state.step(99);
        assert_eq!(state.position(), Some(3));
    }

    #[test]
    fn sessions_are_sorted_as_wished() {
        let mut state = state();
        let reading = state.reading.clone().unwrap();
        for (order, reversed, first) in [
            (SessionOrder::Age, false, "0x2"),
            (SessionOrder::Age, true, "0x1"),
            (SessionOrder::Idle, false, "0x1"),
            (SessionOrder::Bytes, false, "0x1"),
            (SessionOrder::Server, false, "0x2"),
            (SessionOrder::Client, false, "0x2"),
        ] {
            (state.session_order, state.reversed) = (order, reversed);
            state.see(reading.clone(), reading.at);
            assert_eq!(state.sessions()[0].id, first, "{order:?}");
        }
    }
}
