//! `vrrp_track_process`: how many processes of a kind run, told by the kernel.

mod matching;
mod quorum;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use pontoon_config::keepalived::model::TrackProcess;
use pontoon_sys::{
    process::{
        Pid,
        child::Handle,
        events::{Event, Events, EventsError},
    },
    readiness::Readiness,
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Interval, MissedTickBehavior, interval, sleep_until},
};

use self::quorum::Told;
use super::{Key, Report};
use crate::election::{
    log::{Level, Log},
    stop::Stop,
};

/// How often new processes are looked for where nobody tells of them.
const LOOK: Duration = Duration::from_secs(1);

/// What runs of what is tracked.
#[derive(Debug, Clone)]
pub(super) struct Census {
    tracked: Arc<[TrackProcess]>,
    command_lines: bool,
    /// For each process that counts: for which of the tracked ones.
    members: BTreeMap<u32, BTreeSet<usize>>,
}

impl Census {
    pub(super) fn new(tracked: Arc<[TrackProcess]>) -> Self {
        Self {
            command_lines: tracked.iter().any(matching::wants_command_line),
            tracked,
            members: BTreeMap::new(),
        }
    }

    /// Looks at every process.
    pub(super) fn take(&mut self) {
        self.members.clear();
        for pid in matching::all() {
            self.look(pid);
        }
    }

    fn look(&mut self, pid: u32) {
        self.members.remove(&pid);
        let Some(process) = matching::look(pid, self.command_lines) else {
            return;
        };
        let tracked = self.tracked.iter().enumerate();
        let counts_for: BTreeSet<_> = tracked
            .filter(|(_, tracked)| matching::matches(tracked, &process))
            .map(|(index, _)| index)
            .collect();
        if !counts_for.is_empty() {
            self.members.insert(pid, counts_for);
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            // A new process is what the one that started it is.
            Event::Forked { parent, child } => {
                if self.members.contains_key(&parent) {
                    self.look(child);
                }
            }
            Event::Executed { pid } | Event::Named { pid } => self.look(pid),
            Event::Ended { pid } => {
                self.members.remove(&pid);
            }
            Event::Lost => self.take(),
        }
    }

    fn count(&self, index: usize) -> usize {
        let members = self.members.values();
        members.filter(|counts| counts.contains(&index)).count()
    }

    /// Whether there are as many as are wanted, for each that is tracked.
    pub(super) fn quorums(&self) -> Vec<bool> {
        let tracked = self.tracked.iter().enumerate();
        tracked
            .map(|(index, tracked)| quorum::reached(tracked, self.count(index)))
            .collect()
    }
}

/// Follows all tracked processes until it is asked to stop.
#[derive(Debug)]
pub(super) struct Watcher {
    key: Key,
    census: Census,
    told: Vec<Told>,
    reports: mpsc::Sender<Report>,
    log: Log,
    stop: Stop,
}

/// How we hear of processes.
enum Source {
    Events(Events, Readiness),
    Looking(Looking),
}

/// Where the kernel does not tell: the end of a process is an event all the same, as we hold a handle
/// on it; new ones are looked for.
struct Looking {
    ticks: Interval,
    handles: BTreeSet<u32>,
    ends: JoinSet<u32>,
}

impl Watcher {
    /// Takes over from a census that was just taken, and told.
    pub(super) fn new(
        key: Key,
        census: Census,
        reports: mpsc::Sender<Report>,
        (log, stop): (Log, Stop),
    ) -> Self {
        let told = census.quorums().into_iter().map(Told::new).collect();
        Self {
            key,
            census,
            told,
            reports,
            log,
            stop,
        }
    }

    pub(super) async fn run(mut self) {
        let mut source = self.source();
        // Whatever has happened since the census, before we listened.
        self.census.take();
        loop {
            if let Source::Looking(looking) = &mut source {
                looking.hold(&self.census);
            }
            if !self.tell().await {
                return;
            }
            let change_at = self.told.iter().filter_map(Told::change_at).min();
            let due = async {
                match change_at {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.stop.asked() => return,
                () = source.follow(&mut self.census) => {}
                () = due => {}
            }
        }
    }

    fn source(&self) -> Source {
        let events = Events::subscribe().and_then(|events| {
            let readiness = Readiness::of(&events)?;
            Ok(Source::Events(events, readiness))
        });
        events.unwrap_or_else(|error: EventsError| {
            self.log.line(
                Level::Info,
                format_args!(
                    "track_process: {error}; the end of a process is noticed at once, \
                     new ones are looked for every second"
                ),
            );
            Source::Looking(Looking::new())
        })
    }

    /// Tells what has changed; whether somebody still wants to know.
    async fn tell(&mut self) -> bool {
        let now = Instant::now();
        for (index, up) in self.census.quorums().into_iter().enumerate() {
            let (Some(told), Some(tracked)) =
                (self.told.get_mut(index), self.census.tracked.get(index))
            else {
                continue;
            };
            let Some(up) = told.update(up, tracked, now) else {
                continue;
            };
            self.log
                .line(Level::Info, describe(tracked, up, self.census.count(index)));
            let key = self.key;
            let report = Report::Process { key, index, up };
            let wanted = tokio::select! {
                biased;
                () = self.stop.asked() => false,
                sent = self.reports.send(report) => sent.is_ok(),
            };
            if !wanted {
                return false;
            }
        }
        true
    }
}

fn describe(tracked: &TrackProcess, up: bool, count: usize) -> String {
    let (name, process, least) = (&tracked.name, &tracked.process, tracked.quorum);
    let most = match tracked.quorum_max {
        Some(most) => format!(" and at most {most}"),
        None => String::new(),
    };
    let verb = if up { "gained" } else { "lost" };
    format!(
        "Track process {name}: quorum {verb}: {count} of {process}, at least {least}{most} wanted"
    )
}

impl Source {
    /// Waits until something may have changed, and takes note of it; can be given up.
    async fn follow(&mut self, census: &mut Census) {
        match self {
            Self::Events(events, readiness) => {
                if readiness.readable().await.is_ok() {
                    while let Ok(Some(event)) = events.next() {
                        census.hear(event);
                    }
                }
            }
            Self::Looking(looking) => looking.follow(census).await,
        }
    }
}

impl Looking {
    fn new() -> Self {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ticks,
            handles: BTreeSet::new(),
            ends: JoinSet::new(),
        }
    }

    /// Gets a handle on each process that counts.
    fn hold(&mut self, census: &Census) {
        for &pid in census.members.keys() {
            if self.handles.contains(&pid) {
                continue;
            }
            let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
            // One that ended just now is not found by the next look.
            let Some(Ok(handle)) = number.map(Handle::open) else {
                continue;
            };
            let Ok(readiness) = Readiness::of(handle.descriptor()) else {
                continue;
            };
            self.handles.insert(pid);
            self.ends.spawn(async move {
                let _ended = readiness.readable().await;
                pid
            });
        }
    }

    async fn follow(&mut self, census: &mut Census) {
        tokio::select! {
            biased;
            Some(Ok(pid)) = self.ends.join_next() => {
                self.handles.remove(&pid);
                census.hear(Event::Ended { pid });
            }
            _ = self.ticks.tick() => census.take(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn tracked(process: &str) -> TrackProcess {
        TrackProcess {
            name: "tp".into(),
            process: process.into(),
            parameters: None,
            full_command: false,
            weight: 0,
            reverse: false,
            quorum: 1,
            quorum_max: None,
            gained_delay: Duration::ZERO,
            lost_delay: Duration::ZERO,
        }
    }

    #[test]
    fn a_change_is_told_with_its_numbers() {
        let limited = TrackProcess {
            quorum_max: Some(2),
            ..tracked("haproxy")
        };
        assert_eq!(
            describe(&limited, false, 3),
            "Track process tp: quorum lost: 3 of haproxy, at least 1 and at most 2 wanted"
        );
    }

    /// Where the kernel tells nothing, as in most containers.
    #[tokio::test]
    async fn without_events_an_end_is_noticed_and_a_start_is_looked_for() {
        let name = format!("pl{}", std::process::id());
        let room = pontoon_lab::temp::TempDir::new("looking").unwrap();
        let program = room.path().join(&name);
        std::fs::copy("/bin/sleep", &program).unwrap();
        let start = || {
            std::process::Command::new(&program)
                .arg("60")
                .spawn()
                .unwrap()
        };
        let mut census = Census::new([tracked(&name)].into());
        let mut looking = Looking::new();
        let mut child = start();
        while census.count(0) == 0 {
            looking.follow(&mut census).await;
        }
        looking.hold(&census);
        // No look any more: what follows is noticed by the handle.
        looking.ticks = interval(LOOK * 3600);
        looking.ticks.tick().await;
        assert_eq!(looking.ends.len(), 1);
        child.kill().unwrap();
        child.wait().unwrap();
        looking.follow(&mut census).await;
        assert_eq!(
            census.count(0),
            0,
            "not by the next look, which is a second away"
        );
        assert!(looking.handles.is_empty());
    }
}
