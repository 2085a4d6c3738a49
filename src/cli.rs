//! Name and arguments choose an entry point.

mod ask;
pub mod check;
mod ec2_associate_address;
mod floating_ip;
mod haproxy;
mod keepalived;
mod manual;
mod plan;
mod pontoon;
pub mod reference;
mod reload;
mod runtime;
mod say;
mod server;
mod status;
mod switchover;
mod top;
mod why;

use std::{
    env,
    ffi::{OsStr, OsString},
    panic,
    path::Path,
    process::{self, ExitCode},
};

use crate::election::launcher;

/// Runs the program under the name it was started by.
#[must_use]
pub fn main() -> ExitCode {
    abort_on_panic();
    let mut args = env::args_os();
    let name = args.next().unwrap_or_default();
    match Twin::of(&name) {
        Twin::Haproxy => haproxy::main(args),
        Twin::Keepalived => keepalived::main(args),
        Twin::Scripts => keepalived::launch(args),
        Twin::Pontoon => pontoon::main(std::iter::once(name).chain(args)),
        Twin::Ec2AssociateAddress => ec2_associate_address::main(args),
    }
}

/// A panic aborts the process, so that whoever is left releases what it held: also where the
/// profile would let a thread unwind and the rest go on half-dead.
fn abort_on_panic() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        report(info);
        process::abort();
    }));
}

/// Which program we are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Twin {
    Haproxy,
    Keepalived,
    /// What starts a keepalived's scripts.
    Scripts,
    Pontoon,
    Ec2AssociateAddress,
}

impl Twin {
    fn of(name: &OsString) -> Self {
        match Path::new(name).file_name().and_then(OsStr::to_str) {
            Some("haproxy") => Self::Haproxy,
            Some("keepalived") => Self::Keepalived,
            Some(launcher::NAME) => Self::Scripts,
            Some("ec2-associate-address") => Self::Ec2AssociateAddress,
            _ => Self::Pontoon,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_of_the_name_decides() {
        let of = |name: &str| Twin::of(&name.into());
        assert_eq!(of("/usr/sbin/haproxy"), Twin::Haproxy);
        assert_eq!(of("haproxy"), Twin::Haproxy);
        assert_eq!(of("./pontoon"), Twin::Pontoon);
        assert_eq!(of("my-haproxy"), Twin::Pontoon);
        assert_eq!(of("keepalived"), Twin::Keepalived);
        let tool = "/opt/aws/bin/ec2-associate-address";
        assert_eq!(of(tool), Twin::Ec2AssociateAddress);
        assert_eq!(of(""), Twin::Pontoon);
    }
}
