//! A real MariaDB server in a folder of its own.

use std::{net::SocketAddr, path::PathBuf, process::Command};

use crate::{
    needs,
    problem::{Problem, Result, Trying},
    program::Program,
    temp::TempDir,
    wait,
};

/// A server whose administrator logs in over its UNIX socket.
#[derive(Debug)]
pub struct MariaDb {
    folder: TempDir,
    address: SocketAddr,
    running: Option<Program>,
}

impl MariaDb {
    /// Makes one, stopped.
    ///
    /// # Errors
    /// `mariadb-install-db` refuses.
    pub fn create(address: SocketAddr) -> Result<Self> {
        let folder = TempDir::new("mariadb")?;
        let server = Self {
            folder,
            address,
            running: None,
        };
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown")
                .arg("mysql:mysql")
                .arg(server.folder.path()))?;
        }
        let mut command = tool("mariadb-install-db")?;
        command.args(["--no-defaults", "--auth-root-authentication-method=normal"]);
        command.args(["--skip-test-db", &user()]);
        // Several at once would step on each other's temporary tables.
        command.env("TMPDIR", server.folder.path());
        run(command.arg(format!("--datadir={}", server.data().display())))?;
        Ok(server)
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// It does not.
    pub fn start(&mut self) -> Result<()> {
        let mut command = tool("mariadbd")?;
        command.args(["--no-defaults", &user()]);
        command.arg(format!("--datadir={}", self.data().display()));
        command.arg(format!("--socket={}", self.socket().display()));
        command.arg(format!("--tmpdir={}", self.folder.path().display()));
        command.arg(format!("--bind-address={}", self.address.ip()));
        command.arg(format!("--port={}", self.address.port()));
        let program = Program::start(&mut command)?;
        let ready = wait::until("MariaDB to answer", wait::PATIENCE, || {
            self.execute("select 1").ok()
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

    /// Kills it.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Runs a statement as the administrator.
    ///
    /// # Errors
    /// The server refuses.
    pub fn execute(&self, statement: &str) -> Result<()> {
        let mut command = tool("mariadb")?;
        command.args(["--no-defaults", "--user=root"]);
        command.arg(format!("--socket={}", self.socket().display()));
        run(command.arg(format!("--execute={statement}")))
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("sock")
    }
}

/// The server refuses to run as root.
fn user() -> String {
    if rustix::process::geteuid().is_root() {
        "--user=mysql".to_owned()
    } else {
        format!("--user={}", std::env::var("USER").unwrap_or_default())
    }
}

fn tool(name: &str) -> Result<Command> {
    let path = needs::find(name);
    let path = path.ok_or_else(|| Problem::Unexpected(format!("{name} is not installed")))?;
    Ok(Command::new(path))
}

fn run(command: &mut Command) -> Result<()> {
    let what = format!("run {}", command.get_program().to_string_lossy());
    let output = command.output().trying(&what)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Problem::Unexpected(format!("{what}: {}", said.trim())))
}
