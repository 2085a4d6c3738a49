//! HA FLOW: advert | tick | track → `engine::vrrp` → address | notify.
//!
//! The election process: what it hears, reads and is told goes into the machine of
//! `pontoon_engine::vrrp`; the machine's orders are carried out here, one after the other.

pub mod configuration;
mod dump;
mod event_loop;
mod floating;
mod history;
pub mod launcher;
pub mod log;
pub mod network;
pub mod notify;
pub mod process;
pub mod proxy;
pub mod resume;
mod sandbox;
mod script;
mod settings;
pub mod status;
mod stop;
mod switchover;
#[cfg(test)]
mod testing;
pub mod track;
mod words;

use std::{io, path::PathBuf, process::ExitCode, sync::Arc};

use pontoon_config::keepalived::model::{Global, Model};
use pontoon_sys::process::{identity, limit, schedule, signal::Held};
use rustix::{fs::Mode, process::umask};

use self::{
    configuration::Files,
    event_loop::{End, EventLoop, Parts},
    log::{Level, Log, OpenError, Outlets},
    network::{Network, NetworkError},
    notify::Notifier,
    process::{
        pidfile::{Pidfile, PidfileError},
        signals::{self, Watch},
    },
    resume::Left,
    script::launched,
    track::Trackers,
};
use crate::node::channel::ElectionEnd;

/// The tag of log lines.
pub const TAG: &str = "Keepalived_vrrp";
/// The name of the process, if the file does not give it another.
pub const NAME: &str = "keepalived";
/// The exit code for files that cannot run: starting it again would not help.
pub const MISCONFIGURED: u8 = 2;

/// What the command line says and the files do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What is read, at start and at a reload.
    pub files: Files,
    /// Where lines go.
    pub outlets: Outlets,
    /// Where the process writes its number.
    pub pidfile: Option<PathBuf>,
    /// Addresses stay where they are at a stop (`-V`).
    pub keep_addresses: bool,
    /// The settings go into the log at start (`-d`).
    pub dump_configuration: bool,
    /// Whether a crash leaves a core file (`-m`).
    pub core_dump: bool,
    /// The command line said what files may not be used for, whatever the file says (`-u`).
    pub umask_given: bool,
}

/// Why there is no election. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("the configuration has errors")]
    Files,
    #[error("{0}")]
    Log(#[from] OpenError),
    #[error("{0}")]
    Pidfile(#[from] PidfileError),
    #[error("{0}")]
    Network(#[from] NetworkError),
    #[error("the supervisor's descriptor cannot be used: {0}")]
    Supervisor(io::Error),
    #[error("what the program before has left cannot be used: {0}")]
    Left(io::Error),
    #[error("cannot start the process that starts scripts: {0}")]
    Launcher(io::Error),
    #[error("the process that starts scripts has ended: the addresses are given back")]
    LauncherLost,
    #[error("cannot start the event loop: {0}")]
    Runtime(io::Error),
}

impl StartError {
    /// The code that tells our starter whether another attempt may help.
    fn exit(&self) -> ExitCode {
        match self {
            Self::Files | Self::Log(_) | Self::Network(NetworkError::NoInterface { .. }) => {
                ExitCode::from(MISCONFIGURED)
            }
            Self::Pidfile(PidfileError::Running { .. }) => ExitCode::SUCCESS,
            Self::Pidfile(PidfileError::Write { .. })
            | Self::Network(_)
            | Self::Supervisor(_)
            | Self::Left(_)
            | Self::Launcher(_)
            | Self::LauncherLost
            | Self::Runtime(_) => ExitCode::FAILURE,
        }
    }
}

/// Runs the election until a signal, or the end of its supervisor, says stop.
#[must_use]
pub fn run(options: Options) -> ExitCode {
    let log = match Log::open(&options.outlets, TAG) {
        Ok(log) => log,
        Err(error) => {
            let log = Log::to_standard_error();
            return refuse(&error.into(), &log);
        }
    };
    match start(options, &log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&error, &log),
    }
}

fn refuse(error: &StartError, log: &Log) -> ExitCode {
    log.line(Level::Error, error);
    log.line(Level::Info, "Stopped");
    log.flush();
    error.exit()
}

fn start(options: Options, log: &Log) -> Result<(), StartError> {
    let left = resume::left().map_err(StartError::Left)?;
    let model = Arc::new(read(&options.files, log)?);
    sandbox::prepare().map_err(StartError::Launcher)?;
    prepare(&model.global, &options, log);
    let _pidfile = options.pidfile.as_deref().map(Pidfile::claim).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    runtime.block_on(async {
        let signals = Watch::new().map_err(StartError::Runtime)?;
        if left.is_some() {
            // They have waited since the program before.
            let held = signals::hold().and_then(Held::release);
            held.map_err(StartError::Runtime)?;
        }
        let mut left = left;
        let parts = Parts {
            signals,
            supervisor: ElectionEnd::inherited().map_err(StartError::Supervisor)?,
            network: network(&model, log, left.as_mut())?,
            trackers: trackers(&model, log, left.as_ref()),
            notifier: notifier(&model, log, left.as_mut()),
            log: log.clone(),
            options,
            model,
            left,
        };
        let event_loop = EventLoop::new(parts);
        event_loop.put_up_sandbox();
        launched::listen().map_err(StartError::Launcher)?;
        match event_loop.run().await {
            End::Asked => Ok(()),
            End::LauncherLost => Err(StartError::LauncherLost),
        }
    })
}

/// As it is now, or as the program before has left it.
fn network(
    model: &Arc<Model>,
    log: &Log,
    left: Option<&mut Left>,
) -> Result<Network, NetworkError> {
    let (model, log) = (Arc::clone(model), log.clone());
    let Some(Left { core, rest }) = left else {
        return Network::open(model, log);
    };
    let saved = rest.as_mut().map(|rest| std::mem::take(&mut rest.network));
    Network::resumed(model, log, &core.masters, saved.unwrap_or_default())
}

/// Files that are tracked are not made anew for another program.
fn trackers(model: &Model, log: &Log, left: Option<&Left>) -> Trackers {
    let Some(left) = left else {
        return Trackers::start(model, log.clone());
    };
    let mut trackers = Trackers::go_on(model, log.clone());
    if let Ok(rest) = &left.rest {
        trackers.resume(&rest.trackers);
    }
    trackers
}

fn notifier(model: &Model, log: &Log, left: Option<&mut Left>) -> Notifier {
    let rest = left.and_then(|left| left.rest.as_mut().ok());
    let fifos = rest.map(|rest| std::mem::take(&mut rest.fifos));
    Notifier::go_on(model, log.clone(), fifos.unwrap_or_default())
}

fn read(files: &Files, log: &Log) -> Result<Model, StartError> {
    let outcome = files.read();
    for finding in &outcome.findings {
        log.line(finding.level(), &finding.text);
    }
    outcome.model.ok_or(StartError::Files)
}

/// What the process asks of the kernel. It can do its work without; the log says what it lacks.
fn prepare(global: &Global, options: &Options, log: &Log) {
    let complain = |what: &str, result: io::Result<()>| {
        if let Err(error) = result {
            log.line(Level::Warning, format!("cannot {what}: {error}"));
        }
    };
    let name = global.process_name.as_deref().unwrap_or(NAME);
    complain("set the name of the process", identity::set_name(name));
    if let Some(mask) = global.umask.filter(|_| !options.umask_given) {
        let _before = umask(Mode::from_raw_mode(u32::from(mask)));
    }
    if let Some(nice) = global.nice {
        complain("set vrrp_priority", schedule::set_nice(nice));
    }
    if let Some(priority) = global.realtime_priority {
        complain("set vrrp_rt_priority", schedule::set_realtime(priority));
    }
    if options.core_dump {
        complain("allow core files (-m)", limit::allow_core_files());
    }
}
