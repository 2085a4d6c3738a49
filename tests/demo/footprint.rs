//! A copy of the program in a folder of its own, so that whatever is left of it can be told from
//! everything else on the machine.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use pontoon_lab::{problem::Trying as _, temp::TempDir, wait};

use crate::harness::{Failure, Outcome, pontoon};

/// The copy. Anybody may run it, and write where it keeps temporary files.
pub(super) struct Footprint {
    folder: TempDir,
    program: PathBuf,
    /// Device and inode of the copy: what it looks like from inside other mount namespaces, too.
    identity: (u64, u64),
}

impl Footprint {
    pub(super) fn new() -> Result<Self, Failure> {
        let folder = TempDir::new("demo")?;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
        let program = folder.path().join("pontoon");
        fs::copy(pontoon(), &program).trying("copy the program")?;
        let metadata = fs::metadata(&program)?;
        let footprint = Self {
            folder,
            program,
            identity: (metadata.dev(), metadata.ino()),
        };
        fs::create_dir(footprint.temporary())?;
        fs::set_permissions(footprint.temporary(), Permissions::from_mode(0o777))?;
        Ok(footprint)
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    /// Runs it with these arguments.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir("/")
            .env("TMPDIR", self.temporary());
        command
    }

    /// Waits until no process of it is left; mounts and files must be gone at once.
    pub(super) fn assert_gone(&self) -> Outcome {
        wait::until("all processes of the demo to end", wait::PATIENCE, || {
            self.processes().is_empty().then_some(())
        })?;
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let path = self.folder.path().display().to_string();
        assert!(!mounts.contains(&path), "a mount is left:\n{mounts}");
        let left: Vec<_> = fs::read_dir(self.temporary())?.flatten().collect();
        assert!(left.is_empty(), "files are left: {left:?}");
        Ok(())
    }

    /// All processes that run it, in whichever namespaces.
    pub(super) fn processes(&self) -> Vec<u32> {
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid: &u32| {
            let program = fs::metadata(format!("/proc/{pid}/exe"));
            program.is_ok_and(|it| (it.dev(), it.ino()) == self.identity)
        })
        .collect()
    }
}
