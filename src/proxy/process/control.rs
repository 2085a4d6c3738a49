//! The control thread: signals, and what runs beside the data threads.
//!
//! ```text
//! RUNNING ─USR1─► GRACE ─grace─► DRAINING ─last session─► exit 0
//!    │                              └─hard-stop-after─► sessions are killed ─► exit 0
//!    └─TERM, INT─► the process ends by that signal, at any time
//! ```

use std::{
    future::Future,
    io,
    process::ExitCode,
    rc::Rc,
    sync::{Arc, PoisonError, atomic::Ordering},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use pontoon_config::haproxy::model::{LogLevel, Proxy};
use pontoon_sys::process::{
    Signal, identity,
    signal::{Held, die_of, hold},
};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use super::{Process, beat::Beating, dump};
use crate::{
    admin::{self, runtime::Runtime},
    counted::counted,
    handover::offer::{Handed, Offer},
    proxy::listen::Listeners,
    state::{FrontendStatus, Running, mailbox::Message},
};

/// How often a draining process looks whether its last session has ended.
const LOOK: Duration = Duration::from_millis(20);
/// How often is looked whether all data threads are alive.
const INSPECTION: Duration = Duration::from_secs(1);
/// How long a process without sessions stays for clients of its own that wait for an answer.
const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// How long killed sessions may take to go.
const LAST_BREATH: Duration = Duration::from_secs(1);

/// Runs until the process is told to stop.
pub(super) fn run(process: Process, talkative: bool) -> ExitCode {
    let Process {
        signals,
        running,
        listeners,
        threads,
        checks,
        heart,
        door,
        asked,
        statistics,
        endpoints,
        sockets,
        runtime,
    } = process;
    let exit = runtime.block_on(async {
        let offer = Offer::new(Arc::clone(&running), listeners.clone());
        let watch = Watch::new().and_then(|watch| signals.release().map(|()| watch));
        let watch = match watch {
            Ok(watch) => watch,
            Err(error) => return complain(&running, &error),
        };
        let beating = Rc::new(Beating::new(Arc::clone(&running), heart));
        let mut life = Life {
            running: Arc::clone(&running),
            beating: Rc::clone(&beating),
            watch,
            phase: Phase::Running,
            listeners: Some(listeners),
            threads,
            talkative,
        };
        let commands = Arc::new(Runtime::new(Arc::clone(&running)));
        let pages = async {
            let asked = async {
                if let Some(asked) = &asked {
                    commands.at_door(asked).await;
                }
            };
            let pages = admin::serve(Arc::clone(&running), statistics, endpoints);
            tokio::join!(pages, asked);
        };
        let checking = checks.run(Arc::clone(&running));
        // Both until a stop begins.
        let until_stop = async {
            tokio::join!(checking, Arc::clone(&commands).at_sockets(sockets));
        };
        let taken = async {
            match &door {
                Some(door) => offer.until_taken(door).await,
                // Nobody can ask.
                None => std::future::pending().await,
            }
        };
        life.begin();
        life.beside(pages, beating.run(), until_stop, taken).await
    });
    running.logger.flush();
    exit
}

fn complain(running: &Running, error: &io::Error) -> ExitCode {
    let message = format!("cannot watch signals: {error}");
    running.logger.event(None, LogLevel::Alert, &message);
    ExitCode::FAILURE
}

/// Until their handlers are there, these wait; TERM and INT end a starting process at once.
pub(super) fn hold_signals() -> io::Result<Held> {
    hold(&[
        Signal::USR1,
        Signal::USR2,
        Signal::HUP,
        Signal::QUIT,
        Signal::TTOU,
        Signal::TTIN,
    ])
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Stop(Signal),
    StopSoftly,
    Pause,
    Resume,
    DumpStates,
    ReleaseMemory,
    Reload,
}

/// The signals we handle.
struct Watch {
    terminate: Stream,
    interrupt: Stream,
    soft: Stream,
    pause: Stream,
    resume: Stream,
    dump: Stream,
    release: Stream,
    reload: Stream,
}

impl Watch {
    fn new() -> io::Result<Self> {
        let raw = |signal: Signal| SignalKind::from_raw(signal.as_raw());
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            soft: signal(SignalKind::user_defined1())?,
            pause: signal(raw(Signal::TTOU))?,
            resume: signal(raw(Signal::TTIN))?,
            dump: signal(SignalKind::hangup())?,
            release: signal(SignalKind::quit())?,
            reload: signal(SignalKind::user_defined2())?,
        })
    }

    async fn next(&mut self) -> Order {
        // In this order: of a pause and a resumption that came at once, the resumption is last.
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Order::Stop(Signal::TERM),
            _ = self.interrupt.recv() => Order::Stop(Signal::INT),
            _ = self.soft.recv() => Order::StopSoftly,
            _ = self.pause.recv() => Order::Pause,
            _ = self.resume.recv() => Order::Resume,
            _ = self.dump.recv() => Order::DumpStates,
            _ = self.release.recv() => Order::ReleaseMemory,
            _ = self.reload.recv() => Order::Reload,
        }
    }
}

/// What the process is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// A soft stop was asked for; listeners stay until then.
    Grace {
        until: Instant,
        asked: Instant,
    },
    /// Listeners are closed; sessions run on.
    Draining {
        asked: Instant,
    },
    /// `hard-stop-after` is over.
    Killing {
        until: Instant,
    },
}

struct Life {
    running: Arc<Running>,
    beating: Rc<Beating>,
    watch: Watch,
    phase: Phase,
    /// Gone once they are closed.
    listeners: Option<Listeners>,
    threads: Vec<JoinHandle<()>>,
    /// Tells of its start and of a sudden stop, which HAProxy does in silence.
    talkative: bool,
}

impl Life {
    fn begin(&self) {
        if !self.talkative {
            return;
        }
        for proxy in self.frontends() {
            let text = format!("Proxy {} started.", proxy.name);
            self.log(Some(proxy), LogLevel::Info, &text);
        }
    }

    /// Serves pages and beats all along; checks servers and takes commands until a stop begins.
    async fn beside(
        &mut self,
        pages: impl Future<Output = ()>,
        beat: impl Future<Output = ()>,
        until_stop: impl Future<Output = ()>,
        taken: impl Future<Output = Handed>,
    ) -> ExitCode {
        let pages = async {
            pages.await;
            // The last page was served; the rest is up to the data threads.
            std::future::pending::<()>().await;
        };
        tokio::pin!(pages, beat);
        let handed = tokio::select! {
            () = self.until_stopping() => None,
            handed = taken => Some(handed),
            () = &mut pages => None,
            () = &mut beat => None,
            () = until_stop => None,
        };
        if let Some(handed) = handed {
            self.leave_to_another(&handed);
        }
        tokio::select! {
            () = self.until_drained() => {}
            () = &mut pages => {}
            () = &mut beat => {}
        }
        ExitCode::SUCCESS
    }

    async fn until_stopping(&mut self) {
        while self.phase == Phase::Running {
            if let Ok(order) = tokio::time::timeout(INSPECTION, self.watch.next()).await {
                self.obey(order);
            } else if self.threads.iter().any(JoinHandle::is_finished) {
                self.give_up();
            }
        }
    }

    /// A proxy with a thread less would serve some clients and let others wait for ever.
    fn give_up(&self) -> ! {
        self.log(
            None,
            LogLevel::Alert,
            "A data thread ended by itself; exiting.",
        );
        self.running.logger.flush();
        std::process::exit(1)
    }

    async fn until_drained(&mut self) {
        while !self.is_over() {
            // While it drains there is no event for the end of a session: look often.
            if let Ok(order) = tokio::time::timeout(LOOK, self.watch.next()).await {
                self.obey(order);
            }
            self.advance(Instant::now());
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Stop(signal) => self.stop(signal),
            Order::StopSoftly => self.stop_softly(Instant::now()),
            Order::Pause => self.pause(),
            Order::Resume => self.resume(),
            Order::DumpStates => dump::states(&self.running, Instant::now()),
            Order::ReleaseMemory => self.release_memory(),
            Order::Reload => self.log(
                None,
                LogLevel::Notice,
                "SIGUSR2 ignored: it is for the master of a master-worker pair. To reload, start \
                 a new process with -sf and this one's pid.",
            ),
        }
    }

    fn stop(&self, signal: Signal) -> ! {
        if self.talkative {
            let sessions = self.running.process.sessions.get();
            let text = format!(
                "Stopping at once, cutting {}.",
                counted(sessions, "session")
            );
            self.log(None, LogLevel::Info, &text);
        }
        self.beating.last();
        self.running.logger.flush();
        die_of(signal)
    }

    fn stop_softly(&mut self, now: Instant) {
        if self.phase != Phase::Running {
            return;
        }
        self.running.process.stopping.store(true, Ordering::Relaxed);
        self.running.readiness_changed.notify_one();
        match self.running.model.global.grace {
            Some(grace) => {
                self.phase = Phase::Grace {
                    until: now + grace,
                    asked: now,
                };
            }
            None => self.drain(now),
        }
    }

    fn advance(&mut self, now: Instant) {
        match self.phase {
            Phase::Grace { until, asked } if now >= until => self.drain(asked),
            Phase::Draining { asked } => {
                let patience = self.running.model.global.hard_stop_after;
                if patience.is_some_and(|patience| now >= asked + patience) {
                    self.kill(now);
                }
            }
            Phase::Running | Phase::Grace { .. } | Phase::Killing { .. } => {}
        }
    }

    fn drain(&mut self, asked: Instant) {
        self.phase = Phase::Draining { asked };
        self.listeners = None;
        self.tell(|| Message::StopListening);
        let running = &self.running;
        let live = || running.model.proxies.iter().filter(|proxy| !proxy.disabled);
        // Those that were shut down were told of then.
        let front: Vec<_> = self.listening().collect();
        self.set_status(FrontendStatus::Stopped);
        let back = live().filter(|proxy| proxy.frontend.is_none());
        for proxy in front.into_iter().chain(back) {
            let (frontend, backend) = running.totals(proxy);
            running.logger.stopped(proxy, frontend, backend);
        }
    }

    /// Another process goes on from here. This one is not told of as stopped: nothing has.
    fn leave_to_another(&mut self, handed: &Handed) {
        let (Handed::Over { orphans, .. } | Handed::Drain { orphans }) = handed;
        self.running.process.hand_over(orphans.clone());
        self.phase = Phase::Draining {
            asked: Instant::now(),
        };
        self.listeners = None;
        self.tell(|| Message::StopListening);
        self.set_status(FrontendStatus::Stopped);
        if matches!(handed, Handed::Over { at_once: true, .. }) {
            self.kill(Instant::now());
        }
    }

    fn kill(&mut self, now: Instant) {
        self.phase = Phase::Killing {
            until: now + LAST_BREATH,
        };
        let text = "soft-stop running for too long, performing a hard-stop.";
        self.log(None, LogLevel::Warning, text);
        for proxy in self.frontends() {
            let frontend = self.running.frontend(proxy.id);
            let left = frontend.map_or(0, |side| side.sessions.get());
            if left > 0 {
                let name = &proxy.name;
                let text =
                    format!("Proxy {name} hard-stopped ({left} remaining conns will be closed).");
                self.log(Some(proxy), LogLevel::Warning, &text);
            }
        }
        self.tell(|| Message::Quit);
    }

    fn is_over(&self) -> bool {
        match self.phase {
            Phase::Running | Phase::Grace { .. } => false,
            Phase::Draining { asked } => self.is_empty() && !self.owes(asked),
            Phase::Killing { until } => self.is_empty() || Instant::now() >= until,
        }
    }

    /// Whether somebody waits for an answer, and has not done so for long.
    fn owes(&self, since: Instant) -> bool {
        self.running.process.owed.any() && Instant::now() < since + LAST_ANSWERS
    }

    fn is_empty(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished) && self.running.process.sessions.get() == 0
    }

    fn pause(&self) {
        if self.listeners.is_some() {
            self.running.pause_frontends();
        }
    }

    fn resume(&self) {
        if self.listeners.is_none() {
            return;
        }
        if let Err(error) = self.running.resume_frontends() {
            let text = format!(
                "Cannot resume: {error}. What is paused accepts nothing until the next SIGTTIN."
            );
            self.log(None, LogLevel::Alert, &text);
        }
    }

    fn release_memory(&self) {
        let text = match identity::release_memory() {
            true => "SIGQUIT: unused memory was given back to the system.",
            false => "SIGQUIT: there was no unused memory to give back.",
        };
        self.log(None, LogLevel::Notice, text);
    }

    fn tell(&self, message: impl Fn() -> Message) {
        for thread in &self.running.threads {
            thread.post(message());
        }
    }

    fn set_status(&self, status: FrontendStatus) {
        for frontend in self.listening().filter_map(|p| self.running.frontend(p.id)) {
            *frontend
                .status
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = status;
        }
    }

    /// Those of them that were not shut down.
    fn listening(&self) -> impl Iterator<Item = &Proxy> {
        self.frontends()
            .filter(|proxy| self.running.frontend_status(proxy.id) != Some(FrontendStatus::Stopped))
    }

    /// The proxies with a client side that were started.
    fn frontends(&self) -> impl Iterator<Item = &Proxy> {
        let proxies = self.running.model.proxies.iter();
        proxies.filter(|proxy| proxy.frontend.is_some() && !proxy.disabled)
    }

    fn log(&self, proxy: Option<&Proxy>, level: LogLevel, text: &str) {
        self.running.logger.event(proxy, level, text);
    }
}
