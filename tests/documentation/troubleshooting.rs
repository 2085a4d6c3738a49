//! The page that is read by log line: its lines are those of the program, and the flags are those of its sessions.
//!
//! A line of the page is what stands between its gaps (`…`, `<name>`). All of that has to occur, in this order and outside of what
//! is filled in, in one string literal of one source file. The other way round, every line that some files write is on the page.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{ROOT, none};
use crate::harness::{Failure, Outcome, Test};

const PAGE: &str = "docs/troubleshooting.md";
/// The tables of lines, and that of flags, by how they begin.
const OF_LINES: &str = "| line |";
const OF_FLAGS: &str = "| flags |";
/// With fewer, the page is not read as it should be.
const AT_LEAST: usize = 220;
/// Less than that could stand anywhere.
const LEAST_TEXT: usize = 9;
const LEAST_PIECE: usize = 8;
/// What is filled in at run time.
const HOLE: char = '\0';
/// Written by nobody who runs it: for tests, benches and the demo.
const NOT_READ: [&str; 8] = [
    "benches",
    "demo",
    "fixture.rs",
    "fuzzing.rs",
    "lab",
    "testing.rs",
    "tests",
    "tests.rs",
];
/// What is said of servers is put together from pieces; these tests compare whole lines.
const WHOLE: &str = "src/log/event/tests.rs";
const TERMINATION: &str = "crates/engine/src/termination.rs";
/// Their lines are all on the page.
const COMPLETE: [&str; 17] = [
    "src/election/event_loop/reload.rs",
    "src/election/event_loop/renewal.rs",
    "src/election/floating/words.rs",
    "src/election/script.rs",
    "src/election/track/script.rs",
    "src/election/words.rs",
    "src/handover/offer.rs",
    "src/proxy/process/limits.rs",
    "src/proxy/process/sandbox.rs",
    "src/supervisor.rs",
    "src/supervisor/addresses.rs",
    "src/supervisor/farewell.rs",
    "src/supervisor/leaving.rs",
    "src/supervisor/reload.rs",
    "src/supervisor/resume.rs",
    "src/supervisor/scripts.rs",
    "src/supervisor/silence.rs",
];
/// Of their literals, those that reach no log, or not by themselves.
const NO_LINES: [&str; 10] = [
    // The end of a line, and a command of its own.
    "chmod +x \0",
    // Answers to a command.
    "it does not know its files: its election does",
    "no election of this node is running",
    "it is being stopped",
    "Success=1\n--\nReloaded: \0\n",
    // To another process.
    "it hands over in version \0, not in version \0",
    "it is stopping already",
    "another process has taken over meanwhile",
    // For what cannot be.
    "something tracked",
    // In an answer of `pontoon switchover`.
    "not everything is known yet",
];

/// Adds the tests of this page.
pub(super) fn register(tests: &mut Vec<Test>) {
    for (name, run) in [
        ("lines_are_written", lines_are_written as fn() -> Outcome),
        ("lines_are_told", lines_are_told),
        ("flags_exist", flags_exist),
        ("other_lines_are_noticed", others_are_noticed),
    ] {
        let name = format!("documentation::troubleshooting_{name}");
        tests.push(Test::new(name, run));
    }
}

/// Every line of the page is one of the program.
fn lines_are_written() -> Outcome {
    let page = Page::read()?;
    if page.lines.len() < AT_LEAST {
        return Err(format!("only {} lines were found", page.lines.len()).into());
    }
    let sources = Sources::read()?;
    let problems = page.lines.iter().filter_map(|line| sources.problem(line));
    none(&problems.collect::<Vec<_>>())
}

/// Every line of the files that are told completely is on the page.
fn lines_are_told() -> Outcome {
    let page = Page::read()?;
    let sources = Sources::read()?;
    let mut problems = Vec::new();
    for file in COMPLETE {
        let literals = sources.of(file);
        if literals.is_empty() {
            problems.push(format!("{file} says nothing"));
        }
        let missing = untold(&page.lines, literals).map(|it| it.replace(HOLE, "…"));
        problems.extend(missing.map(|it| format!("{file}: {it}")));
    }
    for word in NO_LINES {
        let said = COMPLETE
            .iter()
            .any(|file| sources.of(file).iter().any(|it| it == word));
        if !said {
            problems.push(format!("nobody says {word:?} any more"));
        }
    }
    none(&problems)
}

/// The letters are those of the program, and all of them are told.
fn flags_exist() -> Outcome {
    let page = Page::read()?;
    let source = fs::read_to_string(Path::new(ROOT).join(TERMINATION))?;
    none(&flag_problems(&page.flags, &source))
}

/// What is made up, told in another way, or missing is noticed.
fn others_are_noticed() -> Outcome {
    let sources = Sources::read()?;
    for right in [
        "Entering <role> STATE (<reason>)",
        "Sent priority 0 on purpose; the addresses stay until another master is heard",
        "Server <backend>/<server> is DOWN, reason: …",
        "Script `<script>` now returning <status>",
    ] {
        let line = Line::of(right);
        if let Some(problem) = sources.problem(&line) {
            return Err(problem.into());
        }
    }
    for wrong in [
        "the proxy has gone fishing",
        // What is filled in belongs into a gap.
        "Changing effective priority from 100 to 90",
        // In another order, and from two lines.
        "to <priority> Changing effective priority from <priority>",
        "the proxy died… the proxy was stopped",
        // Too little to be found.
        "the … is …",
        // Tests say more.
        "lines look as keepalived writes them",
    ] {
        if sources.problem(&Line::of(wrong)).is_none() {
            return Err(format!("not noticed: {wrong}").into());
        }
    }
    let page = Page::of("| line | means | do |\n|---|---|---|\n| `the proxy died` | a | b |\n");
    let literals = ["the proxy died".to_owned(), "the proxy lives".to_owned()];
    let missing: Vec<_> = untold(&page.lines, &literals).collect();
    if page.lines.len() != 1 || missing.len() != 1 {
        return Err(format!("of two lines one is told: {missing:?}").into());
    }
    let source = "Self::Normal => '-',\nSelf::Client => 'C',\n";
    for (flags, problems) in [
        (&["--", "C-"][..], 0),
        (&["--"], 1),
        (&["--", "C-", "X-"], 1),
    ] {
        let flags: Vec<_> = flags.iter().map(|it| (*it).to_owned()).collect();
        if flag_problems(&flags, source).len() != problems {
            return Err(format!("not noticed: {flags:?}").into());
        }
    }
    lexing()
}

/// Literals are read as the compiler reads them, but for what is filled in.
fn lexing() -> Outcome {
    let source = "// \"no\"\nconst A: &str = \"one \\\n    line \\\"of\\\" {name} {{}}\";\n\
        let b: &'a str = r#\"raw \\ \"text\"#; let c = '\"'; /* \"no\" */ let d = b\"bytes\";\n\
        #[cfg(test)]\nmod tests {\n \"no\"\n}\n";
    let found = literals(source);
    let expected = ["one line \"of\" \0 {}", "raw \\ \"text", "bytes"];
    if found == expected {
        Ok(())
    } else {
        Err(format!("{found:?}").into())
    }
}

/// What the page shows.
#[derive(Default)]
struct Page {
    lines: Vec<Line>,
    flags: Vec<String>,
}

impl Page {
    fn read() -> Result<Self, Failure> {
        Ok(Self::of(&fs::read_to_string(Path::new(ROOT).join(PAGE))?))
    }

    fn of(text: &str) -> Self {
        let mut page = Self::default();
        let mut table = "";
        for (number, row) in text.lines().enumerate() {
            if !row.starts_with('|') {
                table = "";
            } else if table.is_empty() {
                table = row;
            } else {
                let cell = row[1..].split(" | ").next().unwrap_or_default();
                let spans = spans(cell);
                if table.starts_with(OF_FLAGS) {
                    page.flags.extend(spans);
                } else if table.starts_with(OF_LINES) {
                    let lines = spans.iter().map(|text| Line::of(text).at(number + 1));
                    page.lines.extend(lines);
                }
            }
        }
        page
    }
}

/// What stands between backquotes, one or two of them.
fn spans(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('`') {
        let fence = if behind.starts_with('`') { "``" } else { "`" };
        let inside = &behind[fence.len() - 1..];
        let Some((span, after)) = inside.split_once(fence) else {
            break;
        };
        let padded = span.strip_prefix(' ').and_then(|it| it.strip_suffix(' '));
        found.push(padded.unwrap_or(span).to_owned());
        rest = after;
    }
    found
}

/// A line of the page.
struct Line {
    place: String,
    text: String,
    /// What stands between the gaps.
    pieces: Vec<String>,
}

impl Line {
    fn of(text: &str) -> Self {
        let mut pieces = vec![String::new()];
        let mut rest = text.chars();
        while let Some(letter) = rest.next() {
            let name = rest.as_str().split_once('>').map(|(name, _)| name);
            let name =
                name.filter(|name| name.chars().all(|it| it.is_ascii_lowercase() || it == ' '));
            match (letter, name) {
                ('…', _) => pieces.push(String::new()),
                ('<', Some(name)) => {
                    let behind = name.len() + 1;
                    rest = rest.as_str()[behind..].chars();
                    pieces.push(String::new());
                }
                _ => pieces.last_mut().into_iter().for_each(|it| it.push(letter)),
            }
        }
        pieces.retain(|piece| !piece.is_empty());
        Self {
            place: PAGE.to_owned(),
            text: text.to_owned(),
            pieces,
        }
    }

    fn at(mut self, number: usize) -> Self {
        self.place = format!("{PAGE}:{number}");
        self
    }

    /// Whether it says enough to be found by.
    fn says_something(&self) -> bool {
        let lengths = self.pieces.iter().map(|piece| piece.trim().chars().count());
        lengths.clone().sum::<usize>() >= LEAST_TEXT && lengths.max() >= Some(LEAST_PIECE)
    }

    fn is_in(&self, literal: &str) -> bool {
        let mut rest = literal;
        self.pieces.iter().all(|piece| {
            let found = rest.split_once(piece.as_str());
            rest = found.map_or("", |(_, behind)| behind);
            found.is_some()
        })
    }
}

/// String literals by file.
struct Sources(Vec<(String, Vec<String>)>);

impl Sources {
    fn read() -> Result<Self, Failure> {
        let root = Path::new(ROOT);
        let mut found = Vec::new();
        let mut folders = vec![root.join("src"), root.join("crates")];
        let mut files: Vec<PathBuf> = vec![root.join(WHOLE)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if NOT_READ.iter().any(|name| path.ends_with(name)) {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|it| it == "rs") {
                    files.push(path);
                }
            }
        }
        for path in files {
            found.push((super::shown(&path), literals(&fs::read_to_string(&path)?)));
        }
        Ok(Self(found))
    }

    fn of(&self, file: &str) -> &[String] {
        let found = self.0.iter().find(|(name, _)| name == file);
        found.map_or(&[], |(_, literals)| literals)
    }

    /// What is wrong with a line of the page.
    fn problem(&self, line: &Line) -> Option<String> {
        let Line { place, text, .. } = line;
        if !line.says_something() {
            return Some(format!("{place}: `{text}` says too little to be found by"));
        }
        let mut literals = self.0.iter().flat_map(|(_, literals)| literals);
        let found = literals.any(|literal| line.is_in(literal));
        (!found).then(|| format!("{place}: nobody writes `{text}`"))
    }
}

/// Those of these literals that are lines, and that no line of the page is about.
fn untold<'a>(lines: &[Line], literals: &'a [String]) -> impl Iterator<Item = &'a String> {
    let is_line = |literal: &str| {
        let longest = literal
            .split(HOLE)
            .map(|it| it.trim().chars().count())
            .max();
        longest >= Some(LEAST_PIECE) && literal.contains(' ') && !NO_LINES.contains(&literal)
    };
    let told = move |literal: &str| lines.iter().any(|line| line.is_in(literal));
    let told: Vec<bool> = literals.iter().map(|it| !is_line(it) || told(it)).collect();
    let missing = literals.iter().zip(told).filter(|(_, told)| !told);
    missing.map(|(literal, _)| literal)
}

/// Flags of letters that nobody writes, and causes that no flags are about.
fn flag_problems(flags: &[String], source: &str) -> Vec<String> {
    let arms = source.lines().filter_map(|line| line.split_once(" => '"));
    let letters: BTreeSet<char> = arms.filter_map(|(_, rest)| rest.chars().next()).collect();
    let causes = source.split("impl Phase").next().unwrap_or_default();
    let causes = causes.lines().filter_map(|line| line.split_once(" => '"));
    let mut causes: BTreeSet<char> = causes.filter_map(|(_, rest)| rest.chars().next()).collect();
    let mut problems = Vec::new();
    for flag in flags {
        let known = flag.chars().all(|letter| letters.contains(&letter));
        if flag.chars().count() != 2 || !known {
            problems.push(format!("{PAGE}: no session ends with `{flag}`"));
        }
        flag.chars().next().map(|letter| causes.remove(&letter));
    }
    problems.extend(
        causes
            .iter()
            .map(|cause| format!("{PAGE} has no flags with {cause}")),
    );
    problems
}

/// The string literals of a source file, joined over their lines, with a hole for what is filled in.
fn literals(source: &str) -> Vec<String> {
    let end = source.find("#[cfg(test)]\nmod tests {");
    let mut rest = &source[..end.unwrap_or(source.len())];
    let mut found = Vec::new();
    while let Some(letter) = rest.chars().next() {
        rest = if rest.starts_with("//") {
            behind(rest, "\n")
        } else if rest.starts_with("/*") {
            behind(rest, "*/")
        } else if let Some(quote) = raw(rest) {
            let inside = &rest[quote + 1..];
            let fence = format!("\"{}", "#".repeat(quote - 1));
            let (text, after) = inside.split_once(&fence).unwrap_or((inside, ""));
            found.push(text.to_owned());
            after
        } else if letter == '"' {
            let (text, after) = quoted(&rest[1..]);
            found.push(with_holes(&text));
            after
        } else if letter == '\'' {
            behind_quote(rest)
        } else {
            let word = rest.find(|it: char| !it.is_alphanumeric() && it != '_');
            &rest[word.unwrap_or(rest.len()).max(letter.len_utf8())..]
        };
    }
    found
}

fn behind<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

/// Where the quote of a raw string is.
fn raw(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('r')?;
    let quote = inside.find(|it| it != '#')?;
    inside[quote..].starts_with('"').then_some(quote + 1)
}

/// Behind a letter in quotes, or the mark of a lifetime.
fn behind_quote(text: &str) -> &str {
    let inside = &text[1..];
    if let Some(escaped) = inside.strip_prefix('\\') {
        return behind(&escaped[1..], "'");
    }
    let letter = inside.chars().next().map_or(0, char::len_utf8);
    inside[letter..].strip_prefix('\'').unwrap_or(inside)
}

/// The text of a literal, and what follows its end.
fn quoted(text: &str) -> (String, &str) {
    let mut content = String::new();
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        match letter {
            '"' => break,
            '\\' => match rest.next() {
                Some('\n') => rest = rest.as_str().trim_start().chars(),
                Some('n') => content.push('\n'),
                other => content.extend(other),
            },
            _ => content.push(letter),
        }
    }
    (content, rest.as_str())
}

/// What stands in braces is filled in.
fn with_holes(text: &str) -> String {
    let mut content = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        content.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let inside = &rest[at + 1..];
        rest = if let Some(after) = inside.strip_prefix(brace) {
            content.push_str(brace);
            after
        } else {
            content.push(HOLE);
            behind(inside, "}")
        };
    }
    content + rest
}
