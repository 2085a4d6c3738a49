//! What stands on the screen, as far as there is room.

mod election;
mod servers;
mod sessions;

use ratatui_core::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Style},
    text::{Line, Span},
    widgets::Widget as _,
};

use super::state::{Asking, State, Tab};

const GOOD: Style = Style::new().fg(Color::Green);
const BAD: Style = Style::new().fg(Color::Red).bold();
const DOUBT: Style = Style::new().fg(Color::Yellow);
const QUIET: Style = Style::new().dim();
const KEY: Style = Style::new().fg(Color::Yellow);
const HEAD: Style = Style::new().bold().underlined();
const CURSOR: Style = Style::new().reversed();

/// Draws everything.
pub(super) fn render(state: &mut State, area: Rect, buffer: &mut Buffer) {
    let mut rest = area;
    title(state).render(take(&mut rest, 1), buffer);
    if area.height > 6 {
        figures(state).render(take(&mut rest, 1), buffer);
        mastership(state).render(take(&mut rest, 1), buffer);
    }
    let bottom = Rect {
        y: rest.y + rest.height.saturating_sub(1),
        height: rest.height.min(1),
        ..rest
    };
    rest.height = rest.height.saturating_sub(1);
    match state.tab {
        Tab::Servers => servers::render(state, rest, buffer),
        Tab::Sessions => sessions::render(state, rest, buffer),
        Tab::Election => election::render(state, rest, buffer),
    }
    foot(state).render(bottom, buffer);
}

fn take(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    let taken = Rect { height, ..*rest };
    rest.y += height;
    rest.height -= height;
    taken
}

fn title(state: &State) -> Line<'static> {
    let mut spans = vec![Span::styled(
        " pontoon top ",
        Style::new().bold().reversed(),
    )];
    for (number, tab) in (1..).zip(Tab::ALL) {
        let style = if tab == state.tab { HEAD } else { QUIET };
        spans.push(Span::raw("  "));
        spans.push(Span::styled(format!("{number} {}", tab.name()), style));
    }
    Line::from(spans)
}

fn figures(state: &State) -> Line<'static> {
    let Some(reading) = &state.reading else {
        return Line::from(" looking …");
    };
    if let Some(problem) = &reading.problem {
        return Line::styled(format!(" {problem}"), BAD);
    }
    let value = |name: &str| reading.info.get(name).map_or("-", String::as_str);
    Line::from(format!(
        " sessions {} of {}  rate {}/s  requests in queue {}  up {}",
        value("CurrConns"),
        value("Maxconn"),
        value("ConnRate"),
        queued(state),
        value("Uptime"),
    ))
}

fn queued(state: &State) -> u64 {
    let rows = state.rows().into_iter();
    let backends = rows.filter(|row| row.kind == super::table::Kind::Backend);
    backends.filter_map(|row| row.number("qcur")).sum()
}

/// Every virtual router in a few words.
fn mastership(state: &State) -> Line<'static> {
    let election = state.reading.as_ref().and_then(|it| it.election.as_ref());
    let Some(election) = election else {
        return Line::styled(" no election", QUIET);
    };
    let mut spans = Vec::new();
    for it in &election.instances {
        let style = role_style(&it.role);
        spans.push(Span::raw(format!(" {} ", it.name)));
        spans.push(Span::styled(it.role.clone(), style));
        if let Some(master) = it.master {
            spans.push(Span::raw(format!(" (master {master})")));
        }
        for address in &it.floating_ips {
            let seen = address
                .seen
                .as_ref()
                .map_or("unknown", |it| it.place.as_str());
            let alarm = address.alarm.is_some();
            let style = if alarm { BAD } else { Style::new() };
            let text = format!("  {}: {seen}", address.address);
            spans.push(Span::styled(text, style));
        }
        spans.push(Span::raw(" "));
    }
    Line::from(spans)
}

fn role_style(role: &str) -> Style {
    match role {
        "MASTER" => GOOD,
        "FAULT" => BAD,
        "BACKUP" => Style::new(),
        _ => DOUBT,
    }
}

fn foot(state: &State) -> Line<'static> {
    match &state.asking {
        Asking::Sure(command) => {
            let question = Span::styled(format!(" {command} "), DOUBT.bold());
            Line::from(vec![
                question,
                Span::raw("- sure? y: yes, any other key: no"),
            ])
        }
        Asking::Weight(server, digits) => {
            Line::styled(format!(" weight of {server}: {digits}_"), DOUBT.bold())
        }
        Asking::Nothing => match &state.message {
            Some(message) => Line::styled(format!(" {message}"), DOUBT),
            None => legend(state.tab),
        },
    }
}

fn legend(tab: Tab) -> Line<'static> {
    let keys: &[(&str, &str)] = match tab {
        Tab::Servers => &[
            ("q", "quit"),
            ("jk", "move"),
            ("e", "enable"),
            ("d", "drain"),
            ("m", "maint"),
            ("w", "weight"),
            ("x", "end sessions"),
            ("s", "sort"),
            ("r", "reverse"),
        ],
        Tab::Sessions => &[
            ("q", "quit"),
            ("jk", "move"),
            ("x", "end session"),
            ("s", "sort"),
            ("r", "reverse"),
        ],
        Tab::Election => &[("q", "quit"), ("tab", "next page")],
    };
    let mut spans = Vec::new();
    for (key, what) in keys {
        spans.push(Span::styled(format!(" {key}"), KEY));
        spans.push(Span::raw(format!(" {what} ")));
    }
    Line::from(spans)
}

/// The rows of a list that fit, and the cursor among them.
fn list(
    state: &mut State,
    head: Line<'static>,
    lines: Vec<Line<'static>>,
    area: Rect,
    buffer: &mut Buffer,
) {
    let mut rest = area;
    head.render(take(&mut rest, 1), buffer);
    state.scroll(usize::from(rest.height));
    let cursor = state.position();
    let shown = lines.into_iter().enumerate().skip(state.first);
    for (at, line) in shown.take(usize::from(rest.height)) {
        let row = take(&mut rest, 1);
        line.render(row, buffer);
        if cursor == Some(at) {
            buffer.set_style(row, CURSOR);
        }
    }
}

/// Text in a column of this width.
fn fitted(text: &str, width: usize, right: bool) -> String {
    let cut: String = text.chars().take(width).collect();
    if right {
        format!("{cut:>width$}")
    } else {
        format!("{cut:<width$}")
    }
}

/// `4711`, `12k`, `3.4M`.
#[expect(
    clippy::cast_precision_loss,
    reason = "three digits are shown, and no counter of bytes comes near the 53rd bit"
)]
fn short(number: u64) -> String {
    scaled(number as f64)
}

/// The same, of a fraction.
fn scaled(number: f64) -> String {
    const UNITS: [(f64, &str); 4] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")];
    for (size, unit) in UNITS {
        if number >= size {
            let scale = if unit == "k" { 1e3 } else { size };
            let value = number / scale;
            let digits = usize::from(value < 10.0);
            return format!("{value:.digits$}{unit}");
        }
    }
    format!("{number:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::top::state::tests::state;

    fn drawn(state: &mut State, width: u16, height: u16) -> Vec<String> {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        render(state, area, &mut buffer);
        let row = |y| {
            let cells = (0..width).filter_map(|x| buffer.cell((x, y)));
            let text: String = cells.map(ratatui_core::buffer::Cell::symbol).collect();
            text.trim_end().to_owned()
        };
        (0..height).map(row).collect()
    }

    #[test]
    fn a_usual_terminal_shows_proxies_and_their_servers() {
        let shown = drawn(&mut state(), 80, 12);
        let expected = [
            " pontoon top   1 servers  2 sessions  3 election",
            " sessions 3 of -  rate 12/s  requests in queue 0  up 0d 0h00m05s",
            " no election",
            " NAME                STATUS       SESS   MAX  RATE QUEUE WGHT    IN/s   OUT/s",
            " fe  frontend        OPEN            3     9    12                           ",
            " be  backend         UP              2     9     7     0    1                ",
            "   s1                UP              2     5     7     0    1                ",
            "   s2                DOWN 1/2        0     4     0     0    1                ",
        ];
        for (line, expected) in shown.iter().zip(expected) {
            assert_eq!(line, expected.trim_end());
        }
        assert!(
            shown[11].starts_with(" q quit  jk move  e enable  d drain"),
            "{shown:?}"
        );
    }

    #[test]
    fn a_small_one_shows_what_matters_most() {
        let shown = drawn(&mut state(), 34, 5);
        assert_eq!(shown[1], " NAME                STATUS");
        assert!(shown[2].contains("frontend"), "{shown:?}");
        for (width, height) in [(0, 0), (1, 1), (7, 2), (200, 3)] {
            drawn(&mut state(), width, height);
        }
    }

    #[test]
    fn the_question_stands_at_the_bottom() {
        let mut state = state();
        state.asking = Asking::Sure("set server be/s1 state drain".into());
        let shown = drawn(&mut state, 80, 10);
        assert_eq!(
            shown[9],
            " set server be/s1 state drain - sure? y: yes, any other key: no"
        );
        state.asking = Asking::Weight("be/s1".into(), "12".into());
        assert_eq!(drawn(&mut state, 80, 10)[9], " weight of be/s1: 12_");
    }

    #[test]
    fn sessions_have_a_page() {
        let mut state = state();
        state.tab = Tab::Sessions;
        let shown = drawn(&mut state, 100, 10);
        let expected = [
            " CLIENT                SERVER             AGE*   IDLE     IN    OUT  STATE        FRONTEND",
            " 10.0.0.7:2            be/-                 2m     0s      0      7  queued       fe",
            " 10.0.0.9:1            be/s1             1m37s     4s    12k      7  established  fe",
        ];
        assert_eq!(shown[3..6], expected);
    }

    #[test]
    fn trouble_is_said_instead_of_figures() {
        let mut state = state();
        if let Some(reading) = &mut state.reading {
            reading.problem = Some("no node listens".into());
        }
        assert_eq!(drawn(&mut state, 80, 10)[1], " no node listens");
    }

    #[test]
    fn large_numbers_are_short() {
        let cases = [
            (0, "0"),
            (9999, "9999"),
            (12_345, "12k"),
            (3_400_000, "3.4M"),
        ];
        for (number, wanted) in cases {
            assert_eq!(short(number), wanted);
        }
        assert_eq!(short(5_000_000_000), "5.0G");
    }
}
