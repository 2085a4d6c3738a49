//! The language of `haproxy.cfg`.

mod acl;
pub mod added;
mod address;
mod bind;
pub mod check;
pub mod conditional;
mod context;
mod environment;
mod expression;
mod fullconn;
mod global;
mod keyword;
mod lexer;
mod lints;
mod load;
pub mod log_format;
mod log_target;
pub mod model;
mod outline;
mod parameters;
mod proxy;
mod reader;
mod remembering;
mod resolve;
mod rules;
pub mod sandbox;
pub(crate) mod sections;
mod server;
mod statements;
pub(crate) mod tables;
#[cfg(test)]
pub(crate) mod testing;
mod userlist;
mod value;
pub(crate) mod vocabulary;

use std::net::IpAddr;

pub use self::{context::Context, load::load, outline::outline};

use crate::source::SourceFile;

/// The HAProxy whose language this is. Files ask for it (`version_atleast`) to decide what they
/// may write; what they then write is what this version reads.
pub const COMPATIBLE_VERSION: &str = "2.6.12";

/// What the language asks of the machine it is read on.
pub trait Surroundings {
    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;
    /// The addresses of a host name, in the resolver's order; empty if it has none.
    fn resolve(&self, host: &str) -> Vec<IpAddr>;
    /// The content of a file that the configuration names and that must be read while parsing
    /// (`acl … -f`, certificate bundles), or why it cannot be read.
    ///
    /// # Errors
    /// The operating system's message.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
    /// Whether a file could be read that is not needed while parsing.
    ///
    /// # Errors
    /// The operating system's message.
    fn readable(&self, path: &str) -> Result<(), String> {
        self.read(path).map(drop)
    }
    /// The number of a user.
    fn user_id(&self, name: &str) -> Option<u32>;
    /// The number of a group.
    fn group_id(&self, name: &str) -> Option<u32>;
    /// What the kernel is set to, such as `net.ipv4.tcp_fastopen`; `None`: nobody knows.
    fn kernel_setting(&self, name: &str) -> Option<String> {
        let _unknown = name;
        None
    }
    /// The permissions of a file, as in `chmod`; `None`: there is no such file here.
    fn permissions(&self, path: &str) -> Option<u32> {
        let _unknown = path;
        None
    }
}

/// The outcome of reading one set of files.
#[derive(Debug)]
pub struct Loaded {
    /// The meaning; `None` if there was an error.
    pub model: Option<model::Model>,
    /// The files, for rendering positions.
    pub files: Vec<SourceFile>,
    /// All findings.
    pub diagnostics: crate::diagnostic::Diagnostics,
}
