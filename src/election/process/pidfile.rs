//! Files that hold the number of a running process, and whether it still runs.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Our number in a file; taken away when it is dropped.
#[derive(Debug)]
pub struct Pidfile {
    path: PathBuf,
}

/// Why there is no file with our number.
#[derive(Debug, thiserror::Error)]
pub enum PidfileError {
    /// As keepalived says it.
    #[error("daemon is already running (process {pid}, as {} says)", path.display())]
    Running {
        /// Who runs.
        pid: u32,
        /// Where it says so.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("cannot write pidfile {}: {cause}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

impl Pidfile {
    /// Writes our number. What a killed predecessor left is overwritten.
    ///
    /// # Errors
    /// A process of our name runs and has its number there, or the file cannot be written.
    pub fn claim(path: &Path) -> Result<Self, PidfileError> {
        if let Some(pid) = running(path) {
            let path = path.to_owned();
            return Err(PidfileError::Running { pid, path });
        }
        write(path).map_err(|cause| PidfileError::Write {
            path: path.to_owned(),
            cause,
        })?;
        Ok(Self {
            path: path.to_owned(),
        })
    }
}

impl Drop for Pidfile {
    fn drop(&mut self) {
        // Somebody else's number is theirs to take away.
        if read(&self.path) == Some(std::process::id()) {
            let _gone = fs::remove_file(&self.path);
        }
    }
}

/// The process whose number is in the file, if it runs, is not us and bears the same name: after
/// a restart of the machine, anybody may have that number.
#[must_use]
pub fn running(path: &Path) -> Option<u32> {
    let pid = read(path).filter(|pid| *pid != std::process::id())?;
    let theirs = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let ours = fs::read_to_string("/proc/self/comm").ok()?;
    (theirs == ours && !is_dead(pid)).then_some(pid)
}

/// Dead and waiting for its parent to take note.
fn is_dead(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state is the first field behind the name, which stands in parentheses.
    let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
    state.is_none_or(|state| state.starts_with(['Z', 'X']))
}

fn read(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn write(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o644)
        .open(path)?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("pontoon-{name}-{}.pid", std::process::id()))
    }

    #[test]
    fn the_file_goes_with_its_owner() {
        let path = path("own");
        let claimed = Pidfile::claim(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
        drop(claimed);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_dead_or_foreign_process_left_is_overwritten() {
        let path = path("stale");
        // Process 1 runs, and is not called as this test is.
        for left in ["1\n", "4000000\n", "no number", ""] {
            fs::write(&path, left).unwrap();
            assert_eq!(running(&path), None, "{left}");
            drop(Pidfile::claim(&path).unwrap());
        }
    }

    #[test]
    fn a_file_that_somebody_else_has_taken_stays() {
        let path = path("taken");
        let claimed = Pidfile::claim(&path).unwrap();
        fs::write(&path, "1\n").unwrap();
        drop(claimed);
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
    }
}
