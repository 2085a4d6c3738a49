//! `show servers state`.

use std::{sync::Arc, time::Instant};

use crate::{
    admin::runtime::answer::Answer,
    state::{Running, server_state},
};

pub(super) fn state(running: &Arc<Running>, backend: Option<&str>) -> Answer {
    match server_state::dump(running, backend, Instant::now()) {
        Some(text) => Answer::Text(text),
        None => Answer::error("Can't find backend."),
    }
}
