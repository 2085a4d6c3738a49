//! What is followed, and who follows it.

use std::sync::Arc;

use pontoon_config::keepalived::model::{TrackFile, TrackProcess, TrackScript};

use super::{
    Key,
    script::{Judge, ScriptState, ScriptView},
};
use crate::election::{script::Script, stop::Reins};

/// Holds a task; dropping it ends the task, and what the task has started.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) key: Key,
    #[expect(dead_code, reason = "it acts when it is dropped")]
    pub(super) reins: Reins,
}

#[derive(Debug)]
pub(super) struct ScriptSlot {
    pub(super) definition: TrackScript,
    pub(super) judge: Judge,
    pub(super) tracked: bool,
    /// What is run, and by whom; `None`: nobody tracks it, or it cannot be run.
    pub(super) runs: Option<(Script, Follower)>,
}

#[derive(Debug)]
pub(super) struct FileSlot {
    pub(super) definition: TrackFile,
    pub(super) number: i64,
    pub(super) follower: Option<Follower>,
}

#[derive(Debug)]
pub(super) struct ProcessSlot {
    pub(super) definitions: Arc<[TrackProcess]>,
    /// Where each of them is in the model.
    pub(super) indices: Vec<usize>,
    pub(super) up: Vec<bool>,
    pub(super) follower: Follower,
}

impl FileSlot {
    pub(super) fn is(&self, key: Key) -> bool {
        let follower = self.follower.as_ref();
        follower.is_some_and(|follower| follower.key == key)
    }
}

impl ScriptSlot {
    /// A script that was not there before, or was another one.
    pub(super) fn new(definition: &TrackScript, tracked: bool) -> Self {
        Self {
            definition: definition.clone(),
            judge: Judge::new(definition),
            tracked,
            runs: None,
        }
    }

    /// Whether nothing has changed but its place in the file.
    pub(super) fn is_for(&self, wanted: &TrackScript, tracked: bool) -> bool {
        let mut wanted = wanted.clone();
        wanted.command.location = self.definition.command.location.clone();
        self.tracked == tracked && self.definition == wanted
    }

    /// What is known of it under another definition.
    pub(super) fn up(&self) -> Option<bool> {
        self.judge.up().filter(|_| self.runs.is_some())
    }

    pub(super) fn is(&self, key: Key) -> bool {
        let runs = self.runs.as_ref();
        runs.is_some_and(|(_, follower)| follower.key == key)
    }

    pub(super) fn view(&self) -> ScriptView {
        let mut view = self.judge.view();
        if !self.tracked {
            view.state = ScriptState::Untracked;
        } else if self.runs.is_none() {
            view.state = ScriptState::Disabled;
        }
        view
    }
}
