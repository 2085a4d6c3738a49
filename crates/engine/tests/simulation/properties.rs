//! What has to hold in every run. Each property judges by itself, from the facts alone.

mod audible;
mod best;
mod crashed;
mod floating;
mod held;
mod moves;
mod neighbours;
mod notified;
mod one_master;
mod resigned;
mod start;
mod switched;
mod together;
mod usable;

use std::sync::Arc;

use self::floating::{
    Alarmed, CallsSparingly, FollowsMaster, GivesWayForAReason, MovesOnce, OnlyMastersCall,
};
use super::{
    fact::{Fact, Picture},
    scenario::Scenario,
};

pub(crate) use self::{
    best::BestIsMaster, crashed::ComesBackWhenStable, held::HeldByMaster, moves::FewMoves,
    neighbours::NeighboursKnow, notified::NotifiedInOrder, one_master::OneMaster,
    resigned::ResignedIsReplaced, start::StartsOnce, switched::SwitchedOver,
    together::GroupsStandTogether, usable::ServesBeforePreempting,
};

/// Something that has to hold.
pub(crate) trait Property {
    /// Whole sentences, but for the full stop.
    fn name(&self) -> &'static str;

    /// A fact, and how things stand by now; says what is wrong.
    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String>;

    /// The run is over.
    fn end(&mut self, _picture: &Picture) -> Result<(), String> {
        Ok(())
    }

    /// How often there was something to judge: a property that never is judged proves nothing.
    fn judged(&self) -> u64;
}

/// What has to hold whatever goes wrong.
pub(crate) fn always(scenario: &Arc<Scenario>) -> Vec<Box<dyn Property>> {
    vec![
        Box::new(HeldByMaster::default()),
        Box::new(NotifiedInOrder::new(scenario)),
        Box::new(ResignedIsReplaced::new(scenario)),
        Box::new(ServesBeforePreempting::new(scenario)),
        Box::new(ComesBackWhenStable::new(scenario)),
        Box::new(OneMaster::new(scenario)),
        Box::new(NeighboursKnow::new(scenario)),
        Box::new(BestIsMaster::new(scenario)),
        Box::new(GroupsStandTogether::new(scenario)),
    ]
}

/// What has to hold for a floating IP, too, whatever goes wrong.
pub(crate) fn with_floating_ip(scenario: &Arc<Scenario>) -> Vec<Box<dyn Property>> {
    let mut all = always(scenario);
    all.append(&mut of_claimants(scenario));
    all.push(Box::new(FollowsMaster::new(scenario)));
    all
}

/// What has to hold where nothing is ever well.
pub(crate) fn in_a_split(scenario: &Arc<Scenario>) -> Vec<Box<dyn Property>> {
    let mut all = of_claimants(scenario);
    all.push(Box::new(HeldByMaster::default()));
    all.push(Box::new(MovesOnce::new()));
    all
}

fn of_claimants(scenario: &Arc<Scenario>) -> Vec<Box<dyn Property>> {
    vec![
        Box::new(OnlyMastersCall::default()),
        Box::new(CallsSparingly::new(scenario)),
        Box::new(Alarmed::new(scenario)),
        Box::new(GivesWayForAReason::new(scenario)),
    ]
}
