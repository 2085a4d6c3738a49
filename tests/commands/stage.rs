//! A balancer, ours or the real one, with servers that say their names, and sessions through it.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    needs::Need,
    server::{Behaviour, Server},
    temp::TempDir,
    wait,
};

use crate::harness::{Failure, Outcome, Test, pontoon};

/// What a file of patterns says: no client of the scenarios is there.
const PATTERNS: &str = "# networks\n192.0.2.1\n\n198.51.100.0/24\n";

/// A scenario that is played with the real HAProxy and with Pontoon, on the same file.
pub(crate) fn both(name: &str, config: &'static str, scenario: fn(&Stage) -> Outcome) -> Test {
    Test::new(name, move || {
        for kind in [Kind::Haproxy, Kind::Pontoon] {
            let stage = Stage::start(kind, config)?;
            let hint =
                |failure: Failure| failure.with(&format!("with {kind:?}:\n{}", stage.rows()));
            scenario(&stage).map_err(hint)?;
        }
        Ok(())
    })
    .needs(Need::Program("haproxy"))
}

/// A running balancer: frontend `fe`, whose lines and backends the scenario writes.
#[derive(Debug)]
pub(crate) struct Stage {
    /// Which one it is.
    pub(crate) kind: Kind,
    /// Where its frontend listens.
    pub(crate) front: SocketAddr,
    /// Where its statistics page is.
    pub(crate) page: SocketAddr,
    /// Its socket.
    pub(crate) socket: PathBuf,
    /// A file of patterns.
    pub(crate) list: PathBuf,
    /// Where nobody listens at first.
    pub(crate) dead: SocketAddr,
    /// They answer `s1`, `s2`, `s3`.
    pub(crate) servers: [Server; 3],
    _balancer: Balancer,
    _folder: TempDir,
}

impl Stage {
    /// Starts it. In the text, `{s1}` to `{s3}` are the addresses of servers, `{s1.port}` and so
    /// on their ports, `{dead}` and `{dead.port}` are where nobody listens, `{list}` is a file with
    /// two patterns.
    pub(crate) fn start(kind: Kind, config: &str) -> Result<Self, Failure> {
        let folder = TempDir::new("commands")?;
        let socket = folder.path().join("socket");
        let server = |name: &str| Server::start(Behaviour::Answer(name.into()));
        let servers = [server("s1")?, server("s2")?, server("s3")?];
        let [front, page, dead] = [free_address()?, free_address()?, free_address()?];
        let mut text = format!(
            "global\n stats socket {} mode 600 level admin\n maxconn 100\n\
             defaults\n mode tcp\n timeout connect 1s\n timeout queue 1m\n timeout client 1m\n timeout server 1m\n\
             listen page\n mode http\n bind {page}\n stats enable\n stats uri /\n stats admin if {{ always_true }}\n\
             frontend fe\n bind {front}\n{config}",
            socket.display()
        );
        for (name, address) in [
            ("s1", servers[0].address()),
            ("s2", servers[1].address()),
            ("s3", servers[2].address()),
            ("dead", dead),
        ] {
            text = text.replace(&format!("{{{name}}}"), &address.to_string());
            text = text.replace(&format!("{{{name}.port}}"), &address.port().to_string());
        }
        let list = folder.path().join("list");
        std::fs::write(&list, PATTERNS)?;
        let text = text.replace("{list}", &list.display().to_string());
        let balancer = Balancer::start(kind, pontoon(), &text, page)?;
        let stage = Self {
            kind,
            front,
            page,
            socket,
            list,
            dead,
            servers,
            _balancer: balancer,
            _folder: folder,
        };
        wait::until("the runtime socket", wait::PATIENCE, || {
            stage.ask("show version").ok()
        })?;
        Ok(stage)
    }

    /// What is answered to a command.
    pub(crate) fn ask(&self, command: &str) -> Result<String, Failure> {
        ask(&self.socket, command)
    }

    /// A command to which nothing is answered, since it is done.
    pub(crate) fn order(&self, command: &str) -> Outcome {
        let answer = self.ask(command)?;
        if answer.trim().is_empty() {
            return Ok(());
        }
        Err(format!("{command:?} is answered by {answer:?}").into())
    }

    /// A new session, that has heard from its server.
    pub(crate) fn session(&self) -> Result<Session, Failure> {
        let mut session = self.silent()?;
        session.is_answered()?;
        Ok(session)
    }

    /// A new session that has not waited for an answer to its first byte.
    pub(crate) fn silent(&self) -> Result<Session, Failure> {
        let mut stream = TcpStream::connect_timeout(&self.front, wait::PATIENCE)?;
        stream.write_all(b"?")?;
        Ok(Session {
            stream,
            server: String::new(),
        })
    }

    /// A new session on this server.
    pub(crate) fn session_on(&self, server: &str) -> Result<Session, Failure> {
        for _ in 0..8 {
            let session = self.session()?;
            if session.server == server {
                return Ok(session);
            }
        }
        Err(format!("no session comes to {server}").into())
    }

    /// How many of so many new sessions, one after the other, come to each server.
    pub(crate) fn shares(&self, count: usize) -> Result<BTreeMap<String, usize>, Failure> {
        let mut shares = BTreeMap::new();
        for _ in 0..count {
            *shares.entry(self.session()?.server).or_default() += 1;
        }
        Ok(shares)
    }

    /// All of some new sessions come to these servers, and each of these gets some.
    pub(crate) fn expect_only(&self, servers: &[&str]) -> Outcome {
        let shares = self.shares(6)?;
        let used: Vec<_> = shares.keys().map(String::as_str).collect();
        expect("the servers of new sessions", &used, &servers.to_vec())
    }

    /// A value of `show stat`.
    pub(crate) fn stat(&self, proxy: &str, name: &str, column: &str) -> Result<String, Failure> {
        let text = self.ask("show stat")?;
        value(&text, proxy, name, column)
            .ok_or_else(|| format!("no {column} of {proxy}/{name} in:\n{text}").into())
    }

    /// The rows of `fe` and `be`, up to the state of each, for whoever reads of a failure.
    fn rows(&self) -> String {
        let stat = self
            .ask("show stat")
            .unwrap_or_else(|failure| failure.to_string());
        let ours = |line: &&str| {
            ["# ", "fe,", "be,"]
                .iter()
                .any(|start| line.starts_with(start))
        };
        let columns = |line: &str| line.split(',').take(19).collect::<Vec<_>>().join(",");
        stat.lines()
            .filter(ours)
            .map(columns)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Waits for a value of `show stat`.
    pub(crate) fn until(&self, proxy: &str, name: &str, column: &str, wanted: &str) -> Outcome {
        let mut last = None;
        let seen = wait::until(wanted, wait::PATIENCE, || {
            last = self.stat(proxy, name, column).ok();
            (last.as_deref() == Some(wanted)).then_some(())
        });
        seen.map_err(|problem| {
            Failure::from(problem).with(&format!("{column} of {proxy}/{name} is {last:?}"))
        })
    }
}

/// A value of the CSV.
fn value(text: &str, proxy: &str, name: &str, column: &str) -> Option<String> {
    let mut lines = text.lines();
    let header = lines.next()?.trim_start_matches("# ");
    let place = header.split(',').position(|word| word == column)?;
    let row = lines.find(|line| line.starts_with(&format!("{proxy},{name},")))?;
    row.split(',').nth(place).map(str::to_owned)
}

/// What is answered to this, up to the end of the connection.
pub(crate) fn ask(socket: &Path, command: &str) -> Result<String, Failure> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(wait::PATIENCE))?;
    stream.write_all(format!("{command}\n").as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Two things that must be the same.
pub(crate) fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, wanted: &T) -> Outcome {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what}: {found:?}, but {wanted:?} was expected").into())
}

/// A client of the frontend.
#[derive(Debug)]
pub(crate) struct Session {
    stream: TcpStream,
    /// Who answered first.
    pub(crate) server: String,
}

impl Session {
    /// Somebody answers it at last.
    pub(crate) fn is_answered(&mut self) -> Outcome {
        self.server = self.hear()?;
        Ok(())
    }

    /// Its server is still there, and still the same.
    pub(crate) fn goes_on(&mut self) -> Outcome {
        self.stream.write_all(b"?")?;
        let heard = self.hear()?;
        expect("who answers an old session", &heard, &self.server)
    }

    /// Who answers.
    fn hear(&mut self) -> Result<String, Failure> {
        self.stream.set_read_timeout(Some(wait::PATIENCE))?;
        let mut name = [0; 3];
        self.stream.read_exact(&mut name)?;
        Ok(String::from_utf8_lossy(&name[..2]).into_owned())
    }

    /// Nothing has come to it so far.
    pub(crate) fn waits(&mut self) -> Outcome {
        self.stream.set_nonblocking(true)?;
        let read = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false)?;
        match read {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
            other => Err(format!("it does not wait: {other:?}").into()),
        }
    }

    /// The other side has ended it.
    pub(crate) fn is_ended(&mut self) -> Outcome {
        self.stream.set_read_timeout(Some(wait::PATIENCE))?;
        match self.stream.read(&mut [0; 8]) {
            Ok(0) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(()),
            other => Err(format!("it is not ended: {other:?}").into()),
        }
    }
}
