//! Becoming the program on the disk, and going on where another program was.
//!
//! ```text
//!  asked ─► can it? ──no──► told, and this program goes on
//!              │ yes
//!              ▼
//!         nothing is under way, and an advertisement has just been sent ─► executed ─► goes on there
//! ```

use std::{
    collections::HashMap,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use pontoon_engine::vrrp::{
    InstanceId, Role, election::Election, event::Proxy, settings::Settings, view::Counters,
};
use pontoon_sys::clock;
use tokio::task::JoinHandle;

use super::EventLoop;
use crate::{
    election::{
        history::{Events, History},
        log::Level,
        proxy::Followed,
        resume::{self, Core, Left, Rest},
        script::launched,
    },
    node::message::FromElection,
};

/// A moment that suits it is waited for so long; then any will do that is possible at all.
const CHOOSY: Duration = Duration::from_secs(1);

/// Another program is to be executed.
pub(super) struct Renewal {
    program: PathBuf,
    stage: Stage,
}

enum Stage {
    /// It is asked whether it can.
    Asked(JoinHandle<bool>),
    /// It can, since then.
    Waiting(Instant),
}

/// Whether the new program can; for ever nothing if nobody was asked. Can be given up.
pub(super) async fn verdict(renewal: &mut Option<Renewal>) -> bool {
    match renewal {
        Some(Renewal {
            stage: Stage::Asked(answer),
            ..
        }) => answer.await.unwrap_or(false),
        _ => std::future::pending().await,
    }
}

impl EventLoop {
    /// The supervisor wants this program to take over.
    pub(super) fn renewal_wanted(&mut self, program: &Path) {
        if is_ours(program) || self.renewal.is_some() {
            return;
        }
        let program = program.to_owned();
        let asked = program.clone();
        let answer = tokio::spawn(async move { resume::can_resume(&asked).await });
        self.renewal = Some(Renewal {
            program,
            stage: Stage::Asked(answer),
        });
    }

    /// It has answered.
    pub(super) fn renewal_judged(&mut self, able: bool) {
        let Some(renewal) = &mut self.renewal else {
            return;
        };
        if !able {
            let why = format!("{} cannot go on where it is", renewal.program.display());
            return self.not_renewed(why);
        }
        // Another file would be another election: whatever is wrong with it is told by a reload.
        if self.options.files.read().model.as_ref() != Some(&*self.model) {
            return self.not_renewed("its file has been changed since it was read".to_owned());
        }
        renewal.stage = Stage::Waiting(Instant::now());
    }

    fn not_renewed(&mut self, why: String) {
        self.renewal = None;
        let text = format!("The election stays the program that it is until a restart: {why}");
        self.log.line(Level::Warning, text);
        let result = Err(why);
        self.tell(&FromElection::Renewed { result });
    }

    /// Executes the new program if it is time. To be called after each event.
    pub(super) fn renew_if_due(&mut self) {
        let Some(Renewal {
            program,
            stage: Stage::Waiting(since),
        }) = &self.renewal
        else {
            return;
        };
        if self.stopping || !(self.is_calm() && (self.is_good_time() || since.elapsed() > CHOOSY)) {
            return;
        }
        let program = program.clone();
        let Some((proxy, rest)) = self.proxy.followed().zip(self.rest()) else {
            return;
        };
        self.log.flush();
        let masters = self.masters();
        let realtime = self.model.global.realtime_priority;
        let held = self.network.held();
        let error = resume::execute(&program, masters, held, proxy, &rest, realtime);
        self.not_renewed(format!("cannot execute {}: {error}", program.display()));
    }

    /// Nothing is under way that the new program would not know of.
    fn is_calm(&self) -> bool {
        self.asking.is_none()
            && self.prepared.is_none()
            && self.notifier.is_idle()
            && self.floating.is_idle()
            && self.network.is_idle()
            && self
                .supervisor
                .as_ref()
                .is_none_or(|supervisor| supervisor.is_quiet())
    }

    /// No script runs that would have to be run again, and most of an interval is left until the next
    /// advertisement.
    fn is_good_time(&self) -> bool {
        let intervals = self.settings.instances.iter().map(|it| it.interval);
        let enough = intervals.min().unwrap_or_default() * 3 / 4;
        let next = self.election.next_advert();
        let left = next.map(|at| at.saturating_duration_since(Instant::now()));
        self.trackers.is_idle() && left.is_none_or(|left| left >= enough)
    }

    fn masters(&self) -> Vec<String> {
        let settings = self.settings.instances.iter().enumerate();
        let masters = settings.filter(|(index, _)| {
            let role = self.election.instance(InstanceId(*index)).role;
            role == Role::Master
        });
        masters.map(|(_, it)| it.name.to_string()).collect()
    }

    fn rest(&self) -> Option<Rest> {
        let cleared = self.cleared.iter();
        Some(Rest {
            started: clock::to_monotonic(self.started),
            machine: self.election.memory(resume::epoch())?,
            network: self.network.saved(),
            trackers: self.trackers.saved(),
            fifos: self.notifier.saved(),
            history: self.history.clone(),
            events: self.events.clone(),
            cleared: cleared
                .map(|(name, counters)| (name.to_string(), *counters))
                .collect(),
        })
    }

    /// What is different now from what the program before knew goes into the machine.
    pub(super) fn go_on(&mut self, left: &Left) {
        resume::hurry_no_more(self.model.global.realtime_priority);
        if let Ok(program) = std::fs::read_link("/proc/self/exe") {
            launched::renew(program);
        }
        self.network.forsake(&left.core.held);
        self.network.clean();
        self.tell(&FromElection::Renewed {
            result: Ok(env!("CARGO_PKG_VERSION").to_owned()),
        });
        let text = concat!(
            "The election is pontoon ",
            env!("CARGO_PKG_VERSION"),
            " now"
        );
        self.log.line(Level::Notice, text);
        self.events.add(text.to_owned());
        if let Err(why) = &left.rest {
            self.lament(why, &left.core);
        }
        self.tell(&FromElection::Holding(self.network.held()));
        self.tell_farewells();
        self.take_what_trackers_know();
        self.look_again();
        self.inform_floating();
    }

    /// Of what the program before has left, only the core can be read.
    fn lament(&mut self, why: &str, core: &Core) {
        let who = match core.masters.as_slice() {
            [] => "it begins anew".to_owned(),
            masters => format!("{} stays master, all else begins anew", masters.join(", ")),
        };
        let text = format!("What the program before has left cannot be read ({why}): {who}");
        self.log.line(Level::Warning, &text);
        self.events.add(text);
        if core.proxy == Followed::Nobody {
            // Until the supervisor has said otherwise.
            self.proxy_changed(Proxy::Starting);
        }
    }
}

/// The machine, where it was.
pub(super) fn machine(settings: Settings, left: Option<&Left>, now: Instant) -> Election {
    match left {
        None => Election::new(settings, now),
        Some(Left { rest: Ok(rest), .. }) => {
            Election::resumed(settings, &rest.machine, resume::epoch(), now)
        }
        Some(Left { core, .. }) => Election::reigning(settings, &core.masters, now),
    }
}

/// What is worth knowing afterwards.
#[derive(Default)]
pub(super) struct Remembered {
    pub(super) history: History,
    pub(super) events: Events,
    pub(super) cleared: HashMap<Arc<str>, Counters>,
    pub(super) started: Option<Instant>,
}

impl Remembered {
    /// Of the program before; empty if that cannot be read.
    pub(super) fn take(left: &mut Left) -> Self {
        let Ok(rest) = &mut left.rest else {
            return Self::default();
        };
        let cleared = std::mem::take(&mut rest.cleared).into_iter();
        Self {
            history: std::mem::take(&mut rest.history),
            events: std::mem::take(&mut rest.events),
            cleared: cleared
                .map(|(name, counters)| (name.into(), counters))
                .collect(),
            started: Some(clock::from_monotonic(rest.started)),
        }
    }
}

/// What the machine was told last of the proxy.
pub(super) fn last_said(left: Option<&Left>) -> (Followed, Option<Proxy>) {
    let Some(left) = left else {
        return (Followed::Nobody, None);
    };
    let said = left.rest.as_ref().map(|rest| rest.machine.proxy()).ok();
    (left.core.proxy, said.filter(|said| *said != Proxy::Absent))
}

/// Whether this is the file that we run.
fn is_ours(program: &Path) -> bool {
    let identity = |path: &Path| {
        let file = std::fs::metadata(path).ok()?;
        Some((file.dev(), file.ino()))
    };
    identity(program).is_some_and(|it| identity(Path::new("/proc/self/exe")) == Some(it))
}
