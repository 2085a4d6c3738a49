//! A timer among the descriptors of an event loop: a timerfd.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// A descriptor that becomes readable after a time, and stays so until it is set again. Who
/// watches it for changes is told once, and need not read.
#[derive(Debug)]
pub struct Alarm(OwnedFd);

impl Alarm {
    /// A new one, not set. Its clock is that of [`std::time::Instant`].
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        Ok(Self(timerfd_create(TimerfdClockId::Monotonic, flags)?))
    }

    /// Goes off once, after this time, and not as it was set before. No time at all counts as a
    /// nanosecond.
    ///
    /// # Errors
    /// None that a correct program meets.
    pub fn set(&self, after: Duration) -> io::Result<()> {
        // Zero would mean never.
        let after = after.max(Duration::from_nanos(1));
        let never = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let once = Itimerspec {
            it_interval: never,
            it_value: Timespec {
                tv_sec: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(after.subsec_nanos()),
            },
        };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::epoll::{Epoll, Events, Interest};

    #[test]
    fn goes_off_once_at_the_time_set_last() {
        let (alarm, epoll) = (Alarm::new().unwrap(), Epoll::new().unwrap());
        let mut events = Events::with_capacity(1);
        epoll.add(&alarm, 1, Interest::Arrivals).unwrap();
        let begin = Instant::now();
        alarm.set(Duration::from_secs(3600)).unwrap();
        alarm.set(Duration::from_millis(20)).unwrap();
        epoll.wait(&mut events, None).unwrap();
        assert!(begin.elapsed() >= Duration::from_millis(20));
        assert_eq!(events.iter().count(), 1);
        epoll.wait(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty(), "it is told once");
        // It goes off again without having been read.
        alarm.set(Duration::ZERO).unwrap();
        epoll.wait(&mut events, None).unwrap();
        assert_eq!(events.iter().count(), 1);
    }

    #[test]
    fn what_was_not_told_yet_is_forgotten_when_it_is_set_again() {
        let (alarm, epoll) = (Alarm::new().unwrap(), Epoll::new().unwrap());
        let mut events = Events::with_capacity(1);
        epoll.add(&alarm, 1, Interest::Arrivals).unwrap();
        alarm.set(Duration::ZERO).unwrap();
        alarm.set(Duration::from_secs(3600)).unwrap();
        epoll.wait(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty());
    }
}
