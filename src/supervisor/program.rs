//! Which program file is started.
//!
//! What dies is started again from the very file that we run, even if another one has taken its
//! name: it speaks our language. What a reload starts comes from the disk: a new version begins
//! there.

use std::{
    env, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// The file itself, whatever its name stands for by now.
const OURS: &str = "/proc/self/exe";

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// The one that we run.
    Ours,
    /// The one that is there now under its name.
    OnDisk,
}

/// The file of this program.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Program {
    /// Under which name it was started.
    path: Option<PathBuf>,
}

impl Program {
    /// As this process was started. To be called early: once the file was replaced, its name is
    /// known no more.
    pub(super) fn of_this_process() -> Self {
        let called = env::args_os().next().map(PathBuf::from);
        // A link is kept as it is: it may point to another version next time.
        let called = called.filter(|path| path.components().count() > 1 && is_ours(path));
        let absolute = called.and_then(|path| std::path::absolute(path).ok());
        let resolved = || env::current_exe().ok().filter(|path| is_ours(path));
        Self {
            path: absolute.or_else(resolved),
        }
    }

    /// Where another program is now under our name.
    pub(super) fn successor(&self) -> Option<&Path> {
        let path = self.path.as_deref()?;
        (path.exists() && !is_ours(path)).then_some(path)
    }

    /// What is to be executed. If its name is unknown, or leads nowhere, it is the file itself.
    pub(super) fn file(&self, which: Which) -> &Path {
        match (which, &self.path) {
            (Which::OnDisk, Some(path)) if path.exists() => path,
            _ => Path::new(OURS),
        }
    }
}

/// Whether a path leads to the file that we run.
fn is_ours(path: &Path) -> bool {
    let identity = |path: &Path| -> io::Result<_> {
        let file = fs::metadata(path)?;
        Ok((file.dev(), file.ino()))
    };
    matches!((identity(path), identity(Path::new(OURS))), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_under_its_name() {
        let program = Program::of_this_process();
        let path = program.file(Which::OnDisk);
        assert!(path.is_absolute() && path != Path::new(OURS), "{path:?}");
        assert!(is_ours(path));
        assert_eq!(program.file(Which::Ours), Path::new(OURS));
    }

    #[test]
    fn one_that_has_lost_its_name_is_still_there() {
        let program = Program {
            path: Some("/nonexistent/pontoon".into()),
        };
        assert_eq!(program.file(Which::OnDisk), Path::new(OURS));
        assert_eq!(Program { path: None }.file(Which::OnDisk), Path::new(OURS));
    }
}
