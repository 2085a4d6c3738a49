//! What has to hold for the floating IP.

mod alarmed;
mod authorised;
mod follows;
mod gives_way;
mod moves_once;
mod sparing;

pub(crate) use self::{
    alarmed::Alarmed, authorised::OnlyMastersCall, follows::FollowsMaster,
    gives_way::GivesWayForAReason, moves_once::MovesOnce, sparing::CallsSparingly,
};
