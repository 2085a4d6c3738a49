//! The statistics as text with types and tags (HAProxy management manual, 9.2).

use std::fmt::Write as _;

use super::snapshot::{Snapshot, Value};

/// One line for each value: `S.3.1.17.status.1:SGP:str:UP`.
pub(crate) fn render(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    for row in snapshot.rows() {
        let letter = &row.kind.word()[..1];
        for (column, value) in row.values() {
            let Some(kind) = type_word(value) else {
                continue;
            };
            let tags: String = column.tags(row.kind).letters().into_iter().collect();
            let (proxy, number) = (row.proxy, row.number);
            let (position, name) = (column.position(), column.name());
            // Writing to a string cannot fail.
            let _infallible = writeln!(
                out,
                "{letter}.{proxy}.{number}.{position}.{name}.1:{tags}:{kind}:{value}"
            );
        }
    }
    out
}

const fn type_word(value: &Value) -> Option<&'static str> {
    match value {
        Value::Empty => None,
        Value::Small(_) => Some("u32"),
        Value::Large(_) => Some("u64"),
        Value::Signed(_) => Some("s32"),
        Value::Text(_) => Some("str"),
    }
}
