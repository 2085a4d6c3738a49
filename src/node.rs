//! What the processes of a node tell each other.
//!
//! ```text
//!               ToElection ►                     (JSON, one message a packet, over a socket pair)
//!  supervisor ──────────────── election
//!               ◄ FromElection    ▲
//!                                 │ Beat         (JSON, one message a packet, over the abstract
//!                               proxy             socket `pontoon-proxy-<pid>`)
//! ```
//!
//! The proxy's beat needs no supervisor: an election that was started by itself finds the proxy
//! by its pid file and hears the same beat.

pub mod beat;
pub mod channel;
pub mod hatch;
pub mod message;
pub mod runtime;
pub mod status;

/// In the environment of a process: `off` leaves it what it had when it was started.
pub(crate) const SANDBOX: &str = "PONTOON_SANDBOX";

/// Whether this process is to give up what it does not need.
pub(crate) fn sandbox_is_wanted() -> bool {
    std::env::var_os(SANDBOX).is_none_or(|value| value != "off")
}
