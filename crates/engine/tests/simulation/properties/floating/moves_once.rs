use std::collections::HashSet;

use pontoon_engine::floating_ip::event::{Event, Whereabouts};

use crate::simulation::{
    cloud::Place,
    properties::{Fact, Picture, Property},
};

/// In a lasting split the address moves at most once after both masters have taken it. Calls that
/// were carried out and never answered are made again: that is one move all the same.
pub(crate) struct MovesOnce {
    /// Who has been told that it has the address in this mastership.
    taken: HashSet<usize>,
    /// Who has moved it, and has not been told so yet.
    moving: HashSet<usize>,
    place: Place,
    moves: u32,
    judged: u64,
}

impl MovesOnce {
    pub(crate) fn new() -> Self {
        Self {
            taken: HashSet::new(),
            moving: HashSet::new(),
            place: Place::Nowhere,
            moves: 0,
            judged: 0,
        }
    }

    fn learn(&mut self, node: usize, event: &Event) {
        match event {
            Event::Described {
                result: Ok(Whereabouts::Here),
                ..
            }
            | Event::Associated { result: Ok(()), .. } => {
                self.taken.insert(node);
                self.moving.remove(&node);
            }
            Event::Master { .. } => {
                self.taken.remove(&node);
                self.moving.remove(&node);
                self.moves = 0;
            }
            _ => {}
        }
    }

    fn count(&mut self, picture: &Picture, place: Place) -> Result<(), String> {
        let before = std::mem::replace(&mut self.place, place);
        let (Place::Node(from), Place::Node(to)) = (before, place) else {
            return Ok(());
        };
        let both = |node| picture.is_master(node, 0) && self.taken.contains(&node);
        if !both(from) || !both(to) || !self.moving.insert(to) {
            return Ok(());
        }
        self.moves += 1;
        self.judged += 1;
        if self.moves > 1 {
            return Err(format!("move {} between nodes {from} and {to}", self.moves));
        }
        Ok(())
    }
}

impl Property for MovesOnce {
    fn name(&self) -> &'static str {
        "in a lasting split the floating IP moves at most once"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::News { node, event } => self.learn(*node, event),
            Fact::Moved(place) => return self.count(picture, *place),
            _ => {}
        }
        Ok(())
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
