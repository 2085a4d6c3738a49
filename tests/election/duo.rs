//! Two hosts with an election of ours on each, on one network.

use std::net::IpAddr;

use pontoon_lab::{
    host::{Host, Inmate, Installed},
    netns::Network,
    wait,
};
use pontoon_sys::process::Signal;

use super::stage::{FILE, PARENT};
use crate::harness::{Failure, Outcome, pontoon};

/// Where notify scripts and FIFO readers write in these files.
pub(super) const NOTES: &str = "/tmp/notes";
/// Writes its arguments there.
pub(super) const NOTE: &str = "/etc/keepalived/note.sh";

/// What all of these files begin with: fast, and scripts may write.
pub(super) const FAST: &str = "global_defs {\n vrrp_version 3\n script_user root\n}\n";

/// Two nodes: the first is preferred in most files.
pub(super) struct Duo {
    pub(super) network: Network,
    hosts: [Host; 2],
    elections: [Option<Inmate>; 2],
}

/// An instance of version 3 that advertises ten times a second.
pub(super) fn fast(name: &str, vrid: u8, priority: u8, address: &str, more: &str) -> String {
    format!(
        "vrrp_instance {name} {{\n interface eth0\n virtual_router_id {vrid}\n \
         priority {priority}\n advert_int 0.1\n virtual_ipaddress {{\n {address}\n }}\n{more}\n}}\n"
    )
}

/// `VI_1` on 10.0.1.100.
pub(super) fn one(priority: u8, more: &str) -> String {
    fast("VI_1", 51, priority, "10.0.1.100/24", more)
}

impl Duo {
    /// Hosts 10.0.1.1 and 10.0.1.2 with these files; nothing is started.
    pub(super) fn new(files: [&str; 2]) -> Result<Self, Failure> {
        let mut network = Network::new()?;
        let mut host = |name, number: u8, file: &str| -> Result<Host, Failure> {
            let own = [
                format!("10.0.1.{number}/24"),
                format!("fd00:1::{number}/64"),
            ];
            let space = network.host(name, &[&own[0], &own[1]])?;
            let installed = [Installed {
                program: pontoon(),
                at: "/usr/sbin/keepalived",
            }];
            let host = Host::boot(&space, &installed)?;
            host.write(FILE, file)?;
            host.write_script(NOTE, format!("#!/bin/sh\necho \"$@\" >>{NOTES}\n"))?;
            Ok(host)
        };
        let hosts = [host("a", 1, files[0])?, host("b", 2, files[1])?];
        Ok(Self {
            network,
            hosts,
            elections: [None, None],
        })
    }

    /// The same, both started, the first being master of 10.0.1.100.
    pub(super) fn settled(files: [&str; 2]) -> Result<Self, Failure> {
        let mut duo = Self::new(files)?;
        duo.start(0)?;
        duo.start(1)?;
        duo.held_by(0, "10.0.1.100")?;
        duo.says(1, "Entering BACKUP STATE")?;
        Ok(duo)
    }

    pub(super) const fn host(&self, which: usize) -> &Host {
        &self.hosts[which]
    }

    pub(super) fn start(&mut self, which: usize) -> Outcome {
        self.start_with(which, &[])
    }

    pub(super) fn start_with(&mut self, which: usize, more: &[&str]) -> Outcome {
        let mut line = vec!["keepalived", "-n", "-l", "-D", "-f", FILE];
        line.extend(more);
        self.elections[which] = Some(self.hosts[which].start(&line)?);
        Ok(())
    }

    pub(super) fn stop(&mut self, which: usize) -> Outcome {
        self.signal(which, Signal::TERM)?;
        if let Some(mut election) = self.elections[which].take() {
            election.wait(wait::PATIENCE)?;
        }
        Ok(())
    }

    /// Sends a signal to the parent.
    pub(super) fn signal(&self, which: usize, signal: Signal) -> Outcome {
        let pid = self.number_in(which, PARENT)?;
        let signal = format!("-{}", signal.as_raw());
        self.hosts[which].run(&["bash", "-c", "kill $0 $1", &signal, &pid])?;
        Ok(())
    }

    /// The number of a process, as its host has it, from a file.
    pub(super) fn number_in(&self, which: usize, file: &str) -> Result<String, Failure> {
        let number = wait::until(file, wait::PATIENCE, || {
            let text = self.hosts[which].read(file).trim().to_owned();
            (!text.is_empty()).then_some(text)
        })?;
        Ok(number)
    }

    /// Writes another file and has it read; waits until that is done.
    pub(super) fn reload(&self, which: usize, file: &str) -> Outcome {
        let done = self.count(which, "Reload complete");
        self.hosts[which].write(FILE, file)?;
        self.signal(which, Signal::HUP)?;
        self.until("the reload", || self.count(which, "Reload complete") > done)
    }

    /// Waits until one has an address and the other has not.
    pub(super) fn held_by(&self, which: usize, address: &str) -> Outcome {
        self.until(&format!("{address} on host {which} only"), || {
            self.holds(which, address) && !self.holds(1 - which, address)
        })
    }

    /// The same of 10.0.1.100.
    pub(super) fn master(&self, which: usize) -> Outcome {
        self.held_by(which, "10.0.1.100")
    }

    pub(super) fn holds(&self, which: usize, address: &str) -> bool {
        let address = address.parse::<IpAddr>().expect("an address");
        self.hosts[which].holds(address)
    }

    /// Waits until something is true; a failure shows both logs.
    pub(super) fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) -> Outcome {
        let waited = wait::until(what, wait::PATIENCE, || is_so().then_some(()));
        waited.map_err(|problem| self.complain(&problem.to_string()))
    }

    /// Waits until one has said this.
    pub(super) fn says(&self, which: usize, text: &str) -> Outcome {
        self.until(&format!("host {which} to say {text}"), || {
            self.count(which, text) > 0
        })
    }

    /// How many lines of one contain this.
    pub(super) fn count(&self, which: usize, text: &str) -> usize {
        let output = self.output(which);
        output.iter().filter(|line| line.contains(text)).count()
    }

    pub(super) fn output(&self, which: usize) -> Vec<String> {
        let election = self.elections[which].as_ref();
        election.map(Inmate::output).unwrap_or_default()
    }

    /// Waits until these are the notes one host's scripts have written.
    pub(super) fn noted(&self, which: usize, wanted: &[&str]) -> Outcome {
        let notes = || self.hosts[which].read(NOTES);
        let is_so = || notes().lines().collect::<Vec<_>>() == wanted;
        self.until(&format!("notes {wanted:?}"), is_so)
            .map_err(|failure| failure.with(&format!("noted: {}", notes())))
    }

    /// What `ip` on a host says.
    pub(super) fn ip(&self, which: usize, line: &str) -> Result<String, Failure> {
        let words: Vec<_> = ["ip"].into_iter().chain(line.split(' ')).collect();
        Ok(self.hosts[which].run(&words)?)
    }

    /// A field of `/proc/PID/stat` of the election, counted as proc(5) does.
    pub(super) fn statistic(&self, which: usize, field: usize) -> Result<String, Failure> {
        let pid = self.number_in(which, super::stage::CHILD)?;
        let stat = self.hosts[which].run(&["cat", &format!("/proc/{pid}/stat")])?;
        let (_, fields) = stat.rsplit_once(')').ok_or("no statistics")?;
        // The third comes after the name.
        let found = fields.split_whitespace().nth(field - 3);
        Ok(found.ok_or("too few fields")?.to_owned())
    }

    pub(super) fn complain(&self, what: &str) -> Failure {
        let [first, second] = [0, 1].map(|which| self.output(which).join("\n"));
        Failure::from(format!("{what}\n-- first:\n{first}\n-- second:\n{second}"))
    }
}
