//! UNIX sockets in the file system.
//!
//! One appears under a temporary name first, so that a client never meets a socket that does not
//! listen yet or has the wrong owner, and so that a start that fails takes no path from a process
//! that runs.

use std::{
    os::{fd::OwnedFd, unix::fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

use pontoon_config::haproxy::model::UnixPermissions;
use pontoon_sys::socket::{self, Address};

use super::{Failure, step};

/// A socket's file under its temporary name; without [`Temporary::appear`] it goes again.
pub(super) struct Temporary {
    here: PathBuf,
    there: PathBuf,
}

impl Temporary {
    /// Binds a socket, listens, and sets what the file allows.
    pub(super) fn bind(
        path: &Path,
        permissions: UnixPermissions,
        socket: &OwnedFd,
        backlog: i32,
    ) -> Result<Self, Failure> {
        let mut here = path.as_os_str().to_owned();
        here.push(format!(".{}.tmp", std::process::id()));
        let temporary = Self {
            here: here.into(),
            there: path.to_path_buf(),
        };
        let _absent = std::fs::remove_file(&temporary.here);
        step(
            "cannot bind UNIX socket",
            socket::bind_to(socket, &Address::Unix(temporary.here.clone())),
        )?;
        permit(&temporary.here, permissions)?;
        step(
            "cannot listen to socket",
            socket::listen_on(socket, backlog),
        )?;
        Ok(temporary)
    }

    /// From now on clients find it.
    pub(super) fn appear(&self) -> Result<(), Failure> {
        step(
            "cannot switch final and temporary UNIX sockets",
            std::fs::rename(&self.here, &self.there),
        )
    }
}

/// Sets what the file of a socket allows.
pub(super) fn permit(path: &Path, permissions: UnixPermissions) -> Result<(), Failure> {
    if let Some(mode) = permissions.mode {
        let mode = std::fs::Permissions::from_mode(mode);
        step(
            "cannot change UNIX socket mode",
            std::fs::set_permissions(path, mode),
        )?;
    }
    if permissions.uid.is_some() || permissions.gid.is_some() {
        let owned = std::os::unix::fs::chown(path, permissions.uid, permissions.gid);
        step("cannot change UNIX socket ownership", owned)?;
    }
    Ok(())
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Once it has appeared, there is nothing under this name.
        let _appeared = std::fs::remove_file(&self.here);
    }
}
