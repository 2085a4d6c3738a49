//! `show why`, Pontoon's own: what `pontoon why` is made of, as JSON.

use std::{sync::Arc, time::Instant};

use crate::{
    admin::{
        runtime::answer::Answer,
        why::{self, Subject},
    },
    state::Running,
};

pub(super) fn answer(running: &Arc<Running>, subject: &Subject) -> Answer {
    match why::gather(running, subject, Instant::now()) {
        Some(why) => Answer::Text(format!("{}\n", why::json(&why))),
        None => Answer::error("No such server."),
    }
}
