//! What the tests of several parts share: models from configuration text, and processes that exist
//! only in memory.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use pontoon_config::{
    haproxy::{Surroundings, load, model::Model},
    source::SourceFile,
};

use crate::{
    log::{self, Logger},
    state::{ProcessState, Running},
};

/// What a text means that must be without errors.
pub(crate) fn model(text: String) -> Model {
    let file = SourceFile {
        name: "haproxy.cfg".into(),
        text,
    };
    let loaded = load(vec![file], &Nowhere);
    loaded
        .model
        .unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

/// A process about to start.
pub(crate) fn running(model: Model, process: ProcessState, threads: u16) -> Arc<Running> {
    let model = Arc::new(model);
    let logger = Logger::open(&model, log::Settings::default()).unwrap();
    Arc::new(Running::new(model, process, logger, threads).unwrap())
}

/// A process of modest limits.
pub(crate) fn process() -> ProcessState {
    ProcessState::new("test".into(), 1000, 2000)
}

/// A process has one heart, and all tests are in one process.
pub(crate) fn heart() -> MutexGuard<'static, ()> {
    static HEART: Mutex<()> = Mutex::new(());
    HEART.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A machine without names, files or users.
struct Nowhere;

impl Surroundings for Nowhere {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn resolve(&self, _: &str) -> Vec<IpAddr> {
        Vec::new()
    }

    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("there are no files".into())
    }

    fn user_id(&self, _: &str) -> Option<u32> {
        None
    }

    fn group_id(&self, _: &str) -> Option<u32> {
        None
    }
}
