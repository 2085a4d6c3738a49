//! Mounts, for a process in a mount namespace of its own.

use std::{io, path::Path};

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive,
    mount_change, unmount,
};

/// From now on what is mounted here is seen by nobody else.
///
/// # Errors
/// Not allowed.
pub fn keep_private() -> io::Result<()> {
    let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    Ok(mount_change("/", flags)?)
}

/// Mounts an empty file system in memory; `mode` is its root's (0o755).
///
/// # Errors
/// There is no such directory, or it is not allowed.
pub fn memory(at: &Path, mode: u32) -> io::Result<()> {
    let options = std::ffi::CString::new(format!("mode={mode:o}"))?;
    let flags = MountFlags::NOSUID;
    Ok(mount("tmpfs", at, "tmpfs", flags, options.as_c_str())?)
}

/// Mounts `/proc` of the process namespace that this process is in.
///
/// # Errors
/// Not allowed: in containers that hide parts of theirs.
pub fn processes(at: &Path) -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    Ok(mount("proc", at, "proc", flags, None)?)
}

/// Lets a file or directory be seen somewhere else, too.
///
/// # Errors
/// One of them does not exist, or it is not allowed.
pub fn bind(from: &Path, at: &Path) -> io::Result<()> {
    Ok(mount_bind(from, at)?)
}

/// Lets a directory be seen somewhere else, too, with all that is mounted in it.
///
/// # Errors
/// One of them does not exist, or it is not allowed.
pub fn bind_tree(from: &Path, at: &Path) -> io::Result<()> {
    Ok(mount_bind_recursive(from, at)?)
}

/// Takes a mount away, as soon as nobody uses it.
///
/// # Errors
/// Nothing is mounted there, or it is not allowed.
pub fn detach(at: &Path) -> io::Result<()> {
    Ok(unmount(at, UnmountFlags::DETACH)?)
}
