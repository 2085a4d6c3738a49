//! Lines for whoever has started us.
//!
//! Who closes a pipe has read enough (`pontoon floating-ip status | head -1`): that changes nothing
//! of what is done, least of all of a call that is still to be made. `println!` would end the
//! process.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

/// To standard output.
pub(super) fn line(line: impl Display) {
    text(format_args!("{line}\n"));
}

/// To standard output, with the ends of its lines.
pub(super) fn text(text: impl Display) {
    let mut out = io::stdout().lock();
    let _unread = write!(out, "{text}").and_then(|()| out.flush());
}

/// To standard error, with the ends of its lines.
pub(super) fn error_text(text: impl Display) {
    let _unread = write!(io::stderr().lock(), "{text}");
}

/// To standard error.
pub(super) fn warning(line: impl Display) {
    let _unread = writeln!(io::stderr().lock(), "{line}");
}
