//! States of servers in files: those of the real HAProxy for us, and ours for it.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr as SocketName, UnixStream},
    },
    process::Command,
};

use pontoon_lab::{
    balancer::{Kind, free_address, program_of},
    needs::Need,
    program::Program,
    temp::TempDir,
    wait,
};

use rustix::process::Signal;

use crate::harness::{Failure, Outcome, Test, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    let exchange = Test::new("handover::states_are_exchanged_with_haproxy", exchange);
    tests.push(exchange.needs(Need::Program("haproxy")));
}

/// One after the other, each begins with what the last one wrote: HAProxy, Pontoon, HAProxy.
fn exchange() -> Outcome {
    let place = Place::new()?;
    let first = place.run(Kind::Haproxy, "\n", |socket| {
        for command in [
            "set server be/drain state drain",
            "set server be/maint state maint",
            "set weight be/weighed 3",
            "enable server be/enabled",
        ] {
            ask(socket, command)?;
        }
        Ok(())
    })?;
    let second = place.run(Kind::Pontoon, &first, |_| Ok(()))?;
    let third = place.run(Kind::Haproxy, &second, |_| Ok(()))?;
    let expected = [
        "up 2 0 1 1",
        "down 0 0 1 1",
        "drain 2 8 1 1",
        "maint 0 1 1 1",
        "weighed 2 0 3 10",
        "disabled 0 5 1 1",
        "enabled 2 4 1 1",
        "track 0 0 1 1",
    ];
    for (who, text) in [
        ("haproxy", &first),
        ("pontoon", &second),
        ("haproxy", &third),
    ] {
        let seen = states(text);
        if seen != expected {
            return Err(Failure::from(format!("{who}: {seen:#?} of\n{text}")));
        }
    }
    Ok(())
}

/// Name, state, administrative state, weight and configured weight.
fn states(text: &str) -> Vec<String> {
    let lines = text.lines().skip(2).filter(|line| !line.is_empty());
    let chosen = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let chosen = [3, 5, 6, 7, 8].map(|at| words.get(at).copied().unwrap_or("?"));
        chosen.join(" ")
    };
    lines.map(chosen).collect()
}

/// Where they run, one at a time.
struct Place {
    folder: TempDir,
    front: SocketAddr,
    /// Nothing is there.
    down: SocketAddr,
}

impl Place {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            folder: TempDir::new("states")?,
            front: free_address()?,
            down: free_address()?,
        })
    }

    /// What one says at last of its servers, that began with this file.
    fn run(
        &self,
        kind: Kind,
        file: &str,
        deeds: impl FnOnce(&SocketName) -> Outcome,
    ) -> Result<String, Failure> {
        let folder = TempDir::new("states-of-one")?;
        let states = self.folder.write("state", file)?;
        let path = folder.path().join("sock");
        let text = format!(
            "global\n stats socket {} level admin\n server-state-file {}\n\
             defaults\n mode tcp\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n\
             listen be\n bind {}\n load-server-state-from-file global\n server up {}\n \
             server down {} check inter 100ms\n server drain {2}\n server maint {2}\n \
             server weighed {2} weight 10\n server disabled {2} disabled\n \
             server enabled {2} disabled\n server track {2} track be/down\n",
            path.display(),
            states.display(),
            self.front,
            self.front,
            self.down,
        );
        let file = folder.write("haproxy.cfg", text)?;
        let program = program_of(kind, pontoon(), &folder)?;
        let mut process = Program::start(Command::new(program).arg("-db").arg("-f").arg(file))?;
        // Ours answers at a door of its own whatever the files say.
        let socket = match kind {
            Kind::Haproxy => SocketName::from_pathname(&path),
            Kind::Pontoon => {
                SocketName::from_abstract_name(format!("pontoon.runtime.{}", process.pid()))
            }
        };
        let socket = socket.map_err(|error| Failure::from(error.to_string()))?;
        wait::until("the socket to answer", wait::PATIENCE, || {
            ask(&socket, "show info")
                .ok()
                .filter(|text| !text.is_empty())
        })?;
        deeds(&socket)?;
        let last = wait::until("a server to go down", wait::PATIENCE, || {
            let text = ask(&socket, "show servers state").ok()?;
            states_has(&text, "down 0").then_some(text)
        })?;
        process.signal(Signal::TERM)?;
        process.wait(wait::PATIENCE)?;
        Ok(last)
    }
}

fn states_has(text: &str, beginning: &str) -> bool {
    states(text)
        .iter()
        .any(|state| state.starts_with(beginning))
}

/// What the socket answers.
fn ask(socket: &SocketName, command: &str) -> Result<String, Failure> {
    let mut stream =
        UnixStream::connect_addr(socket).map_err(|error| Failure::from(error.to_string()))?;
    let mut answer = String::new();
    writeln!(stream, "{command}")
        .and_then(|()| stream.shutdown(Shutdown::Write))
        .and_then(|()| stream.read_to_string(&mut answer))
        .map_err(|error| Failure::from(error.to_string()))?;
    Ok(answer)
}
