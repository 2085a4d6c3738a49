//! DATA FLOW: accept → pick → connect → relay → record. One file each.
//!
//! Every data thread runs its own event loop over its own sessions; listeners are shared, and
//! so are the balancers. What a session's ending is called is decided in
//! [`pontoon_engine::session`].

mod accept;
pub mod adopt;
mod calm;
mod connect;
pub mod freeze;
pub mod handoff;
mod io;
pub mod listen;
pub mod observe;
mod place;
pub mod process;
mod progress;
mod relay;
mod rules;
mod session;
mod source;
mod spin;
mod splice;
mod table;
pub mod thread;
mod timers;
mod token;

#[cfg(test)]
pub(crate) mod tests;

use pontoon_config::haproxy::model;

/// Keepalive in the system's terms.
const fn to_system_keepalive(keepalive: model::Keepalive) -> pontoon_sys::option::Keepalive {
    pontoon_sys::option::Keepalive {
        idle: keepalive.idle,
        interval: keepalive.interval,
        count: keepalive.count,
    }
}
