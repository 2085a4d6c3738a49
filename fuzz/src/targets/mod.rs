//! All targets. Also compiled into the tests of the repository, which play the seeds: nothing here is of libFuzzer.

use pontoon::fuzzing;

mod haproxy_cfg;
mod keepalived_conf;
mod stream_start;
mod vrrp_packet;

/// Takes any bytes, panics where a promise is broken, and says whether anything in them made sense: what is in `fuzz/seeds`
/// must.
pub(crate) type Target = fn(&[u8]) -> bool;

/// By name, as `fuzz/all` reads them here.
pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("haproxy_cfg", haproxy_cfg::run),
    ("keepalived_conf", keepalived_conf::run),
    ("state_files", state_files),
    ("vrrp_packet", vrrp_packet::run),
    ("stream_start", stream_start::run),
    ("runtime_commands", runtime_commands),
    ("statistics_request", fuzzing::statistics_request),
    ("statistics_view", fuzzing::statistics_view),
    ("check_answers", fuzzing::check_answers),
    ("cloud_answers", fuzzing::cloud_answers),
    ("handover_messages", fuzzing::handover_messages),
    ("netlink_notices", netlink_notices),
];

/// Files that are no configuration: the states of servers, and patterns.
fn state_files(bytes: &[u8]) -> bool {
    fuzzing::server_states(bytes) | haproxy_cfg::run_patterns(bytes)
}

/// The runtime sockets, and the master's, which passes on what is for others.
fn runtime_commands(bytes: &[u8]) -> bool {
    fuzzing::runtime_commands(bytes) | fuzzing::master_commands(bytes)
}

/// What the kernel says of interfaces and addresses: there cannot be more than bytes for it.
fn netlink_notices(bytes: &[u8]) -> bool {
    const HEADER: usize = 16;
    let notices = pontoon_sys::netlink::read_notices(bytes).count();
    assert!(notices * HEADER <= bytes.len());
    notices > 0
}
