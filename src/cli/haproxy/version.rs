//! `-v`, `-vv` and the usage text.

use std::{
    io::{self, Write as _},
    thread::available_parallelism,
};

use pontoon_config::haproxy::COMPATIBLE_VERSION;
use pontoon_sys::process::identity;

/// `-v`. The first line has the shape that scripts cut the version from.
pub(super) fn short() -> String {
    format!(
        "HAProxy version {} - this is Pontoon {}, compatible with HAProxy {COMPATIBLE_VERSION}\n\
         Status: reads HAProxy's files and behaves like it for TCP; it is not HAProxy.\n\
         Running on: {}\n",
        crate::VERSION,
        env!("CARGO_PKG_VERSION"),
        identity::system(),
    )
}

/// `-vv`.
pub(super) fn long() -> String {
    let threads = available_parallelism().map_or(1, usize::from);
    format!(
        "{}Build options :\n  TARGET  = {}-{}\n  OPTIONS = {}\n\n\
         Feature list : {}\n\n\
         Default settings :\n  bufsize = 16384, maxpollevents = 200\n\n\
         Built with multi-threading support (MAX_THREADS=64, default={threads}).\n\n\
         Available polling systems :\n      epoll : pref=300,  test result OK\n\
         Total: 1 (1 usable), will use epoll.\n",
        short(),
        std::env::consts::OS,
        std::env::consts::ARCH,
        if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        },
        features(),
    )
}

/// The features as `feature(…)` in a condition knows them.
fn features() -> String {
    let names = pontoon_config::haproxy::conditional::FEATURES;
    let present: Vec<_> = names.iter().map(|name| format!("+{name}")).collect();
    present.join(" ")
}

/// What is said about arguments that cannot be followed.
pub(super) const USAGE: &str = "\
Usage : haproxy [-f <cfgfile|cfgdir>]* [ -vdVD ] [ -n <maxconn> ] [ -N <maxpconn> ]
        [ -p <pidfile> ] [ -m <max megs> ] [ -C <dir> ] [-- <cfgfile>*]
        -v displays version ; -vv shows known build options.
        -d stays in the foreground and tells more ; -db only stays in the foreground.
        -V enters verbose mode (reverts -q and 'quiet')
        -D goes daemon ; -C changes to <dir> before loading files.
        -W master-worker mode.
        -Ws master-worker mode with systemd notify support.
        -q quiet mode : don't display messages
        -c check mode : only check config files and exit
        -cc check condition : evaluate a condition and exit
        -n sets the maximum total # of connections (uses ulimit -n)
        -m limits the usable amount of memory (in MB)
        -N sets the default, per-proxy maximum # of connections
        -L set local peer name (default to hostname)
        -p writes the daemon's pid to this file
        -dS disables splice usage
        -dV disables TLS verify on servers side
        -dW fails if any warning is emitted
        -dD tells which directives have no effect, and shows .diag lines
        -sf/-st [pid ]* finishes/terminates old pids.
";

/// Writes to standard output.
pub(super) fn print(text: &str) {
    // If nobody reads it, nobody wanted it.
    let _unread = io::stdout().lock().write_all(text.as_bytes());
}

/// Writes to standard error.
pub(super) fn complain(text: &str) {
    let _unread = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_word_is_a_version() {
        let text = short();
        let version = text.split_whitespace().nth(2).unwrap();
        assert!(text.starts_with("HAProxy version "));
        assert!(version.starts_with(COMPATIBLE_VERSION), "{version}");
    }
}
