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
mod worker;

use std::{
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
    if let Some(path) = noted.pidfile
        && let Err(error) = std::fs::write(&path, format!("{}\n", std::process::id()))
    {
        announcer.alert(format!("cannot write pidfile {}: {error}", path.display()));
        return ExitCode::FAILURE;
    }
    match Supervisor::new(files, announcer) {
        Ok(supervisor) => supervisor.supervise(),
        Err(error) => {
            let announcer = Announcer::new(Style::Pontoon, false);
            announcer.alert(format!("cannot start the proxy: {error}"));
            ExitCode::FAILURE
        }
    }
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
    files: Vec<String>,
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
    fn new(files: Vec<String>, announcer: Announcer) -> std::io::Result<Self> {
        // Before the first child, so that its end cannot be missed.
        let signals = Signals::watch(event::SIGNALS)?;
        let worker = Worker::start(&files)?;
        Ok(Self {
            files,
            announcer,
            signals,
            proxy: Proxy::Starting(worker),
            proven: false,
            wait: FIRST_WAIT,
            stopping: false,
        })
    }

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
                let since = Instant::now();
                Proxy::Up { worker, since }
            }
            other => other,
        };
        None
    }

    fn ended(&mut self, end: End) -> Option<ExitCode> {
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
        match Worker::start(&self.files) {
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

    fn pass_on(&mut self, signal: Signal) -> Option<ExitCode> {
        let stops = [Signal::TERM, Signal::INT, Signal::USR1].contains(&signal);
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
