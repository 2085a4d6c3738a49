//! A plan for people.

use std::fmt::Write as _;

use pontoon_config::{
    difference::{Change, ChangedSection, Difference},
    outline::Line,
};

use super::{
    Plan,
    effects::{Fate, Things},
};
use crate::counted::counted;

/// All of it.
pub(super) fn of(plan: &Plan) -> String {
    if !plan.changes {
        return "nothing would change\n".to_owned();
    }
    let mut out = String::new();
    if let Some(it) = plan.haproxy.as_ref().filter(|it| !it.lines.is_empty()) {
        out += "haproxy.cfg\n";
        fate(&mut out, "listener", &it.effects.listeners);
        fate(&mut out, "proxy", &it.effects.proxies);
        fate(&mut out, "server", &it.effects.servers);
        for (name, count) in &it.effects.orphans {
            let _ = writeln!(
                out,
                "  ! left to its end in the old process: {} of {name}",
                counted(*count, "session")
            );
        }
        lines(&mut out, &it.lines);
    }
    if let Some(it) = plan.keepalived.as_ref().filter(|it| !it.lines.is_empty()) {
        out += "keepalived.conf\n";
        fate(&mut out, "instance", &it.effects.instances);
        fate(&mut out, "address", &it.effects.addresses);
        fate(&mut out, "floating IP", &it.effects.floating_ips);
        lines(&mut out, &it.lines);
    }
    out
}

fn fate(out: &mut String, what: &str, fate: &Fate) {
    let mut things = |sign: char, things: &Things| {
        for (name, word) in things {
            let word = worded(word);
            let _ = writeln!(out, "  {sign} {what} {name}{word}");
        }
    };
    things('+', &fate.added);
    things('-', &fate.removed);
    for (name, turn) in &fate.changed {
        let (old, new) = (&turn.old, &turn.new);
        let _ = writeln!(out, "  ~ {what} {name}: {old} -> {new}");
    }
}

fn worded(word: &str) -> String {
    if word.is_empty() {
        String::new()
    } else {
        format!(" ({word})")
    }
}

fn lines(out: &mut String, difference: &Difference) {
    for section in &difference.changed {
        changed(out, section);
    }
    if !difference.inherits_changes.is_empty() {
        let names = difference.inherits_changes.join(", ");
        let _ = writeln!(out, "  inherits changes: {names}");
    }
    for (word, names) in [("new", &difference.added), ("gone", &difference.removed)] {
        if !names.is_empty() {
            let _ = writeln!(out, "  {word}: {}", names.join(", "));
        }
    }
    if !difference.unaffected.is_empty() {
        let _ = writeln!(out, "  unaffected: {}", difference.unaffected.join(", "));
    }
}

fn changed(out: &mut String, section: &ChangedSection) {
    let _ = writeln!(out, "  {}", section.section);
    for change in &section.changes {
        let text = match change {
            Change::Added { new } => format!("+ {new}  ({})", at(new)),
            Change::Removed { old } => format!("- {old}  (was {})", at(old)),
            Change::Changed { old, new } => format!("- {old}\n    + {new}  ({})", at(new)),
            Change::Reordered { keyword, new } => {
                format!(
                    "~ the order of `{keyword}` lines, from: {new}  ({})",
                    at(new)
                )
            }
        };
        let _ = writeln!(out, "    {text}");
    }
}

fn at(line: &Line) -> String {
    format!("{}:{}", line.location.file, line.location.line)
}
