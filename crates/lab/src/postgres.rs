//! A real PostgreSQL server in a folder of its own.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    needs,
    problem::{Problem, Result, Trying},
    program::Program,
    temp::TempDir,
    wait,
};

/// A server with an empty database `postgres`, whose owner is `postgres`, without passwords.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    address: SocketAddr,
    running: Option<Program>,
}

impl Postgres {
    /// Makes one, stopped.
    ///
    /// # Errors
    /// `initdb` refuses.
    pub fn create(address: SocketAddr) -> Result<Self> {
        let folder = TempDir::new("postgres")?;
        hand_over(folder.path())?;
        let server = Self {
            folder,
            address,
            running: None,
        };
        let mut command = as_user("initdb")?;
        command.args(["--no-sync", "--auth=trust", "--username=postgres", "-D"]);
        run(command.arg(server.data()))?;
        Ok(server)
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// It does not.
    pub fn start(&mut self) -> Result<()> {
        let mut command = as_user("postgres")?;
        command.arg("-D").arg(self.data());
        command.args(["-F", "-h", &self.address.ip().to_string()]);
        command.args(["-p", &self.address.port().to_string()]);
        command.arg("-k").arg(self.folder.path());
        let program = Program::start(&mut command)?;
        let ready = wait::until("PostgreSQL to answer", wait::PATIENCE, || {
            self.psql("select 1").ok()
        });
        ready.map_err(|problem| {
            Problem::Unexpected(format!(
                "{problem}; it said:\n{}",
                program.output().join("\n")
            ))
        })?;
        self.running = Some(program);
        Ok(())
    }

    /// Ends it and all its sessions at once, as a crash would.
    ///
    /// # Errors
    /// `pg_ctl` refuses.
    pub fn crash(&mut self) -> Result<()> {
        let Some(mut program) = self.running.take() else {
            return Ok(());
        };
        let mut command = as_user("pg_ctl")?;
        command.arg("-D").arg(self.data());
        run(command.args(["stop", "-m", "immediate"]))?;
        program.wait(wait::PATIENCE).map(|_| ())
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Fills the tables of pgbench.
    ///
    /// # Errors
    /// `pgbench` refuses.
    pub fn prepare_benchmark(&self) -> Result<()> {
        run(benchmark(self.address)?.args(["--initialize", "--quiet", "--init-steps=dtgp"]))
            .map(|_| ())
    }

    /// Runs a statement and returns what it printed.
    ///
    /// # Errors
    /// The server refuses.
    pub fn psql(&self, statement: &str) -> Result<String> {
        let mut command = tool("psql")?;
        command.args(["--no-psqlrc", "--tuples-only", "--no-align"]);
        command.args(["--username=postgres", "--dbname=postgres"]);
        command.arg(format!("--host={}", self.address.ip()));
        command.arg(format!("--port={}", self.address.port()));
        run(command.arg(format!("--command={statement}")))
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its children would outlive a plain kill.
        let _stopped = self.crash();
    }
}

/// `pgbench` against this address, without the vacuum that a follower would refuse.
///
/// # Errors
/// It is not installed.
pub fn benchmark(address: SocketAddr) -> Result<Command> {
    let mut command = tool("pgbench")?;
    command.args(["--no-vacuum", "--username=postgres"]);
    command.arg(format!("--host={}", address.ip()));
    command.arg(format!("--port={}", address.port()));
    command.env("PGDATABASE", "postgres");
    Ok(command)
}

/// A program of the server's, as the user who may run it: PostgreSQL refuses root.
fn as_user(name: &str) -> Result<Command> {
    if !rustix::process::geteuid().is_root() {
        return tool(name);
    }
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=postgres",
        "--regid=postgres",
        "--clear-groups",
        "--",
    ]);
    command.arg(path(name)?);
    // Root's own folder may not be entered.
    command.current_dir("/");
    Ok(command)
}

fn tool(name: &str) -> Result<Command> {
    Ok(Command::new(path(name)?))
}

fn path(name: &str) -> Result<PathBuf> {
    needs::find(name).ok_or_else(|| Problem::Unexpected(format!("{name} is not installed")))
}

/// Gives the folder to the user `postgres`, if we are root.
fn hand_over(folder: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let mut command = Command::new("chown");
    run(command.arg("postgres:postgres").arg(folder)).map(|_| ())
}

fn run(command: &mut Command) -> Result<String> {
    let what = format!("run {}", command.get_program().to_string_lossy());
    let output = command.output().trying(&what)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Problem::Unexpected(format!("{what}: {}", said.trim())))
}
