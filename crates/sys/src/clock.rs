//! Points in time that processes of one machine can tell each other.

use std::time::{Duration, Instant};

/// The time on the machine's monotonic clock, which [`Instant`] reads, too
/// (`CLOCK_MONOTONIC`, `clock_gettime(2)`).
#[must_use]
pub fn monotonic() -> Duration {
    read(libc::CLOCK_MONOTONIC)
}

/// The processor time that this process has used, all its threads together
/// (`CLOCK_PROCESS_CPUTIME_ID`).
#[must_use]
pub fn used() -> Duration {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes one `timespec`, which any numbers may fill. It cannot fail: these
    // clocks exist everywhere.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

/// An instant as the monotonic clock shows it.
#[must_use]
pub fn to_monotonic(instant: Instant) -> Duration {
    monotonic().saturating_sub(instant.elapsed())
}

/// The instant at which the monotonic clock shows this; now, if it cannot be told.
#[must_use]
pub fn from_monotonic(time: Duration) -> Instant {
    let now = Instant::now();
    let ago = monotonic().saturating_sub(time);
    now.checked_sub(ago).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_processor_time() {
        let before = used();
        while used() == before {
            std::hint::black_box(vec![0_u8; 4096]);
        }
        assert!(used() > before);
    }

    #[test]
    fn an_instant_comes_back_almost_exactly() {
        let then = Instant::now();
        let back = from_monotonic(to_monotonic(then));
        let off = back.max(then) - back.min(then);
        assert!(off < Duration::from_millis(50), "{off:?}");
    }
}
