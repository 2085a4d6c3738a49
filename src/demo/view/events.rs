//! The timeline, the latest event at the bottom.

use ratatui_core::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Widget as _,
};

use super::{ADDRESS, BAD, GOOD, QUIET};
use crate::demo::timeline::{Entry, Kind, Missed, Timeline};

pub(super) fn render(timeline: &Timeline, area: Rect, buffer: &mut Buffer) {
    let entries = timeline.entries();
    let from = entries.len().saturating_sub(usize::from(area.height));
    let shown = entries.get(from..).unwrap_or_default();
    for (row, entry) in area.rows().zip(shown) {
        line(entry, usize::from(area.width)).render(row, buffer);
    }
}

fn line(entry: &Entry, width: usize) -> Line<'_> {
    let at = format!("{:>7.1} s  ", entry.at.as_secs_f32());
    let missed = entry.missed.map(|Missed { outage, failed }| {
        format!(" outage {} ms, {failed} failed ", outage.as_millis())
    });
    let missed = missed.unwrap_or_default();
    let room = width.saturating_sub(at.len() + missed.len());
    let text: String = entry.text.chars().take(room).collect();
    let text = format!("{text:<room$}");
    Line::from(vec![
        Span::styled(at, QUIET),
        Span::styled(text, style(entry.kind)),
        Span::styled(missed, BAD),
    ])
}

const fn style(kind: Kind) -> Style {
    match kind {
        Kind::Deed => Style::new().bold(),
        Kind::Good => GOOD,
        Kind::Bad => BAD,
        Kind::Moved => ADDRESS,
        Kind::Note => QUIET,
    }
}
