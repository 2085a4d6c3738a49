//! What comes, goes and stays of a kind of thing.

use std::collections::BTreeMap;

use serde::Serialize;

/// Things by name, with what is worth a word of them.
pub(super) type Things = BTreeMap<String, String>;

/// What becomes of them.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Fate {
    /// New ones.
    pub(super) added: Things,
    /// Those that go.
    pub(super) removed: Things,
    /// Those of which something else is to be said.
    pub(super) changed: BTreeMap<String, Turn>,
    /// How many stay as they are.
    pub(super) unchanged: usize,
}

/// What was said of a thing, and what is.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Turn {
    pub(super) old: String,
    pub(super) new: String,
}

impl Fate {
    /// From the old to the new ones.
    pub(super) fn of(old: Things, new: Things) -> Self {
        let mut fate = Self::default();
        let mut old = old;
        for (name, new) in new {
            match old.remove(&name) {
                None => drop(fate.added.insert(name, new)),
                Some(old) if old == new => fate.unchanged += 1,
                Some(old) => drop(fate.changed.insert(name, Turn { old, new })),
            }
        }
        fate.removed = old;
        fate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn things(all: &[(&str, &str)]) -> Things {
        let owned = |(name, word): &(&str, &str)| ((*name).to_owned(), (*word).to_owned());
        all.iter().map(owned).collect()
    }

    #[test]
    fn things_come_go_change_and_stay() {
        let old = things(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let new = things(&[("b", "1"), ("c", "2"), ("d", "1")]);
        let fate = Fate::of(old, new);
        assert_eq!(fate.added, things(&[("d", "1")]));
        assert_eq!(fate.removed, things(&[("a", "1")]));
        let turn = Turn {
            old: "1".into(),
            new: "2".into(),
        };
        assert_eq!(fate.changed, [("c".to_owned(), turn)].into());
        assert_eq!(fate.unchanged, 1);
    }
}
