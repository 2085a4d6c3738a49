//! The ways to begin.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use pontoon_sys::process::{
    Signal,
    signal::{Held, Signals, hold},
};

use super::{
    Children, Role, Supervisor,
    child::Child,
    console::{Console, Place},
    door::Door,
    event,
    files::{Check, Files},
    notes,
    process::Kind,
    program::Program,
    reload::Reloads,
    resume::{self, Known, Parts},
    silence::Silence,
    voice::Voice,
};
use crate::{
    election::log::Log,
    node::{hatch, message::ToElection, status},
    proxy::process::announce::{Announcer, Style},
};

/// A node, as the command line describes it.
#[derive(Debug)]
pub struct Node {
    /// Its files: at most one `keepalived.conf`, any number of `haproxy.cfg`.
    pub files: Vec<String>,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// Where its state can be asked for, if not in the usual place.
    pub socket: Option<PathBuf>,
}

/// Runs a node until a signal says stop. Exits with 0 after a stop that was asked for, with the
/// code of a child that cannot start at first.
#[must_use]
pub fn run(node: Node) -> ExitCode {
    let announcer = Announcer::new(Style::Pontoon, false);
    if resume::is_due() {
        let files = |applied| Files::node(node.files, applied);
        return resume::go_on(Role::Node, files, Voice::Announcer(announcer));
    }
    let Some(noted) = notes::read(&node.files, &announcer) else {
        return ExitCode::FAILURE;
    };
    let voice = Voice::Announcer(announcer);
    let door = match (&node.socket, &node.name) {
        (Some(path), _) => open_door(path.clone()).map(Some),
        (None, Some(name)) => match status::socket(name) {
            Some(path) => open_door(path).map(Some),
            None => Err("there is no directory for it: $XDG_RUNTIME_DIR is not set".into()),
        },
        (None, None) => unnamed_door(noted.election.is_some(), &voice),
    };
    let door = match door {
        Ok(door) => door,
        Err(problem) => {
            voice.alert(format!("this node is not started: {problem}"));
            return ExitCode::FAILURE;
        }
    };
    let plan = Plan {
        role: Role::Node,
        once: Vec::new(),
        proxy: noted.proxy_arguments(),
        election: noted.election_arguments(),
        pidfile: noted.pidfile.clone(),
        console: Console::default(),
        files: Files::Node {
            names: node.files,
            applied: noted,
        },
        door,
        respawn: true,
    };
    supervise(plan, voice)
}

/// The master of a master-worker pair, as the command line describes it.
pub struct Master {
    /// The arguments of each worker.
    pub arguments: Vec<OsString>,
    /// Those that only the first one is given: whom it replaces.
    pub once: Vec<OsString>,
    /// Where it takes commands.
    pub places: Vec<Place>,
    /// Where the master writes its number.
    pub pidfile: Option<PathBuf>,
    /// Reads the files again before a reload.
    pub check: Check,
}

/// Starts a worker and ends when it does.
#[must_use]
pub fn master(master: Master, announcer: Announcer) -> ExitCode {
    let plan = Plan {
        role: Role::Master,
        once: master.once,
        proxy: Some(master.arguments),
        election: None,
        pidfile: master.pidfile,
        console: match Console::open(&master.places) {
            Ok(console) => console,
            Err(problem) => {
                announcer.alert(problem);
                return ExitCode::FAILURE;
            }
        },
        files: Files::Master(master.check),
        door: None,
        respawn: true,
    };
    supervise(plan, Voice::Announcer(announcer))
}

/// The master that the program before this one was.
#[must_use]
pub fn resumed_master(check: Check, announcer: Announcer) -> ExitCode {
    let files = |_| Files::Master(check);
    resume::go_on(Role::Master, files, Voice::Announcer(announcer))
}

/// Lets the signals wait that a supervisor handles. Who starts a thread (a log that writes) before
/// it starts the supervisor calls this first: otherwise they would end the process there.
///
/// # Errors
/// Nothing that a correct program meets.
pub fn hold_signals() -> io::Result<Held> {
    hold(&handled())
}

fn handled() -> Vec<Signal> {
    let named = event::SIGNALS.iter().copied();
    named.chain(event::of_election()).collect()
}

/// The parent of a drop-in `keepalived`: starts an election with these arguments, starts it again
/// when it dies (unless `respawn` says no), and ends when it was told to. Its pid file is its
/// caller's business.
#[must_use]
pub fn keepalived(arguments: Vec<OsString>, respawn: bool, log: Log) -> ExitCode {
    let voice = Voice::Log(log);
    let plan = Plan {
        role: Role::Keepalived,
        once: Vec::new(),
        proxy: None,
        election: Some(arguments),
        pidfile: None,
        console: Console::default(),
        files: Files::Election,
        door: usual_door(status::KEEPALIVED, &voice),
        respawn,
    };
    supervise(plan, voice)
}

/// The parent that the program before this one was.
#[must_use]
pub fn resumed_keepalived(log: Log) -> ExitCode {
    resume::go_on(Role::Keepalived, |_| Files::Election, Voice::Log(log))
}

/// What is to be started.
struct Plan {
    role: Role,
    /// Arguments of the first proxy only.
    once: Vec<OsString>,
    /// The arguments of the proxy, if there is one.
    proxy: Option<Vec<OsString>>,
    /// The arguments of the election, if there is one.
    election: Option<Vec<OsString>>,
    pidfile: Option<PathBuf>,
    /// What a reload reads.
    files: Files,
    door: Option<Door>,
    console: Console,
    /// Whether a child that dies is started again.
    respawn: bool,
}

fn supervise(plan: Plan, mut voice: Voice) -> ExitCode {
    if let Some(path) = &plan.pidfile
        && let Err(error) = std::fs::write(path, format!("{}\n", std::process::id()))
    {
        voice.alert(format!("Cannot create pidfile {}: {error}", path.display()));
        return ExitCode::FAILURE;
    }
    let program = Program::of_this_process();
    // Before the first child, so that its end cannot be missed.
    let started = Signals::watch(&handled())
        .map_err(|error| format!("cannot watch signals: {error}"))
        .and_then(|signals| Ok((signals, plan.start(&program)?)));
    let (signals, (children, proxy_word)) = match started {
        Ok(started) => started,
        Err(problem) => {
            voice.alert(problem);
            return ExitCode::FAILURE;
        }
    };
    voice.never_wait();
    let mut supervisor = Supervisor {
        role: plan.role,
        voice,
        started: Instant::now(),
        signals,
        children,
        proxy_word: proxy_word.clone(),
        held: Vec::new(),
        farewells: Vec::new(),
        scripts: Vec::new(),
        silence: Silence::since(Instant::now()),
        door: plan.door,
        console: plan.console,
        hatch: (plan.role == Role::Node).then(hatch).flatten(),
        respawn: plan.respawn,
        program,
        renewal: false,
        inquiries: Vec::new(),
        requests: Vec::new(),
        questions: 0,
        stop: None,
        files: plan.files,
        reload: None,
        reloads: Reloads::default(),
        worker_exit: None,
        exit: ExitCode::SUCCESS,
    };
    supervisor.tell_election(&proxy_word);
    supervisor.supervise()
}

/// Goes on where another program was, as the same process.
pub(super) fn resumed(parts: Parts, known: Known, mut voice: Voice) -> ExitCode {
    let signals = match Signals::watch(&handled()) {
        Ok(signals) => signals,
        Err(error) => {
            voice.alert(format!("cannot watch signals: {error}"));
            return ExitCode::FAILURE;
        }
    };
    voice.never_wait();
    let version = env!("CARGO_PKG_VERSION");
    voice.notice(format!("the supervisor is pontoon {version} now"));
    let supervisor = Supervisor {
        role: parts.role,
        voice,
        started: known.started,
        signals,
        children: parts.children,
        proxy_word: known.proxy_word,
        held: known.held,
        farewells: known.farewells,
        scripts: known.scripts,
        silence: Silence::since(Instant::now()),
        door: parts.door,
        console: parts.console,
        hatch: (parts.role == Role::Node).then(hatch).flatten(),
        respawn: known.respawn,
        program: parts.program,
        renewal: false,
        inquiries: Vec::new(),
        requests: Vec::new(),
        questions: 0,
        stop: None,
        files: parts.files,
        reload: None,
        reloads: known.reloads,
        worker_exit: None,
        exit: ExitCode::SUCCESS,
    };
    supervisor.supervise()
}

impl Plan {
    /// Starts all of it, or nothing: a child whose supervisor is dropped ends.
    fn start(&self, program: &Program) -> Result<(Children, ToElection), String> {
        let start = |kind: Kind, once: &[OsString], arguments: &Option<Vec<OsString>>| {
            let start = |arguments| Child::start(kind, program.clone(), once, arguments);
            let child = arguments.clone().map(start).transpose();
            child.map_err(|error| format!("cannot start the {}: {error}", kind.name()))
        };
        let children = Children {
            proxy: start(Kind::Proxy, &self.once, &self.proxy)?,
            election: start(Kind::Election, &[], &self.election)?,
            successor: None,
            leaving: Vec::new(),
        };
        let word = if children.proxy.is_some() {
            ToElection::ProxyStarting
        } else {
            ToElection::NoProxy
        };
        Ok((children, word))
    }
}

/// Nodes do not need a door, unless somebody asked for one.
fn usual_door(name: &str, voice: &Voice) -> Option<Door> {
    let door = open_door(status::socket(name)?);
    door.inspect_err(|problem| unfindable(problem, voice)).ok()
}

fn unfindable(problem: &str, voice: &Voice) {
    voice.warning(format!(
        "`pontoon status` will not find this node: {problem}"
    ));
}

/// An unnamed node that only balances may run beside another one, though nobody can ask it. A second
/// election is most likely a node that was started twice: two masters that do not hear each other.
fn unnamed_door(has_election: bool, voice: &Voice) -> Result<Option<Door>, String> {
    let Some(path) = status::socket(status::NODE) else {
        return Ok(None);
    };
    match Door::open(path.clone()) {
        Ok(door) => Ok(Some(door)),
        Err(error) if has_election && error.kind() == io::ErrorKind::AddrInUse => {
            Err(closed(&path, &error))
        }
        Err(error) => {
            unfindable(&closed(&path, &error), voice);
            Ok(None)
        }
    }
}

fn open_door(path: PathBuf) -> Result<Door, String> {
    Door::open(path.clone()).map_err(|error| closed(&path, &error))
}

/// Where our proxy asks for the election. Without it there are no metrics of that, and nothing
/// else is missing.
fn hatch() -> Option<Door> {
    let address = hatch::address(std::process::id()).ok()?;
    Door::inside(&address).ok()
}

/// Why a door cannot be opened.
fn closed(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another node answers at {path}; if this one is to run beside it, give it a name \
             with --name"
        ),
        _ => format!("cannot listen at {path}: {error}"),
    }
}
