//! What the election and its launcher say to each other: one message, one packet.

use std::{ffi::OsString, io, path::PathBuf};

use serde::{Deserialize, Serialize};

/// No message is longer.
pub(in crate::election) const LONGEST: usize = 64 * 1024;

/// From the election.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::election) enum Order {
    /// Start a script; the descriptor that comes with it is for its output.
    Start {
        run: u64,
        script: Wanted,
        more: Vec<String>,
    },
    /// A signal for all processes of a script.
    Signal { group: i32, hard: bool },
    /// Tell of the end of this one, which was started for the program before.
    Adopt { pid: i32 },
    /// The files have been read again.
    Reload,
    /// Become this program.
    Renew { program: PathBuf },
}

/// A script, as far as it takes to find it among those of the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::election) struct Wanted {
    pub(in crate::election) program: PathBuf,
    pub(in crate::election) name: OsString,
    pub(in crate::election) arguments: Vec<String>,
    pub(in crate::election) uid: u32,
    pub(in crate::election) gid: u32,
}

/// From the launcher.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::election) enum News {
    /// It runs, as the leader of its process group.
    Started { run: u64, pid: i32 },
    /// It does not.
    Refused { run: u64, why: String },
    /// It has ended, with this status (wait(2)).
    Ended { pid: i32, status: i32 },
}

/// As it travels.
///
/// # Errors
/// It is too long, or a path is not UTF-8.
pub(in crate::election) fn packed(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let text = serde_json::to_vec(message)?;
    if text.len() > LONGEST {
        return Err(io::Error::other("the command line is too long"));
    }
    Ok(text)
}
