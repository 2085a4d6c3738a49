//! A priority queue whose members can be moved and removed, each named by a small number.

/// A binary heap, smallest key first, that knows where each member stands. All operations take
/// logarithmic time, and none allocates once every member has been seen.
#[derive(Debug, Clone)]
pub(super) struct Heap<K> {
    nodes: Vec<(K, u32)>,
    places: Vec<Option<u32>>,
}

impl<K: Ord + Copy> Heap<K> {
    /// An empty heap for members `0..members`.
    pub(super) fn new(members: usize) -> Self {
        Self {
            nodes: Vec::with_capacity(members),
            places: vec![None; members],
        }
    }

    /// The smallest key and its member.
    pub(super) fn first(&self) -> Option<(K, u32)> {
        self.nodes.first().copied()
    }

    /// The key of a member that is in.
    pub(super) fn key(&self, member: u32) -> Option<K> {
        let at = (*self.places.get(member as usize)?)?;
        Some(self.nodes[at as usize].0)
    }

    /// Puts a member at this key, wherever it was before.
    pub(super) fn set(&mut self, member: u32, key: K) {
        let at = match self.places[member as usize] {
            Some(at) => {
                self.nodes[at as usize].0 = key;
                at as usize
            }
            None => {
                self.nodes.push((key, member));
                self.nodes.len() - 1
            }
        };
        self.settle(at);
    }

    /// Takes a member out; its key, if it was in.
    pub(super) fn remove(&mut self, member: u32) -> Option<K> {
        let at = self.places[member as usize].take()? as usize;
        let (key, _) = self.nodes.swap_remove(at);
        if at < self.nodes.len() {
            self.settle(at);
        }
        Some(key)
    }

    /// Moves the node at `at` up or down to where it belongs.
    fn settle(&mut self, at: usize) {
        let risen = self.rise(at);
        self.sink(risen);
    }

    fn rise(&mut self, mut at: usize) -> usize {
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.nodes[parent] <= self.nodes[at] {
                break;
            }
            self.swap(at, parent);
            at = parent;
        }
        self.note(at);
        at
    }

    fn sink(&mut self, mut at: usize) {
        loop {
            let left = 2 * at + 1;
            let right = left + 1;
            let mut least = at;
            if left < self.nodes.len() && self.nodes[left] < self.nodes[least] {
                least = left;
            }
            if right < self.nodes.len() && self.nodes[right] < self.nodes[least] {
                least = right;
            }
            if least == at {
                return;
            }
            self.swap(at, least);
            at = least;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.nodes.swap(a, b);
        self.note(a);
        self.note(b);
    }

    fn note(&mut self, at: usize) {
        let member = self.nodes[at].1;
        self.places[member as usize] = u32::try_from(at).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_is_always_the_smallest(
            steps in prop::collection::vec((0u32..20, prop::option::of(0u32..50)), 1..200)
        ) {
            let mut heap = Heap::new(20);
            let mut plain = std::collections::BTreeMap::new();
            for (member, key) in steps {
                match key {
                    Some(key) => {
                        heap.set(member, key);
                        plain.insert(member, key);
                    }
                    None => prop_assert_eq!(heap.remove(member), plain.remove(&member)),
                }
                let least = plain.iter().map(|(member, key)| (*key, *member)).min();
                prop_assert_eq!(heap.first(), least);
            }
        }
    }
}
