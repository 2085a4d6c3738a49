//! The life of a proxy process: bind → background → give up privileges → threads → control → stop.
//!
//! Everything that can fail for a reason the user can mend happens before the process says that
//! it is ready, and is told on standard error.

pub mod announce;
mod beat;
mod congestion;
mod control;
mod daemon;
mod dump;
mod limits;
mod old;
mod privileges;
mod sandbox;

use std::{
    fs::File,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    thread::JoinHandle,
    time::Instant,
};

use pontoon_config::haproxy::model::{LogLevel, Model};
use pontoon_sys::{
    pipe,
    process::{Pid, child, identity, privilege::PrivilegeError, signal::Held},
};
use tokio::sync::mpsc;

use self::{
    announce::Announcer,
    congestion::CongestionError,
    daemon::{DaemonError, Place},
    old::Predecessor,
    sandbox::{News, Sandbox},
};
pub use self::{
    limits::{LimitError, Limits},
    old::{Leave, OldProcesses},
};
use super::{
    handoff,
    listen::{BindError, Listeners},
    thread,
};
use crate::{
    admin::{
        endpoint::{EndpointError, Endpoints},
        runtime::{
            self,
            sockets::{SocketError, Sockets},
        },
    },
    checks::{Checks, LoadError},
    counted::counted,
    handover::{line::Broken, offer::Door, take::Taken},
    log::{self, Logger},
    node::beat::Heart,
    state::{ProcessState, Running, mailbox::Message, server_state::States},
};

/// The name of the process and of its main thread: what `pidof` and `killall` look for.
pub(crate) const NAME: &str = "haproxy";
/// Set by our supervisor: the number of a descriptor that waits for [`READY`].
pub(crate) const READY_VARIABLE: &str = "PONTOON_READY_FD";
/// What it is sent then. Anything else is why the process will never be ready.
pub(crate) const READY: u8 = 1;

/// What the command line says and the files do not.
#[derive(Debug)]
pub struct Options {
    /// The name it was started under: the tag of log lines.
    pub program: String,
    /// Go into the background.
    pub background: bool,
    /// Where a daemon writes its number.
    pub pidfile: Option<PathBuf>,
    /// Bytes of memory (`-m`).
    pub memory: Option<u64>,
    /// Who leaves once this process is ready.
    pub old: Option<OldProcesses>,
    /// Whose listeners are taken over, although it need not leave (`-x`).
    pub lender: Option<Pid>,
    /// Events also go to standard error.
    pub mirror: bool,
    /// Where a supervisor waits for one byte that says: ready.
    pub ready: Option<File>,
}

/// Why a process does not start. Each says what to do about it, if there is anything.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("No enabled listener found (check for 'bind' directives) ! Exiting.")]
    NoListener,
    #[error("{0}")]
    Limit(#[from] LimitError),
    #[error("{}", lines(.0))]
    Bind(Vec<BindError>),
    #[error("{0}")]
    Endpoint(#[from] EndpointError),
    #[error("{0}")]
    Daemon(#[from] DaemonError),
    #[error("{}", lines(.0))]
    Congestion(Vec<CongestionError>),
    #[error("{0}")]
    Runtime(#[from] SocketError),
    #[error("{}", lines(.0))]
    Checks(Vec<LoadError>),
    #[error("{0}")]
    Log(#[from] log::OpenError),
    #[error("{0}")]
    Privilege(#[from] PrivilegeError),
    #[error("Cannot hold signals back: {0}")]
    Signals(io::Error),
    #[error("The supervisor is gone: {0}")]
    Supervisor(io::Error),
    #[error("Cannot start a thread: {0}")]
    Thread(io::Error),
    #[error("Process {pid} did not give up its sessions and serves on itself ({why}). Try again.")]
    Overruled { pid: i32, why: String },
}

fn lines(errors: &[impl std::fmt::Display]) -> String {
    let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Runs a proxy until it is told to stop.
#[must_use]
pub fn run(model: Model, mut options: Options, announcer: &Announcer) -> ExitCode {
    let threads = model.global.threads.unwrap_or_else(processors);
    let bound = match bind(&model, threads, &options, announcer) {
        Ok(bound) => bound,
        Err(error) => return refuse(&error, &mut options, announcer),
    };
    if !options.background {
        return live(model, threads, bound, &mut options, announcer);
    }
    match daemon::enter(options.pidfile.as_deref()) {
        Err(error) => refuse(&error.into(), &mut options, announcer),
        Ok(Place::Child(parent)) => as_daemon(model, threads, bound, &mut options, parent),
        Ok(Place::Parent(child)) => {
            drop(bound);
            wait_for(child, announcer)
        }
    }
}

/// What is had before the fork.
struct Bound {
    signals: Held,
    limits: Limits,
    listeners: Listeners,
    endpoints: Endpoints,
    sockets: Sockets,
    predecessor: Option<Predecessor>,
}

fn bind(
    model: &Model,
    threads: u16,
    options: &Options,
    announcer: &Announcer,
) -> Result<Bound, StartError> {
    // As soon as an address is bound, others may take us for ready and send signals.
    let signals = control::hold_signals().map_err(StartError::Signals)?;
    let limits = limits::apply(model, threads, options.memory, announcer)?;
    congestion::try_out(model).map_err(StartError::Congestion)?;
    let old = options.old.as_ref();
    let (mut predecessor, inherited) = match old::ask(old, announcer) {
        (None, _) => (None, old::borrow(options.lender)),
        asked => asked,
    };
    let inherited = inherited.beside_others(old.is_some());
    let mut listeners =
        old::bind(model, old, predecessor.as_mut(), &inherited).map_err(StartError::Bind)?;
    if listeners.is_empty() {
        return Err(StartError::NoListener);
    }
    let sockets = runtime::sockets::bind(model, &inherited)?;
    for socket in &sockets {
        listeners.add(socket.listener.clone());
    }
    let endpoints = Endpoints::bind(&model.global, &inherited)?;
    for listener in endpoints.listeners() {
        listeners.add(listener.clone());
    }
    if let Some(predecessor) = &mut predecessor {
        predecessor.giver.leave_behind(inherited.into_unused());
    }
    Ok(Bound {
        signals,
        limits,
        listeners,
        endpoints,
        sockets,
        predecessor,
    })
}

fn refuse(error: &StartError, options: &mut Options, announcer: &Announcer) -> ExitCode {
    let words = error.to_string();
    for line in words.lines() {
        announcer.alert(line);
    }
    if let Some(mut supervisor) = options.ready.take() {
        // For whoever has asked for a reload.
        let _gone = supervisor.write_all(words.as_bytes());
    }
    ExitCode::FAILURE
}

fn wait_for(child: daemon::Parent, announcer: &Announcer) -> ExitCode {
    match child.wait() {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) if words.is_empty() => {
            announcer.alert("The daemon ended before it was ready.");
            ExitCode::FAILURE
        }
        Err(words) => {
            words.lines().for_each(|line| announcer.alert(line));
            ExitCode::FAILURE
        }
    }
}

fn as_daemon(
    model: Model,
    threads: u16,
    bound: Bound,
    options: &mut Options,
    parent: daemon::Child,
) -> ExitCode {
    // Standard error is closed: the parent says what went wrong.
    let silent = Announcer::new(announce::Style::Haproxy, true);
    match start(model, threads, bound, options, &silent) {
        Ok(process) => {
            parent.ready();
            process.run(options)
        }
        Err(error) => {
            parent.failed(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn live(
    model: Model,
    threads: u16,
    bound: Bound,
    options: &mut Options,
    announcer: &Announcer,
) -> ExitCode {
    match start(model, threads, bound, options, announcer) {
        Ok(process) => process.run(options),
        Err(error) => refuse(&error, options, announcer),
    }
}

/// A process that is set up completely.
struct Process {
    signals: Held,
    running: Arc<Running>,
    listeners: Listeners,
    threads: Vec<JoinHandle<()>>,
    checks: Checks,
    heart: Option<Heart>,
    door: Option<Door>,
    asked: Option<runtime::door::Door>,
    statistics: handoff::Receiver,
    endpoints: Endpoints,
    sockets: Sockets,
    runtime: tokio::runtime::Runtime,
}

/// Opens what is left to open, gives up privileges, starts the threads.
fn start(
    mut model: Model,
    threads: u16,
    bound: Bound,
    options: &Options,
    announcer: &Announcer,
) -> Result<Process, StartError> {
    let checks = Checks::load(&model).map_err(StartError::Checks)?;
    let states = States::read(&model);
    let host = identity::host_name();
    let logger = Logger::open(
        &model,
        log::Settings {
            program: options.program.clone(),
            host: host.clone(),
            mirror: options.mirror,
        },
    )?;
    let mut news = tell_problems(&states, options, announcer);
    let dismiss = || old::leave(bound.predecessor.as_ref(), options.old.as_ref());
    // Before the user changes: whoever started us may listen, and take over.
    let heart = heart(&mut news);
    let door = door(&mut news);
    let asked = asked(&mut news);
    // In a chroot, the kernel's settings are out of sight.
    let allowance = pipe::allowance_of_users();
    news.extend(step_down(&model, options, announcer, dismiss)?);
    // A line may start a thread: no thread was outside.
    for (level, text) in news {
        logger.event(None, level, &text);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StartError::Thread)?;
    let node = model.global.node.clone().unwrap_or(host);
    model.fill_full_connections(bound.limits.sessions);
    let mut state = first_state(&bound, node);
    state.pipe_bytes = allowance.filter(|_| !pipe::is_exempt());
    let running = Running::new(Arc::new(model), state, logger, threads);
    let running = Arc::new(running.map_err(StartError::Thread)?);
    let (sender, statistics) = mpsc::unbounded_channel();
    let predecessor = bound.predecessor;
    let waits = predecessor.is_some();
    if !waits {
        running.begin_with(&states, Instant::now());
    }
    let threads = spawn(&running, threads, &bound.listeners, waits, &sender)?;
    if let Some(predecessor) = predecessor {
        succeed(predecessor, &running, &states, options)?;
    }
    Ok(Process {
        signals: bound.signals,
        running,
        listeners: bound.listeners,
        threads,
        checks,
        heart,
        door,
        asked,
        statistics,
        endpoints: bound.endpoints,
        sockets: bound.sockets,
        runtime,
    })
}

/// Gives up what it does not need any more; `before_user` is done while we still may do what only
/// root may. Returns what the log is to say.
fn step_down(
    model: &Model,
    options: &Options,
    announcer: &Announcer,
    before_user: impl FnOnce(),
) -> Result<Option<News>, StartError> {
    let supervisor = options.ready.is_some().then(child::parent);
    let mut sandbox = Sandbox::of(model);
    sandbox.prepare();
    let becomes_another = privileges::give_up(&model.global, announcer, before_user)?;
    if let Some(supervisor) = supervisor {
        child::die_with(supervisor).map_err(StartError::Supervisor)?;
    }
    Ok(sandbox.put_up(becomes_another))
}

/// A process that takes over goes on in the time of the old one.
fn first_state(bound: &Bound, node: String) -> ProcessState {
    let Limits {
        sessions,
        open_files,
    } = bound.limits;
    let zero = bound.predecessor.as_ref().map(|it| it.giver.zero());
    let zero = zero.unwrap_or_else(Instant::now);
    ProcessState::since(zero, node, sessions, open_files)
}

/// What is wrong with files of servers' states: nothing that keeps a process from serving. Returns
/// what the log is to say.
fn tell_problems(states: &States, options: &Options, announcer: &Announcer) -> Vec<News> {
    let problems = states.problems();
    if options.background {
        return problems
            .map(|problem| (LogLevel::Warning, problem.to_owned()))
            .collect();
    }
    for problem in problems {
        announcer.warning(problem);
    }
    Vec::new()
}

/// Takes over from a process that waits for it; then accepts. What that one knows of servers is newer
/// than any file.
///
/// # Errors
/// That one serves on itself.
fn succeed(
    predecessor: Predecessor,
    running: &Running,
    states: &States,
    options: &Options,
) -> Result<(), StartError> {
    let Predecessor { giver, pid, paused } = predecessor;
    let at_once = options.old.as_ref().map(|old| old.leave) == Some(Leave::AtOnce);
    let began = Instant::now();
    let taken = giver.take(running, at_once);
    let handovers = &running.process.handovers;
    match &taken {
        Ok(taken) => handovers.complete(taken.sessions, taken.staying, began.elapsed()),
        Err(Broken::Overruled(why)) => {
            return Err(StartError::Overruled {
                pid: pid.as_raw_pid(),
                why: why.clone(),
            });
        }
        Err(_) => {
            handovers.fail();
            running.begin_with(states, Instant::now());
        }
    }
    if paused {
        running.forget_pauses();
    }
    running.keep_closed();
    for thread in &running.threads {
        thread.post(Message::Resume);
    }
    let pid = pid.as_raw_pid();
    let (level, text) = match taken {
        Ok(Taken { sessions, staying }) => {
            let took = began.elapsed().as_millis();
            let staying = match staying {
                0 => String::new(),
                some => format!("; {some} left there to the end"),
            };
            let sessions = counted(sessions, "session");
            let text = format!("Took over {sessions} from process {pid} in {took} ms{staying}.");
            (LogLevel::Info, text)
        }
        Err(broken) => {
            let text = format!(
                "Could not take over the sessions of process {pid}: {broken}. It keeps them until \
                 they end."
            );
            (LogLevel::Warning, text)
        }
    };
    running.logger.event(None, level, &text);
    Ok(())
}

/// A process that nobody can take over from is told by signals.
fn door(news: &mut Vec<News>) -> Option<Door> {
    let door = Door::open();
    if let Err(error) = &door {
        let text = format!("This process cannot hand its sessions over at a reload: {error}");
        news.push((LogLevel::Warning, text));
    }
    door.ok()
}

/// A process that cannot be asked still serves.
fn asked(news: &mut Vec<News>) -> Option<runtime::door::Door> {
    let door = runtime::door::Door::open();
    if let Err(error) = &door {
        let text = format!("Nobody can ask this process by its number: {error}");
        news.push((LogLevel::Warning, text));
    }
    door.ok()
}

/// A process that cannot be heard still serves.
fn heart(news: &mut Vec<News>) -> Option<Heart> {
    let heart = Heart::new();
    if let Err(error) = &heart {
        let text = format!("No election can hear the beat of this process: {error}");
        news.push((LogLevel::Warning, text));
    }
    heart.ok()
}

fn spawn(
    running: &Arc<Running>,
    threads: u16,
    listeners: &Listeners,
    waits: bool,
    statistics: &handoff::Sender,
) -> Result<Vec<JoinHandle<()>>, StartError> {
    running.know_listeners(listeners.iter());
    (0..threads)
        .map(|number| {
            let running = Arc::clone(running);
            let listeners = listeners.clone();
            thread::spawn(running, number, listeners, waits, statistics.clone())
                .map_err(StartError::Thread)
        })
        .collect()
}

impl Process {
    /// Says that it is ready, then runs until it is told to stop.
    fn run(self, options: &mut Options) -> ExitCode {
        let supervisor = options.ready.take();
        let supervised = supervisor.is_some();
        if let Some(mut supervisor) = supervisor {
            // A supervisor that is gone takes us with it anyway.
            let _gone = supervisor.write_all(&[READY]);
        }
        control::run(self, supervised)
    }
}

/// As many data threads as there are processors for us, as HAProxy does.
fn processors() -> u16 {
    const MOST: usize = 64;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    u16::try_from(processors.min(MOST)).unwrap_or(1)
}
