//! The proxy's beat: what an election on this machine hears of it.

use std::{
    io,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use pontoon_config::haproxy::model::LogLevel;
use pontoon_engine::backend::Readiness;
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    node::{
        beat::Heart,
        message::{BEAT_INTERVAL, Beat, Servers},
    },
    state::Running,
};

/// The heart of this process.
#[derive(Debug)]
pub(super) struct Beating {
    running: Arc<Running>,
    /// `None` if its name was taken: then only our end can be noticed.
    heart: Option<Heart>,
}

impl Beating {
    pub(super) const fn new(running: Arc<Running>, heart: Option<Heart>) -> Self {
        Self { running, heart }
    }

    /// Beats for as long as it is polled: whoever begins to listen is told at once, all others
    /// when something has changed and at every [`BEAT_INTERVAL`].
    pub(super) async fn run(&self) {
        if let Some(heart) = &self.heart
            && let Err(error) = self.run_with(heart).await
        {
            let text = format!("The beat has stopped: {error}; only the end will be noticed.");
            self.running.logger.event(None, LogLevel::Warning, &text);
        }
        std::future::pending().await
    }

    async fn run_with(&self, heart: &Heart) -> io::Result<()> {
        let mut ticks = interval(BEAT_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = self.now();
        // Kept from tick to tick: to begin waiting takes more calls than a beat.
        let beat = || self.now();
        let mut hearing = pin!(heart.heard_by_another(beat));
        loop {
            tokio::select! {
                heard = &mut hearing => {
                    heard?;
                    hearing.set(heart.heard_by_another(beat));
                    continue;
                }
                () = self.running.readiness_changed.notified() => {
                    let now = self.now();
                    if (now.servers, now.stopping) == (told.servers, told.stopping) {
                        continue;
                    }
                }
                _ = ticks.tick() => {}
            }
            told = self.now();
            heart.beat(&told);
            if heart.is_heard() {
                self.ask_sleepers();
            }
        }
    }

    /// Who sleeps does not show whether it could wake up: the next beat tells. Only for somebody who
    /// listens; else idle threads sleep on.
    fn ask_sleepers(&self) {
        let now = self.running.moment(Instant::now());
        for thread in &self.running.threads {
            thread.ask_to_turn(now);
        }
    }

    /// Says that this end was asked for, before the process ends at once.
    pub(super) fn last(&self) {
        self.running.process.stopping.store(true, Ordering::Relaxed);
        if let Some(heart) = &self.heart {
            heart.beat(&self.now());
        }
    }

    fn now(&self) -> Beat {
        let process = &self.running.process;
        Beat {
            servers: match self.running.readiness() {
                Readiness::Unchecked => Servers::Unchecked,
                Readiness::Pending => Servers::Pending,
                Readiness::Usable => Servers::Usable,
                Readiness::AllDown => Servers::AllDown,
            },
            slowest_thread: self.running.slowest_thread(Instant::now()),
            // Who has handed over stops nothing: the address is served as before.
            stopping: process.is_stopping() && !process.has_handed_over(),
        }
    }
}
