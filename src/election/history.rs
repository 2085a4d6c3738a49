//! The last changes of roles, and whatever else is worth knowing afterwards.

use std::{collections::VecDeque, time::SystemTime};

use pontoon_engine::vrrp::Role;
use serde::{Deserialize, Serialize};

/// How many are remembered.
const REMEMBERED: usize = 10;

/// The last changes, the latest first.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(super) struct History(VecDeque<Transition>);

/// A change of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Transition {
    pub(super) at: SystemTime,
    /// The instance's name: after a reload, its index may be another's.
    pub(super) instance: String,
    pub(super) from: Role,
    pub(super) to: Role,
    pub(super) reason: String,
}

impl History {
    /// Remembers a change, and forgets the oldest one if there are too many.
    pub(super) fn add(&mut self, transition: Transition) {
        self.0.push_front(transition);
        self.0.truncate(REMEMBERED);
    }

    /// The latest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Transition> {
        self.0.iter()
    }
}

/// How many lines are remembered.
const EVENTS: usize = 100;

/// What happened lately, in the words of the log; the latest first.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(super) struct Events(VecDeque<(SystemTime, String)>);

impl Events {
    /// Remembers what happens now, and forgets the oldest if there is too much.
    pub(super) fn add(&mut self, text: String) {
        self.0.push_front((SystemTime::now(), text));
        self.0.truncate(EVENTS);
    }

    /// The latest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(SystemTime, String)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ten_are_remembered_the_latest_first() {
        let mut history = History::default();
        for number in 0..12 {
            history.add(Transition {
                at: SystemTime::UNIX_EPOCH,
                instance: number.to_string(),
                from: Role::Backup,
                to: Role::Master,
                reason: String::new(),
            });
        }
        let names: Vec<_> = history.iter().map(|it| it.instance.as_str()).collect();
        let expected = ["11", "10", "9", "8", "7", "6", "5", "4", "3", "2"];
        assert_eq!(names, expected);
    }
}
