//! Pontoon keeps one address afloat: a TCP load balancer and its floating IP in one program.
//!
//! This package wires the others together; what could be decided without a socket is decided in
//! `pontoon_engine`, what the files mean is known to `pontoon_config`.
#![forbid(unsafe_code)]

/// The version that programs around HAProxy are told: whose files we read, and what we are.
pub const VERSION: &str = concat!("2.6.12-pontoon", env!("CARGO_PKG_VERSION"));

pub mod admin;
pub mod checks;
pub mod cli;
pub mod cloud;
mod counted;
pub mod demo;
pub mod election;
pub mod facts;
pub mod files;
#[doc(hidden)]
pub mod fuzzing;
pub mod handover;
mod language;
pub mod log;
pub mod node;
pub mod proxy;
pub mod record;
pub mod state;
pub mod supervisor;
pub mod surroundings;
mod terminal;
#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_names_the_one_whose_files_are_read() {
        let compatible = pontoon_config::haproxy::COMPATIBLE_VERSION;
        assert!(super::VERSION.starts_with(&format!("{compatible}-")));
    }
}
