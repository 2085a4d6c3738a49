//! Which files may be opened, made and removed from here on: Landlock.
//!
//! What is open stays usable, and so does the name of a Unix socket for `connect(2)`.

use std::path::PathBuf;

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

/// What may still be reached. A folder stands for all that is in it; what does not exist is skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Files to read, folders to list.
    pub readable: Vec<PathBuf>,
    /// Files to read, write, truncate, make, rename and remove (no devices, no links).
    pub writable: Vec<PathBuf>,
    /// Programs to execute, and the libraries and interpreters that they need; readable too.
    pub executable: Vec<PathBuf>,
    /// Signals go to our own threads and children only.
    pub keep_signals_inside: bool,
}

/// How much of it this kernel can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Degree {
    /// All.
    Full,
    /// An older kernel: files are restricted, some operations on them are not.
    Partial,
    /// The kernel has no Landlock, or it is disabled: nothing is restricted.
    None,
}

/// Why files could not be restricted.
#[derive(Debug, thiserror::Error)]
#[error("Landlock: {0}")]
pub struct FilesError(#[from] RulesetError);

/// The newest rules this was tried with; older kernels do what they can of it.
const NEWEST: ABI = ABI::V6;

/// Restricts this thread, and those it starts later, to these files. Sets no-new-privs.
///
/// # Errors
/// The system refuses: sixteen rule sets are in place, or there is no memory.
pub fn restrict(files: &Files) -> Result<Degree, FilesError> {
    let mut rules = Ruleset::default().handle_access(AccessFs::from_all(NEWEST))?;
    if files.keep_signals_inside {
        rules = rules.scope(Scope::Signal)?;
    }
    let status = rules
        .create()?
        .add_rules(path_beneath_rules(&files.readable, reading()))?
        .add_rules(path_beneath_rules(&files.writable, writing()))?
        .add_rules(path_beneath_rules(&files.executable, executing()))?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Degree::Full,
        RulesetStatus::PartiallyEnforced => Degree::Partial,
        RulesetStatus::NotEnforced => Degree::None,
    })
}

fn reading() -> BitFlags<AccessFs> {
    AccessFs::ReadFile | AccessFs::ReadDir
}

fn executing() -> BitFlags<AccessFs> {
    reading() | AccessFs::Execute
}

fn writing() -> BitFlags<AccessFs> {
    let contents = AccessFs::WriteFile | AccessFs::Truncate;
    let names = AccessFs::MakeReg | AccessFs::MakeSock | AccessFs::MakeDir;
    let gone = AccessFs::RemoveFile | AccessFs::RemoveDir | AccessFs::Refer;
    reading() | contents | names | gone
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{self, ErrorKind},
        process::Command,
    };

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("pontoon-files-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn denied<T>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    }

    /// Does it on a thread that may only do this. Without Landlock nothing is done, and the test
    /// says so.
    fn within(files: &Files, work: impl FnOnce() + Send) {
        std::thread::scope(|scope| {
            let work = scope.spawn(|| match restrict(files).unwrap() {
                Degree::None => eprintln!("skipped: this kernel has no Landlock"),
                Degree::Full | Degree::Partial => work(),
            });
            work.join().unwrap();
        });
    }

    #[test]
    fn only_what_was_named_can_be_opened() {
        let (open, read, shut) = (folder("open"), folder("read"), folder("shut"));
        fs::write(read.join("kept"), "kept").unwrap();
        fs::write(shut.join("secret"), "secret").unwrap();
        let files = Files {
            readable: vec![read.clone(), PathBuf::from("/nonexistent")],
            writable: vec![open.clone()],
            ..Files::default()
        };
        within(&files, || {
            fs::write(open.join("new"), "new").unwrap();
            fs::rename(open.join("new"), open.join("newer")).unwrap();
            fs::remove_file(open.join("newer")).unwrap();
            assert_eq!(fs::read(read.join("kept")).unwrap(), b"kept");
            assert!(denied(fs::write(read.join("kept"), "changed")));
            assert!(denied(fs::read(shut.join("secret"))));
            assert!(denied(fs::write(shut.join("more"), "more")));
            assert!(denied(fs::remove_file(shut.join("secret"))));
            assert!(denied(Command::new("/bin/true").spawn()));
        });
        for folder in [open, read, shut] {
            fs::remove_dir_all(folder).unwrap();
        }
    }

    #[test]
    fn what_may_be_executed_is() {
        let programs = ["/bin", "/usr", "/lib", "/lib64", "/etc/ld.so.cache"];
        let files = Files {
            executable: programs.iter().map(PathBuf::from).collect(),
            readable: vec![PathBuf::from("/dev/null")],
            ..Files::default()
        };
        within(&files, || {
            assert!(Command::new("/bin/true").status().unwrap().success());
        });
    }
}
