//! `wait`: the next command of the line comes later (HAProxy 3.0 management manual, 9.3 `wait`).
//!
//! Only the client that asks waits: each is served by a task of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pontoon_config::haproxy::model::Access;
use tokio::time::sleep;

use super::{
    answer::{Answer, Severity},
    command::{Arguments, Command},
    session,
    table::Row,
};
use crate::state::{Running, operate::Refusal};

/// How long, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wait {
    delay: Duration,
    condition: Option<Condition>,
}

/// What may come before the time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// This server could be deleted: it is in maintenance, and has no session.
    Removable(String),
}

/// Why a server cannot be deleted now.
#[derive(Debug, thiserror::Error)]
enum Obstacle {
    /// It is not there, or the file names it elsewhere.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// Nobody wants it gone.
    #[error("The server is not in maintenance: 'set server {0} state maint' first.")]
    InUse(String),
    /// That may pass.
    #[error("Server still has connections attached to it, cannot remove it.")]
    Busy,
}

pub(super) const ROWS: &[Row] = &[Row {
    name: "wait",
    usage: "wait {-h|<delay>} [cond [args]]",
    what: "wait the specified delay or condition (-h to see list)",
    access: Access::User,
    parse,
}];

const USAGE: &str = "\
Usage: wait {-h|<delay>} [condition [args...]]
  <delay> is in milliseconds, or has a unit: us, ms, s, m, h, d.
  Conditions that may end it before:
    srv-removable <backend>/<server>  the server is in maintenance and has no session
";
/// How often a condition is looked at.
const LOOKS: Duration = Duration::from_millis(20);
const MILLISECOND: u64 = 1_000;

fn parse(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    let [delay, condition, subject] = [0, 1, 2].map(|place| arguments.get(place));
    if delay == "-h" || condition == "-h" {
        return Err(Answer::Text(USAGE.to_owned()));
    }
    if delay.is_empty() {
        return Err(Answer::error("Expects a delay; 'wait -h' tells the rest."));
    }
    let zero = delay == "0";
    let delay = session::duration_in(delay, MILLISECOND).or(zero.then_some(Duration::ZERO));
    let delay = delay.ok_or_else(|| Answer::error("Invalid delay; 'wait -h' tells the units."))?;
    let condition = match (condition, subject) {
        ("", _) => None,
        ("srv-removable", path) if path.contains('/') => {
            Some(Condition::Removable(path.to_owned()))
        }
        ("srv-removable", _) => return Err(Answer::error(Refusal::NeedsPath.to_string())),
        (other, _) => {
            let text = format!("Unknown condition '{other}'; 'wait -h' lists them.");
            return Err(Answer::error(text));
        }
    };
    Ok(Command::Wait(Wait { delay, condition }))
}

impl Wait {
    /// Waits, and tells what has come of it.
    pub(super) async fn answer(self, running: &Arc<Running>) -> Answer {
        let end = Instant::now() + self.delay;
        let Some(Condition::Removable(path)) = self.condition else {
            sleep(self.delay).await;
            return Answer::Done;
        };
        loop {
            match obstacle(running, &path) {
                Ok(()) => return Answer::Feedback(Severity::Notice, "Done.".into()),
                Err(Obstacle::Busy) if Instant::now() < end => {
                    let left = end.saturating_duration_since(Instant::now());
                    sleep(left.min(LOOKS)).await;
                }
                Err(Obstacle::Busy) => {
                    return Answer::error(format!("Wait delay expired. {}", Obstacle::Busy));
                }
                Err(other) => return Answer::error(format!("Failed. {other}")),
            }
        }
    }
}

fn obstacle(running: &Running, path: &str) -> Result<(), Obstacle> {
    let server = running.find_server(path)?;
    running.removable(server).map_err(|refusal| match refusal {
        Refusal::StillConnected => Obstacle::Busy,
        Refusal::NotInMaintenance => Obstacle::InUse(path.to_owned()),
        other => Obstacle::Refusal(other),
    })
}
