//! The providers of floating IPs: where is the address, bring it here.
//!
//! [`client::Client`] is what the rest of the program sees. A provider (`aws`, `hetzner`,
//! `digitalocean`) knows its own API and speaks it over [`http`], which takes care of TLS, proxies,
//! deadlines and the [`fence`]. What goes wrong is a [`problem::Problem`] everywhere.

mod account;
mod aws;
pub mod client;
mod digitalocean;
pub mod environment;
pub mod fence;
mod file;
pub(crate) mod fuzzing;
mod hetzner;
pub mod http;
pub mod problem;
