//! Proxies and servers.

use ratatui_core::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{BAD, DOUBT, GOOD, HEAD, QUIET, fitted, list, scaled, short};
use crate::cli::top::{
    state::{Order, State},
    table::{Kind, Row},
};

/// A column; those that do not fit any more are left out, from the right.
struct Column {
    title: &'static str,
    width: usize,
    order: Option<Order>,
    text: fn(&State, &Row) -> String,
}

const NAME: usize = 20;

const COLUMNS: [Column; 8] = [
    Column {
        title: "STATUS",
        width: 11,
        order: Some(Order::Status),
        text: |_, row| row.text("status").to_owned(),
    },
    Column {
        title: "SESS",
        width: 6,
        order: Some(Order::Sessions),
        text: |_, row| number(row, "scur"),
    },
    Column {
        title: "MAX",
        width: 6,
        order: None,
        text: |_, row| number(row, "smax"),
    },
    Column {
        title: "RATE",
        width: 6,
        order: Some(Order::Rate),
        text: |_, row| number(row, "rate"),
    },
    Column {
        title: "QUEUE",
        width: 6,
        order: None,
        text: |_, row| number(row, "qcur"),
    },
    Column {
        title: "WGHT",
        width: 5,
        order: None,
        text: |_, row| number(row, "weight"),
    },
    Column {
        title: "IN/s",
        width: 8,
        order: Some(Order::Bytes),
        text: |state, row| flow(state.flow(row).map(|it| it.bytes_in)),
    },
    Column {
        title: "OUT/s",
        width: 8,
        order: None,
        text: |state, row| flow(state.flow(row).map(|it| it.bytes_out)),
    },
];

fn number(row: &Row, column: &str) -> String {
    row.number(column).map_or_else(String::new, short)
}

fn flow(flow: Option<f64>) -> String {
    flow.map_or_else(String::new, scaled)
}

pub(super) fn render(state: &mut State, area: Rect, buffer: &mut Buffer) {
    let columns = fitting(usize::from(area.width));
    let head = head(state, columns);
    let lines = state.rows().into_iter();
    let lines = lines.map(|row| line(state, row, columns)).collect();
    list(state, head, lines, area, buffer);
}

fn fitting(width: usize) -> &'static [Column] {
    let mut left = width.saturating_sub(NAME + 1);
    let fits = |column: &&Column| {
        let fits = left >= column.width;
        left = left.saturating_sub(column.width);
        fits
    };
    let count = COLUMNS.iter().take_while(fits).count();
    &COLUMNS[..count]
}

fn head(state: &State, columns: &[Column]) -> Line<'static> {
    let by = |order: Option<Order>, title: &str| match order {
        Some(order) if order == state.order => format!("{title}*"),
        _ => title.to_owned(),
    };
    let name = by(Some(Order::Name), "NAME");
    let mut text = format!(" {}", fitted(&name, NAME, false));
    for (at, column) in columns.iter().enumerate() {
        let title = by(column.order, column.title);
        text += &fitted(&title, column.width, at > 0);
    }
    Line::styled(text, HEAD)
}

fn line(state: &State, row: &Row, columns: &[Column]) -> Line<'static> {
    let (name, style) = match row.kind {
        Kind::Frontend => (format!("{}  frontend", row.proxy), Style::new().bold()),
        Kind::Backend => (format!("{}  backend", row.proxy), Style::new().bold()),
        Kind::Server | Kind::Listener => (format!("  {}", row.name), Style::new()),
    };
    let name = format!(" {}", fitted(&name, NAME, false));
    let mut spans = vec![Span::styled(name, style)];
    for (at, column) in columns.iter().enumerate() {
        let text = fitted(&(column.text)(state, row), column.width, at > 0);
        let style = if at == 0 { health(row) } else { Style::new() };
        spans.push(Span::styled(text, style));
    }
    Line::from(spans)
}

fn health(row: &Row) -> Style {
    let status = row.text("status");
    match status {
        "UP" | "OPEN" => GOOD,
        _ if status.starts_with("DOWN") || status == "STOP" => BAD,
        _ if status.starts_with("MAINT") || status == "no check" => QUIET,
        _ => DOUBT,
    }
}
