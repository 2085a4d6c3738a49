//! Where a cost comes from, for whoever has to find out.

use std::fmt::Write as _;

use pontoon_lab::cost::{Cost, Share, Tally};

/// How many places are shown.
const SHOWN: usize = 8;

/// The functions with the most instructions, and who asked for memory.
pub(super) fn places(cost: &Cost) -> String {
    let mut text = String::from("where it is:\n");
    for (threads, share) in [("data", &cost.data), ("main", &cost.main)] {
        let Share {
            functions,
            allocations,
            ..
        } = share;
        list(&mut text, threads, "instructions", functions);
        list(&mut text, threads, "allocations", allocations);
    }
    text + "cargo run -p pontoon-lab --example cost -- target/gate/pontoon --top 40 shows more"
}

fn list(text: &mut String, threads: &str, what: &str, tally: &Tally) {
    for (name, count) in tally.greatest_first().into_iter().take(SHOWN) {
        let _ = writeln!(
            text,
            "  {threads}: {count:9.1} {what} in {}",
            name.replace('\'', " < ")
        );
    }
}
