//! HA FLOW: advert | tick | track → `engine::vrrp` → address | notify.
//!
//! The election process: what it hears, reads and is told goes into the machine of
//! `pontoon_engine::vrrp`; the machine's orders are carried out here, one after the other.

pub mod log;
pub mod network;
pub mod notify;
pub mod proxy;
mod script;
mod stop;
pub mod track;

#[cfg(test)]
mod testing;
