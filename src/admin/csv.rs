//! The statistics as CSV (HAProxy management manual, 9.1).

use std::borrow::Cow;

use super::{column::Column, snapshot::Snapshot};

/// The header, then one line for each row. The column `-` ends the fixed ones, as in HAProxy;
/// no module of ours adds more.
pub(crate) fn render(snapshot: &Snapshot) -> String {
    let mut out = String::from("# ");
    for column in Column::ALL {
        out.push_str(column.name());
        out.push(',');
    }
    out.push_str("-,\n");
    for row in snapshot.rows() {
        for (_, value) in row.values() {
            out.push_str(&quoted(&value.to_string()));
            out.push(',');
        }
        out.push_str("-,\n");
    }
    out
}

/// A field, between quotes if it would be ambiguous without.
fn quoted(field: &str) -> Cow<'_, str> {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\"")).into()
    } else {
        field.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ambiguous_fields_are_quoted() {
        assert_eq!(quoted("Layer4 check passed"), "Layer4 check passed");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("say \"no\""), "\"say \"\"no\"\"\"");
    }
}
