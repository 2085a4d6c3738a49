//! A real Redis server in a folder of its own.

use std::{net::SocketAddr, process::Command};

use crate::{
    client::Client,
    needs,
    problem::{Problem, Result},
    program::Program,
    temp::TempDir,
    wait,
};

/// A running server that saves nothing.
#[derive(Debug)]
pub struct Redis {
    _program: Program,
    _folder: TempDir,
}

impl Redis {
    /// Starts one, with a password or without, and waits until it answers.
    ///
    /// # Errors
    /// It is not installed or does not answer.
    pub fn start(address: SocketAddr, password: Option<&str>) -> Result<Self> {
        let path = needs::find("redis-server")
            .ok_or_else(|| Problem::Unexpected("redis-server is not installed".into()))?;
        let folder = TempDir::new("redis")?;
        let mut command = Command::new(path);
        command.args(["--save", "", "--appendonly", "no"]);
        command.args(["--bind", &address.ip().to_string()]);
        command.args(["--port", &address.port().to_string()]);
        command.arg("--dir").arg(folder.path());
        if let Some(password) = password {
            command.args(["--requirepass", password]);
        }
        let program = Program::start(&mut command)?;
        wait::until("Redis to answer", wait::PATIENCE, || answers(address).ok())?;
        Ok(Self {
            _program: program,
            _folder: folder,
        })
    }
}

/// Any answer will do: with a password it is an error.
fn answers(address: SocketAddr) -> Result<()> {
    let mut client = Client::connect(address)?;
    client.send(b"PING\r\n")?;
    let seen = client.receive(1, wait::PATIENCE)?;
    if seen.bytes.is_empty() {
        return Err(Problem::Unexpected("no answer".into()));
    }
    Ok(())
}
