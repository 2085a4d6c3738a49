//! The `pontoon` program; started as `haproxy` or `keepalived` it is their twin.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    pontoon::cli::main()
}
