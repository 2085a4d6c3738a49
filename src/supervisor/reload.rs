//! A reload: check → the election tests its file → a new proxy → ready → the election → answer.
//!
//! ```text
//!  asked ─► files are read ──wrong──────────────► refused: nothing has changed
//!               │ right
//!               ▼
//!         the election tests its file, and keeps it ready ──refuses──► refused: nothing has changed
//!               ▼
//!         a new proxy is started beside the old one, which serves on
//!               ├── dies, or is not ready in time ► failed: the old one serves on
//!               ▼ ready
//!         the old one leaves; the election applies its file ──dies──► failed by half, and says so
//!               ▼
//!         done; if another reload was asked for meanwhile, it begins
//! ```
//!
//! The election is told of the successor before there is one, so that it takes nothing that the
//! old proxy does then for an end.

use std::{
    ffi::OsString,
    time::{Duration, Instant},
};

use pontoon_sys::process::{Signal, child::End};
use serde::{Deserialize, Serialize};

use super::{
    Role, Supervisor,
    child::{Child, State},
    console::ConsoleId,
    door::ClientId,
    files::Fresh,
    process::{Kind, Process},
    systemd,
};
use crate::node::{
    message::ToElection,
    status::{Answer, Reloaded},
};

/// How long a new proxy may take until it is ready.
const PATIENCE_WITH_PROXY: Duration = Duration::from_secs(20);
/// How long the election may take to change its mind.
const PATIENCE_WITH_ELECTION: Duration = Duration::from_secs(10);

/// What has become of reloads so far.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Reloads {
    pub(super) attempts: u32,
    pub(super) succeeded: u32,
    /// Since the last one that succeeded.
    pub(super) failed: u32,
    /// Why the last one failed.
    pub(super) failure: Option<String>,
    /// Another one is to follow, for these clients.
    #[serde(skip)]
    again: Option<Vec<Asker>>,
}

impl Reloads {
    /// What the program after this one is told; nobody waits then.
    pub(super) fn saved(&self) -> Self {
        Self {
            attempts: self.attempts,
            succeeded: self.succeeded,
            failed: self.failed,
            failure: self.failure.clone(),
            again: None,
        }
    }
}

/// Who waits for the outcome of a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// At the door.
    Door(ClientId),
    /// At the master socket.
    Console(ConsoleId),
}

/// A reload under way.
#[derive(Debug)]
pub(super) struct Reload {
    began: Instant,
    /// When what it waits for has had its time.
    until: Option<Instant>,
    /// Who waits for its outcome.
    clients: Vec<Asker>,
    fresh: Fresh,
    step: Step,
}

/// What a reload waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The election tests its file; this is the number of the request.
    Test(u64),
    /// The new proxy.
    Proxy,
    /// The election applies its file; this is the number of the request.
    Apply(u64),
}

impl Reload {
    pub(super) const fn until(&self) -> Option<Instant> {
        self.until
    }
}

/// A proxy that is to take over.
#[derive(Debug)]
pub(super) struct Successor {
    pub(super) process: Process,
    arguments: Vec<OsString>,
    /// Why it will not.
    pub(super) problem: String,
    /// How the one before it ended meanwhile.
    before: Option<End>,
}

impl Supervisor {
    /// Somebody wants a reload. Those that come during another one are one together.
    pub(super) fn reload_asked(&mut self, client: Option<Asker>) {
        if self.stop.is_some() {
            return self.refuse_to_reload(&Vec::from_iter(client), "it is being stopped");
        }
        let patience = PATIENCE_WITH_PROXY + PATIENCE_WITH_ELECTION;
        if let (Some(Asker::Door(client)), Some(door)) = (client, &mut self.door) {
            // The one before and this one.
            door.grant(client, Instant::now() + 2 * patience);
        }
        self.reloads.again.get_or_insert_default().extend(client);
        self.reload_if_due();
    }

    /// A proxy that is starting comes first: its successor would have nobody to follow.
    pub(super) fn reload_if_due(&mut self) {
        let proxy = self.children.proxy.as_ref().map(Child::state);
        if self.reload.is_some() || matches!(proxy, Some(State::Starting(_))) {
            return;
        }
        if let Some(clients) = self.reloads.again.take() {
            self.begin_reload(clients);
        }
    }

    fn begin_reload(&mut self, clients: Vec<Asker>) {
        self.reloads.attempts += 1;
        systemd::reloading();
        if self.role == Role::Master {
            self.voice.notice("Reloading HAProxy");
        }
        let fresh = match self.files.read() {
            Ok(fresh) => fresh,
            Err(problem) => {
                return self.reload_failed(
                    &clients,
                    "Reload refused, nothing has changed",
                    problem,
                );
            }
        };
        self.voice.verbatim(&fresh.findings);
        self.reload = Some(Reload {
            began: Instant::now(),
            until: None,
            clients,
            fresh,
            step: Step::Proxy,
        });
        if self.children.proxy.is_none() {
            self.reload_election();
        } else if !self.ask_election(|id| ToElection::Prepare { id }, Step::Test) {
            self.start_successor();
        }
    }

    /// Whether it could be asked: one that waits for its restart will read the file then.
    fn ask_election(
        &mut self,
        request: impl FnOnce(u64) -> ToElection,
        step: impl FnOnce(u64) -> Step,
    ) -> bool {
        self.questions += 1;
        let id = self.questions;
        let asked = self.children.election.is_some() && self.tell_election(&request(id));
        if let Some(reload) = self.reload.as_mut().filter(|_| asked) {
            reload.step = step(id);
            reload.until = Some(Instant::now() + PATIENCE_WITH_ELECTION);
        }
        asked
    }

    /// The election has tested its file.
    pub(super) fn election_prepared(&mut self, id: u64, result: Result<(), String>) {
        let Some(reload) = self.reload.as_mut() else {
            return;
        };
        if reload.step != Step::Test(id) {
            return;
        }
        reload.step = Step::Proxy;
        match result {
            Ok(()) => self.start_successor(),
            Err(why) => self.election_refuses(why),
        }
    }

    fn start_successor(&mut self) {
        let (Some(proxy), Some(reload)) = (&self.children.proxy, &mut self.reload) else {
            return;
        };
        let old = proxy.process().map(Process::pid);
        let once: Vec<OsString> =
            old.map_or_else(Vec::new, |pid| vec!["-sf".into(), pid.to_string().into()]);
        let arguments = reload.fresh.arguments.clone();
        let arguments = arguments.unwrap_or_else(|| proxy.arguments().to_owned());
        reload.until = Some(Instant::now() + PATIENCE_WITH_PROXY);
        self.tell_election(&ToElection::ProxyReplacing);
        let proxy = self.children.proxy.as_ref();
        match proxy.map(|proxy| proxy.start_successor(&once, &arguments)) {
            Some(Ok(process)) => {
                self.children.successor = Some(Successor {
                    process,
                    arguments,
                    problem: String::new(),
                    before: None,
                });
            }
            Some(Err(error)) => {
                self.tell_election(&self.proxy_word.clone());
                self.no_successor(format!("cannot start a new proxy: {error}"));
            }
            None => {}
        }
    }

    pub(super) fn successor_ready(&mut self) {
        let (Some(successor), Some(proxy)) =
            (self.children.successor.take(), &mut self.children.proxy)
        else {
            return;
        };
        let pid = successor.process.pid();
        let born = self.reloads.attempts;
        let old = proxy.replace(successor.process, successor.arguments, born);
        self.children.leaving.extend(old);
        self.tell_of_proxy(ToElection::ProxyReady { pid });
        self.greet_worker(pid);
        if self.reload.is_some() {
            self.reload_election();
        }
    }

    /// The proxy that serves has ended while its successor is being started: that one has taken over
    /// what it had, or will start afresh.
    pub(super) fn ended_before_successor(&mut self, end: End) -> bool {
        let (Some(successor), Some(proxy)) =
            (&mut self.children.successor, &mut self.children.proxy)
        else {
            return false;
        };
        successor.before = Some(end);
        proxy.last_end = Some(end.to_string());
        proxy.hand_over();
        if end != End::Exited(0) {
            self.tell_of_proxy(super::proxy_ended(end, true));
        }
        true
    }

    pub(super) fn successor_ended(&mut self, end: End) {
        let Some(successor) = self.children.successor.take() else {
            return;
        };
        if self.stop.is_some() {
            if successor.before.is_some() {
                self.finish(Kind::Proxy);
            }
            return;
        }
        let pid = successor.process.pid();
        match successor.before {
            // It may have been asked to let go of its addresses.
            None => {
                if matches!(end, End::Killed(_)) {
                    self.pass(Kind::Proxy, Signal::TTIN);
                }
                self.tell_election(&self.proxy_word.clone());
            }
            Some(before) => self.fell(Kind::Proxy, before, true),
        }
        let why = match successor.problem.as_str() {
            "" => format!("the new proxy (process {pid}) {end}; its last words are in the log"),
            words => words.to_owned(),
        };
        self.no_successor(why);
    }

    fn no_successor(&mut self, why: String) {
        self.tell_election(&ToElection::Abandon);
        if let Some(reload) = self.reload.take() {
            let what = "Reload failed, the proxy runs on as before";
            self.reload_failed(&reload.clients, what, why);
        }
        self.reload_if_due();
    }

    /// The proxy serves; now the election, if there is one.
    fn reload_election(&mut self) {
        if !self.ask_election(|id| ToElection::Reload { id }, Step::Apply) {
            self.reloaded();
        }
    }

    pub(super) fn election_reloaded(&mut self, id: u64, result: Result<(), String>) {
        if self.reload.as_ref().map(|reload| reload.step) != Some(Step::Apply(id)) {
            return;
        }
        match result {
            Ok(()) => self.reloaded(),
            Err(why) => self.election_refuses(why),
        }
    }

    /// The election has ended before it had answered.
    pub(super) fn election_ended_in_reload(&mut self) {
        match self.reload.as_ref().map(|reload| reload.step) {
            Some(Step::Test(_)) => {
                self.election_refuses("the election has ended while it tested its file".into());
            }
            Some(Step::Apply(_)) => self.election_refuses(
                "it has ended, and will read its file when it starts again".into(),
            ),
            Some(Step::Proxy) | None => {}
        }
    }

    fn election_refuses(&mut self, why: String) {
        let Some(reload) = self.reload.take() else {
            return;
        };
        let applying = matches!(reload.step, Step::Apply(_));
        let what = match self.proxy_pid().filter(|_| applying) {
            Some(pid) => {
                self.files.apply_proxy(reload.fresh);
                format!(
                    "Half of the reload failed: the proxy runs on its new file (process {pid}), \
                     the election as before"
                )
            }
            None => "Reload refused, nothing has changed".to_owned(),
        };
        self.reload_failed(&reload.clients, &what, why);
        self.reload_if_due();
    }

    pub(super) fn reload_is_overdue(&mut self) {
        let Some(reload) = &mut self.reload else {
            return;
        };
        reload.until = None;
        if let Some(successor) = &mut self.children.successor {
            let seconds = PATIENCE_WITH_PROXY.as_secs();
            let pid = successor.process.pid();
            successor.problem =
                format!("the new proxy (process {pid}) was not ready after {seconds} s");
            // Its end is the end of the reload.
            return successor.process.signal(Signal::KILL);
        }
        let testing = matches!(reload.step, Step::Test(_));
        if testing {
            reload.step = Step::Proxy;
            self.tell_election(&ToElection::Abandon);
        }
        self.election_refuses("the election does not answer".into());
    }

    fn reloaded(&mut self) {
        let Some(reload) = self.reload.take() else {
            return;
        };
        let answer = Reloaded {
            took: reload.began.elapsed().as_secs_f64(),
            proxy: self.proxy_pid(),
            election: matches!(reload.step, Step::Apply(_)),
            leaving: self
                .children
                .leaving
                .iter()
                .map(|it| it.process.pid())
                .collect(),
            findings: reload.fresh.findings.clone(),
        };
        self.files.apply(reload.fresh);
        self.reloads.succeeded += 1;
        self.renewal = true;
        self.reloads.failed = 0;
        self.reloads.failure = None;
        if self.role == Role::Node {
            self.voice.notice(format!("Reloaded: {answer}"));
        }
        systemd::ready();
        for client in reload.clients {
            match client {
                Asker::Door(client) => self.answer(client, &Answer::Reloaded(answer.clone())),
                Asker::Console(client) => {
                    self.leave(client, &format!("Success=1\n--\nReloaded: {answer}\n"));
                }
            }
        }
        self.reload_if_due();
    }

    fn reload_failed(&mut self, clients: &[Asker], what: &str, why: String) {
        if self.role == Role::Master {
            self.voice.warning("Loading failure!");
        }
        let why = why.trim_end().to_owned();
        // What takes more than a line begins on one of its own.
        let gap = if why.contains('\n') { '\n' } else { ' ' };
        let text = format!("{what}:{gap}{why}");
        // The election of a drop-in has told it in the same log.
        if self.role != Role::Keepalived {
            self.voice.warning(&text);
        }
        systemd::ready();
        self.refuse_to_reload(clients, &text);
        self.reloads.failed += 1;
        self.reloads.failure = Some(why);
    }

    fn refuse_to_reload(&mut self, clients: &[Asker], why: &str) {
        for client in clients {
            match client {
                Asker::Door(client) => self.answer(*client, &Answer::Refused(why.to_owned())),
                Asker::Console(client) => {
                    self.leave(*client, &format!("Success=0\n--\n{why}\n"));
                }
            }
        }
    }

    /// A stop goes before.
    pub(super) fn abandon_reload(&mut self) {
        let mut clients = self.reloads.again.take().unwrap_or_default();
        clients.extend(
            self.reload
                .take()
                .into_iter()
                .flat_map(|reload| reload.clients),
        );
        self.refuse_to_reload(&clients, "it is being stopped");
        if let Some(successor) = &self.children.successor {
            successor.process.signal(Signal::KILL);
        }
    }

    fn proxy_pid(&self) -> Option<u32> {
        let proxy = self.children.proxy.as_ref().and_then(Child::process);
        proxy.map(Process::pid)
    }
}
