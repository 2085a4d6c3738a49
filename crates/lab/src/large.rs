//! Large configuration files, as the users with the most proxies have them, and as nobody should.
//!
//! A fixed number of lines makes a fixed text: instruction counts of programs that read it can be
//! compared.

mod election;
mod proxies;

use std::fmt::{self, Write as _};

pub use self::{
    election::{keepalived, keepalived_of_mistakes},
    proxies::{Fleet, haproxy, haproxy_of_mistakes},
};

/// Whole blocks of a text, until it has so many lines.
fn repeat(
    mut text: String,
    lines: usize,
    mut block: impl FnMut(&mut String, usize) -> fmt::Result,
) -> String {
    let mut next = String::new();
    let mut count = text.lines().count();
    for number in 0.. {
        next.clear();
        // Writing into a string does not fail.
        let _ = block(&mut next, number);
        count += next.lines().count();
        if count > lines || next.is_empty() {
            break;
        }
        text.push_str(&next);
    }
    let missing = lines.saturating_sub(text.lines().count());
    for _ in 0..missing {
        let _ = writeln!(text, "# The rest.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_lines_asked_for() {
        let makers = [
            haproxy,
            haproxy_of_mistakes,
            keepalived,
            keepalived_of_mistakes,
        ];
        for make in makers {
            assert_eq!(make(1000).lines().count(), 1000);
        }
    }
}
