//! States of servers as text, in HAProxy's form: what `show servers state` says, and what
//! `server-state-file` brings to servers at a start (HAProxy management manual, 9.3).
//!
//! `dump` writes it, `line` reads one line, `file` a whole file, `apply` lets servers begin so.

mod apply;
mod code;
mod dump;
mod file;
pub(crate) mod fuzzing;
mod line;
#[cfg(test)]
mod tests;

pub use self::{dump::dump, file::States};

/// The only version of the form.
const VERSION: &str = "1";

/// The fields of a line.
const FIELDS: [&str; 25] = [
    "be_id",
    "be_name",
    "srv_id",
    "srv_name",
    "srv_addr",
    "srv_op_state",
    "srv_admin_state",
    "srv_uweight",
    "srv_iweight",
    "srv_time_since_last_change",
    "srv_check_status",
    "srv_check_result",
    "srv_check_health",
    "srv_check_state",
    "srv_agent_state",
    "bk_f_forced_id",
    "srv_f_forced_id",
    "srv_fqdn",
    "srv_port",
    "srvrecord",
    "srv_use_ssl",
    "srv_check_port",
    "srv_check_addr",
    "srv_agent_addr",
    "srv_agent_port",
];
