//! DATA FLOW: accept → pick → connect → relay → record. One file each.
//!
//! Every data thread runs its own event loop over its own sessions; listeners are shared, and
//! so are the balancers. What a session's ending is called is decided in
//! [`pontoon_engine::session`].

pub mod handoff;
