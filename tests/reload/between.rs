//! `-x`: listeners that a process takes from the one that listens at a socket.

use std::{net::SocketAddr, process::Command};

use pontoon::node::beat::Pulse;
use pontoon_lab::{
    balancer::{Kind, free_address, program_of},
    client::Client,
    program::Program,
    server::{Behaviour, Server},
    temp::TempDir,
    wait,
};
use pontoon_sys::process::Signal;

use super::scene::goes_on;
use crate::harness::{Failure, Outcome, Test, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new("reload::x_lends_listeners_of_who_stays", lends));
    tests.push(Test::new("reload::x_goes_with_sf", with_sf));
}

struct Bench {
    folder: TempDir,
    listens: SocketAddr,
    _server: Server,
}

impl Bench {
    fn new() -> Result<Self, Failure> {
        let folder = TempDir::new("transfer")?;
        let server = Server::start(Behaviour::Echo)?;
        let listens = free_address()?;
        program_of(Kind::Pontoon, pontoon(), &folder)?;
        let text = format!(
            "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n\
             listen relay\n bind {listens}\n server s1 {}\n",
            server.address()
        );
        folder.write("new.cfg", &text)?;
        // Any socket of the process tells which one it is.
        let socket = folder.path().join("socket");
        let bind = format!(" bind {listens}\n bind unix@{}\n", socket.display());
        folder.write(
            "old.cfg",
            text.replace(&format!(" bind {listens}\n"), &bind),
        )?;
        Ok(Self {
            folder,
            listens,
            _server: server,
        })
    }

    fn start(&self, arguments: &[&str]) -> Result<Program, Failure> {
        let mut command = Command::new(self.folder.path().join("haproxy"));
        command
            .current_dir(self.folder.path())
            .arg("-db")
            .args(arguments);
        Ok(Program::start(&mut command)?)
    }

    fn old(&self) -> Result<Program, Failure> {
        let old = self.start(&["-f", "old.cfg"])?;
        wait::until("the old one", wait::PATIENCE, || self.session().ok())?;
        Ok(old)
    }

    fn session(&self) -> Result<Client, Failure> {
        let mut client = Client::connect(self.listens)?;
        goes_on(&mut client)?;
        Ok(client)
    }
}

/// Both serve at one address until the old one is stopped.
fn lends() -> Outcome {
    let bench = Bench::new()?;
    let mut old = bench.old()?;
    let mut session = bench.session()?;
    let new = bench.start(&["-x", "socket", "-f", "new.cfg"])?;
    wait::until("the new one to be bound", wait::PATIENCE, || {
        Pulse::of(new.pid()).ok()
    })?;
    old.signal(Signal::USR1)?;
    goes_on(&mut session)?;
    drop(session);
    assert_eq!(old.wait(wait::PATIENCE)?.code(), Some(0));
    let said = || format!("{:?}", new.output());
    bench.session().map_err(|failure| failure.with(&said()))?;
    Ok(())
}

fn with_sf() -> Outcome {
    let bench = Bench::new()?;
    let mut old = bench.old()?;
    let mut session = bench.session()?;
    let pid = old.pid().to_string();
    let _new = bench.start(&["-x", "socket", "-f", "new.cfg", "-sf", &pid])?;
    assert_eq!(old.wait(wait::PATIENCE)?.code(), Some(0));
    goes_on(&mut session)?;
    bench.session()?;
    Ok(())
}
