//! Looking at a node.

use std::{collections::HashMap, time::Instant};

use super::{
    state::Tab,
    table::{self, Row},
};
use crate::{
    admin::sessions::SessionView,
    cli::runtime::{RuntimeError, Which, ask, order},
    election::status::Status,
};

/// What was seen.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) at: Instant,
    /// Frontends, servers, backends; without listeners.
    pub(super) rows: Vec<Row>,
    /// The process as a whole.
    pub(super) info: HashMap<String, String>,
    /// Only while they are shown.
    pub(super) sessions: Vec<SessionView>,
    pub(super) election: Option<Status>,
    /// What could not be seen, and why.
    pub(super) problem: Option<String>,
}

/// Looks again and again.
#[derive(Debug)]
pub(super) struct Reader {
    which: Which,
    /// The proxy process, as of the last look.
    pid: Option<u32>,
}

impl Reader {
    pub(super) const fn new(which: Which) -> Self {
        Self { which, pid: None }
    }

    /// What there is to see now.
    pub(super) fn read(&mut self, tab: Tab) -> Reading {
        let mut reading = Reading {
            at: Instant::now(),
            rows: Vec::new(),
            info: HashMap::new(),
            sessions: Vec::new(),
            election: None,
            problem: None,
        };
        if let Err(error) = self.look(tab, &mut reading) {
            reading.problem = Some(error.to_string());
        }
        reading
    }

    fn look(&mut self, tab: Tab, reading: &mut Reading) -> Result<(), RuntimeError> {
        self.pid = self.which.pid;
        if self.pid.is_none() {
            let node = self.which.whom.status()?;
            self.pid = node.proxy.as_ref().and_then(|proxy| proxy.pid);
            reading.election = node.vrrp.map(serde_json::from_value).transpose()?;
        }
        let Some(pid) = self.pid else {
            // An election alone is worth a look.
            return match reading.election {
                Some(_) => Ok(()),
                None => Err(RuntimeError::NoProxy),
            };
        };
        reading.rows = table::rows(&ask(pid, "show stat")?);
        reading.rows.retain(|row| row.kind != table::Kind::Listener);
        reading.info = table::info(&ask(pid, "show info")?);
        if tab == Tab::Sessions {
            reading.sessions = sessions(pid)?;
        }
        Ok(())
    }

    /// Lets the proxy do something; tells what came of it.
    pub(super) fn order(&self, command: &str) -> String {
        let done = self
            .pid
            .ok_or(RuntimeError::NoProxy)
            .and_then(|pid| order(pid, command));
        match done {
            Ok(()) => format!("done: {command}"),
            Err(error) => format!("{command}: {error}"),
        }
    }
}

/// The sessions of a proxy process; one of an older version may not know the question.
fn sessions(pid: u32) -> Result<Vec<SessionView>, RuntimeError> {
    let answer = ask(pid, "show sess json")?;
    if answer.starts_with('[') {
        return Ok(serde_json::from_str(&answer)?);
    }
    let text = "this proxy does not list its sessions".to_owned();
    Err(RuntimeError::Refused(text))
}
