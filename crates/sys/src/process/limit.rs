//! Limits of the process.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many descriptors may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFiles {
    /// What holds now.
    pub soft: u64,
    /// What it may be raised to without privileges.
    pub hard: u64,
}

/// The limits of open descriptors.
#[must_use]
pub fn open_files() -> OpenFiles {
    let limit = getrlimit(Resource::Nofile);
    OpenFiles {
        soft: limit.current.unwrap_or(u64::MAX),
        hard: limit.maximum.unwrap_or(u64::MAX),
    }
}

/// Sets how many descriptors may be open; raises the hard limit too if need be.
///
/// # Errors
/// Above the hard limit and not allowed to raise it.
pub fn set_open_files(soft: u64) -> io::Result<()> {
    let hard = open_files().hard.max(soft);
    let limit = Rlimit {
        current: Some(soft),
        maximum: Some(hard),
    };
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// Limits the memory of the process, in bytes of address space.
///
/// # Errors
/// Above the hard limit and not allowed to raise it.
pub fn set_address_space(bytes: u64) -> io::Result<()> {
    let limit = Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    Ok(setrlimit(Resource::As, limit)?)
}

/// Allows core files of any size.
///
/// # Errors
/// The hard limit forbids it and we may not raise that.
pub fn allow_core_files() -> io::Result<()> {
    let limit = Rlimit {
        current: None,
        maximum: None,
    };
    Ok(setrlimit(Resource::Core, limit)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_has_the_limit_we_set() {
        let before = open_files();
        let lower = before.soft - 1;
        set_open_files(lower).unwrap();
        assert_eq!(open_files().soft, lower);
        assert_eq!(open_files().hard, before.hard);
        set_open_files(before.soft).unwrap();
    }
}
