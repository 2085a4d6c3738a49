//! Rows as CSV: what pyexasol writes (texts quoted, numbers bare), and what Exasol writes.

use super::tables::{Cell, Row};

/// Rows as text.
pub(super) fn write(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().map(cell).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) if text.contains(['"', ',', '\n']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Cell::Text(text) => text.clone(),
    }
}

/// Text as rows. `None`: a quote is not closed.
pub(super) fn read(text: &str) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    let mut row = Row::new();
    let mut letters = text.chars().peekable();
    while letters.peek().is_some() {
        let (cell, end) = if letters.next_if_eq(&'"').is_some() {
            (Cell::Text(quoted(&mut letters)?), letters.next())
        } else {
            bare(&mut letters)
        };
        row.push(cell);
        if end != Some(',') {
            rows.push(std::mem::take(&mut row));
        }
    }
    Some(rows)
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn quoted(letters: &mut Letters<'_>) -> Option<String> {
    let mut text = String::new();
    loop {
        match letters.next()? {
            '"' if letters.next_if_eq(&'"').is_none() => return Some(text),
            letter => text.push(letter),
        }
    }
}

fn bare(letters: &mut Letters<'_>) -> (Cell, Option<char>) {
    let mut text = String::new();
    let end = loop {
        match letters.next() {
            Some(letter) if letter != ',' && letter != '\n' => text.push(letter),
            end => break end,
        }
    };
    let cell = text.parse().map_or(Cell::Text(text), Cell::Number);
    (cell, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_the_way_there_and_back() {
        let rows = vec![
            vec![Cell::Number(1), Cell::Text("plain".into())],
            vec![Cell::Number(-2), Cell::Text("a \"b\", c\nd".into())],
            vec![Cell::Number(3), Cell::Text(String::new())],
        ];
        assert_eq!(read(&write(&rows)), Some(rows));
    }

    #[test]
    fn an_open_quote_is_an_error() {
        assert_eq!(read("1,\"x\n"), None);
    }
}
