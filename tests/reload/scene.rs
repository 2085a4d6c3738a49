//! A node with a proxy before one server, whose files and program can be replaced.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
    process::{Command, Output},
    time::Duration,
};

use pontoon::node::status::NodeStatus;
use pontoon_lab::{
    balancer::free_address,
    client::Client,
    program::Program,
    server::{Behaviour, Server},
    temp::TempDir,
    wait,
};

use crate::harness::{Failure, Outcome, pontoon};

/// How long a round trip may take.
const ROUND_TRIP: Duration = Duration::from_secs(5);

pub(super) struct Scene {
    pub(super) node: Program,
    pub(super) listens: SocketAddr,
    pub(super) folder: TempDir,
    pub(super) server: Server,
}

impl Scene {
    /// A node that serves.
    pub(super) fn new() -> Result<Self, Failure> {
        Self::with(|_| {})
    }

    /// The same, started with more than the usual.
    pub(super) fn with(prepare: impl FnOnce(&mut Command)) -> Result<Self, Failure> {
        let folder = TempDir::new("reload")?;
        let server = Server::start(Behaviour::Echo)?;
        let listens = free_address()?;
        folder.write("haproxy.cfg", config(listens, server.address()))?;
        symlink(pontoon(), folder.path().join("pontoon"))?;
        let mut command = Command::new(folder.path().join("pontoon"));
        command
            .current_dir(folder.path())
            .args(["run", "haproxy.cfg", "--socket", "node.sock"]);
        prepare(&mut command);
        let node = Program::start(&mut command)?;
        let scene = Self {
            node,
            listens,
            folder,
            server,
        };
        scene.until("the proxy to be up", |status| {
            status.proxy.as_ref().is_some_and(|it| it.up_for.is_some())
        })?;
        Ok(scene)
    }

    /// Replaces the file of the proxy.
    pub(super) fn write(&self, change: impl FnOnce(String) -> String) -> Outcome {
        let text = change(config(self.listens, self.server.address()));
        self.folder.write("haproxy.cfg", text)?;
        Ok(())
    }

    /// Replaces the program on the disk by a script; `$REAL` is the real one.
    pub(super) fn replace_program(&self, script: &str) -> Outcome {
        let real = pontoon().display();
        let text = format!("#!/bin/bash\nREAL={real}\n{script}\n");
        let new = self.folder.write("new", text)?;
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755))?;
        fs::rename(new, self.folder.path().join("pontoon"))?;
        Ok(())
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.path().join("node.sock")
    }

    /// `pontoon COMMAND --socket …`.
    pub(super) fn pontoon(&self, words: &[&str]) -> Result<Output, Failure> {
        let mut command = Command::new(pontoon());
        command.args(words).arg("--socket").arg(self.socket());
        Ok(command.current_dir(self.folder.path()).output()?)
    }

    /// Reloads and returns the new status.
    pub(super) fn reload(&self) -> Result<NodeStatus, Failure> {
        let output = self.pontoon(&["reload"])?;
        let said = said(&output);
        if !output.status.success() {
            return Err(format!("{said}\n{}", self.said()).into());
        }
        self.status()
    }

    pub(super) fn status(&self) -> Result<NodeStatus, Failure> {
        let output = self.pontoon(&["status", "--json"])?;
        serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{error}: {}\n{}", said(&output), self.said()).into())
    }

    /// Waits until the status says so.
    pub(super) fn until(
        &self,
        what: &str,
        wanted: impl Fn(&NodeStatus) -> bool,
    ) -> Result<NodeStatus, Failure> {
        let found = wait::until(what, wait::PATIENCE, || {
            self.status().ok().filter(|status| wanted(status))
        });
        found.map_err(|problem| format!("{problem}\n{}", self.said()).into())
    }

    pub(super) fn said(&self) -> String {
        self.node.output().join("\n")
    }

    /// A client whose session is established.
    pub(super) fn session(&self) -> Result<Client, Failure> {
        let mut client = Client::connect(self.listens)?;
        goes_on(&mut client)?;
        Ok(client)
    }
}

/// A round trip through a session.
pub(super) fn goes_on(client: &mut Client) -> Outcome {
    client.send(b"ping")?;
    assert_eq!(client.receive(4, ROUND_TRIP)?.bytes, b"ping");
    Ok(())
}

/// The number of the proxy.
pub(super) fn proxy(status: &NodeStatus) -> Result<u32, Failure> {
    let pid = status.proxy.as_ref().and_then(|proxy| proxy.pid);
    pid.ok_or_else(|| "no proxy".into())
}

fn config(listens: SocketAddr, server: SocketAddr) -> String {
    format!(
        "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n\
         listen relay\n bind {listens}\n server s1 {server}\n"
    )
}

/// Both outputs of a program.
pub(super) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
