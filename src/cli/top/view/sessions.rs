//! Sessions.

use std::time::Duration;

use ratatui_core::{buffer::Buffer, layout::Rect, text::Line};

use super::{HEAD, fitted, list, short};
use crate::{
    admin::sessions::{SessionView, human},
    cli::top::state::{SessionOrder, State},
};

/// A column; what does not fit on the terminal is cut off, from the right.
struct Column {
    title: &'static str,
    width: usize,
    right: bool,
    order: Option<SessionOrder>,
    text: fn(&SessionView) -> String,
}

const COLUMNS: [Column; 8] = [
    Column {
        title: "CLIENT",
        width: 21,
        right: false,
        order: Some(SessionOrder::Client),
        text: |it| it.client.clone(),
    },
    Column {
        title: "SERVER",
        width: 16,
        right: false,
        order: Some(SessionOrder::Server),
        text: server,
    },
    Column {
        title: "AGE",
        width: 6,
        right: true,
        order: Some(SessionOrder::Age),
        text: |it| human(Duration::from_millis(it.age_ms)),
    },
    Column {
        title: "IDLE",
        width: 6,
        right: true,
        order: Some(SessionOrder::Idle),
        text: |it| human(Duration::from_millis(it.idle_ms)),
    },
    Column {
        title: "IN",
        width: 6,
        right: true,
        order: Some(SessionOrder::Bytes),
        text: |it| short(it.bytes_in),
    },
    Column {
        title: "OUT",
        width: 6,
        right: true,
        order: None,
        text: |it| short(it.bytes_out),
    },
    Column {
        title: " STATE",
        width: 12,
        right: false,
        order: None,
        text: |it| format!(" {}", it.stage.word()),
    },
    Column {
        title: " FRONTEND",
        width: 16,
        right: false,
        order: None,
        text: |it| format!(" {}", it.frontend),
    },
];

pub(super) fn render(state: &mut State, area: Rect, buffer: &mut Buffer) {
    let order = state.session_order;
    let head = line(|column| match column.order {
        Some(it) if it == order => format!("{}*", column.title),
        _ => column.title.to_owned(),
    });
    let sessions = state.sessions().iter();
    let lines = sessions
        .map(|session| line(|column| (column.text)(session)))
        .collect();
    list(state, head.style(HEAD), lines, area, buffer);
}

/// `be/s1`; without a server, or even a backend: `-`.
fn server(it: &SessionView) -> String {
    let or_none = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
    match &it.backend {
        Some(backend) => format!("{backend}/{}", or_none(&it.server)),
        None => "-".to_owned(),
    }
}

fn line(text: impl Fn(&Column) -> String) -> Line<'static> {
    let mut out = String::new();
    for column in &COLUMNS {
        out.push(' ');
        out.push_str(&fitted(&text(column), column.width, column.right));
    }
    Line::from(out)
}
