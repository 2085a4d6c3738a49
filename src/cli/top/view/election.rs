//! The election: what `pontoon why master` says, as far as there is room.

use jiff::tz::TimeZone;
use ratatui_core::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget as _};

use super::{QUIET, take};
use crate::cli::{top::state::State, why::of_election};

pub(super) fn render(state: &State, area: Rect, buffer: &mut Buffer) {
    let mut rest = area;
    let election = state.reading.as_ref().and_then(|it| it.election.as_ref());
    let Some(election) = election else {
        let text = " this node runs no election, or it does not answer";
        return Line::styled(text, QUIET).render(take(&mut rest, 1), buffer);
    };
    for line in of_election(election, &TimeZone::system()).lines() {
        Line::from(format!(" {line}")).render(take(&mut rest, 1), buffer);
    }
}
