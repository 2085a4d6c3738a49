//! Files to statements: includes, conditions, definitions, repetitions.

use super::{
    Settings, Surroundings,
    context::Context,
    definitions::{self, Definitions, Found},
    include, repeat,
    statement::Statement,
    text::Text,
    tree::Tree,
    words,
};
use crate::{
    diagnostic::Diagnostics,
    source::{SourceFile, Sources, Span},
};

/// Included files may include others so deep.
const DEEPEST_INCLUDE: usize = 32;

/// Definitions may stand for lines with definitions so deep.
const DEEPEST_EXPANSION: usize = 64;

/// So many references are replaced in one line.
const MOST_REPLACEMENTS: usize = 1000;

/// So many bytes definitions and repetitions may make of all files.
const MOST_EXPANDED: usize = 1 << 20;

/// What reading files gives.
pub(super) struct Read {
    /// The statements outside of all blocks, with those in theirs.
    pub(super) statements: Vec<Statement>,
    /// The files, those included too.
    pub(super) files: Vec<SourceFile>,
    /// What was found.
    pub(super) d: Diagnostics,
}

/// Reads files in this order, as if they were one, and what they include.
pub(super) fn read(
    files: Vec<SourceFile>,
    settings: &Settings,
    surroundings: &dyn Surroundings,
) -> Read {
    let nothing = Sources::default();
    let d = Diagnostics::default();
    let mut reader = Reader {
        settings,
        ctx: Context::new(surroundings, &nothing, settings.unknown_words, d),
        definitions: Definitions::new(&settings.config_id),
        open: None,
        tree: Tree::default(),
        read: Vec::new(),
        expanded: 0,
        too_large: false,
    };
    for file in files {
        reader.file(file, 0);
    }
    let Reader {
        tree,
        mut ctx,
        read,
        ..
    } = reader;
    let statements = tree.finish(&mut ctx);
    Read {
        statements,
        files: read,
        d: ctx.d,
    }
}

struct Reader<'r> {
    settings: &'r Settings,
    ctx: Context<'r>,
    definitions: Definitions,
    /// A definition of several lines that goes on.
    open: Option<(String, Vec<String>)>,
    tree: Tree,
    /// The files so far.
    read: Vec<SourceFile>,
    expanded: usize,
    too_large: bool,
}

impl Reader<'_> {
    fn file(&mut self, file: SourceFile, depth: usize) {
        let index = u32::try_from(self.read.len()).unwrap_or(u32::MAX);
        let directory = include::directory(&file.name, self.ctx.surroundings);
        self.definitions.set_directory(&directory);
        let text = file.text.clone();
        self.read.push(file);
        let mut start = 0;
        for line in text.split('\n') {
            let length = words::without_comment(line);
            let written = Text::written(&line[..length], index, start).trimmed();
            if words::cuts_a_word(line, length) {
                let sign = Text::written(&line[length..=length], index, start + length);
                self.comment_in_word(sign.span(0..1));
            }
            start += line.len() + 1;
            if self.open.is_none() && include::is_include(written.as_str()) {
                self.include(&written, &directory, depth);
            } else {
                self.line(written, 0);
            }
        }
        self.close_definition();
    }

    fn comment_in_word(&mut self, sign: Span) {
        let message = "a comment begins in the middle of this word";
        self.ctx
            .d
            .warning("comment-in-word", sign, message)
            .suggest("put the word between double quotes if this belongs to it");
    }

    fn include(&mut self, line: &Text, directory: &str, depth: usize) {
        let Some(wanted) = include::parse(line, &mut self.ctx) else {
            return;
        };
        if depth >= DEEPEST_INCLUDE {
            let message = "files include each other too deep; does one include itself?";
            self.ctx.d.error("include-too-deep", wanted.span, message);
            return;
        }
        let found = include::files(&wanted, directory, &mut self.ctx);
        for name in found {
            match self.ctx.surroundings.read(&name) {
                Ok(bytes) => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if self.charge(text.len(), wanted.span) {
                        self.file(SourceFile { name, text }, depth + 1);
                        self.definitions.set_directory(directory);
                    }
                }
                Err(why) => include::unreadable(&wanted, &name, &why, &mut self.ctx),
            }
        }
    }

    /// One line, as it stands in a file or as a definition made it.
    fn line(&mut self, line: Text, depth: usize) {
        if self.open.is_some() {
            self.continue_definition(line.as_str());
            return;
        }
        let mut line = line;
        let mut replaced = 0;
        loop {
            let Some(rest) = self.meets_condition(&line) else {
                return;
            };
            line = rest;
            if self.defines(&line) || self.repeats(&line, depth) {
                return;
            }
            match self.definitions.find(line.as_str()) {
                Some(found) if replaced < MOST_REPLACEMENTS => {
                    replaced += 1;
                    match self.replace(&line, &found, depth) {
                        Some(more) => line = more,
                        None => return,
                    }
                }
                Some(found) => return self.endless(&line, &found),
                None => break,
            }
        }
        self.check_continuation(&line);
        let tokens = words::split(&line, &mut self.ctx);
        self.tree.line(tokens, &mut self.ctx);
    }

    /// What follows `@id`; `None` if the line is for another id (keepalived.conf(5), Conditional
    /// configuration).
    fn meets_condition(&self, line: &Text) -> Option<Text> {
        let mut line = line.trimmed();
        while let Some(condition) = line.as_str().strip_prefix('@') {
            let length = condition.find(char::is_whitespace);
            let length = length.unwrap_or(condition.len());
            let id = &condition[..length];
            let met = match id.strip_prefix('^') {
                Some(other) => other != self.settings.config_id,
                None => id == self.settings.config_id,
            };
            if !met {
                return None;
            }
            line = line.slice(1 + length..line.as_str().len()).trimmed();
        }
        Some(line)
    }

    /// Takes a line `$NAME=value`.
    fn defines(&mut self, line: &Text) -> bool {
        let Some((name, value)) = definitions::parse(line.as_str()) else {
            return false;
        };
        if name.starts_with('_') {
            let message = format!("`${name}` is reserved: names with `_` are keepalived's own");
            let span = line.span(0..name.len() + 1);
            self.ctx.d.warning("reserved-name", span, message);
        }
        self.open = Some((name.to_owned(), Vec::new()));
        self.continue_definition(value);
        true
    }

    /// Adds a line to the open definition; the first one that does not end with a backslash is
    /// its last. Empty lines do not count.
    fn continue_definition(&mut self, line: &str) {
        let Some((_, lines)) = &mut self.open else {
            return;
        };
        if line.is_empty() && !lines.is_empty() {
            return;
        }
        match line.strip_suffix('\\') {
            Some(line) => lines.push(line.trim_end().to_owned()),
            None => {
                lines.push(line.to_owned());
                self.close_definition();
            }
        }
    }

    fn close_definition(&mut self) {
        if let Some((name, mut lines)) = self.open.take() {
            // `$NAME= \` alone on its line: the value begins on the next one.
            if lines.len() > 1 && lines[0].is_empty() {
                lines.remove(0);
            }
            self.definitions.set(&name, lines);
        }
    }

    /// Reads the rest of a line `~SEQ(…)` or `~LST(…)` once for each value.
    fn repeats(&mut self, line: &Text, depth: usize) -> bool {
        let Some(length) = repeat::length(line.as_str()) else {
            return false;
        };
        if self.too_large {
            // That was said, and one more head alone may stand for 65,536 values.
            return true;
        }
        let span = line.span(0..length);
        let head = self.definitions.replaced(&line.as_str()[..length]);
        let rounds = match repeat::parse(&head) {
            Ok(rounds) => rounds,
            Err(why) => {
                self.ctx.fault("bad-repetition", span, why.message());
                return true;
            }
        };
        let rest = line.slice(length..line.as_str().len()).trimmed();
        for round in rounds {
            if depth >= DEEPEST_EXPANSION || !self.charge(rest.as_str().len() + 16, span) {
                break;
            }
            for (name, value) in round {
                self.definitions.set(&name, vec![value]);
            }
            self.line(rest.clone(), depth + 1);
        }
        true
    }

    /// The line with a reference replaced; `None` if it became several lines, which are read.
    fn replace(&mut self, line: &Text, found: &Found, depth: usize) -> Option<Text> {
        let span = line.span(found.at.clone());
        let whole = line.as_str().len();
        let values = self.definitions.value(&found.name, &mut self.ctx, span)?;
        let size = whole + values.iter().map(String::len).sum::<usize>();
        if !self.charge(size, span) {
            return None;
        }
        let mut made = line.slice(0..found.at.start);
        let last = values.len() - 1;
        for (number, value) in values.iter().enumerate() {
            made.push(value, span);
            if number < last {
                if depth < DEEPEST_EXPANSION {
                    self.line(std::mem::take(&mut made), depth + 1);
                } else {
                    self.endless(line, found);
                    return None;
                }
            }
        }
        made.push_slice(line, found.at.end..whole);
        if last == 0 {
            return Some(made);
        }
        self.line(made, depth + 1);
        None
    }

    fn endless(&mut self, line: &Text, found: &Found) {
        let message = format!("`${}` stands for itself, or for too much", found.name);
        let span = line.span(found.at.clone());
        self.ctx.d.error("endless-definition", span, message);
    }

    /// Counts what definitions, repetitions and includes make; says whether it may go on.
    fn charge(&mut self, bytes: usize, span: Span) -> bool {
        self.expanded = self.expanded.saturating_add(bytes);
        let fits = self.expanded <= MOST_EXPANDED;
        if !fits && !self.too_large {
            self.too_large = true;
            let message = "definitions, repetitions and includes make more than 1 MiB of text";
            self.ctx.d.error("too-large", span, message);
        }
        fits
    }

    /// A backslash at a line's end continues definitions only.
    fn check_continuation(&mut self, line: &Text) {
        let length = line.as_str().len();
        if line.as_str().ends_with('\\') {
            let message = "a `\\` at the end continues only lines of a definition";
            let span = line.span(length - 1..length);
            self.ctx
                .d
                .warning("continued-line", span, message)
                .suggest("write the statement on one line; the `\\` is part of the word before it");
        }
    }
}
