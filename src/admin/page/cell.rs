//! The columns of a table: HAProxy's, with the state in front.

use super::format;
use crate::admin::{
    column::Column,
    snapshot::{Kind, Row, Value},
};

/// Columns under one heading.
pub(super) struct Group {
    /// The heading.
    pub(super) title: &'static str,
    /// The columns.
    pub(super) cells: &'static [Cell],
}

/// One column.
pub(super) struct Cell {
    /// Below its group's heading.
    pub(super) short: &'static str,
    /// Where it stands alone, on a phone or in a tooltip.
    pub(super) full: &'static str,
    show: Show,
}

/// How a column is made of a row.
enum Show {
    /// A number.
    Count(Column),
    /// A configured limit: nothing if there is none.
    Limit(Column),
    /// Bytes.
    Bytes(Column),
    /// Seconds.
    Age(Column),
    /// Something of its own.
    Own(fn(&Row) -> Shown),
}

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shown {
    /// The text.
    pub(super) text: String,
    /// More, on request.
    pub(super) hint: Option<String>,
    /// Nothing that needs attention: zero, or nothing at all.
    pub(super) quiet: bool,
}

const fn cell(short: &'static str, full: &'static str, show: Show) -> Cell {
    Cell { short, full, show }
}

/// All columns behind the name and the state: HAProxy's, but the last check stands next to the
/// state that it explains.
pub(super) const GROUPS: [Group; 9] = [
    Group {
        title: "Check",
        cells: &[cell("LastChk", "Last check", Show::Own(last_check))],
    },
    Group {
        title: "Queue",
        cells: &[
            cell("Cur", "Queued now", Show::Count(Column::Qcur)),
            cell("Max", "Queued at most", Show::Count(Column::Qmax)),
            cell("Limit", "Queue limit", Show::Limit(Column::Qlimit)),
        ],
    },
    Group {
        title: "Session rate",
        cells: &[
            cell("Cur", "Sessions/s now", Show::Own(rate)),
            cell("Max", "Sessions/s at most", Show::Own(rate_max)),
            cell("Limit", "Sessions/s limit", Show::Own(rate_limit)),
        ],
    },
    Group {
        title: "Sessions",
        cells: &[
            cell("Cur", "Sessions now", Show::Count(Column::Scur)),
            cell("Max", "Sessions at most", Show::Count(Column::Smax)),
            cell("Limit", "Session limit", Show::Limit(Column::Slim)),
            cell("Total", "Sessions in total", Show::Own(total)),
            cell("LbTot", "Times picked", Show::Count(Column::Lbtot)),
            cell("Last", "Last session", Show::Own(last)),
        ],
    },
    Group {
        title: "Bytes",
        cells: &[
            cell("In", "Bytes in", Show::Bytes(Column::Bin)),
            cell("Out", "Bytes out", Show::Bytes(Column::Bout)),
        ],
    },
    Group {
        title: "Denied",
        cells: &[
            cell("Req", "Requests denied", Show::Own(denied)),
            cell("Resp", "Responses denied", Show::Count(Column::Dresp)),
        ],
    },
    Group {
        title: "Errors",
        cells: &[
            cell("Req", "Request errors", Show::Count(Column::Ereq)),
            cell("Conn", "Connection errors", Show::Count(Column::Econ)),
            cell("Resp", "Response errors", Show::Own(response_errors)),
        ],
    },
    Group {
        title: "Warnings",
        cells: &[
            cell("Retr", "Retries", Show::Count(Column::Wretr)),
            cell("Redis", "Redispatches", Show::Count(Column::Wredis)),
        ],
    },
    Group {
        title: "Server",
        cells: &[
            cell("Wght", "Weight", Show::Own(weight)),
            cell("Act", "Active", Show::Own(active)),
            cell("Bck", "Backup", Show::Own(backup)),
            cell("Chk", "Failed checks", Show::Count(Column::Chkfail)),
            cell("Dwn", "Times down", Show::Count(Column::Chkdown)),
            cell("Dwntme", "Downtime", Show::Age(Column::Downtime)),
            cell("Thrtle", "Slow start", Show::Own(throttle)),
        ],
    },
];

impl Cell {
    /// The cell of a row.
    pub(super) fn of(&self, row: &Row) -> Shown {
        match self.show {
            Show::Count(column) => numeric(row, column, format::count),
            Show::Limit(column) => numeric(row, column, format::count),
            Show::Bytes(column) => numeric(row, column, format::bytes),
            Show::Age(column) => numeric(row, column, format::age),
            Show::Own(show) => show(row),
        }
    }
}

impl Shown {
    fn nothing() -> Self {
        Self {
            quiet: true,
            ..Self::default()
        }
    }

    fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    fn quiet(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            quiet: true,
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

fn number(row: &Row, column: Column) -> u64 {
    row.get(column).number().unwrap_or(0)
}

fn numeric(row: &Row, column: Column, write: fn(u64) -> String) -> Shown {
    let Some(number) = row.get(column).number() else {
        return Shown::nothing();
    };
    let text = write(number);
    let exact = format::grouped(number);
    Shown {
        hint: (number >= 1000 && text != exact).then_some(exact),
        quiet: number == 0,
        text,
    }
}

fn rate(row: &Row) -> Shown {
    let shown = numeric(row, Column::Rate, format::count);
    match row.get(Column::ConnRate).number() {
        Some(rate) => shown.hint(format!("{rate} connections a second now")),
        None => shown,
    }
}

fn rate_max(row: &Row) -> Shown {
    let shown = numeric(row, Column::RateMax, format::count);
    match row.get(Column::ConnRateMax).number() {
        Some(rate) => shown.hint(format!("{rate} connections a second at most")),
        None => shown,
    }
}

fn rate_limit(row: &Row) -> Shown {
    match number(row, Column::RateLim) {
        0 => Shown::nothing(),
        limit => Shown::quiet(format::count(limit)),
    }
}

fn total(row: &Row) -> Shown {
    let shown = numeric(row, Column::Stot, format::count);
    let sessions = format::grouped(number(row, Column::Stot));
    if let Some(connections) = row.get(Column::ConnTot).number() {
        let mut hint = format!(
            "{} connections, {sessions} sessions",
            format::grouped(connections)
        );
        if row.get(Column::Intercepted) != &Value::Empty {
            hint.push_str(&responses(row));
        }
        return shown.hint(hint);
    }
    if row.get(Column::Ttime) == &Value::Empty {
        return shown;
    }
    let time = |average, most| format!("{}/{}", number(row, average), number(row, most));
    shown.hint(format!(
        "{sessions} sessions; average/maximum ms: queue {}, connect {}, total {}",
        time(Column::Qtime, Column::QtimeMax),
        time(Column::Ctime, Column::CtimeMax),
        time(Column::Ttime, Column::TtimeMax),
    ))
}

fn responses(row: &Row) -> String {
    let classes = [
        ("1xx", Column::Hrsp1xx),
        ("2xx", Column::Hrsp2xx),
        ("3xx", Column::Hrsp3xx),
        ("4xx", Column::Hrsp4xx),
        ("5xx", Column::Hrsp5xx),
    ];
    let counts: Vec<String> = classes
        .iter()
        .map(|(class, column)| format!("{class} {}", format::grouped(number(row, *column))))
        .collect();
    format!(
        "; {} HTTP requests: {}",
        format::grouped(number(row, Column::ReqTot)),
        counts.join(", ")
    )
}

fn last(row: &Row) -> Shown {
    match row.get(Column::Lastsess) {
        Value::Signed(seconds) => match u64::try_from(*seconds) {
            Ok(seconds) => Shown::plain(format::age(seconds)),
            Err(_) => Shown::quiet("never"),
        },
        _ => Shown::nothing(),
    }
}

fn denied(row: &Row) -> Shown {
    let shown = numeric(row, Column::Dreq, format::count);
    let (connections, sessions) = (number(row, Column::Dcon), number(row, Column::Dses));
    if connections + sessions == 0 {
        return shown;
    }
    shown.hint(format!(
        "besides, {connections} connections and {sessions} sessions"
    ))
}

fn response_errors(row: &Row) -> Shown {
    let shown = numeric(row, Column::Eresp, format::count);
    if row.get(Column::CliAbrt) == &Value::Empty {
        return shown;
    }
    shown.hint(format!(
        "ended during transfer: {} by the client, {} by the server",
        format::grouped(number(row, Column::CliAbrt)),
        format::grouped(number(row, Column::SrvAbrt)),
    ))
}

fn last_check(row: &Row) -> Shown {
    let Some(status) = row.get(Column::CheckStatus).as_text() else {
        return agent_check(row);
    };
    let mut text = status.to_owned();
    if let Some(code) = row.get(Column::CheckCode).number() {
        text.push_str(&format!("/{code}"));
    }
    if let Some(duration) = row.get(Column::CheckDuration).number() {
        text.push_str(&format!(" in {duration}ms"));
    }
    let mut hint = row.get(Column::CheckDesc).to_string();
    for column in [Column::LastChk, Column::LastAgt] {
        if let Some(words) = row.get(column).as_text() {
            hint.push_str(&format!(": {words}"));
        }
    }
    Shown::plain(text).hint(hint)
}

fn agent_check(row: &Row) -> Shown {
    let Some(status) = row.get(Column::AgentStatus).as_text() else {
        return Shown::nothing();
    };
    Shown::plain(format!("agent {status}")).hint(row.get(Column::LastAgt).to_string())
}

fn weight(row: &Row) -> Shown {
    let (Some(now), Some(configured)) = (
        row.get(Column::Weight).number(),
        row.get(Column::Uweight).number(),
    ) else {
        return Shown::nothing();
    };
    if now == configured {
        return Shown::plain(now.to_string());
    }
    Shown::plain(format!("{now}/{configured}")).hint("weight in force / weight configured")
}

fn active(row: &Row) -> Shown {
    servers(row, Column::Act)
}

fn backup(row: &Row) -> Shown {
    servers(row, Column::Bck)
}

/// How many there are in a backend; whether a server is one.
fn servers(row: &Row, column: Column) -> Shown {
    match (row.kind, row.get(column).number()) {
        (Kind::Server, Some(0)) => Shown::quiet("-"),
        (Kind::Server, Some(_)) => Shown::plain("Y"),
        (_, Some(count)) => Shown::plain(count.to_string()),
        (_, None) => Shown::nothing(),
    }
}

fn throttle(row: &Row) -> Shown {
    match row.get(Column::Throttle).number() {
        Some(percent) => Shown::plain(format!("{percent}%")).hint("share of its weight so far"),
        None => Shown::nothing(),
    }
}
