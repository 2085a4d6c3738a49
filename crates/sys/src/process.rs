//! The process itself: background, privileges, limits, names, signals, children.

pub mod account;
pub mod background;
pub mod child;
pub mod core_file;
pub mod events;
pub mod identity;
pub mod limit;
pub mod privilege;
pub mod replace;
pub mod schedule;
pub mod script;
pub mod signal;
pub mod wait;

pub use rustix::process::{Pid, Signal};
