//! What can be wrong with a service. Everything can be switched at any time.

use std::{
    net::IpAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

use super::lock;

/// What is wrong with one service; nothing at first.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Active>);

/// How a service is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Down {
    /// Connections are reset, and so are those that are open.
    Reset,
    /// Connections are taken, and nothing is ever answered.
    Silent,
}

/// What becomes of an answer that is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The connection is reset in its place.
    Dies,
    /// It never comes; the connection stays.
    Hangs,
}

#[derive(Debug, Default)]
struct Active {
    down: Option<Down>,
    slow: Duration,
    slow_from: Option<(IpAddr, Duration)>,
    throttle: Option<Bucket>,
    throttle_next: u32,
    sick_next: u32,
    losses: Vec<Loss>,
    lag: Duration,
}

#[derive(Debug)]
struct Loss {
    action: String,
    left: u32,
    how: Lost,
}

#[derive(Debug)]
struct Bucket {
    burst: f64,
    per_second: f64,
    level: f64,
    filled: Instant,
}

impl Faults {
    /// All is well again.
    pub fn none(&self) {
        *lock(&self.0) = Active::default();
    }

    /// Down, or up again.
    pub fn down(&self, down: Option<Down>) {
        lock(&self.0).down = down;
    }

    /// Each request waits for so long before it is carried out. It is carried out even when the
    /// client has gone by then: the late call of a node that has long given up.
    pub fn slow(&self, delay: Duration) {
        lock(&self.0).slow = delay;
    }

    /// The same for requests from one place only.
    pub fn slow_from(&self, source: IpAddr, delay: Duration) {
        lock(&self.0).slow_from = Some((source, delay));
    }

    /// The next `count` requests are refused for being too many.
    pub fn throttle(&self, count: u32) {
        lock(&self.0).throttle_next = count;
    }

    /// More than `burst` requests at once, and more than `per_second` in the long run, are refused
    /// for being too many; `None` ends it.
    pub fn throttle_rate(&self, limit: Option<(u32, f64)>) {
        lock(&self.0).throttle = limit.map(|(burst, per_second)| Bucket {
            burst: f64::from(burst),
            per_second,
            level: f64::from(burst),
            filled: Instant::now(),
        });
    }

    /// The next `count` requests end in an internal error, and are not carried out.
    pub fn sick(&self, count: u32) {
        lock(&self.0).sick_next = count;
    }

    /// The next `count` requests of this action are carried out, and their answers lost.
    pub fn lose_answers_of(&self, action: &str, count: u32, how: Lost) {
        lock(&self.0).losses.push(Loss {
            action: action.to_owned(),
            left: count,
            how,
        });
    }

    /// What is asked shows the world as it was so long ago (eventual consistency).
    pub fn eventual(&self, lag: Duration) {
        lock(&self.0).lag = lag;
    }

    pub(super) fn is_down(&self) -> Option<Down> {
        lock(&self.0).down
    }

    pub(super) fn delay(&self, source: IpAddr) -> Duration {
        let active = lock(&self.0);
        let special = active.slow_from.filter(|(from, _)| *from == source);
        special.map_or(active.slow, |(_, delay)| delay)
    }

    pub(super) fn lag(&self) -> Duration {
        lock(&self.0).lag
    }

    /// Whether this request is one too many.
    pub(super) fn throttled(&self) -> bool {
        let mut active = lock(&self.0);
        if active.throttle_next > 0 {
            active.throttle_next -= 1;
            return true;
        }
        active.throttle.as_mut().is_some_and(Bucket::is_empty)
    }

    /// Whether this request meets an internal error.
    pub(super) fn is_sick(&self) -> bool {
        let mut active = lock(&self.0);
        let sick = active.sick_next > 0;
        active.sick_next = active.sick_next.saturating_sub(1);
        sick
    }

    /// Whether the answer to this action is lost.
    pub(super) fn loses(&self, action: &str) -> Option<Lost> {
        let mut active = lock(&self.0);
        let wanted = |loss: &&mut Loss| loss.left > 0 && loss.action == action;
        let loss = active.losses.iter_mut().find(wanted)?;
        loss.left -= 1;
        Some(loss.how)
    }
}

impl Bucket {
    fn is_empty(&mut self) -> bool {
        let now = Instant::now();
        let gained = now.duration_since(self.filled).as_secs_f64() * self.per_second;
        self.filled = now;
        self.level = (self.level + gained).min(self.burst);
        if self.level < 1.0 {
            return true;
        }
        self.level -= 1.0;
        false
    }
}
