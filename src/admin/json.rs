//! The statistics as JSON: one array for each row, one object for each value, with its tags
//! (HAProxy management manual, 9.2 and 9.3 `show stat json`).

use serde::Serialize;

use super::{
    column::{Column, Tags},
    snapshot::{Row, Snapshot, Value},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    obj_type: &'static str,
    proxy_id: u32,
    id: u32,
    field: Field,
    process_num: u32,
    tags: Tags,
    value: Typed<'a>,
}

#[derive(Serialize)]
struct Field {
    pos: usize,
    name: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "type", content = "value", rename_all = "lowercase")]
pub(super) enum Typed<'a> {
    U32(u32),
    U64(u64),
    S32(i32),
    Str(&'a str),
}

/// All rows.
///
/// # Errors
/// None in practice: nothing here can fail to be written as JSON.
pub(crate) fn render(snapshot: &Snapshot) -> Result<String, serde_json::Error> {
    let rows: Vec<Vec<Item<'_>>> = snapshot.rows().map(items).collect();
    serde_json::to_string(&rows)
}

fn items(row: &Row) -> Vec<Item<'_>> {
    row.values()
        .filter_map(|(column, value)| {
            Some(Item {
                obj_type: row.kind.word(),
                proxy_id: row.proxy,
                id: row.number,
                field: Field::of(column),
                process_num: 1,
                tags: column.tags(row.kind),
                value: Typed::of(value)?,
            })
        })
        .collect()
}

impl Field {
    const fn of(column: Column) -> Self {
        Self {
            pos: column.position(),
            name: column.name(),
        }
    }
}

impl<'a> Typed<'a> {
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Empty => None,
            Value::Small(number) => Some(Self::U32(*number)),
            Value::Large(number) => Some(Self::U64(*number)),
            Value::Signed(number) => Some(Self::S32(*number)),
            Value::Text(text) => Some(Self::Str(text)),
        }
    }
}

/// The JSON schema of [`render`]'s output.
pub(crate) fn schema() -> String {
    serde_json::json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "title": "Stat",
        "type": "array",
        "items": {"type": "array", "items": {
            "type": "object",
            "required": ["objType", "proxyId", "id", "field", "processNum", "tags", "value"],
            "properties": {
                "objType": {"enum": ["Frontend", "Backend", "Listener", "Server"]},
                "proxyId": {"type": "integer", "minimum": 0},
                "id": {"type": "integer", "minimum": 0},
                "field": {
                    "type": "object",
                    "required": ["pos", "name"],
                    "properties": {
                        "pos": {"type": "integer", "minimum": 0},
                        "name": {"type": "string"},
                    },
                },
                "processNum": {"type": "integer", "minimum": 1},
                "tags": {"type": "object", "required": ["origin", "nature", "scope"]},
                "value": {
                    "type": "object",
                    "required": ["type", "value"],
                    "properties": {"type": {"enum": ["u32", "u64", "s32", "str"]}},
                },
            },
        }},
    })
    .to_string()
}
