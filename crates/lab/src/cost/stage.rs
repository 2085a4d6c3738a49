//! Our program under an instrument, with a configuration.

use std::{
    ffi::OsString,
    fmt::Write as _,
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    Cost,
    order::Order,
    work::{Talk, Work},
};
use crate::{
    balancer::free_address,
    problem::{Problem, Result, Trying},
    program::Program,
    temp::TempDir,
    wait,
};

/// Which variable leaves the program without its sandbox.
pub(super) const SANDBOX: &str = "PONTOON_SANDBOX";

/// What surrounds the work.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// More lines for the global section.
    pub global: String,
    /// More lines for the section that the work goes to.
    pub listen: String,
    /// Whether each session is logged (`option tcplog`, UDP).
    pub log: bool,
    /// Servers beyond the first.
    pub servers: usize,
    /// Other proxies, which nobody talks to.
    pub proxies: usize,
    /// Other sessions, which say nothing.
    pub idle: usize,
    /// Data threads beyond the first.
    pub threads: usize,
}

/// A tool that counts.
pub(super) struct Instrument {
    pub(super) program: &'static str,
    /// Whether the program runs behind us ([`Order`]), or freely.
    pub(super) ordered: bool,
    /// Whether it writes its own files from inside the program, which a sandbox would forbid.
    pub(super) writes_from_inside: bool,
    /// Its arguments, if it is to write into this folder.
    pub(super) arguments: fn(&Path) -> Vec<OsString>,
    /// What it counted.
    pub(super) read: fn(&Path) -> Result<Cost>,
}

/// How long a program may take to start or to end under an instrument.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How long to look away from a program that is busy, at first.
const GLANCE: Duration = Duration::from_micros(100);

/// Runs the program under an instrument, does so much work with it, and ends it.
pub(super) fn run(
    instrument: &Instrument,
    program: &Path,
    scene: &Scene,
    work: Work,
    amount: u32,
) -> Result<Cost> {
    let folder = TempDir::new("cost")?;
    let servers = TcpListener::bind(("127.0.0.1", 0)).trying("listen")?;
    let log = UdpSocket::bind(("127.0.0.1", 0)).trying("make a socket for the log")?;
    let (front, page) = (free_address()?, free_address()?);
    let text = configuration(scene, front, page, &servers, &log)?;
    let file = folder.write("haproxy.cfg", text)?;
    let program = program.canonicalize().trying("find our program")?;
    let link = folder.path().join("haproxy");
    symlink(&program, &link).trying("link our program under the name haproxy")?;
    let order = instrument.ordered.then(Order::begin).transpose()?;
    let mut command = match &order {
        Some(order) => order.behind_us(instrument.program),
        None => Command::new(instrument.program),
    };
    command.args((instrument.arguments)(folder.path()));
    if instrument.writes_from_inside {
        command.env(SANDBOX, "off");
    }
    command.arg(link).arg("-db").arg("-f").arg(file);
    let mut program = Program::start(&mut command)?;
    wait_for(&mut program, page)?;
    let mut talk = Talk::new(servers, front, page, program.pid());
    talk.fill(scene.idle)?;
    talk.work(work, amount)?;
    // Sessions are open still: ending them all is the same work each time.
    end(&mut program)?;
    drop(order);
    (instrument.read)(folder.path())
}

fn configuration(
    scene: &Scene,
    front: SocketAddr,
    page: SocketAddr,
    servers: &TcpListener,
    log: &UdpSocket,
) -> Result<String> {
    let server = servers.local_addr().trying("ask for an address")?;
    let log = log.local_addr().trying("ask for an address")?;
    let maxconn = scene.idle + 100;
    let logs = if scene.log {
        format!(" log {log} local0\n option tcplog\n")
    } else {
        String::new()
    };
    let mut text = format!(
        "global\n nbthread {}\n maxconn {maxconn}\n tune.pontoon.engine epoll\n{}\n\
         defaults\n mode tcp\n timeout connect 10s\n timeout client 1h\n timeout server 1h\n\
         listen work\n bind {front}\n{logs}{}\n server s0 {server}\n",
        scene.threads + 1,
        scene.global,
        scene.listen
    );
    for number in 1..=scene.servers {
        let _ = writeln!(text, " server s{number} {server}");
    }
    for number in 0..scene.proxies {
        let address = free_address()?;
        let _ = write!(
            text,
            "listen other{number}\n bind {address}\n server s {server}\n"
        );
    }
    // The page comes last: when it listens, all do.
    let _ = write!(
        text,
        "listen page\n bind {page}\n mode http\n stats enable\n stats uri /stats\n"
    );
    Ok(text)
}

pub(super) fn wait_for(program: &mut Program, page: SocketAddr) -> Result<()> {
    let up = wait::until("the program to listen", PATIENCE, || {
        if program.ended().ok().flatten().is_some() {
            return Some(false);
        }
        TcpStream::connect(page).ok().map(|_| true)
    });
    match up {
        Ok(true) => {
            settle(program.pid()).map_err(|problem| complaint(program, &problem.to_string()))
        }
        Ok(false) => Err(complaint(program, "it ended at once")),
        Err(problem) => Err(complaint(program, &problem.to_string())),
    }
}

pub(super) fn end(program: &mut Program) -> Result<()> {
    program.signal(Signal::TERM)?;
    let ended = program.wait(PATIENCE);
    ended
        .map(drop)
        .map_err(|problem| complaint(program, &problem.to_string()))
}

pub(super) fn complaint(program: &Program, what: &str) -> Problem {
    let output = program.output().join("\n");
    Problem::Unexpected(format!("{what}; it said:\n{output}"))
}

/// Waits until no thread of the program has anything to do.
pub(super) fn settle(pid: u32) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut glance = GLANCE;
    while !sleeps(pid) {
        if has_ended(pid) {
            return Err(Problem::Unexpected("the program has ended".into()));
        }
        if Instant::now() > deadline {
            let what = "the program to have nothing left to do".into();
            let seconds = PATIENCE.as_secs();
            return Err(Problem::Timeout { what, seconds });
        }
        // A pause, not a yield: we come before the program.
        thread::sleep(glance);
        glance = (glance * 2).min(GLANCE * 50);
    }
    Ok(())
}

fn sleeps(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    threads
        .flatten()
        .all(|thread| state(&thread.path()).is_none_or(|state| state == 'S'))
}

/// Whether nothing is left of it but its number.
fn has_ended(pid: u32) -> bool {
    state(Path::new(&format!("/proc/{pid}"))).is_none_or(|state| matches!(state, 'Z' | 'X'))
}

/// The state of a process or thread, unless it is gone: it follows the name, which is in brackets.
fn state(folder: &Path) -> Option<char> {
    let line = std::fs::read_to_string(folder.join("stat")).ok()?;
    line.rsplit_once(')')?.1.trim_start().chars().next()
}
