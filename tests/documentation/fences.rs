//! The blocks between fences: what a page shows as a file, as commands, as an answer.

use std::fs;

use super::{none, pages, shown};
use crate::harness::{Failure, Outcome};

/// What a fence may be tagged with. Untagged ones could hide what should have been tried.
const TAGS: [&str; 12] = [
    "console",
    "dockerfile",
    "haproxy",
    "ini",
    "json",
    "keepalived",
    "rust",
    "sh",
    "spec",
    "text",
    "toml",
    "yaml",
];

/// A block of a page.
#[derive(Debug, Clone)]
pub(super) struct Fence {
    /// `docs/checks.md:29`.
    pub(super) place: String,
    /// The heading that it stands under, and its place among the page's headings.
    pub(super) section: (usize, String),
    /// What it is.
    pub(super) tag: String,
    /// How it is to be read: the other words of its first line.
    pub(super) words: Vec<String>,
    /// The text, without the indentation of the fence.
    pub(super) text: String,
}

impl Fence {
    pub(super) fn says(&self, word: &str) -> bool {
        self.words.iter().any(|it| it == word)
    }

    /// What stands behind `name=`.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.words.iter().find_map(|it| it.strip_prefix(name))
    }
}

/// Every fence of the repository's pages, in order.
pub(super) fn fences() -> Result<Vec<Fence>, Failure> {
    let mut found = Vec::new();
    for page in pages()? {
        found.extend(of_page(&shown(&page), &fs::read_to_string(&page)?)?);
    }
    Ok(found)
}

/// The fences of one page.
pub(super) fn of_page(name: &str, text: &str) -> Result<Vec<Fence>, Failure> {
    let mut found = Vec::new();
    let mut section = (0, String::new());
    let mut open: Option<(Fence, usize)> = None;
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        match (&mut open, trimmed.strip_prefix("```")) {
            (None, Some(info)) => {
                let mut words = info.split_whitespace().map(str::to_owned);
                let fence = Fence {
                    place: format!("{name}:{}", number + 1),
                    section: section.clone(),
                    tag: words.next().unwrap_or_default(),
                    words: words.collect(),
                    text: String::new(),
                };
                open = Some((fence, line.len() - trimmed.len()));
            }
            (Some(_), Some(_)) => found.extend(open.take().map(|(fence, _)| fence)),
            (Some((fence, indentation)), None) => {
                fence.text.push_str(line.get(*indentation..).unwrap_or(""));
                fence.text.push('\n');
            }
            (None, None) if line.starts_with('#') => section = (section.0 + 1, line.to_owned()),
            (None, None) => (),
        }
    }
    match open {
        Some((fence, _)) => Err(format!("{}: this fence is not closed", fence.place).into()),
        None => Ok(found),
    }
}

/// Every fence says what it is, and no text hides a command or a file.
pub(super) fn are_tagged() -> Outcome {
    let problems = fences()?.iter().filter_map(problem).collect::<Vec<_>>();
    none(&problems)
}

fn problem(fence: &Fence) -> Option<String> {
    let Fence {
        place, tag, text, ..
    } = fence;
    if !TAGS.contains(&tag.as_str()) {
        return Some(format!("{place}: `{tag}` is none of {TAGS:?}"));
    }
    let hides = |line: &str| {
        let command = line.starts_with("$ ");
        let file = ["listen ", "frontend ", "backend ", "vrrp_instance "];
        command || file.iter().any(|word| line.starts_with(word))
    };
    let hidden = text.lines().find(|line| tag == "text" && hides(line))?;
    Some(format!("{place}: `{hidden}` is more than text"))
}

/// The rules above notice what they are for.
pub(super) fn hiding_is_noticed() -> Outcome {
    for page in [
        "```\nlisten a\n```\n",
        "```text\n$ pontoon status\n```\n",
        "```text\nvrrp_instance VI_1 {\n}\n```\n",
        "```cfg\n```\n",
    ] {
        let fences = of_page("page.md", page)?;
        if fences.iter().all(|fence| problem(fence).is_none()) {
            return Err(format!("not noticed: {page}").into());
        }
    }
    match of_page("page.md", "```text\n") {
        Ok(_) => Err("an open fence is not noticed".into()),
        Err(_) => Ok(()),
    }
}
