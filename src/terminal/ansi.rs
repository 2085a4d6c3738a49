//! Cells as the escape codes of ECMA-48, which every terminal of today understands.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use pontoon_sys::terminal;
use ratatui_core::{
    backend::{Backend, ClearType, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
    style::{Color, Modifier},
};

/// Writes to standard output, all of a picture at once.
#[derive(Debug)]
pub(super) struct Ansi {
    pending: String,
    colour: bool,
}

impl Ansi {
    /// Without colours if `NO_COLOR` is set (<https://no-color.org>).
    pub(super) fn new() -> Self {
        Self {
            pending: String::new(),
            colour: std::env::var_os("NO_COLOR").is_none(),
        }
    }

    fn push(&mut self, code: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _written = self.pending.write_fmt(code);
    }

    fn move_to(&mut self, x: u16, y: u16) {
        let (row, column) = (u32::from(y) + 1, u32::from(x) + 1);
        self.push(format_args!("\x1b[{row};{column}H"));
    }

    fn style(&mut self, look: Look) {
        self.pending.push_str("\x1b[0");
        for (modifier, code) in MODIFIERS {
            if look.modifier.contains(modifier) {
                self.push(format_args!(";{code}"));
            }
        }
        if self.colour {
            self.colour(look.front, 30);
            self.colour(look.back, 40);
        }
        self.pending.push('m');
    }

    /// `base` is 30 for the foreground, 40 for the background.
    fn colour(&mut self, colour: Color, base: u8) {
        let extended = base + 8;
        match colour {
            Color::Reset => {}
            Color::Indexed(number) => self.push(format_args!(";{extended};5;{number}")),
            Color::Rgb(red, green, blue) => {
                self.push(format_args!(";{extended};2;{red};{green};{blue}"));
            }
            named => {
                let number = BASIC.iter().zip(0..).find(|(one, _)| **one == named);
                let number: u8 = number.map_or(0, |(_, number)| number);
                // The bright half stands 60 further on.
                let code = if number < 8 {
                    base + number
                } else {
                    base + 52 + number
                };
                self.push(format_args!(";{code}"));
            }
        }
    }
}

/// In the order of their numbers.
const BASIC: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

const MODIFIERS: [(Modifier, u8); 5] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::REVERSED, 7),
];

/// What a cell looks like, apart from its character.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    front: Color,
    back: Color,
    modifier: Modifier,
}

impl Backend for Ansi {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut place = None;
        let mut look = None;
        for (x, y, cell) in content {
            if place != Some((x, y)) {
                self.move_to(x, y);
            }
            let wanted = Look {
                front: cell.fg,
                back: cell.bg,
                modifier: cell.modifier,
            };
            if look.replace(wanted) != Some(wanted) {
                self.style(wanted);
            }
            self.pending.push_str(cell.symbol());
            place = Some((x.saturating_add(1), y));
        }
        self.pending.push_str("\x1b[0m");
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.pending.push_str("\x1b[?25l");
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.pending.push_str("\x1b[?25h");
        Ok(())
    }

    /// The cursor is never shown, so that where it is does not matter.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let Position { x, y } = position.into();
        self.move_to(x, y);
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, part: ClearType) -> io::Result<()> {
        self.pending.push_str(match part {
            ClearType::All => "\x1b[2J",
            ClearType::AfterCursor => "\x1b[0J",
            ClearType::BeforeCursor => "\x1b[1J",
            ClearType::CurrentLine => "\x1b[2K",
            ClearType::UntilNewLine => "\x1b[0K",
        });
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        let (columns, rows) = terminal::size()?;
        Ok(Size::new(columns, rows))
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: self.size()?,
            pixels: Size::ZERO,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(self.pending.as_bytes())?;
        self.pending.clear();
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use ratatui_core::style::Style;

    use super::*;

    fn drawn(cells: &[(u16, u16, Cell)], colour: bool) -> String {
        let mut ansi = Ansi {
            pending: String::new(),
            colour,
        };
        let cells = cells.iter().map(|(x, y, cell)| (*x, *y, cell));
        ansi.draw(cells).unwrap();
        ansi.pending
    }

    fn cell(symbol: &'static str, style: Style) -> Cell {
        let mut cell = Cell::new(symbol);
        cell.set_style(style);
        cell
    }

    #[test]
    fn neighbours_of_one_look_are_written_in_one_go() {
        let green = Style::new().fg(Color::Green);
        let cells = [
            (2, 0, cell("a", green)),
            (3, 0, cell("b", green)),
            (0, 1, cell("c", green.bold())),
        ];
        assert_eq!(
            drawn(&cells, true),
            "\x1b[1;3H\x1b[0;32mab\x1b[2;1H\x1b[0;1;32mc\x1b[0m"
        );
    }

    #[test]
    fn without_colours_the_rest_stays() {
        let style = Style::new().fg(Color::Red).bold();
        assert_eq!(
            drawn(&[(0, 0, cell("x", style))], false),
            "\x1b[1;1H\x1b[0;1mx\x1b[0m"
        );
    }

    #[test]
    fn every_kind_of_colour_has_its_code() {
        let code = |colour| drawn(&[(0, 0, cell("x", Style::new().fg(colour)))], true);
        assert!(code(Color::DarkGray).contains("\x1b[0;90m"));
        assert!(code(Color::White).contains("\x1b[0;97m"));
        assert!(code(Color::Indexed(200)).contains("\x1b[0;38;5;200m"));
        assert!(code(Color::Rgb(1, 2, 3)).contains("\x1b[0;38;2;1;2;3m"));
        assert!(code(Color::Reset).contains("\x1b[0m"));
    }
}
