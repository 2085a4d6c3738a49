//! The sessions of one thread, by slot; a generation tells a slot's tenants apart.

use pontoon_engine::units::SessionKey;

use super::session::Session;

/// A session table. A free slot costs 16 bytes.
pub(super) struct Table {
    thread: u16,
    entries: Vec<Entry>,
    free: Vec<u32>,
}

/// What a slot costs, in bytes.
#[cfg(test)]
pub(super) const SLOT_SIZE: usize = size_of::<Entry>();

#[derive(Default)]
struct Entry {
    generation: u32,
    session: Option<Box<Session>>,
}

impl Table {
    /// An empty table of a thread.
    pub(super) const fn new(thread: u16) -> Self {
        Self {
            thread,
            entries: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Sessions there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// A slot for a session to come; it must be given back with [`Table::free`].
    pub(super) fn reserve(&mut self) -> SessionKey {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry::default());
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        });
        SessionKey {
            thread: self.thread,
            slot,
            generation: self.entries[slot as usize].generation,
        }
    }

    /// Takes a session out to work on it; `None` if that one is gone.
    pub(super) fn take(&mut self, slot: u32, generation: u32) -> Option<Box<Session>> {
        let entry = self.entries.get_mut(slot as usize)?;
        if entry.generation != generation {
            return None;
        }
        entry.session.take()
    }

    /// Puts it back.
    pub(super) fn put(&mut self, session: Box<Session>) {
        let slot = session.key.slot as usize;
        self.entries[slot].session = Some(session);
    }

    /// The slot is free for another session.
    pub(super) fn free(&mut self, key: SessionKey) {
        let entry = &mut self.entries[key.slot as usize];
        entry.session = None;
        entry.generation = (entry.generation + 1) & super::token::GENERATIONS;
        self.free.push(key.slot);
    }

    /// The current tenant of a slot.
    pub(super) fn generation(&self, slot: u32) -> Option<u32> {
        let entry = self.entries.get(slot as usize)?;
        entry.session.as_ref().map(|_| entry.generation)
    }

    /// Slots there are, free ones as well.
    pub(super) fn slots(&self) -> usize {
        self.entries.len()
    }

    /// The session in this slot, if there is one.
    pub(super) fn get(&self, slot: usize) -> Option<&Session> {
        self.entries.get(slot)?.session.as_deref()
    }

    /// All sessions.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.entries
            .iter()
            .filter_map(|entry| entry.session.as_deref())
    }
}
