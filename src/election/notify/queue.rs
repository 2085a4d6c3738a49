//! The notifications of one instance or group, run in order, one at a time.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, sleep_until},
};

use crate::election::{
    log::{Level, Log},
    script::{End, Groups, Ran, Running, Script},
    stop::{Reins, Stop, reins},
};

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(1);
/// The same at the end of the process, which nobody wants to wait for.
const LAST_GRACE: Duration = Duration::from_millis(200);
/// So many scripts may wait. Of more, the oldest would be so late that nobody wants them any more.
const MOST: usize = 64;
/// When somebody waits for a script that has run for so long, that is worth a line.
const PATIENCE: Duration = Duration::from_secs(1);

/// One script to be run.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// For messages: `(VI_1) notify_master script for MASTER`.
    pub(super) what: String,
    pub(super) script: Script,
    pub(super) arguments: Vec<String>,
    /// One that waits is enough.
    pub(super) once: bool,
    /// Held until it was run.
    #[expect(dead_code, reason = "it counts for as long as it is there")]
    pub(super) pending: Pending,
}

/// Counts the jobs that have not been run: there is one more of these than jobs.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending(Arc<()>);

impl Pending {
    /// Whether there is no job left.
    pub(super) fn is_over(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

/// A queue with its own task.
#[derive(Debug)]
pub(super) struct Queue {
    /// `None`: closed.
    sender: Option<mpsc::UnboundedSender<Vec<Job>>>,
    timeout: Arc<AtomicU64>,
    reins: Reins,
    task: JoinHandle<()>,
}

impl Queue {
    pub(super) fn start(timeout: Duration, groups: Groups, log: Log) -> Self {
        let (sender, jobs) = mpsc::unbounded_channel();
        let (reins, stop) = reins();
        let milliseconds = Arc::new(AtomicU64::new(0));
        let runner = Runner {
            jobs,
            waiting: VecDeque::new(),
            timeout: Arc::clone(&milliseconds),
            groups,
            log,
            stop,
        };
        let mut queue = Self {
            sender: Some(sender),
            timeout: milliseconds,
            reins,
            task: tokio::spawn(runner.run()),
        };
        queue.set_timeout(timeout);
        queue
    }

    /// How long each script may take from now on.
    pub(super) fn set_timeout(&mut self, timeout: Duration) {
        let milliseconds = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        self.timeout.store(milliseconds, Ordering::Relaxed);
    }

    /// Puts these at the end.
    pub(super) fn push(&self, jobs: Vec<Job>) {
        if let Some(sender) = &self.sender {
            // The task lives as long as the sender.
            let _ended = sender.send(jobs);
        }
    }

    /// Nothing more will come.
    pub(super) fn close(&mut self) {
        self.sender = None;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits until everything was run, after [`Queue::close`]; can be given up.
    pub(super) async fn ended(&mut self) {
        let _panics_abort = (&mut self.task).await;
    }

    /// Ends what runs, and forgets what waits; the task ends when that is done.
    #[must_use]
    pub(super) fn abandon(self) -> JoinHandle<()> {
        let Self { reins, task, .. } = self;
        drop(reins);
        task
    }
}

/// The task.
struct Runner {
    jobs: mpsc::UnboundedReceiver<Vec<Job>>,
    waiting: VecDeque<Job>,
    /// In milliseconds.
    timeout: Arc<AtomicU64>,
    groups: Groups,
    log: Log,
    stop: Stop,
}

impl Runner {
    async fn run(mut self) {
        while let Some(job) = self.next().await {
            let running = match job.script.start(&job.arguments).await {
                Ok(running) => running,
                Err(error) => {
                    self.tell(&job, &Ran::not_started(&error));
                    continue;
                }
            };
            if !self.follow(&job, running).await {
                self.tell_of_the_rest();
                return;
            }
        }
    }

    async fn next(&mut self) -> Option<Job> {
        while let Ok(jobs) = self.jobs.try_recv() {
            self.take(jobs);
        }
        if self.waiting.is_empty() {
            let jobs = tokio::select! {
                biased;
                jobs = self.jobs.recv() => jobs,
                () = self.stop.asked() => None,
            };
            self.take(jobs?);
        }
        self.waiting.pop_front()
    }

    /// Until it has ended; false: we are to stop.
    async fn follow(&mut self, job: &Job, mut running: Running) -> bool {
        let _member = running.group().map(|group| self.groups.enter(group));
        let limit = Duration::from_millis(self.timeout.load(Ordering::Relaxed));
        let deadline = sleep_until((running.started() + limit).into());
        let patience = sleep(PATIENCE);
        tokio::pin!(deadline, patience);
        let mut told = false;
        loop {
            tokio::select! {
                biased;
                end = running.ended() => {
                    self.tell(job, &running.account(end));
                    running.let_go();
                    return true;
                }
                () = self.stop.asked() => {
                    self.tell_of_the_end(job, running.started());
                    running.stop(LAST_GRACE).await;
                    return false;
                }
                () = &mut deadline => {
                    self.tell(job, &running.account(End::TimedOut));
                    running.stop(GRACE).await;
                    return true;
                }
                Some(jobs) = self.jobs.recv() => self.take(jobs),
                () = &mut patience, if !patience.is_elapsed() => {}
            }
            if patience.is_elapsed() && !told {
                told = self.tell_who_waits(job);
            }
        }
    }

    fn take(&mut self, jobs: Vec<Job>) {
        for job in jobs {
            let repeats = job.once && self.waiting.iter().any(|other| other.what == job.what);
            if !repeats {
                self.waiting.push_back(job);
            }
        }
        while self.waiting.len() > MOST {
            let Some(job) = self.waiting.pop_front() else {
                return;
            };
            let what = &job.what;
            self.log.line(
                Level::Error,
                format_args!("{what} is not run: {MOST} newer ones wait for a script that hangs"),
            );
        }
    }

    fn tell_who_waits(&self, running: &Job) -> bool {
        let Some(next) = self.waiting.front() else {
            return false;
        };
        self.log.line(
            Level::Warning,
            format_args!(
                "{} waits for {}, which has been running for more than {} s",
                next.what,
                running.what,
                PATIENCE.as_secs()
            ),
        );
        true
    }

    fn tell(&self, job: &Job, ran: &Ran) {
        let level = if ran.end.succeeded() {
            Level::Info
        } else {
            Level::Error
        };
        let consequence = match ran.end {
            End::TimedOut => "; its process group is ended",
            End::Exited(_) | End::Killed(_) | End::NotStarted(_) => "",
        };
        let what = &job.what;
        self.log
            .line(level, format_args!("{what} {ran}{consequence}"));
    }

    fn tell_of_the_end(&self, job: &Job, started: Instant) {
        let (what, after) = (&job.what, started.elapsed().as_millis());
        self.log.line(
            Level::Error,
            format_args!("{what} is ended after {after} ms: the stop does not wait any longer"),
        );
    }

    fn tell_of_the_rest(&mut self) {
        while let Ok(jobs) = self.jobs.try_recv() {
            self.waiting.extend(jobs);
        }
        for job in &self.waiting {
            let what = &job.what;
            self.log.line(
                Level::Error,
                format_args!("{what} is not run: the stop does not wait any longer"),
            );
        }
    }
}
