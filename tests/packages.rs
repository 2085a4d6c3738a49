//! What a stranger installs: the Debian packages on a Debian with systemd, the units, the manual pages.

mod container;
mod debian;
mod logs;
mod machine;
mod manual;
mod rpm;
mod units;

use crate::harness::Test;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    container::register(tests);
    debian::register(tests);
    logs::register(tests);
    manual::register(tests);
    rpm::register(tests);
    units::register(tests);
}

/// A file below `packaging`.
fn packaging(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("packaging")
        .join(name)
}

/// Packages are made one after the other: they share a folder.
fn building<T>(make: impl FnOnce() -> T) -> T {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = ALONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    make()
}
