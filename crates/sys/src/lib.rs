//! Pontoon touches Linux: the only place for `unsafe`, one small safe function per system call,
//! each with its own error. Nothing here decides anything.

pub mod alarm;
pub mod clock;
pub mod descriptor;
pub mod epoll;
pub mod ethernet;
pub mod interface;
pub mod namespace;
pub mod netlink;
pub mod option;
pub mod packet;
pub mod pipe;
pub mod process;
pub mod readiness;
pub mod sandbox;
pub mod socket;
pub mod stream;
pub mod terminal;
#[cfg(test)]
mod testing;
pub mod vrrp;
pub mod wake;
pub mod watch;

pub use libc::{EMFILE, ENFILE, ENOBUFS};
