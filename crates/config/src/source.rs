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

/// A position for a reader, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// The files of one load, with their lines found once.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<Indexed>,
}

#[derive(Debug)]
struct Indexed {
    name: Arc<str>,
    file: SourceFile,
    line_starts: Vec<u32>,
}

impl Sources {
    /// Finds the lines of all files.
    #[must_use]
    pub fn new(files: Vec<SourceFile>) -> Self {
        Self {
            files: files.into_iter().map(Indexed::new).collect(),
        }
    }

    /// The files, in order.
    pub fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().map(|indexed| &indexed.file)
    }

    /// The files themselves.
    #[must_use]
    pub fn into_files(self) -> Vec<SourceFile> {
        self.files.into_iter().map(|indexed| indexed.file).collect()
    }

    /// The file's name and the line of a span's first byte.
    #[must_use]
    pub fn location(&self, span: Span) -> Location {
        self.files.get(span.file as usize).map_or_else(
            || Location {
                file: Arc::from(""),
                line: 0,
            },
            |indexed| Location {
                file: Arc::clone(&indexed.name),
                line: indexed.position(span.start).line,
            },
        )
    }

    /// The line and column of a span's first byte; line 0 if there is no such file.
    #[must_use]
    pub fn position(&self, span: Span) -> Position {
        self.files
            .get(span.file as usize)
            .map_or(Position { line: 0, column: 0 }, |indexed| {
                indexed.position(span.start)
            })
    }
}

impl Indexed {
    fn new(file: SourceFile) -> Self {
        let line_starts = std::iter::once(0)
            .chain(memchr::memchr_iter(b'\n', file.text.as_bytes()).map(|at| at + 1))
            .map(|at| u32::try_from(at).unwrap_or(u32::MAX))
            .collect();
        Self {
            name: Arc::from(file.name.as_str()),
            file,
            line_starts,
        }
    }

    fn position(&self, offset: u32) -> Position {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts[line - 1] as usize;
        let before = self.file.text.get(start..offset as usize).unwrap_or("");
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let sources = Sources::new(vec![SourceFile {
            name: "a.cfg".into(),
            text: "one\nté x\n".into(),
        }]);
        let at = |start| {
            let position = sources.position(Span {
                file: 0,
                start,
                end: start,
            });
            (position.line, position.column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(4), (2, 1));
        assert_eq!(at(8), (2, 4), "a two-byte letter is one column");
        assert_eq!(at(10), (3, 1), "after the last newline");
    }
}
