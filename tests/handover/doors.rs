//! Every address that a process listens at, over reloads: nobody is refused, and nobody who was let in is
//! turned out.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::{linux::net::SocketAddrExt as _, unix::net},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use pontoon_lab::{
    balancer::free_address,
    server::{Behaviour, Server},
    wait,
};

use super::{ANSWER, Case, Chain, reloads};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    let all: [Case; 3] = [
        ("no_door_is_ever_shut", never_shut),
        ("who_waits_at_a_listener_that_goes_is_served", last_served),
        ("a_door_that_goes_is_closed", closed),
    ];
    for (name, run) in all {
        tests.push(Test::new(format!("handover::doors_{name}"), run));
    }
}

/// How long one client may wait for its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two clients, so that the machine is not theirs alone.
const PAUSE: Duration = Duration::from_millis(1);

/// Clients that come one after the other, until told to stop; how many were served.
struct Visitors {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<u32, String>>,
}

impl Visitors {
    fn start(door: &'static str, visit: impl Fn() -> Outcome + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut served = 0;
            while !told.load(Ordering::Relaxed) {
                visit().map_err(|failure| format!("{door}, after {served}: {failure}"))?;
                served += 1;
                thread::sleep(PAUSE);
            }
            Ok(served)
        });
        Self { stop, thread }
    }

    fn served(self) -> Result<u32, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        let served = self.thread.join().map_err(|_| "a client panicked")?;
        Ok(served?)
    }
}

/// Says something, and expects words like these in the answer.
fn converse(mut stream: impl Read + Write, words: &str, wanted: &str) -> Outcome {
    stream.write_all(words.as_bytes())?;
    let mut answer = String::new();
    let mut buffer = [0; 4096];
    while !answer.contains(wanted) {
        match stream.read(&mut buffer)? {
            0 => return Err(Failure::from(format!("no {wanted:?} in {answer:?}"))),
            length => answer += &String::from_utf8_lossy(&buffer[..length]),
        }
    }
    Ok(())
}

fn visit(address: SocketAddr, words: &str, wanted: &str) -> Outcome {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    converse(stream, words, wanted)
}

fn visit_abstract(name: &str) -> Outcome {
    // As everywhere where `abns@` is known, zeros fill it up.
    let name = format!("{name:\0<107}");
    let stream = net::UnixStream::connect_addr(&net::SocketAddr::from_abstract_name(name)?)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    converse(stream, "show version\n", "pontoon")
}

fn px(server: &Server, more: &str) -> String {
    let address = server.address();
    format!("listen px\n bind {{front}}\n{more} server s1 {address}\n")
}

fn never_shut() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let [socket, metrics, agent] = [free_address()?, free_address()?, free_address()?];
    let name = format!("pontoon-doors-{}", std::process::id());
    let global = format!(
        " stats socket ipv4@{socket} level admin\n stats socket abns@{name}\n \
         tune.pontoon.metrics {metrics}\n tune.pontoon.agent {agent}"
    );
    let section = px(&server, "");
    let mut chain = Chain::start_with(&global, &section)?;
    let front = chain.front;
    let visitors = [
        Visitors::start("frontend", move || visit(front, "hello", "hello")),
        Visitors::start("stats socket", move || {
            visit(socket, "show version\n", "pontoon")
        }),
        Visitors::start("abstract stats socket", move || visit_abstract(&name)),
        Visitors::start("metrics", move || {
            visit(metrics, "GET /health HTTP/1.0\r\n\r\n", "ok")
        }),
        Visitors::start("agent", move || visit(agent, "", "ready up")),
    ];
    for _ in 0..reloads() {
        chain.reload(&section)?.is_clean()?;
    }
    for visitors in visitors {
        assert!(visitors.served()? > 0);
    }
    Ok(())
}

/// A client of a listener that goes: it is served, or was never let in.
fn served_or_refused(address: SocketAddr) -> Result<bool, Failure> {
    let Ok(stream) = TcpStream::connect_timeout(&address, PATIENCE) else {
        return Ok(false);
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    converse(stream, "hello", "hello").map(|()| true)
}

fn last_served() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let mut chain = Chain::start(&px(&server, ""))?;
    for _ in 0..reloads() / 3 {
        let goes = free_address()?;
        chain
            .reload(&px(&server, &format!(" bind {goes}\n")))?
            .is_clean()?;
        let clients: Vec<_> = (0..3)
            .map(|_| {
                thread::spawn(move || {
                    let mut served = 0;
                    while served_or_refused(goes).map_err(|it| format!("after {served}: {it}"))? {
                        served += 1;
                    }
                    Ok::<_, String>(served)
                })
            })
            .collect();
        wait::until("clients", ANSWER, || {
            served_or_refused(goes)
                .is_ok_and(|served| served)
                .then_some(())
        })?;
        chain.reload(&px(&server, ""))?.is_clean()?;
        for client in clients {
            client.join().map_err(|_| "a client panicked")??;
        }
    }
    Ok(())
}

/// Also the doors of the process itself: the address is free again.
fn closed() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let [socket, metrics, agent] = [free_address()?, free_address()?, free_address()?];
    let global = format!(
        " stats socket ipv4@{socket} level admin\n tune.pontoon.metrics {metrics}\n \
         tune.pontoon.agent {agent}"
    );
    let section = px(&server, "");
    let mut chain = Chain::start_with(&global, &section)?;
    chain.global = String::new();
    chain.reload(&section)?.is_clean()?;
    for address in [socket, metrics, agent] {
        std::net::TcpListener::bind(address)?;
    }
    Ok(())
}
