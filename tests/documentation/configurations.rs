//! Configurations in pages and examples: `pontoon check` finds nothing wrong with them.
//!
//! A block tagged `haproxy` or `keepalived` is a whole file. Both under one heading are a pair, and are
//! checked together. `part` behind the tag: whole sections, to which the rest of a file is added here.
//! `lines`: lines of one section. `wrong`: there is something wrong with it, and the `text` under the
//! same heading is what `pontoon check` says.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use pontoon_lab::temp::TempDir;

use super::{
    ROOT,
    fences::{Fence, fences, of_page},
    none, shown,
};
use crate::harness::{Failure, Outcome, pontoon};

const PROXY: &str = "haproxy.cfg";
const ELECTION: &str = "keepalived.conf";
/// What a part of a file needs to be one.
const BEFORE: &str = "global\n    log stdout format raw local0\n\
    defaults\n    log global\n    mode tcp\n    timeout connect 5s\n    timeout client 1h\n    timeout server 1h\n";
const LISTEN: &str = "listen frame\n    bind :65000\n    server frame 127.0.0.1:65001 check\n    \
    timeout connect 5s\n    timeout client 1h\n    timeout server 1h\n";
const INSTANCE: &str = "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    priority 101\n    \
    advert_int 1\n    unicast_src_ip 10.0.0.2\n    unicast_peer {\n        10.0.0.3\n    }\n";

/// Files that belong together, by name.
type Files = Vec<(&'static str, String)>;

/// Blocks of pages.
pub(super) fn of_pages() -> Outcome {
    let fences = fences()?;
    let mut problems = Vec::new();
    let mut seen = 0;
    for fence in &fences {
        if let Some(files) = files_of(fence, &fences) {
            seen += 1;
            problems.extend(complaint(fence, &files, &fences)?);
        }
    }
    if seen < 10 {
        return Err(format!("only {seen} configurations were found").into());
    }
    none(&problems)
}

/// What is checked for this block: itself, with what it needs, and its counterpart.
fn files_of(fence: &Fence, all: &[Fence]) -> Option<Files> {
    let text = &fence.text;
    let frame = |word| fence.says(word);
    match fence.tag.as_str() {
        "haproxy" if frame("lines") => Some(vec![(PROXY, format!("{BEFORE}{LISTEN}{text}"))]),
        "haproxy" if frame("part") => Some(vec![(PROXY, format!("{BEFORE}{text}{LISTEN}"))]),
        "keepalived" if frame("lines") => Some(vec![(ELECTION, format!("{INSTANCE}{text}}}\n"))]),
        "haproxy" => Some(vec![(PROXY, text.clone())]),
        "keepalived" => {
            let mut beside = all.iter().filter(|other| together(fence, other));
            let proxy = beside.next_back().map(|other| (PROXY, other.text.clone()));
            let election = Some((ELECTION, text.clone()));
            Some(proxy.into_iter().chain(election).collect())
        }
        _ => None,
    }
}

/// A whole `haproxy.cfg` under the same heading of the same page.
fn together(fence: &Fence, other: &Fence) -> bool {
    let page = |fence: &Fence| {
        fence
            .place
            .rsplit_once(':')
            .map(|(page, _)| page.to_owned())
    };
    let whole = other.tag == "haproxy" && !other.says("part") && !other.says("lines");
    whole && page(fence) == page(other) && fence.section == other.section
}

/// What is wrong with a block.
fn complaint(fence: &Fence, files: &Files, all: &[Fence]) -> Result<Option<String>, Failure> {
    for node in nodes(files) {
        let said = check(files, node.as_deref())?;
        if fence.says("wrong") {
            let page = |fence: &Fence| {
                fence
                    .place
                    .rsplit_once(':')
                    .map(|(page, _)| page.to_owned())
            };
            let shown = all.iter().any(|other| {
                let here = page(fence) == page(other) && fence.section == other.section;
                here && other.tag == "text" && other.text.trim() == said.text.trim()
            });
            if said.fine || !shown {
                return Ok(Some(format!(
                    "{}: under the heading should stand:\n{}",
                    fence.place, said.text
                )));
            }
        } else if !said.fine {
            return Ok(Some(format!("{}: {}", fence.place, said.text)));
        }
    }
    Ok(None)
}

/// The nodes that `@NAME` lines speak of; nobody in particular, if there are none.
fn nodes(files: &Files) -> Vec<Option<String>> {
    let words = files.iter().flat_map(|(_, text)| text.split_whitespace());
    let names: BTreeSet<&str> = words.filter_map(|word| word.strip_prefix('@')).collect();
    if names.is_empty() {
        return vec![None];
    }
    names.into_iter().map(|it| Some(it.to_owned())).collect()
}

struct Verdict {
    /// Neither errors nor warnings.
    fine: bool,
    text: String,
}

/// Checks files on a machine of this name.
fn check(files: &Files, node: Option<&str>) -> Result<Verdict, Failure> {
    let folder = TempDir::new("documentation")?;
    let mut names = Vec::new();
    for (name, text) in files {
        folder.write(name, text)?;
        names.push(*name);
    }
    let mut command = match node {
        None => Command::new(pontoon()),
        Some(node) => {
            let mut command = Command::new("unshare");
            let line = r#"hostname "$0" && exec "$@""#;
            command.args(["--uts", "sh", "-c", line, node]);
            command.arg(pontoon());
            command
        }
    };
    let output = command
        .arg("check")
        .args(names)
        .current_dir(folder.path())
        .output()?;
    Ok(verdict(&output))
}

fn verdict(output: &Output) -> Verdict {
    let text = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    let text = text.concat();
    Verdict {
        fine: output.status.success() && !text.contains("warning["),
        text,
    }
}

/// Files of `examples`, each with its counterpart: in its own folder, or in the one above.
pub(super) fn of_examples() -> Outcome {
    let mut problems = Vec::new();
    let mut seen = 0;
    for path in configurations(&Path::new(ROOT).join("examples"))? {
        let mut files = vec![file(&path)?];
        if path.ends_with(ELECTION) {
            let folders = path.ancestors().skip(1).take(2);
            let beside = folders.map(|it| it.join(PROXY)).find(|it| it.exists());
            files.extend(beside.map(|it| file(&it)).transpose()?);
        }
        for node in nodes(&files) {
            seen += 1;
            let said = check(&files, node.as_deref())?;
            if !said.fine {
                problems.push(format!("{} as {node:?}: {}", shown(&path), said.text));
            }
        }
    }
    if seen < 5 {
        return Err(format!("only {seen} configurations were found").into());
    }
    none(&problems)
}

fn file(path: &Path) -> Result<(&'static str, String), Failure> {
    let name = if path.ends_with(ELECTION) {
        ELECTION
    } else {
        PROXY
    };
    Ok((name, fs::read_to_string(path)?))
}

fn configurations(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_file = path
            .extension()
            .is_some_and(|it| it == "cfg" || it == "conf");
        if path.is_dir() {
            found.extend(configurations(&path)?);
        } else if is_file {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A block with a mistake fails, whatever it is tagged with, and so does one that is called wrong and is not.
pub(super) fn mistakes_are_noticed() -> Outcome {
    for page in [
        "```haproxy\nlisten a\n    bind :1\n```\n",
        "```haproxy part\nlisten a\n    bimd :1\n```\n",
        "```haproxy lines\n    timeout clint 1s\n```\n",
        "```keepalived lines\n    priorty 3\n```\n",
        "```keepalived\nvrrp_instance VI_1 {\n}\n```\n",
        "```haproxy part wrong\nlisten a\n    bind :1\n    server a 127.0.0.1:2 check\n```\n",
        "```haproxy wrong\nlisten a\n```\n```text\nanother answer\n```\n",
    ] {
        let fences = of_page("page.md", page)?;
        let files = files_of(&fences[0], &fences).ok_or("a block is overlooked")?;
        if complaint(&fences[0], &files, &fences)?.is_none() {
            return Err(format!("not noticed: {page}").into());
        }
    }
    Ok(())
}
