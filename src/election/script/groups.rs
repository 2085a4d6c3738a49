//! The process groups of scripts that run: if we are killed, our supervisor ends them. What a
//! script has started knows nothing of our end, and would go on doing what is no longer right.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// Those that run now.
#[derive(Debug, Clone, Default)]
pub(in crate::election) struct Groups(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    running: Mutex<BTreeSet<i32>>,
    changed: Notify,
}

impl Groups {
    /// One that runs until this is dropped.
    pub(in crate::election) fn enter(&self, group: i32) -> Member {
        self.0.running().insert(group);
        self.0.changed.notify_one();
        Member {
            group,
            all: Arc::clone(&self.0),
        }
    }

    /// Those that run now.
    pub(in crate::election) fn now(&self) -> Vec<i32> {
        self.0.running().iter().copied().collect()
    }

    /// Waits until others run; can be given up and called again, by one at a time.
    pub(in crate::election) async fn changed(&self) -> Vec<i32> {
        self.0.changed.notified().await;
        self.0.running().iter().copied().collect()
    }
}

impl Shared {
    fn running(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A group that runs.
#[derive(Debug)]
pub(in crate::election) struct Member {
    group: i32,
    all: Arc<Shared>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.all.running().remove(&self.group);
        self.all.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_hears_of_a_start_and_of_an_end() {
        let groups = Groups::default();
        let member = groups.enter(7);
        assert_eq!(groups.changed().await, [7]);
        let other = groups.enter(8);
        drop(member);
        assert_eq!(groups.changed().await, [8]);
        drop(other);
        assert_eq!(groups.changed().await, Vec::<i32>::new());
    }
}
