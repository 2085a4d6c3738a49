//! Members by position: those of the file, and those that join while the process runs.

use std::ops::Index;

/// What the file says, and what joined later. A position stays, whoever joins; nobody is taken out.
///
/// The file's members are reached as in a slice: those who never add one pay nothing for it.
#[derive(Debug, Clone)]
pub struct Roster<T> {
    file: Vec<T>,
    later: boxcar::Vec<T>,
}

impl<T> Roster<T> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.file.len() + self.later.count()
    }

    /// How many are of the file.
    #[must_use]
    pub fn in_file(&self) -> usize {
        self.file.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The one at this position.
    #[must_use]
    #[inline]
    pub fn get(&self, position: usize) -> Option<&T> {
        match self.file.get(position) {
            Some(member) => Some(member),
            None => self.joined(position),
        }
    }

    #[cold]
    fn joined(&self, position: usize) -> Option<&T> {
        self.later.get(position.checked_sub(self.file.len())?)
    }

    /// The one at this position, while nobody else looks.
    pub fn get_mut(&mut self, position: usize) -> Option<&mut T> {
        let before = self.file.len();
        match self.file.get_mut(position) {
            Some(member) => Some(member),
            None => self.later.get_mut(position.checked_sub(before)?),
        }
    }

    /// Those of the file, while nobody else looks.
    pub fn file_mut(&mut self) -> &mut [T] {
        &mut self.file
    }

    /// All, by position.
    #[must_use]
    pub fn iter(&self) -> Members<'_, T> {
        Members {
            roster: self,
            next: 0,
        }
    }

    /// Somebody joins; where.
    pub fn join(&self, member: T) -> usize {
        self.file.len() + self.later.push(member)
    }
}

impl<T> From<Vec<T>> for Roster<T> {
    fn from(file: Vec<T>) -> Self {
        Self {
            file,
            later: boxcar::Vec::new(),
        }
    }
}

impl<T> FromIterator<T> for Roster<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        Self::from(members.into_iter().collect::<Vec<_>>())
    }
}

impl<T> Index<usize> for Roster<T> {
    type Output = T;

    #[inline]
    fn index(&self, position: usize) -> &T {
        match self.get(position) {
            Some(member) => member,
            None => &self.file[position],
        }
    }
}

impl<'a, T> IntoIterator for &'a Roster<T> {
    type Item = &'a T;
    type IntoIter = Members<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// All members of a [`Roster`], by position.
#[derive(Debug, Clone)]
pub struct Members<'a, T> {
    roster: &'a Roster<T>,
    next: usize,
}

impl<'a, T> Iterator for Members<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        let member = self.roster.get(self.next)?;
        self.next += 1;
        Some(member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_stay_whoever_joins() {
        let roster = Roster::from(vec!["a", "b"]);
        assert_eq!((roster.len(), roster.get(2)), (2, None));
        assert_eq!((roster.join("c"), roster.join("d")), (2, 3));
        assert_eq!(
            (roster[0], roster[2], roster.get(3)),
            ("a", "c", Some(&"d"))
        );
        assert_eq!(roster.iter().copied().collect::<String>(), "abcd");
        assert_eq!((&roster).into_iter().copied().collect::<String>(), "abcd");
        assert_eq!(roster.clone().len(), 4);
    }
}
