//! Commands about lists of patterns: what is in them, and what is to be (HAProxy management guide, 9.3).

use std::fmt::Write as _;

use pontoon_config::haproxy::model::{Access, PatternList};

use super::{
    answer::Answer,
    change::Change,
    command::{Arguments, Command},
    show::Show,
    table::Row,
};
use crate::state::{
    Running,
    lists::{Edit, Refusal, Which},
};

/// What is to become of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AclChange {
    /// `#` and its number, or its file.
    list: String,
    order: AclOrder,
}

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
enum AclOrder {
    Edit(Edit),
    Prepare,
}

/// What is to be told of lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AclQuestion {
    /// `None`: which lists there are.
    list: Option<String>,
    /// The version; `None`: the current one.
    version: Option<u32>,
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "add acl",
        usage: "add acl [@<ver>] <acl> <pattern>",
        what: "add an acl entry",
        access: Access::Operator,
        parse: add,
    },
    Row {
        name: "clear acl",
        usage: "clear acl [@<ver>] <acl>",
        what: "clear the contents of this acl",
        access: Access::Operator,
        parse: clear,
    },
    Row {
        name: "commit acl",
        usage: "commit acl @<ver> <acl>",
        what: "commit the ACL at this version",
        access: Access::Operator,
        parse: commit,
    },
    Row {
        name: "del acl",
        usage: "del acl <acl> [<key>|#<ref>]",
        what: "delete acl entries matching <key>",
        access: Access::Operator,
        parse: delete,
    },
    Row {
        name: "prepare acl",
        usage: "prepare acl <acl>",
        what: "prepare a new version for atomic ACL replacement",
        access: Access::Operator,
        parse: prepare,
    },
    Row {
        name: "show acl",
        usage: "show acl [@<ver>] <acl>]",
        what: "report available acls or dump an acl's contents",
        access: Access::User,
        parse: show,
    },
];

/// The version in front, if one is, and the words behind it. What is no number counts as 0.
fn versioned<'a>(arguments: &Arguments<'a>) -> (Option<u32>, &'a [String]) {
    match arguments.words.split_first() {
        Some((first, rest)) if first.starts_with('@') => {
            (Some(first[1..].parse().unwrap_or(0)), rest)
        }
        _ => (None, arguments.words),
    }
}

fn change(list: &str, order: AclOrder) -> Command {
    Command::Change(Change::Acl(AclChange {
        list: list.to_owned(),
        order,
    }))
}

fn add(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    let (version, words) = versioned(arguments);
    let [list, pattern, ..] = words else {
        return Err(Answer::error(
            "'add acl' expects two parameters: ACL identifier and pattern.",
        ));
    };
    Ok(change(
        list,
        AclOrder::Edit(Edit::Add(version, pattern.clone())),
    ))
}

fn clear(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    let (version, words) = versioned(arguments);
    let [list, ..] = words else {
        return Err(Answer::error("Missing ACL identifier."));
    };
    Ok(change(list, AclOrder::Edit(Edit::Clear(version))))
}

fn commit(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    let (Some(version), words) = versioned(arguments) else {
        return Err(Answer::error("Missing version number."));
    };
    let list = words.first().map_or("", String::as_str);
    Ok(change(list, AclOrder::Edit(Edit::Commit(version))))
}

fn delete(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    let [list, key, ..] = arguments.words else {
        return Err(Answer::error(
            "This command expects two parameters: ACL identifier and key.",
        ));
    };
    let which = match key.strip_prefix('#') {
        // No entry has the number 0.
        Some(number) => Which::Number(reference(number).unwrap_or(0)),
        None => Which::Text(key.clone()),
    };
    Ok(change(list, AclOrder::Edit(Edit::Delete(which))))
}

/// An entry's number, as `show acl` writes it.
fn reference(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

fn prepare(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    Ok(change(arguments.get(0), AclOrder::Prepare))
}

fn show(arguments: &Arguments<'_>) -> Result<Command, Answer> {
    let (version, words) = versioned(arguments);
    let list = match words.first() {
        Some(list) => Some(list.clone()),
        None if version.is_some() => Some(String::new()),
        None => None,
    };
    Ok(Command::Show(Show::Acl(AclQuestion { list, version })))
}

impl AclChange {
    pub(super) fn answer(self, running: &Running) -> Answer {
        match self.apply(running) {
            Ok(answer) => answer,
            Err(refusal) => Answer::error(refusal.to_string()),
        }
    }

    fn apply(self, running: &Running) -> Result<Answer, Refusal> {
        let (at, list) = find(running, &self.list).ok_or(Refusal::NoSuchList)?;
        match self.order {
            AclOrder::Edit(edit) => {
                running.lists.edit(at, list, edit)?;
                Ok(Answer::Done)
            }
            AclOrder::Prepare => {
                let version = running.lists.prepare(at, list);
                let version = version.ok_or(Refusal::NoSuchList)?;
                Ok(Answer::info(format!("New version created: {version}")))
            }
        }
    }
}

impl AclQuestion {
    pub(super) fn answer(&self, running: &Running) -> Answer {
        let Some(name) = &self.list else {
            return overview(running);
        };
        match find(running, name) {
            Some((at, list)) => {
                let entries = running.lists.entries(at, list, self.version);
                let lines = entries.iter().fold(String::new(), |mut lines, entry| {
                    // Writing to a string cannot fail.
                    let _infallible = writeln!(lines, "{:#x} {}", entry.number, entry.text);
                    lines
                });
                Answer::Text(lines)
            }
            None => Answer::error(Refusal::NoSuchList.to_string()),
        }
    }
}

/// The list of this name and its place: `#` and its number, or its file.
fn find<'r>(running: &'r Running, name: &str) -> Option<(usize, &'r PatternList)> {
    let mut lists = running.model.pattern_lists.iter().enumerate();
    match name.strip_prefix('#') {
        Some(id) => {
            let id: u32 = id.parse().ok()?;
            lists.find(|(_, list)| list.id == id)
        }
        None => lists.find(|(_, list)| list.file.as_deref() == Some(name)),
    }
}

fn overview(running: &Running) -> Answer {
    let mut lists: Vec<_> = running.model.pattern_lists.iter().enumerate().collect();
    lists.sort_by_key(|(_, list)| list.id);
    let mut lines = String::from("# id (file) description\n");
    for (at, list) in lists {
        let Some(versions) = running.lists.versions(at, list) else {
            continue;
        };
        // Writing to a string cannot fail.
        let _infallible = writeln!(
            lines,
            "{} ({}) {}. curr_ver={} next_ver={} entry_cnt={}",
            list.id,
            list.file.as_deref().unwrap_or_default(),
            description(list),
            versions.current,
            versions.next,
            versions.entries,
        );
    }
    Answer::Text(lines)
}

fn description(list: &PatternList) -> String {
    let Some(file) = &list.file else {
        let uses = list.uses.iter().map(|used| {
            let (file, line) = (&used.at.file, used.at.line);
            format!("acl '{}' file '{file}' line {line}", used.criterion)
        });
        return uses.collect::<Vec<_>>().join(", ");
    };
    let uses = list.uses.iter().map(|used| {
        let (file, line) = (&used.at.file, used.at.line);
        format!("by acl at file '{file}' line {line}")
    });
    let uses = uses.collect::<Vec<_>>().join(", ");
    format!("pattern loaded from file '{file}' used {uses}")
}
