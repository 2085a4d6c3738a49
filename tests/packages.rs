//! What a stranger installs: the Debian packages on a Debian with systemd, the units, the manual pages.

mod debian;
mod machine;
mod manual;
mod units;

use crate::harness::Test;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    debian::register(tests);
    manual::register(tests);
    units::register(tests);
}

/// A file below `packaging`.
fn packaging(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("packaging")
        .join(name)
}
