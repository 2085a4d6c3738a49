//! Sessions.

use ratatui_core::{buffer::Buffer, layout::Rect, text::Line};

use super::{HEAD, fitted, list};
use crate::cli::top::{state::State, table::Session};

const CLIENT: usize = 24;
const AGE: usize = 8;
const FRONTEND: usize = 16;

pub(super) fn render(state: &mut State, area: Rect, buffer: &mut Buffer) {
    let head = line("CLIENT", "AGE", "FRONTEND", "SERVER");
    let lines = state.sessions().iter().map(session).collect();
    list(state, head.style(HEAD), lines, area, buffer);
}

fn session(it: &Session) -> Line<'static> {
    let server = format!("{}/{}", it.backend, it.server);
    line(&it.client, &it.age, &it.frontend, &server)
}

fn line(client: &str, age: &str, frontend: &str, server: &str) -> Line<'static> {
    Line::from(format!(
        " {} {}  {} {server}",
        fitted(client, CLIENT, false),
        fitted(age, AGE, true),
        fitted(frontend, FRONTEND, false),
    ))
}
