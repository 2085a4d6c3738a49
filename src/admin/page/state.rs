//! States in words, symbols and HAProxy's colours: nobody must rely on colour alone.

use pontoon_engine::server::Status;

use crate::{
    admin::snapshot::{Health, Kind, Row},
    state::FrontendStatus,
};

/// How a row looks: a class of the style sheet and a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// The class; the names are HAProxy's.
    pub(super) class: &'static str,
    /// A symbol in front of the words.
    pub(super) symbol: &'static str,
}

const fn look(class: &'static str, symbol: &'static str) -> Look {
    Look { class, symbol }
}

impl Look {
    /// The look of a row.
    pub(super) const fn of(row: &Row) -> Self {
        match (row.health, row.kind) {
            (Health::Client(FrontendStatus::Open), Kind::Listener) => look("socket", "●"),
            (Health::Client(FrontendStatus::Open), _) => look("frontend", "●"),
            (Health::Client(FrontendStatus::Full), _) => look("active_going_down", "◆"),
            (Health::Client(FrontendStatus::Disabled | FrontendStatus::Paused), _) => {
                look("active_draining", "❚❚")
            }
            (Health::Client(FrontendStatus::Stopped), _) => look("active_down", "■"),
            (Health::Backend { up: true }, _) => look("backend", "●"),
            (Health::Backend { up: false }, _) => look("active_down", "▼"),
            (Health::Server { status, backup }, _) => of_server(status, backup),
        }
    }
}

const fn of_server(status: Status, backup: bool) -> Look {
    match (status, backup) {
        (Status::Up, false) => look("active_up", "▲"),
        (Status::Up, true) => look("backup_up", "▲"),
        (Status::GoingDown { .. }, false) => look("active_going_down", "◢"),
        (Status::GoingDown { .. }, true) => look("backup_going_down", "◢"),
        (Status::GoingUp { .. }, false) => look("active_going_up", "◣"),
        (Status::GoingUp { .. }, true) => look("backup_going_up", "◣"),
        (Status::Down | Status::DownByAgent, false) => look("active_down", "▼"),
        (Status::Down | Status::DownByAgent, true) => look("backup_down", "▼"),
        (Status::NoCheck, false) => look("active_no_check", "○"),
        (Status::NoCheck, true) => look("backup_no_check", "○"),
        (Status::Stopping, false) => look("active_nolb", "◇"),
        (Status::Stopping, true) => look("backup_nolb", "◇"),
        (Status::Drain | Status::DrainByAgent, false) => look("active_draining", "◇"),
        (Status::Drain | Status::DrainByAgent, true) => look("backup_draining", "◇"),
        (Status::Maintenance | Status::MaintenanceVia, _) => look("maintain", "✕"),
    }
}

/// The legend: looks and what they mean.
pub(super) const LEGEND: [(Look, &str); 10] = [
    (look("active_up", "▲"), "active, up"),
    (look("backup_up", "▲"), "backup, up"),
    (look("active_going_down", "◢"), "active, going down"),
    (look("backup_going_down", "◢"), "backup, going down"),
    (look("active_going_up", "◣"), "active, going up"),
    (look("backup_going_up", "◣"), "backup, going up"),
    (look("active_down", "▼"), "down"),
    (look("active_no_check", "○"), "not checked"),
    (look("maintain", "✕"), "maintenance (MAINT)"),
    (
        look("active_draining", "◇"),
        "no new sessions (DRAIN, NOLB)",
    ),
];
