//! `keepalived.conf`: what files mean, and what is said about them.
#![allow(clippy::unwrap_used, reason = "a failing test may panic")]

mod corpus;
mod difference;
mod floating_ip;
mod machine;
mod meaning;
mod movers;
mod robust;
mod valid;
