//! A line of text that remembers where each part of it was written, through substitutions.

use std::ops::Range;

use crate::source::Span;

/// A line, or what substitutions made of one.
#[derive(Debug, Clone, Default)]
pub(super) struct Text {
    text: String,
    parts: Vec<Part>,
}

/// A stretch of a [`Text`], up to where the next one begins.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Where it begins in the text.
    at: usize,
    /// Where it was written; of a substituted value: where the reference stands.
    span: Span,
    /// Whether the text stands there letter by letter.
    exact: bool,
}

impl Part {
    /// Where the byte at an offset of the text was written.
    fn place_of(&self, at: usize) -> u32 {
        if self.exact {
            self.span.start_moved(at - self.at).start
        } else {
            self.span.start
        }
    }
}

impl Text {
    /// A piece of a file.
    pub(super) fn written(text: &str, file: u32, start: usize) -> Self {
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let span = Span {
            file,
            start,
            end: start.saturating_add(length),
        };
        Self {
            text: text.to_owned(),
            parts: vec![Part {
                at: 0,
                span,
                exact: true,
            }],
        }
    }

    /// What it says.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Appends a text that stands for a place.
    pub(super) fn push(&mut self, text: &str, span: Span) {
        let at = self.text.len();
        self.parts.push(Part {
            at,
            span,
            exact: false,
        });
        self.text.push_str(text);
    }

    /// Appends a stretch of another text.
    pub(super) fn push_slice(&mut self, other: &Self, range: Range<usize>) {
        let offset = self.text.len();
        let first = other.part_of(range.start);
        for part in &other.parts[first..] {
            if part.at >= range.end {
                break;
            }
            let cut = range.start.saturating_sub(part.at);
            let span = if part.exact {
                part.span.start_moved(cut)
            } else {
                part.span
            };
            let at = offset + part.at.max(range.start) - range.start;
            self.parts.push(Part { at, span, ..*part });
        }
        self.text.push_str(&other.text[range]);
    }

    /// A stretch of it.
    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        let mut made = Self::default();
        made.push_slice(self, range);
        made
    }

    /// Without blanks at its ends.
    pub(super) fn trimmed(&self) -> Self {
        let end = self.text.trim_end().len();
        let start = end - self.text[..end].trim_start().len();
        self.slice(start..end)
    }

    /// Where a stretch was written.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let place = |at| self.parts.get(self.part_of(at)).copied();
        let last = range.end.saturating_sub(1).max(range.start);
        let (Some(first), Some(last)) = (place(range.start), place(last)) else {
            return Span::default();
        };
        let start = first.place_of(range.start);
        let end = last.place_of(range.end).max(start);
        let end = match (first.span.file == last.span.file, last.exact) {
            (true, true) => end,
            (true, false) => last.span.end,
            (false, _) => first.span.end,
        };
        Span {
            start,
            end,
            ..first.span
        }
    }

    fn part_of(&self, at: usize) -> usize {
        self.parts
            .partition_point(|part| part.at <= at)
            .saturating_sub(1)
    }
}

impl Span {
    /// The span without its first bytes.
    fn start_moved(self, by: usize) -> Self {
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        let start = self.start.saturating_add(by).min(self.end);
        Self { start, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(span: Span) -> (u32, u32) {
        (span.start, span.end)
    }

    #[test]
    fn words_keep_their_places_through_a_substitution() {
        let line = Text::written("via $GW dev eth0", 0, 100);
        let mut made = line.slice(0..4);
        made.push("10.0.0.1", line.span(4..7));
        made.push_slice(&line, 7..16);
        assert_eq!(made.as_str(), "via 10.0.0.1 dev eth0");
        assert_eq!(place(made.span(0..3)), (100, 103));
        assert_eq!(place(made.span(4..12)), (104, 107));
        assert_eq!(place(made.span(17..21)), (112, 116));
    }

    #[test]
    fn slices_of_slices_stay_where_they_were_written() {
        let line = Text::written("  @main  priority 5  ", 3, 10).trimmed();
        assert_eq!(line.as_str(), "@main  priority 5");
        let rest = line.slice(5..17).trimmed();
        assert_eq!(place(rest.span(0..8)), (19, 27));
        assert_eq!(rest.span(0..8).file, 3);
    }
}
