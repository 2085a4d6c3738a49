//! CONTROL FLOW: start → watch → restart, reload → stop.
//!
//! `pontoon run` stays in the foreground, starts one process named `haproxy` and one named
//! `keepalived`, as its files ask for, and watches them. It works as the first process of a
//! container: it passes signals on and reaps orphans. The master of `haproxy -W` and the parent of
//! `keepalived` are the same with one child each.
//!
//! ```text
//!            ┌── cannot start at first: the other one is stopped, exit with its code
//! STARTING ──┤
//!            └── ready ─► UP ── dies ─► WAITING (1 s, 2 s, … 30 s) ─► STARTING
//!    a stop was asked for: the election resigns and ends, then the proxy is told: exit 0
//! ```
//!
//! Whatever happens to the proxy is told to the election at once. What a dead election held is
//! taken away at once.

mod addresses;
mod child;
pub(crate) mod console;
mod door;
mod event;
mod farewell;
mod files;
mod inquiry;
mod leaving;
mod master;
mod notes;
mod process;
mod program;
mod reload;
mod report;
pub mod resume;
mod scripts;
mod silence;
mod start;
mod stop;
mod systemd;
mod voice;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use pontoon_sys::process::{Signal, child::End, signal::Signals};

use self::{
    child::{Child, State},
    console::Console,
    door::{ClientId, Door},
    event::{Event, Watch, Who},
    files::Files,
    inquiry::Inquiry,
    leaving::Leaving,
    process::{Kind, Line},
    program::Program,
    reload::{Asker, Reload, Reloads, Successor},
    silence::Silence,
    stop::Stop,
    voice::Voice,
};
pub use self::{
    console::{Place, PlaceError},
    files::Check,
    start::{
        Master, Node, hold_signals, keepalived, master, resumed_keepalived, resumed_master, run,
    },
};
use crate::node::{
    channel::Received,
    message::{Farewell, FromElection, Held, ToElection},
    status::{Answer, AppliedFiles, Request},
};

/// A proxy that was silent for so long is killed, so that it can be started again.
const KILLED_AFTER: Duration = Duration::from_secs(10);

/// Whom we stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// `pontoon run`.
    Node,
    /// `haproxy -W`: a worker that dies takes the master along, whose starter decides.
    Master,
    /// `keepalived`: the election, and whatever proxy somebody else started.
    Keepalived,
}

/// The processes that were started.
#[derive(Debug)]
struct Children {
    proxy: Option<Child>,
    election: Option<Child>,
    /// Of the proxy, while a reload starts it.
    successor: Option<Successor>,
    /// Of the proxy, those that reloads have replaced.
    leaving: Vec<Leaving>,
}

impl Children {
    fn all(&self) -> impl Iterator<Item = &Child> {
        self.election.iter().chain(&self.proxy)
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Child> {
        self.election.iter_mut().chain(&mut self.proxy)
    }

    /// Whether nobody is left, nor will be started again.
    fn have_ended(&self) -> bool {
        let others = self.successor.is_some() || !self.leaving.is_empty();
        !others && self.all().all(Child::has_ended)
    }

    fn of(&mut self, kind: Kind) -> Option<&mut Child> {
        match kind {
            Kind::Proxy => self.proxy.as_mut(),
            Kind::Election => self.election.as_mut(),
        }
    }
}

struct Supervisor {
    role: Role,
    voice: Voice,
    started: Instant,
    signals: Signals,
    children: Children,
    /// The last word to the election about the proxy: a new one is told it as well.
    proxy_word: ToElection,
    /// What the election holds.
    held: Vec<Held>,
    /// What it would say if it could resign.
    farewells: Vec<Farewell>,
    /// The process groups of its notify scripts.
    scripts: Vec<i32>,
    /// Since when it has said nothing.
    silence: Silence,
    /// Where the state of the node is asked for.
    door: Option<Door>,
    /// Where a master takes commands.
    console: Console,
    /// Where the proxy asks for the election.
    hatch: Option<Door>,
    /// A child that dies is started again.
    respawn: bool,
    /// Which program this is.
    program: Program,
    /// The program on the disk is to be executed as soon as nothing is under way.
    renewal: bool,
    inquiries: Vec<Inquiry>,
    /// Who waits for the election to do something, and the number of the request to it.
    requests: Vec<(u64, ClientId)>,
    /// Questions to the election so far.
    questions: u64,
    stop: Option<Stop>,
    /// What a reload reads, and what was applied last.
    files: Files,
    reload: Option<Reload>,
    reloads: Reloads,
    /// With which code a master's worker has ended.
    worker_exit: Option<i32>,
    /// What becomes of us in the end.
    exit: ExitCode,
}

impl Supervisor {
    /// Until all children have ended for good.
    fn supervise(mut self) -> ExitCode {
        while !self.children.have_ended() {
            let silence = self.silence_is_over();
            let prompt = self.prompt();
            let event = Watch {
                signals: &self.signals,
                children: &mut self.children,
                patience: self.stop.as_ref().and_then(Stop::patience),
                reload: self.reload.as_ref().and_then(Reload::until),
                silence,
                door: self.door.as_mut(),
                console: &mut self.console,
                prompt,
                hatch: self.hatch.as_mut(),
                inquiries: &mut self.inquiries,
            }
            .next();
            self.handle(event);
            self.renew_if_due();
        }
        self.console.flush();
        self.say_goodbye();
        self.voice.flush();
        self.exit
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::ProxyReady => self.ready(Kind::Proxy),
            Event::Said(message) => self.hear(message),
            Event::Signal(signal) => self.signalled(signal),
            Event::SuccessorReady => self.successor_ready(),
            Event::Ended(Who::Child(kind), end) => self.ended(kind, end),
            Event::Ended(Who::Successor, end) => self.successor_ended(end),
            Event::Ended(Who::Leaving(pid), end) => self.leaver_ended(pid, end),
            Event::Due(kind) => self.restart(kind),
            Event::Overdue => self.stop_is_overdue(),
            Event::ReloadOverdue => self.reload_is_overdue(),
            Event::Silent => self.election_is_silent(Instant::now()),
            Event::Asked(client, Request::Status) => self.inquire(client),
            Event::Asked(client, Request::Files) => self.tell_files(client),
            Event::Asked(client, Request::Reload) => self.reload_asked(Some(Asker::Door(client))),
            Event::Commanded(client, command) => self.commanded(client, command),
            Event::Asked(client, Request::Election) => self.inquire_of_election(client),
            Event::Asked(client, Request::Associate { address }) => {
                self.pass_on(client, |id| ToElection::FloatingIpWanted { id, address });
            }
            Event::Asked(client, Request::Switchover { whose, wish }) => {
                self.pass_on(client, |id| ToElection::SwitchoverWanted {
                    id,
                    whose,
                    wish,
                });
            }
            Event::Answerable(inquiry) => {
                let answer = Answer::Status(self.report(&inquiry));
                self.answer(inquiry.client, &answer);
            }
        }
    }

    fn ready(&mut self, kind: Kind) {
        let Some(child) = self.children.of(kind) else {
            return;
        };
        if let Some(pid) = child.ready() {
            let name = kind.name();
            self.voice
                .notice(format!("the {name} runs again (process {pid})"));
        }
        if kind == Kind::Proxy
            && let Some(process) = child.process()
        {
            let pid = process.pid();
            self.tell_of_proxy(ToElection::ProxyReady { pid });
            self.greet_worker(pid);
        }
        if self.children.all().all(|child| child.proven) {
            systemd::ready();
        }
        self.reload_if_due();
    }

    fn hear(&mut self, message: FromElection) {
        self.silence = Silence::since(Instant::now());
        match message {
            FromElection::Alive => {}
            FromElection::Ready => self.ready(Kind::Election),
            FromElection::Holding(held) => self.held = held,
            FromElection::Farewells(farewells) => self.farewells = farewells,
            FromElection::Scripts(groups) => self.scripts = groups,
            FromElection::ProxyHung { pid, silent_for } => self.proxy_hangs(pid, silent_for),
            FromElection::Status { id, status } => {
                for inquiry in &mut self.inquiries {
                    inquiry.answered(id, &status);
                }
            }
            FromElection::Prepared { id, result } => self.election_prepared(id, result),
            FromElection::Reloaded { id, result } => self.election_reloaded(id, result),
            FromElection::Renewed { result } => self.election_renewed(result),
            FromElection::FloatingIpAsserted { id, result } => {
                let answer = result.map_or_else(Answer::Refused, Answer::Associating);
                self.passed_on(id, &answer);
            }
            FromElection::SwitchoverAnswered { id, result } => {
                let answer = result.map_or_else(Answer::Refused, Answer::Switchover);
                self.passed_on(id, &answer);
            }
        }
    }

    fn proxy_hangs(&self, pid: u32, silent_for: Duration) {
        let proxy = self.children.proxy.as_ref().and_then(Child::process);
        if let Some(process) = proxy.filter(|process| process.pid() == pid)
            && silent_for >= KILLED_AFTER
        {
            let seconds = silent_for.as_secs();
            self.voice.warning(format!(
                "the proxy (process {pid}) has not answered for {seconds} s; it is killed"
            ));
            process.signal(Signal::KILL);
        }
    }

    fn ended(&mut self, kind: Kind, end: End) {
        if kind == Kind::Election {
            self.clean_up_after_election();
            self.held.clear();
            self.farewells.clear();
            self.election_ended_in_reload();
        } else if self.ended_before_successor(end) {
            return;
        }
        if self.role == Role::Master {
            self.exit = self.worker_ended(end);
            return self.finish(kind);
        }
        let stopping = self.stop.is_some();
        let Some(child) = self.children.of(kind) else {
            return;
        };
        child.last_end = Some(end.to_string());
        let was_up = matches!(child.state(), State::Up { .. });
        if stopping {
            self.finish(kind);
            return self.go_on_stopping();
        }
        if !child.proven {
            return self.cannot_start(kind, end);
        }
        if !self.respawn {
            return self.let_end(kind, end);
        }
        self.fell(kind, end, was_up);
        self.reload_if_due();
    }

    /// A child that was ready once has ended by itself, and will be started again.
    fn fell(&mut self, kind: Kind, end: End, was_up: bool) {
        let Some(child) = self.children.of(kind) else {
            return;
        };
        let wait = child.fell();
        let (name, seconds) = (kind.name(), wait.as_secs());
        if kind == Kind::Proxy {
            self.tell_of_proxy(proxy_ended(end, was_up));
        }
        self.voice.warning(format!(
            "the {name} {end}; it will be started again in {seconds} s"
        ));
    }

    /// At the first start a failure is a mistake of the user's, and the child has said why. It is
    /// better to end, and be seen to end, than to be half a node.
    fn cannot_start(&mut self, kind: Kind, end: End) {
        if kind == Kind::Proxy {
            self.tell_of_proxy(proxy_ended(end, false));
        }
        self.finish(kind);
        self.exit = exit_of(end);
        if !self.children.all().all(Child::has_ended) {
            let name = kind.name();
            self.voice
                .alert(format!("the {name} {end} before it was ready; stopping"));
            self.begin_stop(Signal::TERM);
        }
    }

    /// It is its starter's business to start it again (`keepalived -R`).
    fn let_end(&mut self, kind: Kind, end: End) {
        let name = kind.name();
        self.voice.alert(format!("the {name} {end}; exiting"));
        self.finish(kind);
        self.exit = exit_of(end);
    }

    fn finish(&mut self, kind: Kind) {
        if let Some(child) = self.children.of(kind) {
            child.finish();
        }
    }

    /// What it said last is heard before its addresses are taken away. Then the others are told
    /// that it resigns, so that they need not wait until they miss it.
    fn clean_up_after_election(&mut self) {
        while let Some(message) = self.last_words_of_election() {
            match message {
                FromElection::Holding(held) => self.held = held,
                FromElection::Farewells(farewells) => self.farewells = farewells,
                FromElection::Scripts(groups) => self.scripts = groups,
                _ => {}
            }
        }
        addresses::remove(&self.held, &self.voice);
        farewell::say(&self.farewells, &self.voice);
        scripts::end(&std::mem::take(&mut self.scripts), &self.voice);
    }

    fn last_words_of_election(&mut self) -> Option<FromElection> {
        let process = self.children.election.as_mut()?.process_mut()?;
        match &mut process.line {
            Line::Talk(end) => match end.receive() {
                Received::Message(message) => Some(message),
                Received::Nothing | Received::End => None,
            },
            Line::Ready(_) | Line::Closed => None,
        }
    }

    fn restart(&mut self, kind: Kind) {
        let Some(child) = self.children.of(kind) else {
            return;
        };
        match child.restart() {
            Ok(()) if kind == Kind::Proxy => self.tell_of_proxy(ToElection::ProxyStarting),
            Ok(()) => {
                self.silence = Silence::since(Instant::now());
                self.tell_election(&self.proxy_word.clone());
                if self.children.successor.is_some() {
                    self.tell_election(&ToElection::ProxyReplacing);
                }
            }
            Err(error) => {
                let (name, seconds) = (kind.name(), child.fell().as_secs());
                self.voice.warning(format!(
                    "cannot start the {name}: {error}; next attempt in {seconds} s"
                ));
            }
        }
    }

    fn tell_of_proxy(&mut self, word: ToElection) {
        self.tell_election(&word);
        self.proxy_word = word;
    }

    /// Whether there is anybody to be told.
    fn tell_election(&mut self, message: &ToElection) -> bool {
        let election = self.children.election.as_mut();
        match election.and_then(Child::process_mut).map(|p| &mut p.line) {
            Some(Line::Talk(end)) => {
                end.send(message);
                true
            }
            Some(Line::Ready(_) | Line::Closed) | None => false,
        }
    }

    fn signalled(&mut self, signal: Signal) {
        let has_proxy = self.children.proxy.is_some();
        match signal {
            Signal::TERM | Signal::INT => self.begin_stop(signal),
            Signal::USR1 if has_proxy => self.begin_stop(signal),
            Signal::USR2 if has_proxy => self.reload_asked(None),
            Signal::HUP => self.reload_asked(None),
            _ if event::of_election().any(|it| it == signal) => {
                self.pass(Kind::Election, signal);
            }
            _ if has_proxy => self.pass(Kind::Proxy, signal),
            _ => self.pass(Kind::Election, signal),
        }
    }

    fn pass(&mut self, kind: Kind, signal: Signal) {
        if let Some(child) = self.children.of(kind) {
            child.signal(signal);
        }
    }

    fn inquire(&mut self, client: ClientId) {
        self.questions += 1;
        let id = self.questions;
        let asked = self.tell_election(&ToElection::StatusWanted { id });
        let proxy = self.children.proxy.as_ref().and_then(Child::process);
        let proxy = proxy.map(process::Process::pid);
        self.inquiries.push(Inquiry::new(client, id, asked, proxy));
    }

    fn inquire_of_election(&mut self, client: ClientId) {
        self.questions += 1;
        let id = self.questions;
        let asked = self.tell_election(&ToElection::StatusWanted { id });
        self.inquiries.push(Inquiry::new(client, id, asked, None));
    }

    fn tell_files(&mut self, client: ClientId) {
        let proxy = self.children.proxy.as_ref().and_then(Child::process);
        let proxy_pid = proxy.map(process::Process::pid);
        let answer = match self.files.told() {
            Some(files) => Answer::Files(AppliedFiles { proxy_pid, ..files }),
            None => Answer::Refused("it does not know its files: its election does".into()),
        };
        self.answer(client, &answer);
    }

    /// The election is to do something for a client.
    fn pass_on(&mut self, client: ClientId, request: impl FnOnce(u64) -> ToElection) {
        self.questions += 1;
        let id = self.questions;
        if self.tell_election(&request(id)) {
            // Those that a dead election has left behind.
            if let Some(door) = &self.door {
                self.requests.retain(|(_, client)| door.has(*client));
            }
            return self.requests.push((id, client));
        }
        let why = "no election of this node is running".to_owned();
        self.answer(client, &Answer::Refused(why));
    }

    fn passed_on(&mut self, id: u64, answer: &Answer) {
        if let Some(at) = self.requests.iter().position(|(it, _)| *it == id) {
            let (_, client) = self.requests.swap_remove(at);
            self.answer(client, answer);
        }
    }

    fn answer(&mut self, client: ClientId, answer: &Answer) {
        for door in self.door.iter_mut().chain(&mut self.hatch) {
            door.answer(client, answer);
        }
    }
}

fn proxy_ended(end: End, was_up: bool) -> ToElection {
    let how = end.to_string();
    if was_up {
        ToElection::ProxyEnded {
            how,
            asked_for: false,
        }
    } else {
        ToElection::ProxyCannotStart { how }
    }
}

/// The exit code of a child that could not start is ours.
fn exit_of(end: End) -> ExitCode {
    match end {
        End::Exited(code) => ExitCode::from(u8::try_from(code).unwrap_or(1).max(1)),
        End::Killed(number) => ExitCode::from(u8::try_from(128 + number).unwrap_or(1)),
    }
}
