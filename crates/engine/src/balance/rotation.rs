//! `balance roundrobin`: each in turn by weight, weights free to change at any time.
//!
//! Time is counted in picks. A server of weight `w` among a total of `T` is due every `T / w`
//! picks: after a pick its next turn is one such stride after its last. A server that has had no
//! turn yet is *fresh*; fresh servers come in, heaviest first, whenever no other is due. That
//! spreads the light ones over the cycle and gives HAProxy's sequences for everyday weights; for
//! uneven ones two neighbours may change places. One that comes back later is due a cycle after
//! the last pick, less that pick, as with HAProxy. The first cycle settles in (one session more or
//! less each), every later one gives everyone its exact share.

use std::cmp::Reverse;

use super::{Chooser, Draw, Standing, Turn as Place, heap::Heap};
use crate::units::ServerId;

/// Bits after the point of a [`Turn`]: enough to order any two fractions `a / w` with `w <= 65536`
/// as they should be, and the counter still outlives any process.
const FRACTION_BITS: u32 = 32;

/// A moment in picks, with a fraction.
type Moment = u128;

/// When a server is due.
#[derive(Debug, Clone, Copy)]
struct Turn {
    due: Moment,
    /// What dividing the last stride left over, carried into the next so that no share is lost.
    rest: u128,
}

#[derive(Debug, Clone, Copy, Default)]
struct Member {
    share: u32,
    open: bool,
    turn: Option<Turn>,
}

/// The state of the rotation.
#[derive(Debug)]
pub(super) struct Rotation {
    members: Vec<Member>,
    total: u64,
    /// How many picks were made, but never behind the turns already taken.
    clock: u64,
    /// Servers that had a turn, by the next one; at the same moment heavier first, then who has
    /// waited longer.
    due: Heap<(Moment, Reverse<u32>, u64)>,
    /// How many were lined up in `due`.
    lined_up: u64,
    /// The places in `due` of another process, while nothing happens but that its sessions take
    /// their slots here: limits that follow the load may shut a server for that moment.
    places: Vec<Option<u64>>,
    /// Servers that had none, heaviest first.
    fresh: Heap<Reverse<u32>>,
}

impl Rotation {
    pub(super) fn new(servers: usize) -> Self {
        Self {
            members: vec![Member::default(); servers],
            total: 0,
            clock: 0,
            due: Heap::new(servers),
            lined_up: 0,
            places: Vec::new(),
            fresh: Heap::new(servers),
        }
    }

    fn enter(&mut self, id: u32) {
        let now = Moment::from(self.clock) << FRACTION_BITS;
        let member = &mut self.members[id as usize];
        match &mut member.turn {
            Some(turn) => {
                if let Some(Some(order)) = self.places.get(id as usize) {
                    let key = (turn.due, Reverse(member.share), *order);
                    return self.due.set(id, key);
                }
                // Missed turns are not caught up in a burst.
                turn.due = turn.due.max(now);
                let (due, share) = (turn.due, member.share);
                self.line_up(id, due, share);
            }
            None => self.fresh.set(id, Reverse(member.share)),
        }
    }

    /// Has one that comes back, or gets a bigger share, wait no longer than a whole cycle of the
    /// others: where it would be had the last cycle ended with it.
    fn call_in(&mut self, id: u32) {
        let now = Moment::from(self.clock.saturating_sub(1)) << FRACTION_BITS;
        let member = &mut self.members[id as usize];
        let due = now + (u128::from(self.total) << FRACTION_BITS) / u128::from(member.share);
        member.turn = match member.turn {
            Some(turn) if turn.due <= due => Some(turn),
            _ => Some(Turn { due, rest: 0 }),
        };
    }

    fn line_up(&mut self, id: u32, due: Moment, share: u32) {
        self.lined_up += 1;
        self.due.set(id, (due, Reverse(share), self.lined_up));
    }

    fn leave(&mut self, id: u32) {
        self.due.remove(id);
        self.fresh.remove(id);
    }

    /// Who comes next, without taking the turn.
    fn next(&self) -> Option<u32> {
        match (self.due.first(), self.fresh.first()) {
            (Some(((due, ..), id)), Some(_)) if due >> FRACTION_BITS <= self.clock.into() => {
                Some(id)
            }
            (_, Some((_, id))) | (Some((_, id)), None) => Some(id),
            (None, None) => None,
        }
    }

    fn take_turn(&mut self, id: u32) {
        let member = &mut self.members[id as usize];
        let now = Moment::from(self.clock) << FRACTION_BITS;
        let (from, rest) = member.turn.map_or((now, 0), |turn| (turn.due, turn.rest));
        let share = u128::from(member.share.max(1));
        let distance = (u128::from(self.total) << FRACTION_BITS) + rest;
        let turn = Turn {
            due: from + distance / share,
            rest: distance % share,
        };
        member.turn = Some(turn);
        let taken = u64::try_from(from >> FRACTION_BITS).unwrap_or(u64::MAX);
        self.clock = self.clock.max(taken).saturating_add(1);
        let share = member.share;
        self.fresh.remove(id);
        self.line_up(id, turn.due, share);
    }
}

impl Chooser for Rotation {
    fn update(&mut self, id: ServerId, standing: Standing) {
        let member = &mut self.members[id.index()];
        let (share, open) = (standing.share, standing.open && standing.share > 0);
        if (member.share, member.open) == (share, open) {
            return;
        }
        let known = std::mem::replace(&mut member.share, share);
        if share != known {
            self.places.clear();
        }
        member.open = open;
        self.total = self.total - u64::from(known) + u64::from(share);
        if share == 0 {
            member.turn = None;
        } else if share > known && self.clock > 0 {
            self.call_in(id.0);
        }
        self.leave(id.0);
        if open {
            self.enter(id.0);
        }
    }

    fn pick(&mut self, draw: Draw) -> Option<ServerId> {
        let avoided = draw.avoid.filter(|id| self.members[id.index()].open);
        if let Some(id) = avoided {
            self.leave(id.0);
        }
        let next = self.next();
        if let Some(id) = next {
            self.take_turn(id);
        }
        if let Some(id) = avoided {
            self.enter(id.0);
        }
        next.map(ServerId)
    }

    fn clock(&self) -> u64 {
        self.clock
    }

    fn turn(&self, id: ServerId) -> Option<Place> {
        let turn = self.members[id.index()].turn?;
        let part = |bits: u128| u64::try_from(bits).unwrap_or(u64::MAX);
        Some(Place {
            due: part(turn.due >> FRACTION_BITS),
            fraction: u32::try_from(turn.due & u128::from(u32::MAX)).unwrap_or(u32::MAX),
            rest: part(turn.rest),
            order: self.due.key(id.0).map_or(0, |(_, _, order)| order),
        })
    }

    fn resume(&mut self, clock: u64, turns: &[Option<Place>]) {
        self.clock = clock;
        let order = |turn: &Option<Place>| turn.map(|turn| turn.order).filter(|order| *order > 0);
        self.places = turns.iter().map(order).collect();
        self.lined_up = self.places.iter().flatten().max().copied().unwrap_or(0);
        for (id, turn) in (0u32..).zip(turns) {
            let Some(member) = self.members.get_mut(id as usize) else {
                break;
            };
            member.turn = turn.filter(|_| member.share > 0).map(|turn| Turn {
                due: (Moment::from(turn.due) << FRACTION_BITS) + Moment::from(turn.fraction),
                rest: turn.rest.into(),
            });
            let open = member.open;
            self.leave(id);
            if open {
                self.enter(id);
            }
        }
    }

    fn resumed(&mut self) {
        self.places.clear();
    }
}
