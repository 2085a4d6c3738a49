//! A balancer with a frontend, a statistics page and a log, and what tests ask of it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    client::{Client, Seen},
    needs::Need,
    server::{Behaviour, Server},
    statistics,
    syslog::Syslog,
    wait,
};

use socket2::{Domain, Socket, Type};

use crate::harness::{Failure, Outcome, Test, pontoon};

/// One test of ours, and the same of the real HAProxy: what we expect is what it does.
pub(super) fn both(tests: &mut Vec<Test>, name: &str, run: fn(Kind) -> Outcome) {
    tests.push(Test::new(format!("proxy::{name}"), move || {
        run(Kind::Pontoon)
    }));
    let theirs = Test::new(format!("proxy::haproxy_{name}"), move || run(Kind::Haproxy));
    tests.push(theirs.needs(Need::Program("haproxy")));
}

/// The same, with what the machine must have.
pub(super) fn both_need(
    tests: &mut Vec<Test>,
    name: &str,
    needs: &[Need],
    run: fn(Kind) -> Outcome,
) {
    let first = tests.len();
    both(tests, name, run);
    let added = tests.split_off(first).into_iter();
    tests.extend(added.map(|test| needs.iter().fold(test, |test, need| test.needs(*need))));
}

/// A running balancer and its surroundings.
pub(super) struct Scene {
    /// Where the first frontend listens, `{front}` in the text.
    pub(super) front: SocketAddr,
    /// The log.
    pub(super) syslog: Syslog,
    page: SocketAddr,
    balancer: Balancer,
}

impl Scene {
    /// Starts a balancer on these sections, with one thread. Sessions are logged as in
    /// `option tcplog`, retries are off.
    pub(super) fn set(kind: Kind, sections: &str) -> Result<Self, Failure> {
        let (front, page) = (free_address()?, free_address()?);
        let syslog = Syslog::start()?;
        // The page comes last: when it listens, all do.
        let config = format!(
            "global\n log {} local2\n nbthread 1\n maxconn 500\n\
             defaults\n mode tcp\n log global\n option tcplog\n timeout connect 5s\n\
             timeout client 10s\n timeout server 10s\n retries 0\n{}\n\
             listen page\n bind {page}\n mode http\n no log\n stats enable\n stats uri /stats\n",
            syslog.address(),
            sections.replace("{front}", &front.to_string()),
        );
        let balancer = Balancer::start(kind, pontoon(), &config, page)?;
        Ok(Self {
            front,
            syslog,
            page,
            balancer,
        })
    }

    /// The program's process.
    pub(super) fn pid(&self) -> u32 {
        self.balancer.program.pid()
    }

    /// A new client of the first frontend.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        Ok(Client::connect(self.front)?)
    }

    /// The name of the server that a new session comes to; the session ends.
    pub(super) fn ask(&self) -> Result<String, Failure> {
        let (client, name) = self.stay()?;
        client.finish()?;
        Ok(name)
    }

    /// The same, but the session stays.
    pub(super) fn stay(&self) -> Result<(Client, String), Failure> {
        let mut client = self.client()?;
        let name = who(&mut client)?;
        Ok((client, name))
    }

    /// A value of the statistics: of `be/s1`, the column `status`.
    pub(super) fn value(&self, row: &str, column: &str) -> Result<String, Failure> {
        let csv = statistics::get(self.page, "/stats;csv", "")?;
        let rows = statistics::rows(&csv.body)?;
        let value = rows.get(row).and_then(|row| row.get(column));
        value
            .cloned()
            .ok_or_else(|| Failure::from(format!("no {row}:{column} in {}", csv.body)))
    }

    /// Waits until that value is this.
    pub(super) fn wait_for_value(&self, row: &str, column: &str, wanted: &str) -> Outcome {
        let what = format!("{row}:{column} to become {wanted}");
        wait::until(&what, wait::PATIENCE, || {
            (self.value(row, column).ok()? == wanted).then_some(())
        })?;
        Ok(())
    }

    /// The fields of a session's line: frontend, backend/server, flags, and the rest.
    pub(super) fn line_of(&self, server: &str) -> Result<Line, Failure> {
        let wanted = |line: &str| Line::of(line).is_ok_and(|line| line.server == server);
        let line = self.syslog.wait_for("a session's line", wanted)?;
        Line::of(&line)
    }

    /// The flags of the first `count` sessions, in the order of their lines.
    pub(super) fn flags(&self, count: usize) -> Result<Vec<String>, Failure> {
        let lines = self
            .syslog
            .wait_for_count("session lines", count, |line| Line::of(line).is_ok())?;
        lines
            .iter()
            .map(|line| Line::of(line).map(|line| line.flags))
            .collect()
    }
}

/// What of a session's line tests compare.
#[derive(Debug)]
pub(super) struct Line {
    /// The client.
    pub(super) client: String,
    /// `backend/server`.
    pub(super) server: String,
    /// The termination flags.
    pub(super) flags: String,
}

impl Line {
    fn of(line: &str) -> Result<Self, Failure> {
        let fields = line
            .split_once("]: ")
            .map(|(_, text)| text.trim().split(' '));
        let fields: Vec<&str> = fields.map(Iterator::collect).unwrap_or_default();
        let [client, _, _, server, _, _, flags, _, _] = fields[..] else {
            return Err(Failure::from(format!("no session's line: {line}")));
        };
        Ok(Self {
            client: client.to_owned(),
            server: server.to_owned(),
            flags: flags.to_owned(),
        })
    }
}

/// The next connection that comes, and whence.
pub(super) fn accept(listener: &TcpListener) -> Result<(Client, SocketAddr), Failure> {
    listener.set_nonblocking(true)?;
    let came = wait::until("a connection to come", wait::PATIENCE, || {
        listener.accept().ok()
    });
    let (stream, peer) = came?;
    stream.set_nonblocking(false)?;
    Ok((Client::from(stream), peer))
}

/// A client that comes from this address of loopback.
pub(super) fn client_from(source: &str, target: SocketAddr) -> Result<Client, Failure> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let source: Ipv4Addr = source.parse().expect("an address");
    socket.bind(&SocketAddr::from((source, 0)).into())?;
    socket.connect(&target.into())?;
    Ok(Client::from(TcpStream::from(socket)))
}

/// The name of the server behind this client.
pub(super) fn who(client: &mut Client) -> Result<String, Failure> {
    client.send(b"who?")?;
    let seen = client.receive(2, wait::PATIENCE)?;
    match String::from_utf8_lossy(&seen.bytes).strip_suffix('\n') {
        Some(name) => Ok(name.to_owned()),
        None => Err(Failure::from(format!("no server answered: {seen:?}"))),
    }
}

/// A server that says its name.
pub(super) fn named(name: &str) -> Result<Server, Failure> {
    Ok(Server::start(Behaviour::Answer(name.to_owned()))?)
}

/// Fails unless both are the same.
pub(super) fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Outcome {
    if found == wanted {
        return Ok(());
    }
    Err(Failure::from(format!(
        "{what}: {found:?}, where {wanted:?} was expected"
    )))
}

/// Everything until the end of a connection.
pub(super) fn rest(client: &mut Client) -> Result<Seen, Failure> {
    Ok(client.receive_all(wait::PATIENCE)?)
}
