//! The environment a file is read in: the process's variables, what `setenv` and its kin made of
//! them, and the pseudo-variables (HAProxy configuration manual, 2.3).

use std::collections::{BTreeMap, HashSet};

use super::{COMPATIBLE_VERSION, Surroundings};
use crate::source::Word;

/// Variables as the current line sees them.
pub(super) struct Environment<'a> {
    surroundings: &'a dyn Surroundings,
    /// What the files set (`Some`) or unset (`None`).
    changed: BTreeMap<String, Option<String>>,
    /// After `resetenv`: the only inherited names left.
    kept: Option<HashSet<String>>,
    /// All files, joined by semicolons.
    files: String,
    /// `.FILE`.
    pub file: String,
    /// `.LINE`.
    pub line: u32,
    /// `.SECTION`: the section's name, or its kind if it has none.
    pub section: String,
}

impl<'a> Environment<'a> {
    /// The environment before the first line of these files.
    #[must_use]
    pub(super) fn new<'f>(
        surroundings: &'a dyn Surroundings,
        files: impl Iterator<Item = &'f str>,
    ) -> Self {
        Self {
            surroundings,
            changed: BTreeMap::new(),
            kept: None,
            files: files.collect::<Vec<_>>().join(";"),
            file: String::new(),
            line: 0,
            section: String::new(),
        }
    }

    /// The value of a variable or pseudo-variable.
    #[must_use]
    pub(super) fn get(&self, name: &str) -> Option<String> {
        match name {
            ".FILE" => return Some(self.file.clone()),
            ".LINE" => return Some(self.line.to_string()),
            ".SECTION" => return Some(self.section.clone()),
            _ => {}
        }
        if let Some(value) = self.changed.get(name) {
            return value.clone();
        }
        match name {
            "HAPROXY_CFGFILES" => return Some(self.files.clone()),
            "HAPROXY_STARTUP_VERSION" => return Some(COMPATIBLE_VERSION.to_owned()),
            _ => {}
        }
        let visible = self.kept.as_ref().is_none_or(|kept| kept.contains(name));
        visible.then(|| self.surroundings.variable(name)).flatten()
    }

    /// Applies a line of the `global` section if it changes the environment.
    pub(super) fn apply(&mut self, words: &[Word]) {
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        match *texts.as_slice() {
            ["setenv", name, value] => self.set(name, Some(value)),
            ["presetenv", name, value] if self.get(name).is_none() => self.set(name, Some(value)),
            ["unsetenv", ref names @ ..] => names.iter().for_each(|name| self.set(name, None)),
            ["resetenv", ref names @ ..] => self.reset(names),
            _ => {}
        }
    }

    fn set(&mut self, name: &str, value: Option<&str>) {
        self.changed
            .insert(name.to_owned(), value.map(str::to_owned));
    }

    fn reset(&mut self, names: &[&str]) {
        self.changed
            .retain(|name, _| names.contains(&name.as_str()));
        self.kept = Some(names.iter().map(|name| (*name).to_owned()).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{haproxy::testing::Machine, source::Span};

    fn line(text: &str) -> Vec<Word> {
        text.split(' ')
            .map(|word| Word {
                text: word.to_owned(),
                span: Span::default(),
            })
            .collect()
    }

    #[test]
    fn lines_of_the_global_section_change_what_later_lines_see() {
        let fake = Machine::with_variables(&[("A", "1"), ("B", "2")]);
        let mut environment = Environment::new(&fake, ["x.cfg", "y.cfg"].into_iter());
        assert_eq!(environment.get("A").as_deref(), Some("1"));
        environment.apply(&line("setenv A 3"));
        assert_eq!(environment.get("A").as_deref(), Some("3"));
        environment.apply(&line("presetenv A 4"));
        assert_eq!(environment.get("A").as_deref(), Some("3"), "already set");
        environment.apply(&line("unsetenv A"));
        assert_eq!(environment.get("A"), None);
        environment.apply(&line("presetenv A 5"));
        environment.apply(&line("resetenv A"));
        assert_eq!(environment.get("A").as_deref(), Some("5"));
        assert_eq!(environment.get("B"), None, "not among the kept");
        assert_eq!(
            environment.get("HAPROXY_CFGFILES").as_deref(),
            Some("x.cfg;y.cfg")
        );
    }
}
