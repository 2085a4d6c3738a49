//! The `pontoon` program; started as `haproxy` it is that one's twin.
#![forbid(unsafe_code)]

fn main() {}
