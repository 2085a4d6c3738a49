//! Carrying commands out.

use std::sync::Arc;

use super::{answer::Answer, command::Command, help};
use crate::state::Running;

impl Command {
    /// Does it. What concerns the connection alone was done by then.
    pub(super) async fn apply(self, running: &Arc<Running>) -> Answer {
        match self {
            Self::Session(_) => Answer::Done,
            Self::Show(show) => show.answer(running).await,
            Self::Change(change) => change.answer(running).await,
            Self::Wait(wait) => wait.answer(running).await,
            Self::Help(words) => help::list(&words),
        }
    }
}
