//! How a supervisor speaks: as `pontoon run`, as the master of `haproxy -W`, as the parent of
//! `keepalived`.

use std::fmt::Display;

use crate::{
    election::log::{Level, Log},
    proxy::process::announce::Announcer,
};

/// Where its words go.
#[derive(Debug)]
pub(super) enum Voice {
    /// Standard error.
    Announcer(Announcer),
    /// The election's log.
    Log(Log),
}

impl Voice {
    /// From now on, whoever does not read cannot keep us waiting. Signals must be held back.
    pub(super) fn never_wait(&mut self) {
        match self {
            Self::Announcer(announcer) => announcer.never_wait(),
            Self::Log(_) => {}
        }
    }

    /// At the end: gives the last lines a moment to get out.
    pub(super) fn flush(&self) {
        match self {
            Self::Announcer(announcer) => announcer.flush(),
            Self::Log(log) => log.flush(),
        }
    }

    /// Why nothing starts.
    pub(super) fn alert(&self, message: impl Display) {
        match self {
            Self::Announcer(announcer) => announcer.alert(message),
            Self::Log(log) => log.line(Level::Error, message),
        }
    }

    /// What will surprise.
    pub(super) fn warning(&self, message: impl Display) {
        match self {
            Self::Announcer(announcer) => announcer.warning(message),
            Self::Log(log) => log.line(Level::Warning, message),
        }
    }

    /// Lines that have their final shape already.
    pub(super) fn verbatim(&self, lines: &str) {
        match self {
            Self::Announcer(announcer) => announcer.verbatim(lines),
            Self::Log(log) => lines.lines().for_each(|line| log.line(Level::Notice, line)),
        }
    }

    /// What is good to know.
    pub(super) fn notice(&self, message: impl Display) {
        match self {
            Self::Announcer(announcer) => announcer.notice(message),
            Self::Log(log) => log.line(Level::Notice, message),
        }
    }
}
