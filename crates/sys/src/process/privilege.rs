//! Giving up privileges. All of it is to be done before threads are started.

use std::{io, path::Path};

use rustix::thread::CapabilitySet;

/// Why a privilege could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// `chroot(2)`.
    #[error("Cannot chroot({path}): {cause}")]
    Chroot {
        /// Where to.
        path: String,
        /// The system's reason.
        cause: io::Error,
    },
    /// `setgroups(2)`.
    #[error("Cannot drop supplementary groups: {0}")]
    Groups(io::Error),
    /// `setgid(2)`.
    #[error("Cannot set gid {gid}: {cause}")]
    Group {
        /// The group.
        gid: u32,
        /// The system's reason.
        cause: io::Error,
    },
    /// `setuid(2)`.
    #[error("Cannot set uid {uid}: {cause}")]
    User {
        /// The user.
        uid: u32,
        /// The system's reason.
        cause: io::Error,
    },
}

/// Whether we may do as we like.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Makes this directory the root of all paths, and the working directory.
///
/// # Errors
/// It does not exist, or we are not allowed to.
pub fn enter_chroot(path: &Path) -> Result<(), PrivilegeError> {
    let failed = |error: rustix::io::Errno| PrivilegeError::Chroot {
        path: path.display().to_string(),
        cause: error.into(),
    };
    rustix::process::chroot(path).map_err(failed)?;
    rustix::process::chdir("/").map_err(failed)
}

/// Leaves all supplementary groups.
///
/// # Errors
/// We are not allowed to.
pub fn drop_groups() -> Result<(), PrivilegeError> {
    // SAFETY: an empty list needs no memory.
    let result = unsafe { libc::setgroups(0, std::ptr::null()) };
    checked(result).map_err(PrivilegeError::Groups)
}

/// Changes the real, effective and saved group of the whole process.
///
/// # Errors
/// We are not allowed to.
pub fn set_group(gid: u32) -> Result<(), PrivilegeError> {
    // SAFETY: touches no memory of ours.
    let result = unsafe { libc::setgid(gid) };
    checked(result).map_err(|cause| PrivilegeError::Group { gid, cause })
}

/// Changes the real, effective and saved user of the whole process.
///
/// # Errors
/// We are not allowed to.
pub fn set_user(uid: u32) -> Result<(), PrivilegeError> {
    // SAFETY: touches no memory of ours.
    let result = unsafe { libc::setuid(uid) };
    checked(result).map_err(|cause| PrivilegeError::User { uid, cause })
}

/// Does something on a thread that may not administer the network: as a user other than root
/// would, before we are one.
///
/// # Errors
/// Out of threads, or the capability cannot be laid down.
pub fn without_network_administration<T: Send>(act: impl FnOnce() -> T + Send) -> io::Result<T> {
    let as_others = || {
        let mut sets = rustix::thread::capabilities(None)?;
        sets.effective -= CapabilitySet::NET_ADMIN;
        rustix::thread::set_capabilities(None, sets)?;
        Ok(act())
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, as_others)?;
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn checked(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_directory_is_named() {
        let error = enter_chroot(Path::new("/nonexistent/jail")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("Cannot chroot(/nonexistent/jail): ")
        );
    }

    #[test]
    fn a_capability_is_laid_down_by_one_thread_only() {
        let effective = || rustix::thread::capabilities(None).unwrap().effective;
        let before = effective();
        let inside = without_network_administration(effective).unwrap();
        assert_eq!(inside, before - CapabilitySet::NET_ADMIN);
        assert_eq!(effective(), before);
    }

    #[test]
    fn becoming_oneself_is_always_allowed() {
        set_group(rustix::process::getegid().as_raw()).unwrap();
        set_user(rustix::process::geteuid().as_raw()).unwrap();
    }
}
