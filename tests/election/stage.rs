//! A host with an election on it, ours or the real one.

use std::{net::IpAddr, process::Output};

use pontoon_lab::{
    host::{Host, Inmate, Installed},
    netns::Network,
    problem::Trying as _,
    wait,
};
use pontoon_sys::process::Signal;

use crate::harness::{Failure, Outcome, pontoon};

/// Whose election.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Pontoon,
    Keepalived,
}

/// Where its file is.
pub(super) const FILE: &str = "/etc/keepalived/keepalived.conf";
/// The address it elects for.
pub(super) const SHARED: &str = "10.0.1.100";

/// One instance, and whatever else is wanted in it.
pub(super) fn instance(more: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n priority 100\n \
         advert_int 1\n virtual_ipaddress {{\n {SHARED}/24\n }}\n{more}\n}}\n"
    )
}

/// A script that fails when `/tmp/bad` is there, and an instance that tracks it.
pub(super) fn with_script() -> String {
    let track = "track_script {\n chk\n }";
    format!(
        "global_defs {{\n enable_script_security\n script_user root\n }}\n\
         vrrp_script chk {{\n script \"/usr/bin/test ! -f /tmp/bad\"\n interval 1\n weight 2\n }}\n{}",
        instance(track)
    )
}

/// One host on a network of its own.
pub(super) struct Stage {
    pub(super) host: Host,
    _network: Network,
}

impl Stage {
    pub(super) fn new(kind: Kind) -> Result<Self, Failure> {
        let mut network = Network::new()?;
        let namespace = network.host("a", &["10.0.1.1/24"])?;
        let ours = [Installed {
            program: pontoon(),
            at: "/usr/sbin/keepalived",
        }];
        let installed: &[Installed<'_>] = match kind {
            Kind::Pontoon => &ours,
            Kind::Keepalived => &[],
        };
        let host = Host::boot(&namespace, installed)?;
        // What this machine's own file says does not count here.
        host.write(FILE, instance(""))?;
        Ok(Self {
            host,
            _network: network,
        })
    }

    /// Writes a file beside the usual one.
    pub(super) fn write(&self, content: &str) -> Outcome {
        Ok(self.host.write(FILE, content)?)
    }

    /// Runs it to its end.
    pub(super) fn run(&self, arguments: &str) -> Result<Output, Failure> {
        let output = self
            .host
            .command("keepalived")
            .args(arguments.split_whitespace())
            .output();
        Ok(output.trying(format!("run keepalived {arguments}"))?)
    }

    /// Starts it with its lines on its output.
    pub(super) fn start(&self, more: &str) -> Result<Inmate, Failure> {
        let mut line = vec!["keepalived", "-n", "-l", "-f", FILE];
        line.extend(more.split_whitespace());
        Ok(self.host.start(&line)?)
    }

    /// Starts it and waits until it holds the address.
    pub(super) fn start_master(&self, more: &str) -> Result<Inmate, Failure> {
        let election = self.start(more)?;
        election.wait_for_line("the master's line", |line| {
            line.contains("(VI_1) Entering MASTER STATE")
        })?;
        self.wait_until_held(true)?;
        Ok(election)
    }

    pub(super) fn holds(&self) -> bool {
        let shared = SHARED.parse::<IpAddr>();
        shared.is_ok_and(|shared| self.host.holds(shared))
    }

    pub(super) fn wait_until_held(&self, held: bool) -> Outcome {
        let what = format!("the address to be held: {held}");
        wait::until(&what, wait::PATIENCE, || {
            (self.holds() == held).then_some(())
        })?;
        Ok(())
    }

    /// The process, as the host numbers it, whose number a file holds.
    pub(super) fn number_in(&self, file: &str) -> Result<String, Failure> {
        let number = wait::until(file, wait::PATIENCE, || {
            let text = self.host.read(file).trim().to_owned();
            (!text.is_empty()).then_some(text)
        })?;
        Ok(number)
    }

    /// Sends a signal to the process whose number a file holds.
    pub(super) fn signal(&self, file: &str, signal: Signal) -> Outcome {
        self.signal_number(file, signal.as_raw())
    }

    /// The same, for signals without a name.
    pub(super) fn signal_number(&self, file: &str, signal: i32) -> Outcome {
        let pid = self.number_in(file)?;
        let signal = format!("-{signal}");
        self.host
            .run(&["bash", "-c", "kill $0 $1", &signal, &pid])?;
        Ok(())
    }
}

/// Both outputs of a program.
pub(super) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// The parent's pid file.
pub(super) const PARENT: &str = "/run/keepalived.pid";
/// The election's pid file.
pub(super) const CHILD: &str = "/run/vrrp.pid";
