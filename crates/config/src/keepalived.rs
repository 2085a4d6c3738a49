//! The language of `keepalived.conf`.

mod address;
mod blocks;
mod context;
mod definitions;
mod floating_ip;
mod global;
mod group;
mod include;
mod instance;
mod keyword;
mod lints;
mod load;
pub mod model;
mod notify;
mod outline;
mod reader;
mod repeat;
mod resolve;
mod route;
mod script;
mod statement;
pub(crate) mod tables;
mod text;
mod track;
mod track_file;
mod track_process;
mod tree;
mod value;
mod virtual_server;
mod words;

pub use self::{load::load, outline::outline};

use crate::{diagnostic::Diagnostics, source::SourceFile};

/// The keepalived whose language this is.
pub const COMPATIBLE_VERSION: &str = "2.2.7";

/// Whether a word begins a block, or a line outside of all blocks.
#[must_use]
pub fn is_outermost(word: &str) -> bool {
    tables::is_outermost(word)
}

/// What the language asks of the machine it is read on.
pub trait Surroundings {
    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;
    /// The files a pattern of an `include` names, sorted; a name without wildcards stands for
    /// itself, whether it exists or not.
    fn glob(&self, pattern: &str) -> Vec<String>;
    /// The content of an included file.
    ///
    /// # Errors
    /// The operating system's message.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
    /// The numbers of a user and of its primary group.
    fn user(&self, name: &str) -> Option<(u32, u32)>;
    /// The number of a group.
    fn group(&self, name: &str) -> Option<u32>;
    /// The permissions of a file, as in `chmod`; `None`: there is no such file here.
    fn permissions(&self, path: &str) -> Option<u32>;
    /// The text of a script that is run; `None`: there is no such file here, it is too long for a
    /// script, or no text.
    fn script(&self, path: &str) -> Option<String>;
}

/// What the reader is to take into account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// For `@id` lines: `-i`, or the host's name without its domain.
    pub config_id: String,
    /// What an unknown word is: an error, or a warning as in keepalived.
    pub unknown_words: Unknown,
}

/// What an unknown word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// An error: `pontoon check`, `pontoon run`.
    Error,
    /// A warning: under the name keepalived.
    Warning,
}

/// The outcome of reading one set of files.
#[derive(Debug)]
pub struct Loaded {
    /// The meaning; `None` if there was an error.
    pub model: Option<model::Model>,
    /// The files, those included too, for rendering positions.
    pub files: Vec<SourceFile>,
    /// All findings.
    pub diagnostics: Diagnostics,
}
