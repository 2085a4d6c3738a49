//! What an operator sees of a running node, and does to it: `pontoon why`, `drain`, `top`.

mod servers;
mod top;

use std::{
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Command, Output},
};

use pontoon_lab::{
    balancer::free_address,
    program::Program,
    server::{Behaviour, Server},
    temp::TempDir,
    wait,
};

use crate::harness::{Failure, Test, pontoon};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    servers::register(tests);
    top::register(tests);
}

/// A node of one proxy with a server that lives and one that does not.
struct Scene {
    node: Program,
    socket: PathBuf,
    listens: SocketAddr,
    _folder: TempDir,
    _server: Server,
}

impl Scene {
    /// It runs, and checks have found out who lives.
    fn start() -> Result<Self, Failure> {
        let folder = TempDir::new("views")?;
        let server = Server::start(Behaviour::Echo)?;
        let (listens, dead) = (free_address()?, free_address()?);
        let text = format!(
            "defaults\n mode tcp\n timeout connect 1s\n timeout client 60s\n timeout server 60s\n\
             frontend fe\n bind {listens}\n default_backend be\n\
             backend be\n server alive {} check inter 50ms rise 2 fall 2 weight 10\n \
             server dead {dead} check inter 50ms rise 2 fall 2\n server other {dead} track be/dead\n",
            server.address()
        );
        folder.write("haproxy.cfg", text)?;
        let mut command = Command::new(pontoon());
        command.args(["run", "haproxy.cfg", "--socket", "lb.sock"]);
        let scene = Self {
            node: Program::start(command.current_dir(folder.path()))?,
            socket: folder.path().join("lb.sock"),
            listens,
            _folder: folder,
            _server: server,
        };
        scene.until_told(&["why", "be/dead"], "be/dead: DOWN for ")?;
        scene.until_told(&["why", "be/alive"], "be/alive: UP for ")?;
        Ok(scene)
    }

    /// `pontoon …` about this node.
    fn pontoon(&self, line: &[&str]) -> Result<Output, Failure> {
        let mut command = Command::new(pontoon());
        command.args(line).arg("--socket").arg(&self.socket);
        Ok(command.output()?)
    }

    /// What it says, if it succeeds.
    fn told(&self, line: &[&str]) -> Result<String, Failure> {
        let output = self.pontoon(line)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        let node = self.node.output().join("\n");
        Err(format!("{line:?}: {said}{why}\n-- node:\n{node}").into())
    }

    /// What it says to standard error, if it fails.
    fn refused(&self, line: &[&str]) -> Result<String, Failure> {
        let output = self.pontoon(line)?;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn until_told(&self, line: &[&str], wanted: &str) -> Result<String, Failure> {
        let mut last = String::new();
        let told = wait::until(wanted, wait::PATIENCE, || {
            last = match self.told(line) {
                Ok(told) => told,
                Err(failure) => failure.to_string(),
            };
            last.contains(wanted).then(|| last.clone())
        });
        told.map_err(|problem| format!("{problem}; {line:?} says: {last}").into())
    }

    fn connect(&self) -> Result<TcpStream, Failure> {
        Ok(TcpStream::connect(self.listens)?)
    }
}
