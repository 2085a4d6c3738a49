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

#[cfg(test)]
mod tests {
    use std::{fs, thread};

    use super::*;
    use crate::namespace::{Space, leave};

    /// On a thread that may mount what it likes; without that right nothing is done, and it is
    /// said.
    fn in_private_mounts(work: impl FnOnce() + Send) {
        let work = || match leave(Space::Mount).and_then(|()| keep_private()) {
            Ok(()) => work(),
            Err(error) => eprintln!("skipped: no mount namespace: {error}"),
        };
        let done = thread::scope(|scope| scope.spawn(work).join());
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    }

    #[test]
    fn what_is_mounted_is_seen_here_only() {
        let place = std::env::temp_dir().join(format!("pontoon-mount-{}", std::process::id()));
        fs::create_dir(&place).unwrap();
        in_private_mounts(|| {
            memory(&place, 0o755).unwrap();
            fs::write(place.join("file"), "inside").unwrap();
            let again = place.join("again");
            fs::write(&again, "").unwrap();
            bind(&place.join("file"), &again).unwrap();
            assert_eq!(fs::read(&again).unwrap(), b"inside");
            detach(&place).unwrap();
            assert!(!place.join("file").exists());
            memory(&place, 0o755).unwrap();
            fs::write(place.join("file"), "inside").unwrap();
        });
        assert!(!place.join("file").exists());
        fs::remove_dir(&place).unwrap();
    }

    #[test]
    fn a_tree_is_bound_with_its_mounts() {
        let place = std::env::temp_dir().join(format!("pontoon-tree-{}", std::process::id()));
        fs::create_dir(&place).unwrap();
        in_private_mounts(|| {
            memory(&place, 0o755).unwrap();
            let [from, inner, to] = ["from", "from/inner", "to"].map(|name| place.join(name));
            for directory in [&from, &inner, &to] {
                fs::create_dir(directory).unwrap();
            }
            memory(&inner, 0o700).unwrap();
            fs::write(inner.join("file"), "deep").unwrap();
            bind_tree(&from, &to).unwrap();
            assert_eq!(fs::read(to.join("inner/file")).unwrap(), b"deep");
        });
        fs::remove_dir(&place).unwrap();
    }
}
