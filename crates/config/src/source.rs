//! Source text and positions in it.

use std::sync::Arc;

/// One file as it was read. Invalid UTF-8 is replaced before it gets here, with a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as the user wrote it, for messages.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// A stretch of bytes in one of the files of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// Index of the file.
    pub file: u32,
    /// Byte offset of the first byte.
    pub start: u32,
    /// Byte offset after the last byte.
    pub end: u32,
}

/// Where something was declared, for messages of the running proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

/// A word after quoting, escapes and variables were resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it means.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}
