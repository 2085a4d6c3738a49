//! Checks of a real LDAP server. (Other databases are in the logs' tests.)

use std::{
    net::{SocketAddr, TcpStream},
    process::Command,
};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    needs::{self, Need},
    problem::{Problem, Result},
    program::Program,
    syslog::Syslog,
    temp::TempDir,
    wait,
};

use crate::harness::{Outcome, Test, pontoon};

/// Adds the test.
pub(super) fn register(tests: &mut Vec<Test>) {
    let test = Test::new("checks::ldap_check_knows_a_real_slapd", compare);
    tests.push(
        test.needs(Need::Program("haproxy"))
            .needs(Need::Program("slapd")),
    );
}

/// The reports of both balancers must be the same while slapd runs, and when it has been killed.
fn compare() -> Outcome {
    let folder = TempDir::new("directory")?;
    let address = free_address()?;
    let slapd = slapd(&folder, address)?;
    let theirs = Watch::start(Kind::Haproxy, address)?;
    let ours = Watch::start(Kind::Pontoon, address)?;
    let passes = "Health check for server b/s succeeded, reason: Layer7 check passed";
    assert_eq!(theirs.line(passes)?, ours.line(passes)?);
    drop(slapd);
    let down = "Server b/s is DOWN";
    assert_eq!(theirs.line(down)?, ours.line(down)?);
    Ok(())
}

/// A balancer that checks the directory.
struct Watch {
    log: Syslog,
    _balancer: Balancer,
}

impl Watch {
    fn start(kind: Kind, address: SocketAddr) -> Result<Self> {
        let log = Syslog::start()?;
        let listens = free_address()?;
        let backend =
            format!("backend b\n option ldap-check\n server s {address} check inter 500\n");
        let config = super::preamble(&log, listens) + &backend;
        Ok(Self {
            log,
            _balancer: Balancer::start(kind, pontoon(), &config, listens)?,
        })
    }

    /// The first line that begins like this.
    fn line(&self, beginning: &str) -> Result<String> {
        let line = self
            .log
            .wait_for(beginning, |line| line.contains(beginning))?;
        Ok(super::normalised(&line, 0, 0))
    }
}

/// An anonymous bind needs no directory behind it.
fn slapd(folder: &TempDir, address: SocketAddr) -> Result<Program> {
    let pid_file = folder.path().join("pid");
    let config = folder.write("slapd.conf", format!("pidfile {}\n", pid_file.display()))?;
    let program = needs::find("slapd");
    let program = program.ok_or_else(|| Problem::Unexpected("slapd is not installed".into()))?;
    let mut command = Command::new(program);
    command.args(["-d", "0", "-h", &format!("ldap://{address}/"), "-f"]);
    let running = Program::start(command.arg(config))?;
    wait::until("slapd to listen", wait::PATIENCE, || {
        TcpStream::connect(address).ok()
    })?;
    Ok(running)
}
