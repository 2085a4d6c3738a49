//! Going into the background: the parent leaves when the child says that it is ready.

use std::{
    fs::File,
    io::{self, PipeReader, PipeWriter, Read as _, Write as _},
    path::{Path, PathBuf},
};

use pontoon_sys::process::background::{self, ForkError, Null, Side};

/// Where we are after the fork.
#[derive(Debug)]
pub(super) enum Place {
    /// The parent: nothing is left to do but to wait for the child.
    Parent(Parent),
    /// The daemon.
    Child(Child),
}

/// The parent's end.
#[derive(Debug)]
pub(super) struct Parent(PipeReader);

/// The daemon's end.
#[derive(Debug)]
pub(super) struct Child(PipeWriter);

/// Why there is no daemon.
#[derive(Debug, thiserror::Error)]
pub(super) enum DaemonError {
    #[error("Cannot create pidfile {}: {cause}", path.display())]
    Pidfile { path: PathBuf, cause: io::Error },
    #[error("{0}")]
    Fork(#[from] ForkError),
    #[error("Cannot go into the background: {0}")]
    System(#[from] io::Error),
}

/// What the child sends when it is ready. Anything else is its last words.
const READY: u8 = 0;

/// Forks. The child leaves the session and the terminal, and writes its number to `pidfile`.
pub(super) fn enter(pidfile: Option<&Path>) -> Result<Place, DaemonError> {
    // All that can fail for the user's reasons comes before the fork.
    let pidfile = pidfile.map(Pidfile::create).transpose()?;
    let null = Null::open()?;
    let (reader, writer) = io::pipe()?;
    if let Side::Parent { .. } = background::fork()? {
        return Ok(Place::Parent(Parent(reader)));
    }
    background::new_session()?;
    background::silence(&null)?;
    if let Some(pidfile) = pidfile {
        pidfile.write(std::process::id())?;
    }
    Ok(Place::Child(Child(writer)))
}

impl Parent {
    /// Waits until the child is ready.
    ///
    /// # Errors
    /// Its last words; empty if it had none.
    pub(super) fn wait(mut self) -> Result<(), String> {
        let mut said = Vec::new();
        // What was read before an error is all there is.
        let _partial = self.0.read_to_end(&mut said);
        match said.as_slice() {
            [READY] => Ok(()),
            words => Err(String::from_utf8_lossy(words).into_owned()),
        }
    }
}

impl Child {
    /// Everything is bound and set up; the parent may leave.
    pub(super) fn ready(mut self) {
        // A parent that was killed meanwhile needs no news.
        let _gone = self.0.write_all(&[READY]);
    }

    /// The parent tells the user why there will be no daemon.
    pub(super) fn failed(mut self, why: &str) {
        let _gone = self.0.write_all(why.as_bytes());
    }
}

/// An open pidfile.
#[derive(Debug)]
struct Pidfile(File);

impl Pidfile {
    /// Creates it, or empties the one that is there.
    fn create(path: &Path) -> Result<Self, DaemonError> {
        File::create(path)
            .map(Self)
            .map_err(|cause| DaemonError::Pidfile {
                path: path.to_owned(),
                cause,
            })
    }

    fn write(mut self, pid: u32) -> io::Result<()> {
        writeln!(self.0, "{pid}")
    }
}
