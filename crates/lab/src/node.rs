//! A node of a pair: a host with a proxy and an election on it.

use std::{net::IpAddr, path::Path};

use rustix::process::Signal;

use crate::{
    host::{Host, Inmate, Installed},
    problem::{Problem, Result},
    wait,
};

/// Whose programs run, and how they are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Programs<'a> {
    /// Debian's HAProxy and Keepalived.
    Debian,
    /// Ours in their places, started one by one as they are.
    Apart(&'a Path),
    /// Ours, both by one `pontoon run`.
    Together(&'a Path),
}

/// What runs on a node.
#[derive(Debug)]
pub struct Node {
    /// The host.
    pub host: Host,
    together: bool,
    ours: bool,
    /// The election, or the supervisor of both.
    daemon: Option<Inmate>,
}

const HAPROXY_CFG: &str = "/etc/haproxy/haproxy.cfg";
const KEEPALIVED_CONF: &str = "/etc/keepalived/keepalived.conf";

impl Node {
    /// Boots its host in a network namespace and installs the programs. Nothing is started.
    ///
    /// # Errors
    /// The host does not boot.
    pub fn boot(namespace: &str, programs: Programs<'_>) -> Result<Self> {
        let installed = match programs {
            Programs::Debian => Vec::new(),
            Programs::Apart(pontoon) | Programs::Together(pontoon) => [
                "/usr/sbin/haproxy",
                "/usr/sbin/keepalived",
                "/usr/sbin/pontoon",
            ]
            .map(|at| Installed {
                program: pontoon,
                at,
            })
            .to_vec(),
        };
        Ok(Self {
            host: Host::boot(namespace, &installed)?,
            together: matches!(programs, Programs::Together(_)),
            ours: programs != Programs::Debian,
            daemon: None,
        })
    }

    /// Writes both files.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn configure(&self, haproxy: &str, keepalived: &str) -> Result<()> {
        self.host.write(HAPROXY_CFG, haproxy)?;
        self.host.write(KEEPALIVED_CONF, keepalived)
    }

    /// Starts the proxy, then the election, as the how-to does; or both at once.
    ///
    /// # Errors
    /// One of them does not start.
    pub fn start(&mut self) -> Result<()> {
        if self.together {
            let line = ["/usr/sbin/pontoon", "run", HAPROXY_CFG, KEEPALIVED_CONF];
            self.daemon = Some(self.host.start(&line)?);
            return Ok(());
        }
        self.start_proxy()?;
        self.start_election()
    }

    /// Starts the proxy alone, in the background, with its pid file in `/run/haproxy.pid`.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_proxy(&self) -> Result<()> {
        let line = ["haproxy", "-D", "-p", "/run/haproxy.pid", "-f", HAPROXY_CFG];
        self.host.run(&line).map(drop)
    }

    /// Starts the election alone, its log being its output.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_election(&mut self) -> Result<()> {
        let line = ["keepalived", "-n", "-l", "-D", "-f", KEEPALIVED_CONF];
        self.daemon = Some(self.host.start(&line)?);
        Ok(())
    }

    /// What the election, or the whole node, has said so far.
    #[must_use]
    pub fn output(&self) -> String {
        let lines = self.daemon.as_ref().map(Inmate::output).unwrap_or_default();
        lines.join("\n")
    }

    /// Kills all processes of the proxy.
    ///
    /// # Errors
    /// There is none.
    pub fn kill_proxy(&self) -> Result<()> {
        self.must_signal("haproxy", Signal::KILL)
    }

    /// Stops all processes of the proxy where they are.
    ///
    /// # Errors
    /// There is none.
    pub fn hang_proxy(&self) -> Result<()> {
        self.must_signal("haproxy", Signal::STOP)
    }

    /// Hands its address over on purpose, as an operator does: by `pontoon switchover`; of a Keepalived,
    /// by a lower priority and a reload.
    ///
    /// # Errors
    /// It is refused.
    pub fn switch_over(&self) -> Result<()> {
        if self.ours {
            let name: &[&str] = if self.together {
                &[]
            } else {
                &["--name", "keepalived"]
            };
            let line = [&["/usr/sbin/pontoon", "switchover"], name].concat();
            return self.host.run(&line).map(drop);
        }
        let text = self.host.read(KEEPALIVED_CONF);
        let priority = text.lines().find(|line| line.contains(" priority "));
        let priority = priority.ok_or_else(|| Problem::Unexpected("no priority".into()))?;
        let lower = text.replace(priority, "    priority 50");
        self.host.write(KEEPALIVED_CONF, lower)?;
        self.daemon()?.signal(Signal::HUP)
    }

    /// Asks the election, or the whole node, to stop; does not wait.
    ///
    /// # Errors
    /// It does not run.
    pub fn stop_daemon(&self) -> Result<()> {
        self.daemon()?.signal(Signal::TERM)
    }

    /// Kills the election: all its processes, but not the supervisor of a whole node.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill_election(&self) -> Result<()> {
        self.must_signal("keepalived", Signal::KILL)
    }

    /// Kills the first process only: the supervisor of a whole node, or the election's parent.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill_first(&self) -> Result<()> {
        self.daemon()?.signal(Signal::KILL)
    }

    /// Stops everything on it and waits until that is done.
    ///
    /// # Errors
    /// Something goes on.
    pub fn stop(&mut self) -> Result<()> {
        self.stop_daemon()?;
        if let Some(mut daemon) = self.daemon.take() {
            daemon.wait(wait::PATIENCE)?;
        }
        self.host.signal_all("haproxy", Signal::TERM)?;
        wait::until("a proxy to stop", wait::PATIENCE, || {
            self.host.processes("haproxy").is_empty().then_some(())
        })
    }

    /// Waits until this address is on the node.
    ///
    /// # Errors
    /// It never is; the error shows what the node has said.
    pub fn wait_until_holds(&self, address: IpAddr) -> Result<()> {
        self.wait_for(&format!("{address} to come"), || self.host.holds(address))
    }

    /// Waits until this address has left the node.
    ///
    /// # Errors
    /// It stays; the error shows what the node has said.
    pub fn wait_until_free_of(&self, address: IpAddr) -> Result<()> {
        self.wait_for(&format!("{address} to go"), || !self.host.holds(address))
    }

    /// Waits until something is true of it.
    ///
    /// # Errors
    /// It never is; the error shows what the node has said.
    pub fn wait_for(&self, what: &str, mut done: impl FnMut() -> bool) -> Result<()> {
        let waited = wait::until(what, wait::PATIENCE, || done().then_some(()));
        waited.map_err(|problem| self.complain(&problem))
    }

    /// The same problem, with what the node has said.
    #[must_use]
    pub fn complain(&self, problem: &Problem) -> Problem {
        let name = self.host.namespace();
        Problem::Unexpected(format!("{problem}; {name} said:\n{}", self.output()))
    }

    fn daemon(&self) -> Result<&Inmate> {
        let daemon = self.daemon.as_ref();
        daemon.ok_or_else(|| Problem::Unexpected("it was not started".into()))
    }

    fn must_signal(&self, name: &str, signal: Signal) -> Result<()> {
        if self.host.signal_all(name, signal)? > 0 {
            return Ok(());
        }
        let none = Problem::Unexpected(format!("no process named {name}"));
        Err(self.complain(&none))
    }
}
