//! The `pontoon` program; started as `haproxy` it is that one's twin.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    pontoon::cli::main()
}
