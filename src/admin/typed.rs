//! The statistics as text with types and tags (HAProxy management manual, 9.2).

use std::fmt::Write as _;

use super::snapshot::Snapshot;

/// One line for each value: `S.3.1.17.status.1:SGP:str:UP`; with what it means between quotes, if that
/// is wanted.
pub(crate) fn render(snapshot: &Snapshot, described: bool) -> String {
    let mut out = String::new();
    for row in snapshot.rows() {
        let letter = &row.kind.word()[..1];
        for (column, value) in row.values() {
            let Some(kind) = value.type_word() else {
                continue;
            };
            let tags: String = column.tags(row.kind).letters().into_iter().collect();
            let (proxy, number) = (row.proxy, row.number);
            let (position, name) = (column.position(), column.name());
            // Writing to a string cannot fail.
            let _infallible = write!(
                out,
                "{letter}.{proxy}.{number}.{position}.{name}.1:{tags}:{kind}:{value}"
            );
            if described {
                let _infallible = write!(out, ":\"{}\"", column.what());
            }
            out.push('\n');
        }
    }
    out
}
