//! Commands about maps, which no file can have: the converters that would name them are refused. Scripts
//! and libraries that ask all the same hear what HAProxy without maps says (HAProxy management guide, 9.3).

use pontoon_config::haproxy::model::Access;

use super::{
    answer::Answer,
    command::{Arguments, Command},
    show::Show,
    table::Row,
};

/// There is none of this name; also in answer to `show map`.
pub(super) const UNKNOWN: &str = "Unknown map identifier. Please use #<id> or <file>.";

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "add map",
        usage: "add map [@<ver>] <map> <key> <val>",
        what: "add a map entry (payload supported instead of key/val)",
        access: Access::Operator,
        parse: add,
    },
    Row {
        name: "clear map",
        usage: "clear map [@<ver>] <map>",
        what: "clear the contents of this map",
        access: Access::Operator,
        parse: clear,
    },
    Row {
        name: "commit map",
        usage: "commit map @<ver> <map>",
        what: "commit the map at this version",
        access: Access::Operator,
        parse: commit,
    },
    Row {
        name: "del map",
        usage: "del map <map> [<key>|#<ref>]",
        what: "delete map entries matching <key>",
        access: Access::Operator,
        parse: |arguments| {
            needs(
                arguments.words,
                2,
                "This command expects two parameters: map identifier and key.",
            )
        },
    },
    Row {
        name: "get map",
        usage: "get map <acl> <value>",
        what: "report the keys and values matching a sample for a map",
        access: Access::User,
        parse: |arguments| needs(arguments.words, 2, "Missing map identifier and/or key."),
    },
    Row {
        name: "prepare map",
        usage: "prepare map <acl>",
        what: "prepare a new version for atomic map replacement",
        access: Access::Operator,
        parse: |arguments| needs(arguments.words, 0, ""),
    },
    Row {
        name: "set map",
        usage: "set map <map> [<key>|#<ref>] <value>",
        what: "modify a map entry",
        access: Access::Operator,
        parse: |arguments| {
            needs(
                arguments.words,
                3,
                "'set map' expects three parameters: map identifier, key and value.",
            )
        },
    },
    Row {
        name: "show map",
        usage: "show map [@ver] [map]",
        what: "report available maps or dump a map's contents",
        access: Access::User,
        parse: |arguments| Ok(Command::Show(Show::Map(arguments.get(0).to_owned()))),
    },
];

/// With so many words it is about a map, and there is none.
fn needs(words: &[String], least: usize, else_said: &'static str) -> Result<Command, Answer> {
    let answer = if words.len() < least {
        else_said
    } else {
        UNKNOWN
    };
    Err(Answer::error(answer))
}

/// The words behind the version, if one is in front.
fn behind_version<'a>(arguments: &Arguments<'a>) -> (bool, &'a [String]) {
    match arguments.words.split_first() {
        Some((first, rest)) if first.starts_with('@') => (true, rest),
        _ => (false, arguments.words),
    }
}

fn add(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    let least = if arguments.payload.is_some() { 1 } else { 3 };
    needs(
        behind_version(arguments).1,
        least,
        "'add map' expects three parameters (map identifier, key and value) or one parameter (map identifier) and a payload",
    )
}

fn clear(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    needs(behind_version(arguments).1, 1, "Missing map identifier.")
}

fn commit(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    match behind_version(arguments) {
        (true, words) => needs(words, 1, "Missing map identifier."),
        (false, _) => Err(Answer::error("Missing version number.")),
    }
}
