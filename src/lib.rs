//! Pontoon keeps one address afloat: a TCP load balancer and its floating IP in one program.
//!
//! This package wires the others together; what could be decided without a socket is decided in
//! `pontoon_engine`, what the files mean is known to `pontoon_config`.
#![forbid(unsafe_code)]

pub mod admin;
pub mod checks;
pub mod cli;
pub mod files;
pub mod log;
pub mod proxy;
pub mod record;
pub mod state;
pub mod surroundings;
