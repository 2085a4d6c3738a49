//! Pontoon decides: which server a session gets, what a check result means, who waits in
//! a queue, when a session has ended and why.
//!
//! Everything here is pure. No clock, socket, thread or allocator of descriptors is owned:
//! time comes in as an argument, orders come out as values, and the shell (the root package)
//! carries them out. That is what lets the tests read as timetables.
#![forbid(unsafe_code)]

pub mod acl;
pub mod address;
pub mod backend;
pub mod balance;
pub mod floating_ip;
pub mod health;
pub mod moment;
pub mod proxy_protocol;
pub mod roster;
pub mod rules;
pub mod sample;
pub mod server;
pub mod session;
mod splitmix;
pub mod termination;
pub mod units;
pub mod vrrp;
