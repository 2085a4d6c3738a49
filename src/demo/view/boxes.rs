//! The boxes of the picture and what is between them.
//!
//! ```text
//! ┌─ clients ───────┐     ┌─ node 1  10.0.1.207 ───[1]─┐    ┌─ databases ────────┐
//! │                 │────►│ MASTER …                   │───►│ 10.0.1.11 up   [a] │
//! ```

use std::time::Duration;

use ratatui_core::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    symbols::border,
    text::{Line, Span},
    widgets::Widget as _,
};

use super::{ADDRESS, BAD, DOUBT, GOOD, KEY, QUIET};
use crate::demo::{
    deed::{DatabaseId, NodeId, Power},
    input,
    picture::{Node, Picture, Role},
    place,
};

/// Rows of the whole.
pub(super) const HEIGHT: u16 = 13;

/// Where things stand, from the upper left corner.
const CLIENTS: Rect = Rect::new(0, 1, 19, 5);
const CLOUD: Rect = Rect::new(0, 8, 19, 5);
const NODES: [Rect; 2] = [Rect::new(24, 1, 30, 5), Rect::new(24, 8, 30, 5)];
const DATABASES: Rect = Rect::new(58, 4, 22, 5);
/// The column in which the way of a connection turns from the clients to a node.
const TURN: u16 = 21;
/// The row in which it leaves the clients.
const WAY_OUT: u16 = 3;

/// What is shorter would only flicker.
const SEEN: Duration = Duration::from_millis(100);

/// Draws the picture; `area` has room for it.
pub(super) fn render(picture: &Picture, area: Rect, buffer: &mut Buffer) {
    let mut canvas = Canvas { area, buffer };
    clients(picture, &mut canvas);
    cloud(picture, &mut canvas);
    for node in NodeId::BOTH {
        self::node(picture, node, &mut canvas);
    }
    link(picture, &mut canvas);
    databases(picture, &mut canvas);
    way_in(picture, &mut canvas);
    way_on(picture, &mut canvas);
}

/// The same in words, where there is no room for boxes.
pub(super) fn summary(picture: &Picture) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(vec![
        Span::raw(format!(" {} ", place::FLOATING)),
        holder(picture),
        Span::raw(format!(", {} connections a second", picture.service.rate())),
    ])];
    for id in NodeId::BOTH {
        let node = picture.node(id);
        let mut spans = vec![Span::raw(format!(" {id} ")), role(node), Span::raw(" ")];
        spans.extend(servers(node));
        lines.push(Line::from(spans));
    }
    lines
}

/// Draws with coordinates of the picture.
struct Canvas<'a> {
    area: Rect,
    buffer: &'a mut Buffer,
}

impl Canvas<'_> {
    fn text(&mut self, x: u16, y: u16, text: &str, style: Style) {
        let (x, y) = (self.area.x + x, self.area.y + y);
        self.buffer.set_string(x, y, text, style);
    }

    fn line(&mut self, x: u16, y: u16, width: u16, line: Line<'_>) {
        let area = Rect::new(self.area.x + x, self.area.y + y, width, 1);
        line.render(area, self.buffer);
    }

    /// A frame with a title and, at its right, a key.
    fn frame(&mut self, place: Rect, title: &str, key: Option<char>, style: Style) {
        let set = border::PLAIN;
        let inner = usize::from(place.width) - 2;
        let (right, bottom) = (place.x + place.width - 1, place.y + place.height - 1);
        let (top, floor) = (
            set.horizontal_top.repeat(inner),
            set.horizontal_bottom.repeat(inner),
        );
        let top = format!("{}{top}{}", set.top_left, set.top_right);
        let floor = format!("{}{floor}{}", set.bottom_left, set.bottom_right);
        self.text(place.x, place.y, &top, style);
        self.text(place.x, bottom, &floor, style);
        for y in place.y + 1..bottom {
            self.text(place.x, y, set.vertical_left, style);
            self.text(right, y, set.vertical_right, style);
        }
        self.text(
            place.x + 2,
            place.y,
            &format!(" {title} "),
            Style::new().bold(),
        );
        if let Some(key) = key {
            self.text(right - 5, place.y, &format!("[{key}]"), KEY);
        }
    }

    /// A row inside a frame, and a key at its right.
    fn row(&mut self, place: Rect, row: u16, line: Line<'_>, key: Option<char>) {
        let width = place.width - 4;
        self.line(place.x + 2, place.y + 1 + row, width, line);
        if let Some(key) = key {
            let x = place.x + place.width - 5;
            self.text(x, place.y + 1 + row, &format!("[{key}]"), KEY);
        }
    }
}

fn clients(picture: &Picture, canvas: &mut Canvas<'_>) {
    canvas.frame(CLIENTS, "clients", None, Style::new());
    let (word, style) = match (outage(picture), picture.service.interruption()) {
        (Some(_), _) => ("are not served", BAD),
        (None, Some(_)) => ("some fail", DOUBT),
        (None, None) if picture.service.rate() > 0 => ("are served", GOOD),
        (None, None) => ("begin", QUIET),
    };
    let rate = format!("{} connections", picture.service.rate());
    canvas.row(CLIENTS, 0, Line::from(rate), None);
    canvas.row(CLIENTS, 1, Line::from("a second"), None);
    canvas.row(CLIENTS, 2, Line::styled(word, style), None);
}

/// For how long nobody has been served, if that is long enough to be seen.
pub(super) fn outage(picture: &Picture) -> Option<Duration> {
    picture.service.out_for().filter(|out| *out >= SEEN)
}

fn cloud(picture: &Picture, canvas: &mut Canvas<'_>) {
    canvas.frame(CLOUD, "EC2", None, Style::new());
    let state = on_off(picture.api == Power::On, "up", "down");
    let line = Line::from(vec![Span::raw("API "), state]);
    canvas.row(CLOUD, 0, line, Some(input::API));
    let calls = picture.calls;
    let text = format!("calls: {}", calls.total());
    canvas.row(CLOUD, 1, Line::from(text), None);
    let text = format!("moves: {}", picture.moves);
    canvas.row(CLOUD, 2, Line::from(text), None);
    canvas.text(1, 6, &place::FLOATING.to_string(), ADDRESS);
    canvas.line(
        1,
        7,
        18,
        Line::from(vec![Span::raw("leads to "), holder(picture)]),
    );
}

fn holder(picture: &Picture) -> Span<'static> {
    match picture.holder {
        Some(node) => Span::styled(node.to_string(), ADDRESS),
        None => Span::styled("nobody", BAD),
    }
}

fn node(picture: &Picture, id: NodeId, canvas: &mut Canvas<'_>) {
    let place = NODES[id.index()];
    let node = picture.node(id);
    let style = match node.role {
        Role::Master => GOOD,
        _ if !node.on => QUIET,
        _ => Style::new(),
    };
    let title = format!("{id}  {}", place::node(id));
    canvas.frame(place, &title, Some(input::power(id)), style);
    let mut spans = vec![role(node)];
    if node.alarm {
        let has_it = picture.holder == Some(id);
        let what = if has_it { "unverified" } else { "no address" };
        spans.push(Span::styled(format!("  ALARM: {what}"), BAD));
    }
    canvas.row(place, 0, Line::from(spans), None);
    if node.on {
        let proxy = on_off(node.proxy, "runs", "is gone");
        let line = Line::from(vec![Span::raw("proxy "), proxy]);
        canvas.row(place, 1, line, Some(input::proxy(id)));
        canvas.row(place, 2, Line::from(servers(node)), None);
    }
}

fn role(node: &Node) -> Span<'static> {
    let style = match node.role {
        Role::Master => GOOD.bold(),
        Role::Fault => BAD,
        _ => Style::new(),
    };
    if node.on {
        Span::styled(node.role.to_string(), style)
    } else {
        Span::styled("without power", BAD)
    }
}

/// `databases 11 12 13`, each in the colour of what the proxy believes.
fn servers(node: &Node) -> Vec<Span<'static>> {
    let mut spans = vec![Span::raw("sees")];
    for (database, believed) in DatabaseId::ALL.into_iter().zip(node.servers) {
        let last = place::database(database).octets()[3];
        let (sign, style) = match believed {
            Some(true) => ("✓", GOOD),
            Some(false) => ("✗", BAD),
            None => ("?", QUIET),
        };
        spans.push(Span::styled(format!(" .{last} {sign}"), style));
    }
    spans
}

fn link(picture: &Picture, canvas: &mut Canvas<'_>) {
    let (text, style) = match picture.link {
        Power::On => ("│ VRRP ", Style::new()),
        Power::Off => ("╳ cut  ", BAD),
    };
    for y in 6..8 {
        canvas.text(NODES[0].x + 4, y, text, style);
    }
    let key = format!("[{}]", input::LINK);
    canvas.text(NODES[0].x + 11, 6, &key, KEY);
    canvas.text(NODES[0].x + 4, 7, "│", style);
    canvas.text(NODES[0].x + 5, 7, "      ", style);
}

fn databases(picture: &Picture, canvas: &mut Canvas<'_>) {
    canvas.frame(DATABASES, "databases", None, Style::new());
    for id in DatabaseId::ALL {
        let row = u16::try_from(id.0).unwrap_or(0);
        let state = on_off(picture.databases[id.0], "up", "dead");
        let address = Span::raw(format!("{} ", place::database(id)));
        let line = Line::from(vec![address, state]);
        canvas.row(DATABASES, row, line, Some(input::database(id)));
    }
}

/// From the clients to the node that has the address.
fn way_in(picture: &Picture, canvas: &mut Canvas<'_>) {
    let start = CLIENTS.x + CLIENTS.width;
    let style = match outage(picture) {
        Some(_) => BAD,
        None => ADDRESS,
    };
    let Some(holder) = picture.holder else {
        canvas.text(start, WAY_OUT, "──?", BAD);
        return;
    };
    let end = NODES[holder.index()].y + 2;
    if end == WAY_OUT {
        canvas.text(start, WAY_OUT, "────►", style);
        return;
    }
    canvas.text(start, WAY_OUT, "──┐", style);
    for y in WAY_OUT + 1..end {
        canvas.text(TURN, y, "│", style);
    }
    canvas.text(TURN, end, "└─►", style);
}

/// From that node to the databases.
fn way_on(picture: &Picture, canvas: &mut Canvas<'_>) {
    let serving = picture.holder.filter(|id| picture.node(*id).proxy);
    let Some(id) = serving else { return };
    let place = NODES[id.index()];
    let (from, y) = (place.x + place.width, place.y + 2);
    let target = DATABASES.y + 2;
    canvas.text(from, y, if y < target { "─┐" } else { "─┘" }, ADDRESS);
    let between = if y < target {
        y + 1..target
    } else {
        target + 1..y
    };
    for y in between {
        canvas.text(from + 1, y, "│", ADDRESS);
    }
    let corner = if y < target { "└─►" } else { "┌─►" };
    canvas.text(from + 1, target, corner, ADDRESS);
}

fn on_off(on: bool, yes: &'static str, no: &'static str) -> Span<'static> {
    if on {
        Span::styled(yes, GOOD)
    } else {
        Span::styled(no, BAD)
    }
}
