//! Into the background, out of privileges, one after another.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use pontoon_lab::{
    balancer::{Kind, free_address},
    client::Client,
    needs::Need,
    server::{Behaviour, Server},
    wait,
};
use pontoon_sys::process::{Pid, Signal, child::signal_pid};

use super::{Bench, relay, said};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new(
        "process::daemon_is_ready_when_its_parent_leaves",
        ready_when_its_parent_leaves,
    ));
    tests.push(Test::new(
        "process::daemon_that_cannot_bind_says_so",
        cannot_bind,
    ));
    tests.push(Test::new(
        "process::daemon_that_cannot_start_tells_its_parent",
        cannot_start,
    ));
    let privileges = Test::new("process::daemon_gives_up_privileges", gives_up_privileges);
    tests.push(privileges.needs(Need::Root).needs(Need::User("nobody")));
    let migration = Test::new(
        "process::haproxy_and_pontoon_take_over_from_each_other",
        migrates,
    );
    tests.push(migration.needs(Need::Program("haproxy")));
    let other = Test::new(
        "process::new_process_takes_over_as_another_user",
        takes_over_as_another_user,
    );
    tests.push(other.needs(Need::Root));
    tests.push(Test::new("process::new_process_takes_over_softly", || {
        takes_over("-sf", true)
    }));
    tests.push(Test::new("process::new_process_takes_over_at_once", || {
        takes_over("-st", false)
    }));
}

/// From HAProxy to Pontoon and back, with the options of an init script.
fn migrates() -> Outcome {
    let (theirs, ours) = (Bench::new(Kind::Haproxy)?, Bench::new(Kind::Pontoon)?);
    let server = Server::start(Behaviour::Echo)?;
    let listens = free_address()?;
    for bench in [&theirs, &ours] {
        bench
            .folder
            .write("haproxy.cfg", relay("", listens, server.address()))?;
    }
    let mut running = start(&theirs, "")?;
    for bench in [&ours, &theirs] {
        let old = running;
        running = start(bench, &format!("-sf {}", old.0.as_raw_nonzero()))?;
        wait::until("the old process to leave", wait::PATIENCE, || {
            old.is_gone().then_some(())
        })?;
        answers(listens)?;
    }
    Ok(())
}

/// The new process runs as a user that may not send signals to the old one.
fn takes_over_as_another_user() -> Outcome {
    let bench = Bench::new(Kind::Pontoon)?;
    let server = Server::start(Behaviour::Echo)?;
    let listens = free_address()?;
    let config = |global| relay(global, listens, server.address());
    bench.folder.write("haproxy.cfg", config(""))?;
    let first = start(&bench, "")?;
    bench.folder.write("haproxy.cfg", config("uid 65534"))?;
    let _second = start(&bench, &format!("-sf {}", first.0.as_raw_nonzero()))?;
    wait::until("the old process to leave", wait::PATIENCE, || {
        first.is_gone().then_some(())
    })?;
    answers(listens)
}

/// A daemon that ends with the test.
struct Daemon(Pid);

impl Daemon {
    fn of(pidfile: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(pidfile)?;
        let pid = text.trim_end().parse().ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| format!("the pidfile holds {text:?}"))?;
        Ok(Self(pid))
    }

    fn proc(&self, name: &str) -> String {
        let pid = self.0.as_raw_nonzero();
        // Gone: nothing to read.
        fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default()
    }

    fn link(&self, name: &str) -> String {
        let pid = self.0.as_raw_nonzero();
        let target = fs::read_link(format!("/proc/{pid}/{name}"));
        target.map_or_else(|_| String::new(), |path| path.display().to_string())
    }

    fn is_gone(&self) -> bool {
        // A zombie has no command line; nobody may be there to reap it.
        self.proc("cmdline").is_empty()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if !self.is_gone() {
            let _gone = signal_pid(self.0, Signal::KILL);
        }
    }
}

fn start(bench: &Bench, arguments: &str) -> Result<Daemon, Failure> {
    let output = bench.run(&format!("-D -f haproxy.cfg -p pid {arguments}"))?;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    Daemon::of(&bench.folder.path().join("pid"))
}

fn answers(listens: SocketAddr) -> Result<(), Failure> {
    let mut client = Client::connect(listens)?;
    client.send(b"ping")?;
    let seen = client.receive(4, Duration::from_secs(5))?;
    assert_eq!(seen.bytes, b"ping");
    Ok(())
}

fn ready_when_its_parent_leaves() -> Outcome {
    let bench = Bench::new(Kind::Pontoon)?;
    let server = Server::start(Behaviour::Echo)?;
    let listens = free_address()?;
    bench
        .folder
        .write("haproxy.cfg", relay("", listens, server.address()))?;
    bench
        .folder
        .write("pid", "123456789 what stood here before")?;
    let daemon = start(&bench, "")?;
    answers(listens)?;
    assert_eq!(daemon.proc("comm"), "haproxy\n");
    let stat = daemon.proc("stat");
    let session = stat.split_whitespace().nth(5).unwrap_or_default();
    assert_eq!(
        session,
        daemon.0.as_raw_nonzero().to_string(),
        "leads its session"
    );
    for stream in ["fd/0", "fd/1", "fd/2"] {
        assert_eq!(daemon.link(stream), "/dev/null");
    }
    Ok(())
}

fn cannot_bind() -> Outcome {
    let bench = Bench::new(Kind::Pontoon)?;
    let server = Server::start(Behaviour::Echo)?;
    let other = Server::start(Behaviour::Echo)?;
    let config = format!(
        "{} bind {}\n",
        relay("", server.address(), server.address()),
        other.address()
    );
    bench.folder.write("haproxy.cfg", config)?;
    let output = bench.run("-D -f haproxy.cfg -p pid")?;
    assert_eq!(output.status.code(), Some(1));
    for address in [server.address(), other.address()] {
        let line = format!("cannot bind socket (Address already in use) [{address}]");
        assert!(said(&output).contains(&line), "{}", said(&output));
    }
    assert!(!bench.folder.path().join("pid").exists(), "nobody runs");
    Ok(())
}

fn cannot_start() -> Outcome {
    let bench = Bench::new(Kind::Pontoon)?;
    let listens = free_address()?;
    let config = relay("chroot /nonexistent/jail", listens, listens);
    bench.folder.write("haproxy.cfg", config)?;
    let output = bench.run("-D -f haproxy.cfg")?;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let line = "Cannot chroot(/nonexistent/jail): No such file or directory";
    assert!(said(&output).contains(line), "{}", said(&output));
    Ok(())
}

fn gives_up_privileges() -> Outcome {
    let bench = Bench::new(Kind::Pontoon)?;
    let server = Server::start(Behaviour::Echo)?;
    let listens = free_address()?;
    let jail = bench.folder.path().join("jail");
    fs::create_dir(&jail)?;
    let global = format!("chroot {}\n uid 65534\n gid 65534", jail.display());
    bench
        .folder
        .write("haproxy.cfg", relay(&global, listens, server.address()))?;
    let daemon = start(&bench, "")?;
    answers(listens)?;
    let status = daemon.proc("status");
    let line = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or("missing")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(line("Uid:"), "65534 65534 65534 65534");
    assert_eq!(line("Gid:"), "65534 65534 65534 65534");
    assert_eq!(line("Groups:"), "");
    assert_eq!(
        daemon.link("root"),
        jail.canonicalize()?.display().to_string()
    );
    Ok(())
}

/// The second process gets the address, the first one leaves; `softly`, its session goes on.
fn takes_over(option: &str, softly: bool) -> Outcome {
    let bench = Bench::new(Kind::Pontoon)?;
    let server = Server::start(Behaviour::Echo)?;
    let listens = free_address()?;
    bench
        .folder
        .write("haproxy.cfg", relay("", listens, server.address()))?;
    let first = start(&bench, "")?;
    let mut client = Client::connect(listens)?;
    client.send(b"one")?;
    assert_eq!(client.receive(3, Duration::from_secs(5))?.bytes, b"one");
    let second = start(&bench, &format!("{option} {}", first.0.as_raw_nonzero()))?;
    assert_ne!(first.0, second.0);
    answers(listens)?;
    wait::until("the old process to leave", wait::PATIENCE, || {
        first.is_gone().then_some(())
    })?;
    if softly {
        client.send(b"two")?;
        assert_eq!(client.receive(3, Duration::from_secs(5))?.bytes, b"two");
    }
    answers(listens)
}
