//! Users and groups, as the machine's name services know them.

use std::{
    ffi::{CStr, CString},
    io,
    mem::MaybeUninit,
};

/// More than an entry of a user ever takes.
const BUFFER: usize = 16 * 1024;

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// The number of its primary group.
    pub gid: u32,
}

/// The user of this name.
#[must_use]
pub fn user(name: &str) -> Option<User> {
    let name = CString::new(name).ok()?;
    // SAFETY: the name ends in NUL; the other arguments are as `lookup` says.
    lookup(|entry, buffer, length, found| unsafe {
        libc::getpwnam_r(name.as_ptr(), entry, buffer, length, found)
    })
}

/// The user with this number.
#[must_use]
pub fn user_numbered(uid: u32) -> Option<User> {
    // SAFETY: the arguments are as `lookup` says.
    lookup(|entry, buffer, length, found| unsafe {
        libc::getpwuid_r(uid, entry, buffer, length, found)
    })
}

/// Calls one of the two with a place for the entry, a buffer of the length that follows, and a
/// place for the answer; all of them live until the answer was copied.
fn lookup(
    call: impl FnOnce(
        *mut libc::passwd,
        *mut libc::c_char,
        libc::size_t,
        *mut *mut libc::passwd,
    ) -> libc::c_int,
) -> Option<User> {
    let mut entry = MaybeUninit::uninit();
    let mut buffer = [0; BUFFER];
    let mut found = std::ptr::null_mut();
    let result = call(
        entry.as_mut_ptr(),
        buffer.as_mut_ptr(),
        BUFFER,
        &raw mut found,
    );
    if result != 0 || found.is_null() {
        return None;
    }
    // SAFETY: found, so the entry is filled and its name is a string in our buffer.
    let (entry, name) = unsafe { (&*found, CStr::from_ptr((*found).pw_name)) };
    Some(User {
        name: name.to_string_lossy().into_owned(),
        uid: entry.pw_uid,
        gid: entry.pw_gid,
    })
}

/// All groups a user is in, `gid` among them.
///
/// # Errors
/// The name contains a NUL, or the user is in more groups than any system allows.
pub fn groups_of(name: &str, gid: u32) -> io::Result<Vec<u32>> {
    let name = CString::new(name)?;
    let mut groups = vec![0; 64];
    loop {
        let mut count = libc::c_int::try_from(groups.len()).map_err(io::Error::other)?;
        // SAFETY: `count` says how many numbers `groups` has room for.
        let result =
            unsafe { libc::getgrouplist(name.as_ptr(), gid, groups.as_mut_ptr(), &raw mut count) };
        let known = usize::try_from(count).map_err(io::Error::other)?;
        if result >= 0 {
            groups.truncate(known);
            return Ok(groups);
        }
        // `count` says how much room is needed.
        groups.resize(known.max(groups.len() * 2), 0);
        if groups.len() > 1 << 17 {
            return Err(io::Error::other("the user is in too many groups"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_by_name_and_number() {
        let root = user("root").unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert_eq!(user_numbered(0), Some(root));
    }

    #[test]
    fn nobody_bears_these() {
        assert_eq!(user("no such user"), None);
        assert_eq!(user("nul\0inside"), None);
        assert_eq!(user_numbered(u32::MAX - 7), None);
    }

    #[test]
    fn the_primary_group_is_among_the_groups() {
        assert!(groups_of("root", 0).unwrap().contains(&0));
        assert_eq!(groups_of("no such user", 4242).unwrap(), [4242]);
    }
}
