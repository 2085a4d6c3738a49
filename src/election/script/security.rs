//! Who else could change what a script does.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fmt, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

use pontoon_sys::process::account;

/// As many as the kernel follows (path_resolution(7)).
const MOST_LINKS: u32 = 40;
const STICKY: u32 = 0o1000;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

/// A part of a script's path that somebody other than root can change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::election) struct Weakness {
    /// The file or directory.
    part: PathBuf,
    cause: Cause,
    link: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Owner(u32),
    Group(u32),
    Everybody { group_too: bool },
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = self.part.display();
        match self.cause {
            Cause::Owner(uid) => {
                let owner = account::user_numbered(uid);
                let owner = owner.map_or_else(|| format!("user {uid}"), |user| user.name);
                let option = if self.link { "-h " } else { "" };
                write!(f, "{part} belongs to {owner}: chown {option}root {part}")
            }
            Cause::Group(gid) => {
                write!(f, "{part} can be written by group {gid}: chmod g-w {part}")
            }
            Cause::Everybody { group_too } => {
                let who = if group_too { "go" } else { "o" };
                write!(
                    f,
                    "{part} can be written by everybody: chmod {who}-w {part}"
                )
            }
        }
    }
}

/// The first part of a path, links followed, that somebody other than root can write.
///
/// # Errors
/// A part is missing or cannot be looked at.
pub(in crate::election) fn weakness(path: &Path) -> io::Result<Option<Weakness>> {
    let mut reached = PathBuf::from("/");
    let mut ahead = parts(&std::path::absolute(path)?);
    let mut links = 0;
    if let Some(weakness) = weakness_of(&reached)? {
        return Ok(Some(weakness));
    }
    while let Some(part) = ahead.pop_front() {
        if part == ".." {
            reached.pop();
            continue;
        }
        reached.push(&part);
        if let Some(weakness) = weakness_of(&reached)? {
            return Ok(Some(weakness));
        }
        let Ok(target) = fs::read_link(&reached) else {
            continue;
        };
        links += 1;
        if links > MOST_LINKS {
            return Err(io::Error::other("too many symbolic links"));
        }
        reached.pop();
        if target.is_absolute() {
            reached = PathBuf::from("/");
        }
        let mut all = parts(&target);
        all.append(&mut ahead);
        ahead = all;
    }
    Ok(None)
}

fn parts(path: &Path) -> VecDeque<OsString> {
    let named = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    named.collect()
}

fn weakness_of(part: &Path) -> io::Result<Option<Weakness>> {
    let found = fs::symlink_metadata(part)?;
    let (mode, link) = (found.mode(), found.is_symlink());
    // In a sticky directory only the owner of an entry may replace it, and every entry is looked at.
    let protected = link || (found.is_dir() && mode & STICKY != 0);
    let group_too = mode & GROUP_WRITES != 0 && found.gid() != 0;
    let cause = if found.uid() != 0 {
        Some(Cause::Owner(found.uid()))
    } else if !protected && mode & OTHERS_WRITE != 0 {
        Some(Cause::Everybody { group_too })
    } else {
        (!protected && group_too).then_some(Cause::Group(found.gid()))
    };
    Ok(cause.map(|cause| Weakness {
        part: part.to_owned(),
        cause,
        link,
    }))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    use pontoon_lab::{needs::Need, temp::TempDir};

    use super::*;

    /// A directory with a script that nobody but root can change; `None` without root.
    fn room() -> Option<(TempDir, PathBuf)> {
        if let Some(why) = Need::Root.missing() {
            eprintln!("skipped: {why}");
            return None;
        }
        let room = TempDir::new("security").unwrap();
        set_mode(room.path(), 0o755);
        let script = room.write("check.sh", "#!/bin/sh\n").unwrap();
        set_mode(&script, 0o755);
        Some((room, script))
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn said_of(path: &Path) -> String {
        weakness(path)
            .unwrap()
            .map_or_else(String::new, |found| found.to_string())
    }

    #[test]
    fn what_only_root_can_change_is_safe() {
        let Some((_room, script)) = room() else {
            return;
        };
        assert_eq!(said_of(&script), "", "in a sticky directory for everybody");
    }

    #[test]
    fn the_part_at_fault_is_named_with_the_command_that_mends_it() {
        let Some((room, script)) = room() else { return };
        let directory = room.path().display();
        set_mode(room.path(), 0o777);
        assert_eq!(
            said_of(&script),
            format!("{directory} can be written by everybody: chmod o-w {directory}")
        );
        set_mode(room.path(), 0o775);
        chown(room.path(), None, Some(4242)).unwrap();
        assert_eq!(
            said_of(&script),
            format!("{directory} can be written by group 4242: chmod g-w {directory}")
        );
        set_mode(room.path(), 0o755);
        chown(&script, Some(424_242), None).unwrap();
        let script = script.display();
        assert_eq!(
            said_of(Path::new(&script.to_string())),
            format!("{script} belongs to user 424242: chown root {script}")
        );
    }

    #[test]
    fn links_are_followed_part_by_part() {
        let Some((room, script)) = room() else { return };
        let open = room.path().join("open");
        fs::create_dir(&open).unwrap();
        set_mode(&open, 0o777);
        symlink(&script, open.join("link.sh")).unwrap();
        symlink("open/link.sh", room.path().join("way.sh")).unwrap();
        let said = said_of(&room.path().join("way.sh"));
        let open = open.display().to_string();
        assert!(said.ends_with(&format!("chmod o-w {open}")), "{said}");
        set_mode(Path::new(&open), 0o755);
        assert_eq!(said_of(&room.path().join("way.sh")), "");
    }

    #[test]
    fn a_circle_of_links_ends() {
        let Some((room, _)) = room() else { return };
        symlink("b", room.path().join("a")).unwrap();
        symlink("a", room.path().join("b")).unwrap();
        assert!(weakness(&room.path().join("a")).is_err());
    }
}
