//! What a state file says; see [`crate::fuzzing`].

use std::time::Instant;

use super::{States, dump};
use crate::fuzzing::running;

/// A whole `server-state-file`, in which servers begin. What is told of them then must be a state file without faults.
pub fn server_states(bytes: &[u8]) -> bool {
    let running = running();
    let proxies: Vec<_> = running.model.proxies.iter().collect();
    let mut states = States::default();
    states.read_text(&String::from_utf8_lossy(bytes), "file", &proxies);
    let understood = !states.known.is_empty();
    let now = Instant::now();
    running.begin_with(&states, now);
    let text = dump(&running, None, now).expect("there is a backend");
    let mut again = States::default();
    again.read_text(&text, "dump", &proxies);
    let problems: Vec<_> = again.problems().collect();
    assert!(problems.is_empty(), "{problems:?} in {text}");
    understood
}
