//! Doors for `fuzz/`, which is a package of its own: parsers that are private otherwise, each as a function that takes bytes
//! as a stranger would send them, panics where a parser breaks a promise, and says whether anything in the bytes made sense. Nothing in
//! the program calls them; the linker leaves them out of it.

use std::sync::{Arc, OnceLock};

use pontoon_config::{
    haproxy::{load, model::Model},
    source::SourceFile,
};

pub use crate::{
    admin::{
        fuzzing::{statistics_request, statistics_view},
        runtime::fuzzing::runtime_commands,
    },
    checks::fuzzing::check_answers,
    cloud::fuzzing::cloud_answers,
    handover::fuzzing::handover_messages,
    state::server_state::fuzzing::server_states,
    supervisor::console::fuzzing::master_commands,
};
use crate::{
    log::{self, Logger},
    state::{ProcessState, Running},
    surroundings::System,
};

/// One of everything that requests and commands are about.
const FILE: &str = "
global
    server-state-file /nowhere
    stats timeout 1s
defaults
    timeout client 1s
    timeout server 1s
    timeout connect 1s
frontend fe
    bind 127.0.0.1:1000
    acl one src 10.0.0.0/8
    acl two dst_port 1000
    tcp-request connection reject if one two
    default_backend be
backend be
    load-server-state-from-file global
    option tcp-check
    server a 127.0.0.1:1001 check agent-check agent-port 1003 weight 10
    server b 127.0.0.1:1002 backup check slowstart 10s
listen stats
    mode http
    bind 127.0.0.1:1004
    stats enable
    stats uri /s
    stats admin if TRUE
    stats auth u:p
";

/// A process that exists in memory only, as it is after its start.
pub(crate) fn running() -> Arc<Running> {
    static MODEL: OnceLock<Arc<Model>> = OnceLock::new();
    let model = MODEL.get_or_init(|| {
        let file = SourceFile {
            name: "haproxy.cfg".into(),
            text: FILE.into(),
        };
        let loaded = load(vec![file], &System);
        Arc::new(loaded.model.expect("the file above is without errors"))
    });
    let model = Arc::clone(model);
    let logger = Logger::open(&model, log::Settings::default()).expect("it logs nowhere");
    let process = ProcessState::new("node".into(), 1000, 2000);
    Arc::new(Running::new(model, process, logger, 1).expect("there is a descriptor left"))
}
