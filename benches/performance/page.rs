//! The page about performance: its measured part is written by the bench, the rest by people.

use std::{fmt::Write as _, fs, io, path::Path};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md");
/// Only what is measured into this folder goes into the page.
const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/results");
const BEGIN: &str = "<!-- measured: what follows is written by the bench -->\n";
const END: &str = "<!-- measured: until here -->\n";

/// Writes the measured part of the page anew, if `folder` is the folder of its results.
///
/// # Errors
/// The page cannot be read or written, or has lost its marks.
pub(crate) fn rewrite(folder: &Path, summary: &str, plots: &[&str]) -> io::Result<()> {
    if fs::canonicalize(folder)? != fs::canonicalize(RESULTS).unwrap_or_default() {
        return Ok(());
    }
    let page = fs::read_to_string(PAGE)?;
    let lost = || io::Error::other(format!("{PAGE} has lost the marks of its measured part"));
    let (before, rest) = page.split_once(BEGIN).ok_or_else(lost)?;
    let (_, after) = rest.split_once(END).ok_or_else(lost)?;
    let mut measured = summary.replace("\n## ", "\n### ");
    for plot in plots {
        // Writing into a String cannot fail.
        let _ok = write!(measured, "\n![](../benches/results/{plot})\n");
    }
    measured += "\nEvery scenario with all its figures: [performance.md](../benches/results/performance.md); every round: \
                 [performance.json](../benches/results/performance.json).\n";
    fs::write(PAGE, format!("{before}{BEGIN}{measured}{END}{after}"))
}
