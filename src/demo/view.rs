//! The picture on a terminal: who is where, what works, what has happened.

mod boxes;
mod events;

use ratatui_core::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Style},
    text::{Line, Span},
    widgets::Widget as _,
};

use super::{input, picture::Picture};

/// What the picture needs.
pub(super) const WIDTH: u16 = 80;
const PICTURE_HEIGHT: u16 = boxes::HEIGHT;
/// Below it, at least so many events are worth a picture.
const FEW_EVENTS: u16 = 3;

pub(super) const GOOD: Style = Style::new().fg(Color::Green);
pub(super) const BAD: Style = Style::new().fg(Color::Red).bold();
pub(super) const DOUBT: Style = Style::new().fg(Color::Yellow);
pub(super) const QUIET: Style = Style::new().dim();
pub(super) const KEY: Style = Style::new().fg(Color::Yellow);
pub(super) const ADDRESS: Style = Style::new().fg(Color::Cyan).bold();

/// What stands around the picture.
#[derive(Debug, Clone, Default)]
pub(super) struct Captions {
    /// Where the statistics are.
    pub(super) statistics: Vec<String>,
    /// What the tour does, if there is one.
    pub(super) tour: Option<String>,
}

/// Draws everything into `area`, as far as there is room.
pub(super) fn render(picture: &Picture, captions: &Captions, area: Rect, buffer: &mut Buffer) {
    let mut rows = Rows::of(area);
    title(picture, captions).render(rows.take(1), buffer);
    let enough = area.width >= WIDTH && rows.left() >= PICTURE_HEIGHT + FEW_EVENTS;
    if enough {
        boxes::render(picture, rows.take(PICTURE_HEIGHT), buffer);
    } else {
        let lines = boxes::summary(picture);
        for line in lines {
            line.render(rows.take(1), buffer);
        }
    }
    let bottom = rows.take_bottom(1);
    keys().render(bottom, buffer);
    for url in captions.statistics.iter().rev() {
        let line = Line::from(format!(" {url}"));
        line.style(QUIET).render(rows.take_bottom(1), buffer);
    }
    events::render(&picture.timeline, rows.rest(), buffer);
}

fn title(picture: &Picture, captions: &Captions) -> Line<'static> {
    let mut spans = vec![Span::styled(
        " Pontoon demo ",
        Style::new().bold().reversed(),
    )];
    if let Some(tour) = &captions.tour {
        spans.push(Span::styled(format!("  {tour}"), Style::new().bold()));
    } else if let Some(out) = boxes::outage(picture) {
        let text = format!("  nobody has been served for {:.1} s", out.as_secs_f32());
        spans.push(Span::styled(text, BAD));
    }
    Line::from(spans)
}

fn keys() -> Line<'static> {
    let mut spans = vec![Span::styled(
        " a key kills or revives what it stands beside   ",
        QUIET,
    )];
    for (key, what) in input::LEGEND {
        spans.push(Span::styled(format!("[{key}]"), KEY));
        spans.push(Span::raw(format!(" {what}  ")));
    }
    Line::from(spans)
}

/// Rows that are given away from both ends.
struct Rows(Rect);

impl Rows {
    const fn of(area: Rect) -> Self {
        Self(area)
    }

    const fn left(&self) -> u16 {
        self.0.height
    }

    fn take(&mut self, height: u16) -> Rect {
        let height = height.min(self.0.height);
        let taken = Rect { height, ..self.0 };
        self.0.y += height;
        self.0.height -= height;
        taken
    }

    fn take_bottom(&mut self, height: u16) -> Rect {
        let height = height.min(self.0.height);
        self.0.height -= height;
        Rect {
            y: self.0.y + self.0.height,
            height,
            ..self.0
        }
    }

    const fn rest(self) -> Rect {
        self.0
    }
}

#[cfg(test)]
mod tests;
