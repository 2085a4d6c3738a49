//! CONTROL FLOW: start → watch → restart → stop.
//!
//! `pontoon run` stays in the foreground, starts one proxy process named `haproxy` and watches
//! it. It works as the first process of a container: it passes signals on and reaps orphans.
//!
//! ```text
//!            ┌── cannot start at first: exit 1
//! STARTING ──┤
//!            └── ready ─► UP ── dies ─► WAITING (1 s, 2 s, … 30 s) ─► STARTING
//!    a stop was asked for: the proxy is told, its end is ours: exit 0
//! ```

mod event;
mod notes;
mod systemd;
mod worker;

use std::{
    ffi::OsString,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use pontoon_sys::process::{Signal, child::End, signal::Signals};

use self::{
    event::{Event, Watch},
    worker::Worker,
};
use crate::proxy::process::announce::{Announcer, Style};

/// The first wait before a restart; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait before a restart.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A proxy that ran this long has earned a fresh start.
const STABLE: Duration = Duration::from_secs(60);

/// Runs these files until a signal says stop. Exits with 0 after a stop that was asked for, with
/// 1 if the proxy cannot start.
#[must_use]
pub fn run(files: Vec<String>) -> ExitCode {
    let announcer = Announcer::new(Style::Pontoon, false);
    let Some(noted) = notes::read(&files, &announcer) else {
        return ExitCode::FAILURE;
    };
    let arguments = ["-db", "--"].map(OsString::from).into_iter();
    let arguments = arguments.chain(files.into_iter().map(OsString::from));
    supervise(
        Role::Node,
        arguments.collect(),
        noted.pidfile.as_deref(),
        announcer,
    )
}

/// The master of a master-worker pair: starts a worker with these arguments and ends when it
/// does.
#[must_use]
pub fn master(arguments: Vec<OsString>, pidfile: Option<&Path>, announcer: Announcer) -> ExitCode {
    supervise(Role::Master, arguments, pidfile, announcer)
}

fn supervise(
    role: Role,
    arguments: Vec<OsString>,
    pidfile: Option<&Path>,
    announcer: Announcer,
) -> ExitCode {
    if let Some(path) = pidfile
        && let Err(error) = std::fs::write(path, format!("{}\n", std::process::id()))
    {
        announcer.alert(format!("Cannot create pidfile {}: {error}", path.display()));
        return ExitCode::FAILURE;
    }
    // Before the first child, so that its end cannot be missed.
    let started = Signals::watch(event::SIGNALS)
        .and_then(|signals| Ok((signals, Worker::start(&arguments)?)));
    let (signals, worker) = match started {
        Ok(started) => started,
        Err(error) => {
            announcer.alert(format!("cannot start the proxy: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let supervisor = Supervisor {
        role,
        arguments,
        announcer,
        signals,
        proxy: Proxy::Starting(worker),
        proven: false,
        wait: FIRST_WAIT,
        stopping: false,
    };
    supervisor.supervise()
}

/// Whom we stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// `pontoon run`: a proxy that dies is started again.
    Node,
    /// `haproxy -W`: a worker that dies takes the master along, whose starter decides.
    Master,
}

/// What becomes of the proxy.
#[derive(Debug)]
enum Proxy {
    /// Not ready yet.
    Starting(Worker),
    /// Serving.
    Up { worker: Worker, since: Instant },
    /// Died; to be started again.
    Waiting { until: Instant },
}

struct Supervisor {
    role: Role,
    /// The proxy's.
    arguments: Vec<OsString>,
    announcer: Announcer,
    signals: Signals,
    proxy: Proxy,
    /// Was ready at least once: from now on, a failure is a crash and no mistake of the user's.
    proven: bool,
    /// The wait before the next restart.
    wait: Duration,
    /// A stop was asked for.
    stopping: bool,
}

impl Supervisor {
    fn supervise(mut self) -> ExitCode {
        loop {
            let event = Watch {
                signals: &self.signals,
                proxy: &self.proxy,
            }
            .next();
            let exit = match event {
                Event::Ready => self.ready(),
                Event::Ended(end) => self.ended(end),
                Event::Signal(signal) => self.pass_on(signal),
                Event::TimeToRestart => self.restart(),
            };
            if let Some(exit) = exit {
                return exit;
            }
        }
    }

    fn ready(&mut self) -> Option<ExitCode> {
        let restarted = self.proven;
        self.proven = true;
        let before = std::mem::replace(
            &mut self.proxy,
            Proxy::Waiting {
                until: Instant::now(),
            },
        );
        self.proxy = match before {
            Proxy::Starting(worker) => {
                if restarted {
                    let pid = worker.pid();
                    self.announcer
                        .notice(format!("the proxy runs again (process {pid})"));
                }
                self.tell_ready(worker.pid());
                let since = Instant::now();
                Proxy::Up { worker, since }
            }
            other => other,
        };
        None
    }

    fn tell_ready(&self, worker: u32) {
        if self.role == Role::Master {
            self.announcer
                .notice(format!("New worker ({worker}) forked"));
            self.announcer.notice("Loading success.");
        }
        systemd::notify(&format!("READY=1\nMAINPID={}", std::process::id()));
    }

    fn ended(&mut self, end: End) -> Option<ExitCode> {
        if self.role == Role::Master {
            return Some(self.worker_ended(end));
        }
        if self.stopping {
            return Some(ExitCode::SUCCESS);
        }
        if !self.proven {
            // It has said why.
            return Some(exit_of(end));
        }
        if matches!(self.proxy, Proxy::Up { since, .. } if since.elapsed() >= STABLE) {
            self.wait = FIRST_WAIT;
        }
        let seconds = self.wait.as_secs();
        self.announcer.warning(format!(
            "the proxy {end}; it will be started again in {seconds} s"
        ));
        self.proxy = Proxy::Waiting {
            until: Instant::now() + self.wait,
        };
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        None
    }

    fn restart(&mut self) -> Option<ExitCode> {
        match Worker::start(&self.arguments) {
            Ok(worker) => self.proxy = Proxy::Starting(worker),
            Err(error) => {
                let seconds = self.wait.as_secs();
                self.announcer.warning(format!(
                    "cannot start the proxy: {error}; next attempt in {seconds} s"
                ));
                self.proxy = Proxy::Waiting {
                    until: Instant::now() + self.wait,
                };
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
            }
        }
        None
    }

    /// HAProxy's rule: a worker that was told to terminate is no failure.
    fn worker_ended(&self, end: End) -> ExitCode {
        let code = match end {
            End::Exited(code) => code,
            End::Killed(number) => 128 + number,
        };
        let exit = if code == 128 + Signal::TERM.as_raw() {
            0
        } else {
            code
        };
        let text = format!("Current worker exited with code {code}: it {end}");
        if exit == 0 {
            self.announcer.warning(text);
        } else {
            self.announcer.alert(text);
        }
        self.announcer
            .warning(format!("All workers exited. Exiting... ({exit})"));
        ExitCode::from(u8::try_from(exit).unwrap_or(1))
    }

    fn pass_on(&mut self, signal: Signal) -> Option<ExitCode> {
        if self.role == Role::Master && [Signal::USR2, Signal::HUP].contains(&signal) {
            self.announcer.warning(
                "Reload refused: it comes with a later version. The worker runs on unchanged; \
                 restart to apply new files.",
            );
            return None;
        }
        let stops = [Signal::TERM, Signal::INT, Signal::USR1].contains(&signal);
        if stops && !self.stopping {
            systemd::notify("STOPPING=1");
            if self.role == Role::Master {
                self.announcer.warning("Exiting Master process...");
            }
        }
        self.stopping |= stops;
        match &self.proxy {
            Proxy::Starting(worker) | Proxy::Up { worker, .. } => {
                worker.signal(signal);
                None
            }
            // Nobody is there to be stopped.
            Proxy::Waiting { .. } => stops.then_some(ExitCode::SUCCESS),
        }
    }
}

/// The exit code of a proxy that could not start is ours.
fn exit_of(end: End) -> ExitCode {
    match end {
        End::Exited(code) => ExitCode::from(u8::try_from(code).unwrap_or(1).max(1)),
        End::Killed(number) => ExitCode::from(u8::try_from(128 + number).unwrap_or(1)),
    }
}
