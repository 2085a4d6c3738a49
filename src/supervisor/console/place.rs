//! Where the master socket is, as `-S` says it: an address and `bind` options, separated by commas.

use std::{
    fs, io,
    os::{
        fd::{AsRawFd as _, OwnedFd, RawFd},
        unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, chown},
    },
    path::{Path, PathBuf},
};

use pontoon_config::{
    haproxy::{self, Surroundings as _, model::UnixPermissions},
    source::SourceFile,
};
use pontoon_engine::address::Endpoint;
use pontoon_sys::{
    descriptor,
    socket::{self, Address},
};
use serde::{Deserialize, Serialize};

use super::command::Level;
use crate::surroundings::System;

/// Connections that wait.
const BACKLOG: i32 = 16;

/// Where, and for whom.
#[derive(Debug, Clone)]
pub struct Place {
    endpoint: Endpoint,
    level: Level,
    permissions: UnixPermissions,
}

/// A value of `-S` that cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// What is no address.
    #[error("'{0}' is no address for the master socket")]
    Address(String),
    /// Options that the socket does not have.
    #[error(
        "'{0}' : unknown keyword '{1}'; the master socket knows level, mode, uid, gid, user, group and name"
    )]
    Option(String, String),
    /// A value that means nothing.
    #[error("'{0}' : '{1}' cannot be '{2}'")]
    Value(String, String, String),
}

impl Place {
    /// Reads the value of `-S`.
    ///
    /// # Errors
    /// It cannot be followed.
    pub fn parse(text: &str) -> Result<Self, PlaceError> {
        let mut words = text.split(',');
        let address = words.next().unwrap_or_default();
        let mut place = Self {
            endpoint: endpoint(address).ok_or_else(|| PlaceError::Address(address.into()))?,
            level: Level::Admin,
            permissions: UnixPermissions::default(),
        };
        while let Some(option) = words.next() {
            place.option(text, option, words.next().unwrap_or_default())?;
        }
        Ok(place)
    }

    fn option(&mut self, text: &str, option: &str, value: &str) -> Result<(), PlaceError> {
        let wrong = || PlaceError::Value(text.into(), option.into(), value.into());
        let permissions = &mut self.permissions;
        match option {
            "level" => self.level = Level::named(value).ok_or_else(wrong)?,
            "mode" => {
                let mode = u32::from_str_radix(value, 8).map_err(|_| wrong())?;
                permissions.mode = Some(mode & 0o777);
            }
            "uid" => permissions.uid = Some(value.parse().map_err(|_| wrong())?),
            "gid" => permissions.gid = Some(value.parse().map_err(|_| wrong())?),
            "user" => permissions.uid = Some(System.user_id(value).ok_or_else(wrong)?),
            "group" => permissions.gid = Some(System.group_id(value).ok_or_else(wrong)?),
            // It is shown nowhere.
            "name" => {}
            _ => return Err(PlaceError::Option(text.into(), option.into())),
        }
        Ok(())
    }

    /// Listens there, in place of whatever socket has the path.
    pub(super) fn listen(&self) -> io::Result<Listener> {
        let address = match &self.endpoint {
            Endpoint::Unix(path) => return self.listen_at(path),
            Endpoint::Ip(ip) => Address::Ip(*ip),
            Endpoint::Abstract(name) => Address::Abstract(name.to_vec()),
        };
        let socket = socket::stream_for(&address)?;
        socket::bind_to(&socket, &address)?;
        socket::listen_on(&socket, BACKLOG)?;
        Ok(Listener {
            socket,
            level: self.level,
            path: None,
        })
    }

    /// Until it is said who may, only our own user may connect.
    fn listen_at(&self, path: &Path) -> io::Result<Listener> {
        if fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
            fs::remove_file(path)?;
        }
        let socket = socket::listen_privately(path)?;
        let UnixPermissions { mode, uid, gid } = self.permissions;
        if uid.is_some() || gid.is_some() {
            chown(path, uid, gid)?;
        }
        if let Some(mode) = mode {
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        }
        let inode = fs::symlink_metadata(path)?.ino();
        Ok(Listener {
            socket,
            level: self.level,
            path: Some((path.to_owned(), inode)),
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.endpoint.fmt(f)
    }
}

/// As the language of the files has it.
fn endpoint(address: &str) -> Option<Endpoint> {
    // Blanks would be further words, and quotes could hide them.
    let plain = |c: char| c.is_ascii_graphic() && !"\"'\\#$".contains(c);
    if address.is_empty() || !address.chars().all(plain) {
        return None;
    }
    let file = SourceFile {
        name: "-S".into(),
        text: format!("global\n stats socket {address}\n"),
    };
    let model = haproxy::load(vec![file], &System).model?;
    Some(model.global.stats_sockets.into_iter().next()?.endpoint)
}

/// A listening socket; its path goes with it, if it is still its own.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) socket: OwnedFd,
    pub(super) level: Level,
    path: Option<(PathBuf, u64)>,
}

/// What one program tells the next of it.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::supervisor) struct SavedListener {
    pub(in crate::supervisor) descriptor: RawFd,
    level: Level,
    path: Option<(PathBuf, u64)>,
}

impl Listener {
    pub(super) fn saved(&self) -> SavedListener {
        SavedListener {
            descriptor: self.socket.as_raw_fd(),
            level: self.level,
            path: self.path.clone(),
        }
    }

    /// # Errors
    /// It was not left.
    pub(super) fn resumed(saved: SavedListener) -> io::Result<Self> {
        Ok(Self {
            socket: descriptor::take_over(saved.descriptor)?,
            level: saved.level,
            path: saved.path,
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some((path, inode)) = &self.path
            && fs::symlink_metadata(path).is_ok_and(|file| file.ino() == *inode)
        {
            // Whoever comes next replaces it.
            let _left_behind = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_options() {
        let place = Place::parse("/run/m.sock,mode,660,level,operator,uid,5").unwrap();
        assert_eq!(place.to_string(), "unix@/run/m.sock");
        assert_eq!(place.level, Level::Operator);
        assert_eq!(place.permissions.mode, Some(0o660));
        assert_eq!(place.permissions.uid, Some(5));
        let place = Place::parse("127.0.0.1:1234").unwrap();
        assert_eq!(place.to_string(), "127.0.0.1:1234");
        assert_eq!(place.level, Level::Admin);
        assert!(Place::parse("abns@m").is_ok());
    }

    #[test]
    fn mistakes_are_named() {
        let told = |text: &str| Place::parse(text).unwrap_err().to_string();
        assert!(told("nonsense").contains("'nonsense' is no address"));
        assert!(told("/a,foo,1").contains("unknown keyword 'foo'"));
        assert!(told("/a,level,king").contains("'level' cannot be 'king'"));
        assert!(told("").contains("is no address"));
    }
}
