//! One proxy: its heading, its table, and what an administrator can do to its servers.

use maud::{Markup, html};
use pontoon_engine::server::Status;

use super::{
    Settings,
    cell::{GROUPS, Shown},
    format,
    state::Look,
};
use crate::admin::{
    column::Column,
    command::OFFERED,
    snapshot::{Health, Kind, ProxyRows, Row, Snapshot, Value},
};

/// A proxy with all its rows.
pub(super) fn section(proxy: &ProxyRows, settings: &Settings<'_>) -> Markup {
    let servers = proxy.rows.iter().any(|row| row.kind == Kind::Server);
    let admin = settings.admin && servers;
    html! {
        section id=(proxy.name) {
            (heading(proxy, settings))
            @if admin {
                form method="post" action=(settings.link(|_| {})) {
                    (table(proxy, settings, true))
                    (actions(proxy))
                }
            } @else {
                (table(proxy, settings, false))
            }
        }
    }
}

fn heading(proxy: &ProxyRows, settings: &Settings<'_>) -> Markup {
    html! {
        h2 {
            a href={ "#" (proxy.name) } { (proxy.name) }
            " "
            span.kind {
                (kind_words(proxy))
                @if settings.legends { " · mode " (proxy.mode) " · id " (proxy.number) }
            }
            @if let Some(text) = &proxy.description { " " span.desc { (text) } }
        }
    }
}

const fn kind_words(proxy: &ProxyRows) -> &'static str {
    match (proxy.frontend, proxy.backend) {
        (true, true) => "listen",
        (true, false) => "frontend",
        _ => "backend",
    }
}

fn table(proxy: &ProxyRows, settings: &Settings<'_>, admin: bool) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Figures of " (proxy.name) } {
            table {
                thead {
                    tr {
                        th.name rowspan="2" scope="col" {
                            @if admin {
                                input.all type="checkbox" hidden aria-label="All servers";
                            }
                            "Name"
                        }
                        th.state rowspan="2" scope="col" { "Status" }
                        @for group in &GROUPS {
                            th.first scope="colgroup" colspan=(group.cells.len()) { (group.title) }
                        }
                    }
                    tr {
                        @for group in &GROUPS {
                            @for (index, cell) in group.cells.iter().enumerate() {
                                th.first[index == 0] scope="col" title=(cell.full) { (cell.short) }
                            }
                        }
                    }
                }
                tbody { @for row in &proxy.rows { (line(proxy, row, settings, admin)) } }
            }
        }
    }
}

fn line(proxy: &ProxyRows, row: &Row, settings: &Settings<'_>, admin: bool) -> Markup {
    let look = Look::of(row);
    let name = name(row);
    let anchor = format!("{}/{}", proxy.name, anchor(row));
    html! {
        tr.row.(look.class) id=(anchor) {
            th.name scope="row" {
                @if admin && row.kind == Kind::Server {
                    input type="checkbox" name="s" value=(name) aria-label={ "Choose " (name) };
                }
                a href={ "#" (anchor) } { (name) }
                @if let Some(more) = more(row, settings) { span.more { (more) } }
            }
            td.state { (state(row, look)) }
            @for group in &GROUPS {
                @for (index, cell) in group.cells.iter().enumerate() {
                    (figure(cell.of(row), cell.full, index == 0))
                }
            }
        }
    }
}

/// The name shown: as HAProxy's page calls both sides.
fn name(row: &Row) -> String {
    match row.kind {
        Kind::Frontend => "Frontend".to_owned(),
        Kind::Backend => "Backend".to_owned(),
        Kind::Server | Kind::Listener => row.get(Column::Svname).to_string(),
    }
}

/// The name in the address of a row; listeners stand apart from servers by a `+`.
fn anchor(row: &Row) -> String {
    match row.kind {
        Kind::Listener => format!("+{}", name(row)),
        _ => name(row),
    }
}

/// With `stats show-legends`: where it is, and its number.
fn more(row: &Row, settings: &Settings<'_>) -> Option<String> {
    if !settings.legends {
        return None;
    }
    match (row.kind, row.get(Column::Addr), row.get(Column::Algo)) {
        (Kind::Backend, _, algorithm) => Some(format!("balance {algorithm}")),
        (_, Value::Text(address), _) => Some(format!("{address} · id {}", row.number)),
        _ => None,
    }
}

fn state(row: &Row, look: Look) -> Markup {
    let since = row.get(Column::Lastchg).number();
    // Without checks nothing changes by itself: HAProxy shows no time there either.
    let timed = !matches!(
        row.health,
        Health::Server {
            status: Status::NoCheck,
            ..
        }
    );
    html! {
        span.pill.(look.class) {
            span aria-hidden="true" { (look.symbol) } " " (row.get(Column::Status))
        }
        @if let Some(seconds) = since && timed { " " span.since { (format::age(seconds)) } }
    }
}

fn figure(shown: Shown, full: &str, first: bool) -> Markup {
    let Shown { text, hint, quiet } = shown;
    html! {
        td.first[first].z[quiet] data-l=(full) title=[hint] { (text) }
    }
}

fn actions(proxy: &ProxyRows) -> Markup {
    html! {
        p.actions {
            label {
                span { "Checked servers:" } " "
                select name="action" required {
                    option value="" { "choose an action" }
                    @for (word, title) in OFFERED { option value=(word) { (title) } }
                }
            }
            input type="hidden" name="b" value={ "#" (proxy.number) };
            " " button { "Apply" }
        }
    }
}

/// How many of the servers take traffic, of how many.
pub(super) fn servers_up(snapshot: &Snapshot) -> (usize, usize) {
    let servers = snapshot.rows().filter_map(|row| match row.health {
        Health::Server { status, .. } => Some(status),
        _ => None,
    });
    servers.fold((0, 0), |(up, all), status| {
        let in_use = matches!(
            status,
            Status::Up | Status::GoingDown { .. } | Status::NoCheck
        );
        (up + usize::from(in_use), all + 1)
    })
}

/// Bytes from and to clients: over all frontends shown, or over the backends if there are none.
pub(super) fn traffic(snapshot: &Snapshot) -> (u64, u64) {
    let some_frontend = snapshot.rows().any(|row| row.kind == Kind::Frontend);
    let counted = if some_frontend {
        Kind::Frontend
    } else {
        Kind::Backend
    };
    let bytes = |row: &Row, column| row.get(column).number().unwrap_or(0);
    snapshot
        .rows()
        .filter(|row| row.kind == counted)
        .fold((0, 0), |(bytes_in, bytes_out), row| {
            (
                bytes_in + bytes(row, Column::Bin),
                bytes_out + bytes(row, Column::Bout),
            )
        })
}
