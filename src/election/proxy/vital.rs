//! What beats and silence mean.

use std::time::{Duration, Instant};

use pontoon_engine::vrrp::event::{Proxy, ProxyFault, Servers};

use crate::node::message::{self, Beat, HUNG_AFTER};

/// Between two reports of a proxy that stays hung.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The signs of life of one process that beats.
#[derive(Debug)]
pub(super) struct Vital {
    /// When its last beat came; before the first, when we began to listen.
    heard_at: Instant,
    last: Option<Beat>,
    /// When it was last reported hung.
    reported_at: Option<Instant>,
}

impl Vital {
    /// We begin to listen.
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            heard_at: now,
            last: None,
            reported_at: None,
        }
    }

    /// A beat came.
    pub(super) const fn heard(&mut self, beat: Beat, now: Instant) {
        self.heard_at = now;
        self.last = Some(beat);
    }

    /// Another process takes its place: what is known stays, until that one speaks.
    pub(super) const fn replaced(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// What is known of the proxy; `None` before its first beat is late.
    pub(super) fn state(&self, now: Instant) -> Option<Proxy> {
        if self.is_hung(now) {
            return Some(Proxy::Down(ProxyFault::Hung));
        }
        self.last.map(|beat| {
            if beat.stopping {
                Proxy::Down(ProxyFault::Stopped)
            } else {
                Proxy::Serving(servers(beat.servers))
            }
        })
    }

    /// Whether it has said that its end was asked for.
    pub(super) fn is_stopping(&self) -> bool {
        self.last.is_some_and(|beat| beat.stopping)
    }

    /// For how long it has been silent, if it is hung and this is due to be reported.
    pub(super) fn hung_report(&mut self, now: Instant) -> Option<Duration> {
        if !self.is_hung(now) {
            self.reported_at = None;
            return None;
        }
        if self
            .reported_at
            .is_some_and(|at| now < at + REPORT_INTERVAL)
        {
            return None;
        }
        self.reported_at = Some(now);
        Some(self.silent_for(now))
    }

    /// When silence, if it lasts, changes anything.
    pub(super) fn poll_timeout(&self) -> Instant {
        match self.reported_at {
            Some(at) => at + REPORT_INTERVAL,
            None => self.heard_at + HUNG_AFTER,
        }
    }

    fn is_hung(&self, now: Instant) -> bool {
        self.silent_for(now) >= HUNG_AFTER
    }

    /// The whole process, or one of its data threads.
    fn silent_for(&self, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.heard_at);
        let slowest = self.last.map_or(Duration::ZERO, |beat| beat.slowest_thread);
        if since >= HUNG_AFTER {
            since.max(slowest)
        } else {
            slowest
        }
    }
}

const fn servers(servers: message::Servers) -> Servers {
    match servers {
        message::Servers::Unchecked => Servers::Unchecked,
        message::Servers::Pending => Servers::Pending,
        message::Servers::Usable => Servers::Usable,
        message::Servers::AllDown => Servers::AllDown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUNG: Option<Proxy> = Some(Proxy::Down(ProxyFault::Hung));
    const SERVING: Option<Proxy> = Some(Proxy::Serving(Servers::Usable));

    fn beat(slowest_thread: u64) -> Beat {
        Beat {
            servers: message::Servers::Usable,
            slowest_thread: Duration::from_millis(slowest_thread),
            stopping: false,
        }
    }

    /// A moment after the start, by milliseconds.
    fn clock() -> impl Fn(u64) -> Instant {
        let start = Instant::now();
        move |milliseconds| start + Duration::from_millis(milliseconds)
    }

    #[test]
    fn silence_of_two_seconds_is_a_hang_and_a_beat_ends_it() {
        let at = clock();
        let mut vital = Vital::new(at(0));
        assert_eq!(vital.state(at(0)), None);
        vital.heard(beat(0), at(100));
        assert_eq!(vital.state(at(2_099)), SERVING);
        assert_eq!(vital.poll_timeout(), at(2_100));
        assert_eq!(vital.state(at(2_100)), HUNG);
        vital.heard(beat(0), at(5_000));
        assert_eq!(vital.state(at(5_000)), SERVING);
    }

    #[test]
    fn a_process_that_never_beats_is_hung_too() {
        let at = clock();
        assert_eq!(Vital::new(at(0)).state(at(2_000)), HUNG);
    }

    #[test]
    fn one_slow_thread_hangs_the_proxy() {
        let at = clock();
        let mut vital = Vital::new(at(0));
        vital.heard(beat(1_999), at(10));
        assert_eq!(vital.state(at(10)), SERVING);
        vital.heard(beat(2_249), at(260));
        assert_eq!(vital.state(at(260)), HUNG);
        assert_eq!(
            vital.hung_report(at(260)),
            Some(Duration::from_millis(2_249))
        );
    }

    #[test]
    fn a_hang_is_reported_every_second_while_it_lasts() {
        let at = clock();
        let mut vital = Vital::new(at(0));
        vital.heard(beat(0), at(0));
        assert_eq!(vital.hung_report(at(1_999)), None);
        assert_eq!(vital.hung_report(at(2_000)), Some(Duration::from_secs(2)));
        assert_eq!(vital.hung_report(at(2_500)), None);
        assert_eq!(vital.poll_timeout(), at(3_000));
        assert_eq!(vital.hung_report(at(3_000)), Some(Duration::from_secs(3)));
        vital.heard(beat(0), at(3_100));
        assert_eq!(vital.hung_report(at(3_100)), None);
        assert_eq!(vital.poll_timeout(), at(5_100));
    }

    #[test]
    fn who_says_that_it_stops_is_down_on_purpose() {
        let at = clock();
        let mut vital = Vital::new(at(0));
        let stopping = Beat {
            stopping: true,
            ..beat(0)
        };
        vital.heard(stopping, at(0));
        assert_eq!(vital.state(at(0)), Some(Proxy::Down(ProxyFault::Stopped)));
        assert!(vital.is_stopping());
    }
}
