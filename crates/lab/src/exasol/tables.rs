//! What the database holds.

use std::collections::BTreeMap;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// `DECIMAL(18,0)`.
    Number(i64),
    /// `VARCHAR`.
    Text(String),
}

/// One cell a column.
pub(super) type Row = Vec<Cell>;

/// A result, or a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Rows {
    /// The names of the columns.
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Row>,
}

impl Rows {
    /// One value.
    pub(super) fn of(name: &str, number: i64) -> Self {
        Self {
            columns: vec![name.to_owned()],
            rows: vec![vec![Cell::Number(number)]],
        }
    }
}

/// All tables by name.
#[derive(Debug, Default)]
pub(super) struct Tables(BTreeMap<String, Rows>);

impl Tables {
    pub(super) fn create(&mut self, name: &str, columns: Vec<String>) {
        let table = Rows {
            columns,
            rows: Vec::new(),
        };
        self.0.insert(name.to_uppercase(), table);
    }

    pub(super) fn get(&self, name: &str) -> Option<&Rows> {
        self.0.get(&name.to_uppercase())
    }

    /// Adds rows. False: there is no such table, or it has other columns.
    pub(super) fn append(&mut self, name: &str, rows: Vec<Row>) -> bool {
        let Some(table) = self.0.get_mut(&name.to_uppercase()) else {
            return false;
        };
        let fits = rows.iter().all(|row| row.len() == table.columns.len());
        if fits {
            table.rows.extend(rows);
        }
        fits
    }

    pub(super) fn rows_of(&self, name: &str) -> Option<usize> {
        self.get(name).map(|table| table.rows.len())
    }
}
