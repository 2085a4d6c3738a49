//! Hearing of changed files without looking: inotify(7).

use std::{
    ffi::OsString,
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStringExt as _,
    },
    path::Path,
};

use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags},
    io::Errno,
};

/// A directory that is watched; readable when something has changed in it.
#[derive(Debug)]
pub struct Watch(OwnedFd);

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The file of this name has new content, has come by a rename, or is gone.
    File(OsString),
    /// Anything: so much has happened that the kernel lost count.
    Anything,
    /// The directory itself was removed or renamed; nothing more will be heard.
    Gone,
}

impl Watch {
    /// Watches a directory. Files count when their writer closes them, so a file is never read
    /// half written; one that is made by `link(2)` or `symlink(2)` is not noticed until it is
    /// renamed or written.
    ///
    /// # Errors
    /// It is no directory, may not be read, or the user has too many watches.
    pub fn directory(path: &Path) -> io::Result<Self> {
        let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let wanted = WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        inotify::add_watch(&watch, path, wanted)?;
        Ok(Self(watch))
    }

    /// What has changed since the last call, in order; each name once for a row of equal changes.
    ///
    /// # Errors
    /// Nothing that a correct program meets. Nothing to tell is no error.
    pub fn changes(&self) -> io::Result<Vec<Change>> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.0, &mut buffer);
        let mut changes = Vec::new();
        loop {
            let change = match reader.next() {
                Ok(event) => meaning(&event),
                Err(Errno::AGAIN) => return Ok(changes),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            if change.is_some() && changes.last() != change.as_ref() {
                changes.extend(change);
            }
        }
    }
}

fn meaning(event: &inotify::Event<'_>) -> Option<Change> {
    let events = event.events();
    if events.intersects(ReadFlags::QUEUE_OVERFLOW) {
        return Some(Change::Anything);
    }
    if events.intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT) {
        return Some(Change::Gone);
    }
    // `IGNORED`, which follows `DELETE_SELF`, bears no name.
    let name = event.file_name()?.to_bytes().to_vec();
    Some(Change::File(OsString::from_vec(name)))
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _, path::PathBuf};

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("pontoon-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn file(name: &str) -> Change {
        Change::File(name.into())
    }

    #[test]
    fn names_what_was_written_moved_and_removed() {
        let folder = folder("watch");
        let watch = Watch::directory(&folder).unwrap();
        assert_eq!(watch.changes().unwrap(), []);
        let mut open = fs::File::create(folder.join("a")).unwrap();
        open.write_all(b"1").unwrap();
        assert_eq!(watch.changes().unwrap(), [], "not before it is closed");
        drop(open);
        fs::rename(folder.join("a"), folder.join("b")).unwrap();
        fs::remove_file(folder.join("b")).unwrap();
        assert_eq!(watch.changes().unwrap(), [file("a"), file("b")]);
        assert_eq!(watch.changes().unwrap(), []);
        fs::write(folder.join("a"), "2").unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(watch.changes().unwrap(), [file("a"), Change::Gone]);
    }

    #[test]
    fn becomes_readable() {
        let folder = folder("watch-readable");
        let watch = Watch::directory(&folder).unwrap();
        let now = Some(std::time::Duration::ZERO);
        let readable = || crate::process::wait::readable([Some(watch.as_fd())], now).unwrap();
        assert_eq!(readable(), [false]);
        fs::write(folder.join("a"), "1").unwrap();
        assert_eq!(readable(), [true]);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn only_a_directory_can_be_watched() {
        let error = Watch::directory(Path::new("/etc/passwd")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTDIR));
    }
}
