//! Pontoon builds test hosts: scripted servers and clients, programs under test, log receivers,
//! network namespaces. For the demo, the tests and the benches; a running node never needs it.
#![forbid(unsafe_code)]

#[cfg(feature = "authority")]
pub mod authority;
pub mod balancer;
pub mod capture;
pub mod client;
pub mod cloud;
pub mod cost;
pub mod crowd;
#[cfg(feature = "exasol")]
pub mod exasol;
pub mod freeze;
#[cfg(feature = "authority")]
pub mod front;
pub mod frr;
pub mod full;
pub mod host;
pub mod large;
#[cfg(feature = "load")]
pub mod load;
pub mod mariadb;
pub mod moto;
pub mod needs;
pub mod netns;
pub mod node;
pub mod pair;
pub mod postgres;
pub mod probe;
pub mod problem;
pub mod processor;
pub mod program;
pub mod redis;
pub mod script;
pub mod server;
pub mod site;
#[cfg(feature = "load")]
pub mod soak;
pub mod sockets;
pub mod spread;
pub mod statistics;
pub mod switch;
pub mod syslog;
pub mod temp;
pub mod wait;
