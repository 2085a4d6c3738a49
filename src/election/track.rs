//! What instances track besides interfaces: scripts, files, processes.
//!
//! Each script and each file has a task of its own, all processes have one together. They report
//! to [`Trackers`], which tells the election what is news.

mod file;
mod process;
mod saved;
mod script;
mod slot;
mod wanted;

use std::{collections::BTreeSet, sync::Arc};

use pontoon_config::keepalived::model::{Model, TrackFile, TrackProcess, TrackScript};
use tokio::{sync::mpsc, task::JoinSet};

use self::{
    process::Census,
    slot::{FileSlot, Follower, ProcessSlot, ScriptSlot},
    wanted::Wanted,
};
pub use self::{
    saved::SavedTrackers,
    script::{ScriptState, ScriptView},
};
use super::{
    log::{Level, Log},
    script::{Groups, Ran, Script, Scripts},
    stop::{Stop, reins},
};

/// As many reports may wait for the election's turn; then whoever reports waits, too.
const REPORTS: usize = 64;

/// Something tracked has changed. Numbers are indices in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracked {
    /// A script is up or down.
    Script {
        /// Index in [`Model::scripts`].
        index: usize,
        /// Its successes count.
        up: bool,
    },
    /// A file holds this number.
    File {
        /// Index in [`Model::files`].
        index: usize,
        /// Not weighed yet; 0 if there is no file, or no number in it.
        number: i64,
    },
    /// The quorum of a tracked process was gained or lost.
    Process {
        /// Index in [`Model::processes`].
        index: usize,
        /// As many run as are wanted.
        up: bool,
    },
}

/// Follows what the instances and groups of a model track. What nobody tracks is left alone.
#[derive(Debug)]
pub struct Trackers {
    log: Log,
    keys: u64,
    sender: mpsc::Sender<Report>,
    reports: mpsc::Receiver<Report>,
    scripts: Vec<ScriptSlot>,
    files: Vec<FileSlot>,
    processes: Option<ProcessSlot>,
    tasks: JoinSet<()>,
    /// Scripts that run.
    running: Groups,
    /// Files are made as `init_file` wants them: at a start, but not if it goes on.
    initialises: bool,
}

/// Tells a task from one that has followed the same thing before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key(u64);

/// What a task tells.
#[derive(Debug)]
enum Report {
    Ran { key: Key, ran: Ran },
    Number { key: Key, number: i64 },
    Process { key: Key, index: usize, up: bool },
}

impl Trackers {
    /// Starts to follow. To be called inside the event loop; scripts are run at once for the first
    /// time, files are read and processes counted before this returns.
    #[must_use]
    pub fn start(model: &Model, log: Log) -> Self {
        Self::begin(model, log, true)
    }

    /// The same, where the program before was; [`Trackers::resume`] follows.
    #[must_use]
    pub fn go_on(model: &Model, log: Log) -> Self {
        Self::begin(model, log, false)
    }

    fn begin(model: &Model, log: Log, initialises: bool) -> Self {
        let (sender, reports) = mpsc::channel(REPORTS);
        let mut trackers = Self {
            log,
            keys: 0,
            sender,
            reports,
            scripts: Vec::new(),
            files: Vec::new(),
            processes: None,
            tasks: JoinSet::new(),
            running: Groups::default(),
            initialises,
        };
        trackers.reload(model);
        trackers.initialises = true;
        trackers
    }

    /// The next news; nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Tracked {
        loop {
            // A report cannot fail to come: we hold a sender ourselves.
            let Some(report) = self.reports.recv().await else {
                return std::future::pending().await;
            };
            if let Some(news) = self.take(report) {
                return news;
            }
        }
    }

    fn take(&mut self, report: Report) -> Option<Tracked> {
        match report {
            Report::Ran { key, ran } => {
                let mut slots = self.scripts.iter_mut().enumerate();
                let (index, slot) = slots.find(|(_, slot)| slot.is(key))?;
                let up = slot.judge.take(ran, &self.log)?;
                Some(Tracked::Script { index, up })
            }
            Report::Number { key, number } => {
                let mut slots = self.files.iter_mut().enumerate();
                let (index, slot) = slots.find(|(_, slot)| slot.is(key))?;
                let news = std::mem::replace(&mut slot.number, number) != number;
                news.then_some(Tracked::File { index, number })
            }
            Report::Process { key, index, up } => {
                let slot = self.processes.as_mut()?;
                if slot.follower.key != key {
                    return None;
                }
                *slot.up.get_mut(index)? = up;
                let index = *slot.indices.get(index)?;
                Some(Tracked::Process { index, up })
            }
        }
    }

    /// All that is known now: after a start, and after a reload, which may have changed indices.
    #[must_use]
    pub fn known(&self) -> Vec<Tracked> {
        let scripts = self.scripts.iter().enumerate();
        let scripts = scripts.filter_map(|(index, slot)| {
            let up = slot.up()?;
            Some(Tracked::Script { index, up })
        });
        let files = self.files.iter().enumerate();
        let files = files.filter(|(_, slot)| slot.follower.is_some());
        let files = files.map(|(index, slot)| Tracked::File {
            index,
            number: slot.number,
        });
        let processes = self.processes.iter().flat_map(|slot| {
            let both = slot.indices.iter().zip(&slot.up);
            both.map(|(&index, &up)| Tracked::Process { index, up })
        });
        scripts.chain(files).chain(processes).collect()
    }

    /// Whether a script cannot be run: then it is as if nobody tracked it, as under keepalived.
    #[must_use]
    pub fn is_disabled(&self, script: usize) -> bool {
        let slot = self.scripts.get(script);
        slot.is_some_and(|slot| slot.tracked && slot.runs.is_none())
    }

    /// The scripts of the model, in its order.
    #[must_use]
    pub fn views(&self) -> Vec<ScriptView> {
        self.scripts.iter().map(ScriptSlot::view).collect()
    }

    /// Follows another model. What is written as before keeps its state and goes on.
    pub fn reload(&mut self, model: &Model) {
        let tracked = Wanted::of(model);
        let scripts = Scripts::new(&model.global);
        let mut old = std::mem::take(&mut self.scripts);
        self.scripts = (0..)
            .zip(&model.scripts)
            .map(|(index, script)| {
                let tracked = tracked.scripts.contains(&index);
                self.script(script, tracked, &scripts, &mut old)
            })
            .collect();
        let mut old = std::mem::take(&mut self.files);
        self.files = (0..)
            .zip(&model.files)
            .map(|(index, file)| self.file(file, tracked.files.contains(&index), &mut old))
            .collect();
        self.reload_processes(model, &tracked.processes);
        while self.tasks.try_join_next().is_some() {}
    }

    fn script(
        &mut self,
        wanted: &TrackScript,
        tracked: bool,
        scripts: &Scripts,
        old: &mut Vec<ScriptSlot>,
    ) -> ScriptSlot {
        let same = |slot: &ScriptSlot| slot.is_for(wanted, tracked);
        let kept = old.iter().position(same).map(|at| old.swap_remove(at));
        let mut slot = kept.unwrap_or_else(|| {
            let mut slot = ScriptSlot::new(wanted, tracked);
            let before = old.iter().find(|old| old.definition.name == wanted.name);
            // A reload is no failover: what was up is taken for up until it was run.
            slot.judge.begin_with(before.and_then(ScriptSlot::up));
            slot
        });
        if tracked {
            let purpose = format!("track script {}", wanted.name);
            // Looked at again even if nothing has changed: what was missing may be there now.
            let script = scripts.prepare(&wanted.command, &purpose, &self.log);
            let runs = slot.runs.take();
            slot.runs = script.map(|script| match runs {
                Some(same) if same.0 == script => same,
                _ => (script.clone(), self.run(wanted, script)),
            });
        }
        slot
    }

    fn run(&mut self, wanted: &TrackScript, script: Script) -> Follower {
        let (follower, stop) = self.follower();
        let watcher = script::Watcher {
            key: follower.key,
            name: Arc::clone(&wanted.name),
            script,
            interval: wanted.interval,
            timeout: wanted.timeout,
            reports: self.sender.clone(),
            running: self.running.clone(),
            log: self.log.clone(),
            stop,
        };
        self.tasks.spawn(watcher.run());
        follower
    }

    fn file(&mut self, wanted: &TrackFile, tracked: bool, old: &mut Vec<FileSlot>) -> FileSlot {
        let same =
            |slot: &FileSlot| slot.definition == *wanted && slot.follower.is_some() == tracked;
        if let Some(kept) = old.iter().position(same) {
            return old.swap_remove(kept);
        }
        if !tracked {
            return FileSlot {
                definition: wanted.clone(),
                number: 0,
                follower: None,
            };
        }
        // At the start only: whoever has written since would be surprised.
        let known =
            |slot: &FileSlot| slot.follower.is_some() && slot.definition.path == wanted.path;
        if self.initialises && !old.iter().any(known) {
            self.initialise(wanted);
        }
        let content = file::read(&wanted.path);
        file::complain(&wanted.name, &wanted.path, &content, &self.log);
        let number = content.number;
        let (follower, stop) = self.follower();
        let parts = (self.log.clone(), stop);
        let file = (follower.key, wanted);
        let watcher = file::Watcher::new(file, content, self.sender.clone(), parts);
        self.tasks.spawn(watcher.run());
        FileSlot {
            definition: wanted.clone(),
            number,
            follower: Some(follower),
        }
    }

    fn initialise(&self, wanted: &TrackFile) {
        let Some(init) = wanted.init else { return };
        if let Err(error) = file::initialise(&wanted.path, init) {
            self.log.line(
                Level::Error,
                format_args!(
                    "track_file {}: cannot write {}: {}",
                    wanted.name,
                    wanted.path.display(),
                    crate::files::without_number(&error.to_string())
                ),
            );
        }
    }

    fn reload_processes(&mut self, model: &Model, tracked: &BTreeSet<usize>) {
        let all = model.processes.iter().enumerate();
        let wanted: (Vec<usize>, Vec<TrackProcess>) = all
            .filter(|(index, _)| tracked.contains(index))
            .map(|(index, process)| (index, process.clone()))
            .unzip();
        let (indices, definitions) = wanted;
        match &mut self.processes {
            Some(slot) if *slot.definitions == *definitions => slot.indices = indices,
            _ if definitions.is_empty() => self.processes = None,
            _ => self.processes = Some(self.follow_processes(definitions.into(), indices)),
        }
    }

    fn follow_processes(
        &mut self,
        definitions: Arc<[TrackProcess]>,
        indices: Vec<usize>,
    ) -> ProcessSlot {
        let mut census = Census::new(Arc::clone(&definitions));
        census.take();
        let up = census.quorums();
        let (follower, stop) = self.follower();
        let parts = (self.log.clone(), stop);
        let watcher = process::Watcher::new(follower.key, census, self.sender.clone(), parts);
        self.tasks.spawn(watcher.run());
        ProcessSlot {
            definitions,
            indices,
            up,
            follower,
        }
    }

    fn follower(&mut self) -> (Follower, Stop) {
        self.keys += 1;
        let key = Key(self.keys);
        let (reins, stop) = reins();
        (Follower { key, reins }, stop)
    }

    /// Ends all scripts and waits until they have ended.
    pub async fn stop(self) {
        let Self {
            scripts,
            files,
            processes,
            reports,
            mut tasks,
            ..
        } = self;
        drop((scripts, files, processes, reports));
        while tasks.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests;
