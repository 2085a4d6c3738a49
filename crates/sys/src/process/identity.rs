//! How others see the process, and where it runs.

use std::{ffi::CString, io};

use rustix::{
    process::DumpableBehavior,
    thread::{CpuSet, sched_setaffinity},
};

/// Sets the name of the calling thread. The one of the main thread is what `killall` and
/// `pidof` compare; the kernel keeps 15 bytes.
///
/// # Errors
/// The name contains a NUL.
pub fn set_name(name: &str) -> io::Result<()> {
    let name = CString::new(name)?;
    Ok(rustix::thread::set_name(&name)?)
}

/// Whose rights this process has: its effective user.
#[must_use]
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The machine's name, as the kernel knows it.
#[must_use]
pub fn host_name() -> String {
    let names = rustix::system::uname();
    names.nodename().to_string_lossy().into_owned()
}

/// The kernel: name, release, version, machine.
#[must_use]
pub fn system() -> String {
    let names = rustix::system::uname();
    let parts = [
        names.sysname(),
        names.release(),
        names.version(),
        names.machine(),
    ];
    let parts: Vec<_> = parts.iter().map(|part| part.to_string_lossy()).collect();
    parts.join(" ")
}

/// Allows core files although the user was changed.
///
/// # Errors
/// The kernel refuses.
pub fn set_dumpable() -> io::Result<()> {
    Ok(rustix::process::set_dumpable_behavior(
        DumpableBehavior::Dumpable,
    )?)
}

/// Binds the calling thread to these processors.
///
/// # Errors
/// None of them exists or may be used.
pub fn set_processors(processors: &[u16]) -> io::Result<()> {
    let mut set = CpuSet::new();
    let most = CpuSet::MAX_CPU;
    for processor in processors.iter().map(|number| usize::from(*number)) {
        if processor < most {
            set.set(processor);
        }
    }
    Ok(sched_setaffinity(None, &set)?)
}

/// Gives unused memory of the allocator back to the system. True if there was some.
#[must_use]
pub fn release_memory() -> bool {
    trim()
}

#[cfg(target_env = "gnu")]
fn trim() -> bool {
    // SAFETY: the allocator takes its own locks; no memory in use is touched.
    unsafe { libc::malloc_trim(0) == 1 }
}

#[cfg(not(target_env = "gnu"))]
fn trim() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_shows_the_name() {
        std::thread::spawn(|| {
            set_name("haproxy").unwrap();
            let shown = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
            assert_eq!(shown.trim_end(), "haproxy");
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_processor_that_does_not_exist_is_refused() {
        std::thread::spawn(|| assert!(set_processors(&[1023]).is_err()))
            .join()
            .unwrap();
    }
}
