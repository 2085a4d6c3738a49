//! What is tracked at all.

use std::collections::BTreeSet;

use pontoon_config::keepalived::model::{Model, Tracked, Tracks};

/// What is tracked by anybody: indices in the model.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) scripts: BTreeSet<usize>,
    pub(super) files: BTreeSet<usize>,
    pub(super) processes: BTreeSet<usize>,
}

impl Wanted {
    pub(super) fn of(model: &Model) -> Self {
        let instances = model.instances.iter().map(|instance| &instance.tracks);
        let groups = model.groups.iter().map(|group| &group.tracks);
        let mut wanted = Self::default();
        for tracks in instances.chain(groups) {
            wanted.add(tracks);
        }
        wanted
    }

    fn add(&mut self, tracks: &Tracks) {
        let indices = |tracked: &[Tracked]| tracked.iter().map(|it| it.index).collect::<Vec<_>>();
        self.scripts.extend(indices(&tracks.scripts));
        self.files.extend(indices(&tracks.files));
        self.processes.extend(indices(&tracks.processes));
    }
}
