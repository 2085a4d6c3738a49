//! File names by pattern, as an `include` has them.

use glob::{MatchOptions, Pattern, glob_with};

/// More alternatives of `{a,b}` are not looked at.
const MOST: usize = 1000;

/// As the shell's and glob(3)'s.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The files that a pattern names, sorted; a name without wildcards stands for itself.
pub(super) fn files(pattern: &str) -> Vec<String> {
    let mut found = Vec::new();
    for alternative in alternatives(pattern) {
        if !alternative.contains(['*', '?', '[']) {
            found.push(alternative);
            continue;
        }
        // A pattern that cannot be, and what cannot be read, name nothing, as with glob(3).
        let matches = glob_with(&alternative, OPTIONS).into_iter().flatten();
        let paths = matches.flatten();
        found.extend(paths.map(|path| path.to_string_lossy().into_owned()));
    }
    found
}

/// Those of these files that a pattern names, sorted, as if no others were there.
pub(super) fn among(pattern: &str, files: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for alternative in alternatives(pattern) {
        if !alternative.contains(['*', '?', '[']) {
            found.push(alternative);
            continue;
        }
        let Ok(pattern) = Pattern::new(&alternative) else {
            continue;
        };
        let matches = files
            .iter()
            .filter(|file| pattern.matches_with(file, OPTIONS));
        let mut names: Vec<_> = matches.map(|file| (*file).to_owned()).collect();
        names.sort_unstable();
        found.extend(names);
    }
    found
}

/// A pattern without braces for each way to choose from `{a,b}`.
fn alternatives(pattern: &str) -> Vec<String> {
    let mut open = vec![pattern.to_owned()];
    let mut done = Vec::new();
    while let Some(next) = open.pop() {
        match choices(&next) {
            Some(choices) if open.len() + done.len() < MOST => {
                open.extend(choices.into_iter().rev());
            }
            _ => done.push(next),
        }
    }
    done
}

/// The first `{a,b}` of a pattern, chosen in each way; `None` if there is none.
fn choices(pattern: &str) -> Option<Vec<String>> {
    let start = pattern.find('{')?;
    let mut depth = 0;
    let mut words = vec![String::new()];
    for (at, c) in pattern[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        let word = words.last_mut()?;
        match c {
            '{' if depth == 1 => {}
            '}' if depth == 0 => {
                let (before, after) = (&pattern[..start], &pattern[start + at + 1..]);
                let chosen = words.iter().map(|word| format!("{before}{word}{after}"));
                return Some(chosen.collect());
            }
            ',' if depth == 1 => words.push(String::new()),
            c => word.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_are_alternatives_that_may_be_nested() {
        assert_eq!(alternatives("/a/{b,c}.conf"), ["/a/b.conf", "/a/c.conf"]);
        assert_eq!(
            alternatives("foo/{,cat,{dog,bat}s},x"),
            ["foo/,x", "foo/cat,x", "foo/dogs,x", "foo/bats,x"]
        );
        assert_eq!(alternatives("/a/{b"), ["/a/{b"]);
        assert!(alternatives(&"{a,b}".repeat(100)).len() <= MOST + 100);
    }

    #[test]
    fn wildcards_name_files_in_order_and_no_hidden_ones() {
        let folder = std::env::temp_dir().join(format!("pontoon-pattern-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["b.conf", "a.conf", ".c.conf", "d.txt"] {
            std::fs::write(folder.join(name), "").unwrap();
        }
        let root = folder.to_string_lossy().into_owned();
        let found = files(&format!("{root}/*.conf"));
        assert_eq!(found, [format!("{root}/a.conf"), format!("{root}/b.conf")]);
        assert_eq!(files("/nonexistent/x"), ["/nonexistent/x"]);
        assert!(files("/nonexistent/*").is_empty());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
