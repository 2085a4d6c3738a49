//! Lists of patterns that were changed while the process runs. Those of the files stay in the model; a
//! list costs its readers one look at a flag until somebody changes it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use pontoon_config::haproxy::model::PatternList;
use pontoon_engine::acl::{ListRef, Pattern};

/// All lists, as in the model.
#[derive(Debug, Default)]
pub struct Lists {
    lists: Vec<List>,
}

/// What became of one list.
#[derive(Debug, Default)]
struct List {
    changed: AtomicBool,
    /// For sessions: the patterns of the current version, for each way to understand its entries. Locked
    /// for a copy of a pointer only.
    readings: Mutex<Readings>,
    /// For administrators; `None` until one asks for its entries.
    content: Mutex<Option<Content>>,
}

type Readings = Vec<Arc<Vec<Pattern>>>;

/// The entries of a list. Only those of the current version match; of the others, those that are
/// newer wait for [`Edit::Commit`].
#[derive(Debug)]
struct Content {
    current: u32,
    next: u32,
    /// The number of the next entry.
    number: u64,
    entries: Vec<Entry>,
    /// What the entries of the current version mean.
    readings: Readings,
}

/// One pattern of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, by which it can be deleted; never given twice.
    pub number: u64,
    /// The version it belongs to.
    pub version: u32,
    /// As it was written.
    pub text: String,
}

/// What is known of a list as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The version that matches.
    pub current: u32,
    /// The newest that was prepared.
    pub next: u32,
    /// Entries of all versions.
    pub entries: usize,
}

/// What is to become of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// One more entry, of this version or of the current one.
    Add(Option<u32>, String),
    /// No such entry any more in the current version.
    Delete(Which),
    /// No entries any more: those of this version, or of the current one.
    Clear(Option<u32>),
    /// This version takes the place of all before it.
    Commit(u32),
}

/// The entries to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Written so.
    Text(String),
    /// Of this number.
    Number(u64),
}

/// Why a list stays as it is; in HAProxy's words where it has any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such list.
    #[error("Unknown ACL identifier. Please use #<id> or <file>.")]
    NoSuchList,
    /// Nothing is compared with its entries.
    #[error("This list belongs to a criterion that compares with nothing.")]
    TakesNoPatterns,
    /// The entry means nothing there.
    #[error("{0}")]
    BadPattern(String),
    /// Nothing to delete.
    #[error("Key not found.")]
    NoSuchEntry,
    /// Nobody prepared that version.
    #[error("Version number in the future, please use 'prepare acl' before.")]
    NotPrepared,
    /// That version is not newer than the current one, or was not prepared.
    #[error("Version number out of range.")]
    OutOfRange,
}

impl Lists {
    /// None of them changed.
    #[must_use]
    pub fn of(lists: &[PatternList]) -> Self {
        let lists = lists.iter().map(|_| List::default()).collect();
        Self { lists }
    }

    /// The patterns to match now, if they are not those of the file.
    #[must_use]
    pub fn patterns(&self, at: ListRef) -> Option<Arc<Vec<Pattern>>> {
        let list = self.lists.get(at.list)?;
        if !list.changed.load(Ordering::Acquire) {
            return None;
        }
        list.readings().get(at.reading).cloned()
    }

    /// Its entries: of this version, or of the current one.
    #[must_use]
    pub fn entries(&self, at: usize, list: &PatternList, version: Option<u32>) -> Vec<Entry> {
        self.look(at, list, |content| {
            let version = version.unwrap_or(content.current);
            let entries = content.entries.iter();
            entries
                .filter(|it| it.version == version)
                .cloned()
                .collect()
        })
        .unwrap_or_default()
    }

    /// Its versions. A list that nobody changed has but one.
    #[must_use]
    pub fn versions(&self, at: usize, list: &PatternList) -> Option<Versions> {
        self.look(at, list, |content| Versions {
            current: content.current,
            next: content.next,
            entries: content.entries.len(),
        })
    }

    /// Prepares one more version, without any entry.
    pub fn prepare(&self, at: usize, list: &PatternList) -> Option<u32> {
        self.look(at, list, |content| {
            content.next = content.next.wrapping_add(1);
            content.next
        })
    }

    /// Changes a list.
    ///
    /// # Errors
    /// It stays as it is.
    pub fn edit(&self, at: usize, list: &PatternList, edit: Edit) -> Result<(), Refusal> {
        let found = self.lists.get(at).ok_or(Refusal::NoSuchList)?;
        let mut content = found.content();
        let content = content.get_or_insert_with(|| Content::of(list));
        content.edit(list, edit)?;
        found.publish(content.readings.clone());
        Ok(())
    }

    fn look<T>(
        &self,
        at: usize,
        list: &PatternList,
        look: impl FnOnce(&mut Content) -> T,
    ) -> Option<T> {
        let mut content = self.lists.get(at)?.content();
        Some(look(content.get_or_insert_with(|| Content::of(list))))
    }
}

impl List {
    /// From now on sessions see these.
    fn publish(&self, readings: Readings) {
        let before = std::mem::replace(&mut *self.readings(), readings);
        // Behind the readings: whoever sees the flag finds what it speaks of.
        self.changed.store(true, Ordering::Release);
        drop(before);
    }

    fn readings(&self) -> MutexGuard<'_, Readings> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn content(&self) -> MutexGuard<'_, Option<Content>> {
        // A panic aborts the process, so a poisoned lock cannot be seen.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    /// As in the file.
    fn of(list: &PatternList) -> Self {
        let entries = (1..).zip(&list.entries).map(|(number, text)| Entry {
            number,
            version: 0,
            text: text.clone(),
        });
        let entries: Vec<Entry> = entries.collect();
        let mut content = Self {
            current: 0,
            next: 0,
            number: 1 + entries.len() as u64,
            entries,
            readings: Vec::new(),
        };
        content.read_again(list);
        content
    }

    fn edit(&mut self, list: &PatternList, edit: Edit) -> Result<(), Refusal> {
        match edit {
            Edit::Add(version, text) => return self.add(list, version, text),
            Edit::Delete(which) => return self.delete(list, &which),
            Edit::Clear(version) => {
                let version = version.unwrap_or(self.current);
                self.entries.retain(|entry| entry.version != version);
            }
            Edit::Commit(version) => {
                if version <= self.current || version > self.next {
                    return Err(Refusal::OutOfRange);
                }
                self.current = version;
                self.entries.retain(|entry| entry.version >= version);
            }
        }
        self.read_again(list);
        Ok(())
    }

    fn add(
        &mut self,
        list: &PatternList,
        version: Option<u32>,
        text: String,
    ) -> Result<(), Refusal> {
        let version = version.unwrap_or(self.current);
        if version > self.next {
            return Err(Refusal::NotPrepared);
        }
        if version < self.current {
            return Err(Refusal::OutOfRange);
        }
        if list.readings.is_empty() {
            return Err(Refusal::TakesNoPatterns);
        }
        let read = list.readings.iter().map(|reading| reading.read(&text));
        let read: Vec<_> = read
            .collect::<Result<_, _>>()
            .map_err(Refusal::BadPattern)?;
        if version == self.current {
            for (patterns, new) in self.readings.iter_mut().zip(read) {
                Arc::make_mut(patterns).extend(new);
            }
        }
        let number = self.number;
        self.number += 1;
        self.entries.push(Entry {
            number,
            version,
            text,
        });
        Ok(())
    }

    fn delete(&mut self, list: &PatternList, which: &Which) -> Result<(), Refusal> {
        let before = self.entries.len();
        let current = self.current;
        self.entries
            .retain(|entry| entry.version != current || !which.is(entry));
        if self.entries.len() == before {
            return Err(Refusal::NoSuchEntry);
        }
        self.read_again(list);
        Ok(())
    }

    /// What the current entries mean. An entry of the file that means nothing without a resolver (the
    /// name of a host) matches nothing from now on.
    fn read_again(&mut self, list: &PatternList) {
        let current = self.entries.iter().filter(|it| it.version == self.current);
        let texts: Vec<&str> = current.map(|entry| entry.text.as_str()).collect();
        let readings = list.readings.iter().map(|reading| {
            let read = texts.iter().filter_map(|text| reading.read(text).ok());
            Arc::new(read.flatten().collect())
        });
        self.readings = readings.collect();
    }
}

impl Which {
    fn is(&self, entry: &Entry) -> bool {
        match self {
            Self::Text(text) => entry.text == *text,
            Self::Number(number) => entry.number == *number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "listen l\n mode tcp\n bind 127.0.0.1:1\n acl a dst_port 1 2\n acl b always_true\n\
                        tcp-request connection reject if a b\n server s 127.0.0.1:2\n";
    const FIRST: ListRef = ListRef {
        list: 0,
        reading: 0,
    };

    fn lists() -> (Vec<PatternList>, Lists) {
        let lists = crate::testing::model(FILE.to_owned()).pattern_lists;
        let changed = Lists::of(&lists);
        (lists, changed)
    }

    fn numbers(lists: &Lists) -> Option<Vec<Pattern>> {
        lists.patterns(FIRST).map(|found| found.to_vec())
    }

    fn add(text: &str) -> Edit {
        Edit::Add(None, text.to_owned())
    }

    const fn only(number: i64) -> Pattern {
        Pattern::Range(number, number)
    }

    #[test]
    fn a_list_is_as_in_the_file_until_it_is_edited() {
        let (files, lists) = lists();
        assert_eq!(lists.entries(0, &files[0], None).len(), 2);
        assert_eq!(numbers(&lists), None);
        lists.edit(0, &files[0], add("3")).unwrap();
        assert_eq!(numbers(&lists), Some(vec![only(1), only(2), only(3)]));
        let one = Edit::Delete(Which::Text("1".to_owned()));
        lists.edit(0, &files[0], one.clone()).unwrap();
        assert_eq!(numbers(&lists), Some(vec![only(2), only(3)]));
        assert_eq!(lists.edit(0, &files[0], one), Err(Refusal::NoSuchEntry));
        let last = lists.entries(0, &files[0], None).pop().unwrap().number;
        let last = Edit::Delete(Which::Number(last));
        lists.edit(0, &files[0], last).unwrap();
        assert_eq!(numbers(&lists), Some(vec![only(2)]));
        lists.edit(0, &files[0], Edit::Clear(None)).unwrap();
        assert_eq!(numbers(&lists), Some(vec![]));
    }

    #[test]
    fn what_cannot_be_done_changes_nothing() {
        let (files, lists) = lists();
        let bad = lists.edit(0, &files[0], add("x"));
        assert!(matches!(bad, Err(Refusal::BadPattern(_))));
        let boolean = lists.edit(1, &files[1], add("1"));
        assert_eq!(boolean, Err(Refusal::TakesNoPatterns));
        assert_eq!(lists.edit(9, &files[0], add("1")), Err(Refusal::NoSuchList));
        assert_eq!(numbers(&lists), None);
    }

    #[test]
    fn a_prepared_version_matches_once_it_is_committed() {
        let (files, lists) = lists();
        let early = Edit::Add(Some(1), "5".to_owned());
        assert_eq!(
            lists.edit(0, &files[0], early.clone()),
            Err(Refusal::NotPrepared)
        );
        assert_eq!(lists.prepare(0, &files[0]), Some(1));
        lists.edit(0, &files[0], early).unwrap();
        assert_eq!(numbers(&lists), Some(vec![only(1), only(2)]));
        lists.edit(0, &files[0], Edit::Commit(1)).unwrap();
        assert_eq!(numbers(&lists), Some(vec![only(5)]));
        let again = lists.edit(0, &files[0], Edit::Commit(1));
        assert_eq!(again, Err(Refusal::OutOfRange));
        let versions = lists.versions(0, &files[0]);
        let expected = Versions {
            current: 1,
            next: 1,
            entries: 1,
        };
        assert_eq!(versions, Some(expected));
    }
}
