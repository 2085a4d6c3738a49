//! All fuzz targets as one libFuzzer program; `PONTOON_FUZZ_TARGET` names the one that is meant.
#![no_main]

use std::{env, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use pontoon::fuzzing;

mod haproxy_cfg;
mod keepalived_conf;
mod stream_start;
mod vrrp_packet;

type Target = fn(&[u8]);

/// By name, as `fuzz/run` and `fuzz/all` read them here.
const TARGETS: &[(&str, Target)] = &[
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

static CHOSEN: LazyLock<Target> = LazyLock::new(|| {
    let wanted = env::var("PONTOON_FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(name, _)| *name == wanted);
    found
        .unwrap_or_else(|| panic!("PONTOON_FUZZ_TARGET={wanted:?} is no target"))
        .1
});

fuzz_target!(|bytes: &[u8]| CHOSEN(bytes));

/// Files that are no configuration: the states of servers, and patterns.
fn state_files(bytes: &[u8]) {
    fuzzing::server_states(bytes);
    haproxy_cfg::run_patterns(bytes);
}

/// The runtime sockets, and the master's, which passes on what is for others.
fn runtime_commands(bytes: &[u8]) {
    fuzzing::runtime_commands(bytes);
    fuzzing::master_commands(bytes);
}

/// What the kernel says of interfaces and addresses: there cannot be more than bytes for it.
fn netlink_notices(bytes: &[u8]) {
    const HEADER: usize = 16;
    let notices = pontoon_sys::netlink::read_notices(bytes).count();
    assert!(notices * HEADER <= bytes.len());
}
