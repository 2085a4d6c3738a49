//! All fuzz targets as one libFuzzer program; `PONTOON_FUZZ_TARGET` names the one that is meant.
#![no_main]

use std::{env, sync::LazyLock};

use libfuzzer_sys::fuzz_target;

mod targets;
use targets::{TARGETS, Target};

static CHOSEN: LazyLock<Target> = LazyLock::new(|| {
    let wanted = env::var("PONTOON_FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(name, _)| *name == wanted);
    found
        .unwrap_or_else(|| panic!("PONTOON_FUZZ_TARGET={wanted:?} is no target"))
        .1
});

fuzz_target!(|bytes: &[u8]| {
    CHOSEN(bytes);
});
