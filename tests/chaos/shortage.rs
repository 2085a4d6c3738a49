//! When the system gives no more: nothing spins, little is said, and all goes on afterwards.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    client::Client,
    crowd::{EchoServer, usage},
    temp::TempDir,
    wait,
};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};

use super::idle;
use crate::harness::{Failure, Outcome, Test, pontoon};

/// Adds these tests.
pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new("chaos::out_of_descriptors", out_of_descriptors));
    tests.push(Test::new("chaos::pauses_under_load", pauses_under_load));
    tests.push(Test::new(
        "chaos::failed_start_takes_no_path",
        takes_no_path,
    ));
    tests.push(Test::new("chaos::frontend_is_full_and_again_not", full));
}

/// A balancer before an echo server.
struct Stage {
    server: EchoServer,
    balancer: Balancer,
    front: SocketAddr,
}

impl Stage {
    fn set(threads: u16, more: &str) -> Result<Self, Failure> {
        let server = EchoServer::start()?;
        let front = free_address()?;
        let config = format!(
            "global\n nbthread {threads}\n log stdout format raw local0 notice\n\
             defaults\n mode tcp\n log global\n timeout connect 5s\n timeout client 30s\n \
             timeout server 30s\n\
             listen echo\n bind {front} backlog 1024\n server s1 {}\n {more}\n",
            server.address()
        );
        let balancer = Balancer::start(Kind::Pontoon, pontoon(), &config, front)?;
        Ok(Self {
            server,
            balancer,
            front,
        })
    }

    fn pid(&self) -> u32 {
        self.balancer.program.pid()
    }

    /// From now on the process may open so many descriptors.
    fn limit_files(&self, files: u64) -> Outcome {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        let limit = Rlimit {
            current: Some(files),
            maximum: getrlimit(Resource::Nofile).maximum,
        };
        prlimit(pid, Resource::Nofile, limit).map_err(|error| Failure::from(error.to_string()))?;
        Ok(())
    }

    /// Sends a signal and waits until it says that it obeys.
    fn order(&self, signal: Signal, word: &str) -> Outcome {
        let said = || {
            let lines = self.balancer.program.output();
            lines.iter().filter(|line| line.contains(word)).count()
        };
        let before = said();
        self.balancer.program.signal(signal)?;
        wait::until(word, wait::PATIENCE, || (said() > before).then_some(()))?;
        Ok(())
    }

    /// A session that is served now.
    fn is_served(&self) -> Outcome {
        let mut client = Client::connect(self.front)?;
        client.send(b"now")?;
        let got = client.receive(3, wait::PATIENCE)?;
        match got.bytes == b"now" {
            true => Ok(()),
            false => Err(Failure::from(format!("not served: {got:?}"))),
        }
    }
}

/// Clients that stay; whether they are served is not asked.
fn crowd(front: SocketAddr, count: usize) -> Result<Vec<TcpStream>, Failure> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut client = TcpStream::connect_timeout(&front, wait::PATIENCE)?;
        client.write_all(b"here")?;
        clients.push(client);
    }
    Ok(clients)
}

fn out_of_descriptors() -> Outcome {
    let stage = Stage::set(2, "")?;
    starve(&stage).map_err(|failure| failure.with(&stage.balancer.program.output().join("\n")))
}

fn starve(stage: &Stage) -> Outcome {
    stage.is_served()?;
    let before = usage(stage.pid())?;
    // An even and an odd number: first accept lacks one, then connect.
    for spare in [20, 21] {
        let said = stage.balancer.program.output().len();
        let began = Instant::now();
        stage.limit_files(before.descriptors as u64 + spare)?;
        let clients = crowd(stage.front, 60)?;
        idle::expect(stage.pid())?;
        let lines = stage.balancer.program.output().split_off(said);
        for complaint in ["Proxy echo cannot accept", "Backend echo: no descriptor"] {
            let count = lines
                .iter()
                .filter(|line| line.starts_with(complaint))
                .count();
            if count as u64 > began.elapsed().as_secs() + 1 {
                return Err(Failure::from(format!("{count} times: {complaint}")));
            }
        }
        if lines.is_empty() {
            return Err(Failure::from("nobody complains".to_owned()));
        }
        stage.limit_files(1000)?;
        drop(clients);
        stage.is_served()?;
    }
    wait::until("descriptors to come back", wait::PATIENCE, || {
        let now = usage(stage.pid()).ok()?;
        (now.descriptors <= before.descriptors && stage.server.open() == 0).then_some(())
    })?;
    Ok(())
}

/// Paused and resumed while clients come: nobody served is disturbed, nothing is complained of.
fn pauses_under_load() -> Outcome {
    let stage = Stage::set(2, "")?;
    let front = stage.front;
    let mut staying = crowd(front, 20)?;
    // What has not been accepted yet is refused.
    hear(&mut staying)?;
    let end = Instant::now() + Duration::from_secs(2);
    let coming = std::thread::spawn(move || {
        while Instant::now() < end {
            // Refused while paused.
            if let Ok(mut client) = TcpStream::connect_timeout(&front, Duration::from_millis(100)) {
                let _refused = client.write_all(b"x");
            }
        }
    });
    while !coming.is_finished() {
        stage.order(Signal::TTOU, "Paused")?;
        stage.order(Signal::TTIN, "Resumed")?;
    }
    let _joined = coming.join();
    stage.is_served()?;
    for client in &mut staying {
        client.write_all(b"here")?;
    }
    hear(&mut staying)?;
    let lines = stage.balancer.program.output();
    match lines.iter().find(|line| line.contains("cannot accept")) {
        Some(line) => Err(Failure::from(format!("it complains: {line}"))),
        None => Ok(()),
    }
}

/// A second process that cannot have all addresses leaves the first one's path alone.
fn takes_no_path() -> Outcome {
    let folder = TempDir::new("path")?;
    let path = folder.path().join("front.sock");
    let more = format!("bind unix@{}", path.display());
    let stage = Stage::set(1, &more)?;
    let front = stage.front;
    let config = format!("listen second\n mode tcp\n {more}\n bind {front}\n server s1 {front}\n");
    let mut second = Balancer::start_without_waiting(Kind::Pontoon, pontoon(), &config)?;
    let status = second.program.wait(wait::PATIENCE)?;
    let names: Vec<_> = std::fs::read_dir(folder.path())?
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .collect();
    if status.success() || names != ["front.sock"] {
        return Err(Failure::from(format!("{status}, left: {names:?}")));
    }
    let mut client = UnixStream::connect(&path)?;
    client.set_read_timeout(Some(wait::PATIENCE))?;
    client.write_all(b"here")?;
    Ok(client.read_exact(&mut [0; 4])?)
}

/// More clients than `maxconn`: those wait, and come in as others leave.
fn full() -> Outcome {
    let stage = Stage::set(4, "maxconn 8")?;
    let mut clients = crowd(stage.front, 40)?;
    idle::expect(stage.pid())?;
    while !clients.is_empty() {
        hear(&mut clients[..1])?;
        clients.remove(0);
    }
    stage.is_served()
}

/// All of them are served.
fn hear(clients: &mut [TcpStream]) -> Outcome {
    for client in clients {
        client.set_read_timeout(Some(wait::PATIENCE))?;
        let mut word = [0; 4];
        client.read_exact(&mut word)?;
    }
    Ok(())
}
