//! Signals: waiting for them through a descriptor, dying of them.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd},
};

use rustix::process::Signal;

/// Signals that arrive through a descriptor instead of a handler.
///
/// They stay blocked in the whole process and in whatever it starts, unless
/// [`super::child::prepare`] prepared that.
#[derive(Debug)]
pub struct Signals(OwnedFd);

impl Signals {
    /// Blocks these signals in the calling thread (so it has to be the first) and watches them.
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn watch(signals: &[Signal]) -> io::Result<Self> {
        let set = set_of(signals);
        change_mask(libc::SIG_BLOCK, &set)?;
        // SAFETY: `set` is initialised; -1 asks for a new descriptor.
        let number =
            unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if number < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made this descriptor, so nobody else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(number) }))
    }

    /// The next signal that came, if any.
    #[must_use]
    pub fn next(&self) -> Option<Signal> {
        let mut buffer = [0; size_of::<libc::signalfd_siginfo>()];
        let length = rustix::io::read(&self.0, &mut buffer).ok()?;
        // The number is the first field (signalfd(2)).
        let number = buffer.first_chunk().filter(|_| length == buffer.len())?;
        let number = i32::try_from(u32::from_ne_bytes(*number)).ok()?;
        Signal::from_named_raw(number).or_else(|| real_time(number - libc::SIGRTMIN()))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The signal `SIGRTMIN + n`, if there is one.
#[must_use]
pub fn real_time(n: i32) -> Option<Signal> {
    let number = libc::SIGRTMIN().checked_add(n)?;
    if n < 0 || number > libc::SIGRTMAX() {
        return None;
    }
    // SAFETY: it lies in the range that the C library leaves to programs.
    Some(unsafe { Signal::from_raw_unchecked(number) })
}

/// Signals that wait, in the calling thread and in those it starts, until they are released.
#[derive(Debug)]
#[must_use = "the signals wait until they are released"]
pub struct Held(libc::sigset_t);

/// Lets these signals wait.
///
/// # Errors
/// Nothing that a correct program meets.
pub fn hold(signals: &[Signal]) -> io::Result<Held> {
    let set = set_of(signals);
    change_mask(libc::SIG_BLOCK, &set)?;
    Ok(Held(set))
}

impl Held {
    /// Delivers to the calling thread what has come meanwhile, and what will come.
    ///
    /// # Errors
    /// Nothing that a correct program meets.
    pub fn release(self) -> io::Result<()> {
        change_mask(libc::SIG_UNBLOCK, &self.0)
    }
}

fn change_mask(how: libc::c_int, set: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: `set` is initialised; no old set is asked for.
    match unsafe { libc::pthread_sigmask(how, set, std::ptr::null_mut()) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Ends the process as this signal does when nobody handles it, so that whoever waits for us
/// sees why. The first process of a container cannot be ended so; it exits with 128 + number.
pub fn die_of(signal: Signal) -> ! {
    let number = signal.as_raw();
    let set = set_of(&[signal]);
    // SAFETY: the default action needs no handler.
    unsafe { libc::signal(number, libc::SIG_DFL) };
    // If it stays blocked, the exit code has to tell.
    let _still_blocked = change_mask(libc::SIG_UNBLOCK, &set);
    // SAFETY: any number is allowed.
    unsafe { libc::raise(number) };
    std::process::exit(128 + number)
}

fn set_of(signals: &[Signal]) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `set` is a place for a set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    for signal in signals {
        // SAFETY: `set` was initialised above.
        unsafe { libc::sigaddset(set.as_mut_ptr(), signal.as_raw()) };
    }
    // SAFETY: `sigemptyset` initialised it.
    unsafe { set.assume_init() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watched_signal_comes_through_the_descriptor() {
        // In a thread of its own: the signal is blocked there only, and sent to it only.
        std::thread::spawn(|| {
            let signals = Signals::watch(&[Signal::USR2]).unwrap();
            assert_eq!(signals.next(), None);
            // SAFETY: blocked in this thread, so it stays pending.
            assert_eq!(unsafe { libc::raise(libc::SIGUSR2) }, 0);
            assert_eq!(signals.next(), Some(Signal::USR2));
            assert_eq!(signals.next(), None);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn real_time_signals_have_no_names_but_come_as_well() {
        std::thread::spawn(|| {
            let json = real_time(2).unwrap();
            let signals = Signals::watch(&[json]).unwrap();
            // SAFETY: blocked in this thread, so it stays pending.
            assert_eq!(unsafe { libc::raise(libc::SIGRTMIN() + 2) }, 0);
            assert_eq!(signals.next(), Some(json));
            assert_eq!((real_time(-1), real_time(100)), (None, None));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_held_signal_comes_when_it_is_released() {
        std::thread::spawn(|| {
            let signals = Signals::watch(&[Signal::WINCH]).unwrap();
            let held = hold(&[Signal::WINCH]).unwrap();
            // SAFETY: blocked in this thread, so it stays pending.
            assert_eq!(unsafe { libc::raise(libc::SIGWINCH) }, 0);
            // By default it is ignored, so a release without a handler does no harm.
            held.release().unwrap();
            assert_eq!(
                signals.next(),
                None,
                "delivered, not left for the descriptor"
            );
        })
        .join()
        .unwrap();
    }
}
