//! Result sets of the WebSocket API: small ones come at once, large ones are fetched.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{
    sql::Fault,
    tables::{Cell, Row, Rows},
};

/// Up to so many rows come with the answer to the statement.
const AT_ONCE: usize = 1000;

/// The result sets that a session has open.
#[derive(Debug, Default)]
pub(super) struct Open {
    count: u64,
    sets: HashMap<u64, Rows>,
}

impl Open {
    /// The answer to a statement with rows.
    pub(super) fn answer(&mut self, rows: Rows) -> Value {
        let columns: Vec<Value> = rows
            .columns
            .iter()
            .enumerate()
            .map(|(index, name)| json!({"name": name, "dataType": data_type(&rows, index)}))
            .collect();
        let mut set = json!({
            "numColumns": columns.len(),
            "numRows": rows.rows.len(),
            "numRowsInMessage": 0,
            "columns": columns,
        });
        if rows.rows.len() <= AT_ONCE {
            set["numRowsInMessage"] = json!(rows.rows.len());
            if !rows.rows.is_empty() {
                set["data"] = turned(&rows.rows, rows.columns.len());
            }
        } else {
            self.count += 1;
            set["resultSetHandle"] = json!(self.count);
            self.sets.insert(self.count, rows);
        }
        one(&json!({"resultType": "resultSet", "resultSet": set}))
    }

    /// `fetch`: rows from `start` on, about so many bytes of them.
    pub(super) fn fetch(&self, handle: u64, start: usize, bytes: usize) -> Result<Value, Fault> {
        let set = self.sets.get(&handle);
        let set = set.ok_or_else(|| Fault::new("00000", "there is no such result set"))?;
        let mut left = bytes;
        let rows: Vec<&Row> = set
            .rows
            .iter()
            .skip(start)
            .take_while(|row| {
                let enough = left == 0;
                left = left.saturating_sub(size(row));
                !enough
            })
            .collect();
        Ok(json!({"numRows": rows.len(), "data": turned(rows, set.columns.len())}))
    }

    /// `closeResultSet`.
    pub(super) fn close(&mut self, handles: &[Value]) {
        for handle in handles.iter().filter_map(Value::as_u64) {
            self.sets.remove(&handle);
        }
    }
}

/// The answer to a statement without rows.
pub(super) fn count(rows: usize) -> Value {
    one(&json!({"resultType": "rowCount", "rowCount": rows}))
}

fn one(result: &Value) -> Value {
    json!({"numResults": 1, "results": [result]})
}

fn data_type(rows: &Rows, column: usize) -> Value {
    match rows.rows.first().and_then(|row| row.get(column)) {
        Some(Cell::Number(_)) => json!({"type": "DECIMAL", "precision": 18, "scale": 0}),
        _ => json!({"type": "VARCHAR", "size": 2_000_000, "characterSet": "UTF8"}),
    }
}

/// Rows of columns as columns of rows, as the API has them.
fn turned<'a>(rows: impl IntoIterator<Item = &'a Row>, columns: usize) -> Value {
    let mut turned = vec![Vec::new(); columns];
    for row in rows {
        for (column, cell) in turned.iter_mut().zip(row) {
            column.push(match cell {
                Cell::Number(number) => json!(number),
                Cell::Text(text) => json!(text),
            });
        }
    }
    json!(turned)
}

fn size(row: &Row) -> usize {
    let cell = |cell: &Cell| match cell {
        Cell::Number(_) => 8,
        Cell::Text(text) => text.len(),
    };
    row.iter().map(cell).sum()
}
