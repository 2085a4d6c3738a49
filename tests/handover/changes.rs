//! What the new files no longer have, what goes wrong, and who runs what.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
    time::Duration,
};

use pontoon::node::runtime;
use pontoon_lab::{
    client::Client,
    crowd::Crowd,
    needs::Need,
    program::Program,
    server::{Behaviour, Server},
    wait,
};

use super::{ANSWER, Case, Chain};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    let all: [Case; 10] = [
        ("sessions_of_a_removed_server_stay", removed_server),
        ("sessions_of_a_removed_proxy_stay", removed_proxy),
        ("sessions_of_an_added_server_stay_or_move", added_server),
        (
            "a_new_process_that_cannot_start_changes_nothing",
            cannot_start,
        ),
        (
            "a_new_process_killed_again_and_again_changes_nothing",
            killed,
        ),
        ("another_binary_takes_over", upgrade),
        ("too_few_descriptors_fall_back_to_draining", too_few),
        ("sockets_in_the_file_system_stay", unix),
        ("terminated_means_sessions_end", terminated),
        ("daemons_replace_each_other", daemons),
    ];
    for (name, run) in all {
        tests.push(Test::new(format!("handover::{name}"), run));
    }
    let dropped = Test::new("handover::works_from_inside_a_chroot", dropped);
    tests.push(dropped.needs(Need::Root));
}

fn echo(client: &mut Client, words: &[u8]) -> Outcome {
    client.send(words)?;
    let seen = client.receive(words.len(), ANSWER)?;
    if seen.bytes == words {
        return Ok(());
    }
    Err(Failure::from(format!("{words:?} came back as {seen:?}")))
}

fn px(server: &Server) -> String {
    format!(
        "listen px\n bind {{front}}\n server s1 {}\n",
        server.address()
    )
}

/// The old process has said that these stay, and ends with them.
fn stays_until_it_ends(mut old: Program, words: &str, mut client: Client) -> Outcome {
    old.wait_for_line(words, |line| line.contains(words))?;
    echo(&mut client, b"still served")?;
    if old.ended()?.is_some() {
        return Err(Failure::from("the old process left its session"));
    }
    drop(client);
    old.wait(ANSWER)?;
    Ok(())
}

fn removed_server() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let line = |name: &str| format!(" server {name} {}\n", server.address());
    let head = "listen px\n bind {front}\n balance roundrobin\n";
    let mut chain = Chain::start(&format!("{head}{}{}", line("s1"), line("s2")))?;
    // One after the other: the first is the one of the first server.
    let mut first = Client::connect(chain.front)?;
    echo(&mut first, b"hello")?;
    let mut second = Client::connect(chain.front)?;
    echo(&mut second, b"hello")?;
    let old = chain.replace(&format!("{head}{}", line("s2")))?;
    echo(&mut second, b"moved")?;
    chain.wait_for_value("px/s2", "scur", "1")?;
    stays_until_it_ends(old, "Keeping 1 session of px -> px ", first)
}

/// One that was added at run time is in no file, unless somebody wrote it there meanwhile.
fn added_server() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let line = |name: &str| format!(" server {name} {}\n", server.address());
    let of_file = format!("listen px\n bind {{front}}\n{}", line("s1"));
    for written in [false, true] {
        let mut chain = Chain::start(&of_file)?;
        let pid = chain.current.pid();
        for command in [
            &format!("add server px/s2 {}", server.address()),
            "enable server px/s2",
            "disable server px/s1",
        ] {
            runtime::ask(pid, command)?;
        }
        let mut client = Client::connect(chain.front)?;
        echo(&mut client, b"hello")?;
        chain.wait_for_value("px/s2", "scur", "1")?;
        if written {
            let replaced = chain.reload(&format!("{of_file}{}", line("s2")))?;
            replaced.is_clean()?;
            chain.wait_for_value("px/s2", "scur", "1")?;
            echo(&mut client, b"moved")?;
        } else {
            let old = chain.replace(&of_file)?;
            stays_until_it_ends(old, "Keeping 1 session of px -> px ", client)?;
            assert!(chain.value("px/s2", "scur").is_err());
        }
    }
    Ok(())
}

fn removed_proxy() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let mut chain = Chain::start(&px(&server))?;
    let mut client = Client::connect(chain.front)?;
    echo(&mut client, b"hello")?;
    let old = chain.replace(&px(&server).replace("listen px", "listen renamed"))?;
    let mut new = Client::connect(chain.front)?;
    echo(&mut new, b"the same address")?;
    chain.wait_for_value("renamed/FRONTEND", "scur", "1")?;
    stays_until_it_ends(old, "Keeping 1 session of px -> px ", client)
}

fn cannot_start() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let mut chain = Chain::start(&px(&server))?;
    let mut client = Client::connect(chain.front)?;
    echo(&mut client, b"hello")?;
    let also = format!("{} bind {}\n", px(&server), taken.local_addr()?);
    let mut next = chain.next(&also)?;
    if next.wait(ANSWER)?.success() {
        return Err(Failure::from("it started"));
    }
    next.wait_for_line("why", |line| line.contains("Address already in use"))?;
    echo(&mut client, b"as before")?;
    echo(&mut Client::connect(chain.front)?, b"others, too")?;
    chain.reload(&px(&server))?.is_clean()?;
    echo(&mut client, b"after all")
}

/// Kills new processes a little later each time, so that every step is hit.
fn killed() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let mut chain = Chain::start(&px(&server))?;
    let mut crowd = Crowd::gather(chain.front, 200)?;
    for step in 0..25 {
        let next = chain.next(&px(&server))?;
        std::thread::sleep(Duration::from_millis(2 * step));
        if next.output().iter().any(|line| line.contains("Took over")) {
            // It was faster; from now on it is the one.
            chain.current = next;
            continue;
        }
        drop(next);
        if let Err(problem) = crowd.exchange() {
            // Then it had everything already when it was killed.
            chain
                .current
                .wait(ANSWER)
                .map_err(|_| Failure::from(problem))?;
            return Ok(());
        }
        echo(&mut Client::connect(chain.front)?, b"new ones, too")?;
    }
    crowd.exchange()?;
    Ok(())
}

fn upgrade() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let mut chain = Chain::start(&px(&server))?;
    let mut crowd = Crowd::gather(chain.front, 100)?;
    chain.upgrade()?;
    chain.reload(&px(&server))?.is_clean()?;
    let runs = fs::read_link(format!("/proc/{}/exe", chain.current.pid()))?;
    if runs != chain.program {
        return Err(Failure::from(format!("{} runs", runs.display())));
    }
    crowd.exchange()?;
    Ok(())
}

fn too_few() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let mut chain = Chain::start(&px(&server))?;
    let mut crowd = Crowd::gather(chain.front, 300)?;
    chain.global = "maxconn 20\n ulimit-n 100\n no strict-limits".to_owned();
    let next = chain.next(&px(&server))?;
    next.wait_for_line("a warning", |line| line.contains("Could not take over"))?;
    let mut old = std::mem::replace(&mut chain.current, next);
    crowd.exchange()?;
    echo(&mut Client::connect(chain.front)?, b"the new one serves")?;
    drop(crowd);
    old.wait(ANSWER)?;
    Ok(())
}

fn unix() -> Outcome {
    use std::io::{Read as _, Write as _};
    let server = Server::start(Behaviour::Echo)?;
    let folder = pontoon_lab::temp::TempDir::new("handover-unix")?;
    let path = folder.path().join("front.sock");
    let section = |mode: &str| {
        format!(
            "listen px\n bind {} mode {mode}\n bind {{front}}\n server s1 {}\n",
            path.display(),
            server.address()
        )
    };
    let mut chain = Chain::start(&section("600"))?;
    let mut before = UnixStream::connect(&path)?;
    chain.reload(&section("666"))?.is_clean()?;
    let mut after = UnixStream::connect(&path)?;
    for client in [&mut before, &mut after] {
        client.write_all(b"hello")?;
        let mut heard = [0; 5];
        client.read_exact(&mut heard)?;
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path)?.permissions());
    if mode & 0o777 == 0o666 {
        return Ok(());
    }
    Err(Failure::from(format!("mode {mode:o}")))
}

fn terminated() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let mut chain = Chain::start(&px(&server))?;
    let mut client = Client::connect(chain.front)?;
    echo(&mut client, b"hello")?;
    let file = chain.folder.path().join("haproxy.cfg");
    let mut command = std::process::Command::new(&chain.program);
    command.arg("-db").arg("-f").arg(file);
    command.arg("-st").arg(chain.current.pid().to_string());
    let next = Program::start(&mut command)?;
    next.wait_for_line("the new one", |line| line.contains("Took over 0 sessions"))?;
    let mut old = std::mem::replace(&mut chain.current, next);
    old.wait(ANSWER)?;
    let seen = client.receive_all(ANSWER)?;
    if seen.bytes.is_empty() {
        return echo(&mut Client::connect(chain.front)?, b"served");
    }
    Err(Failure::from(format!("{seen:?}")))
}

/// As old scripts do it: `haproxy -D -p PIDFILE -sf $(cat PIDFILE)`.
fn daemons() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let mut chain = Chain::start(&px(&server))?;
    let mut crowd = Crowd::gather(chain.front, 50)?;
    let file = chain.folder.path().join("haproxy.cfg");
    let pidfile = chain.folder.path().join("haproxy.pid");
    let mut old = chain.current.pid().to_string();
    for _ in 0..3 {
        let mut command = std::process::Command::new(&chain.program);
        command
            .arg("-D")
            .arg("-f")
            .arg(&file)
            .arg("-p")
            .arg(&pidfile);
        let output = command.args(["-sf", &old]).output()?;
        if !output.status.success() {
            return Err(Failure::from(format!("{output:?}")));
        }
        crowd.exchange()?;
        let gone = format!("/proc/{old}/fd/0");
        wait::until("the old daemon to end", ANSWER, || {
            fs::read_link(&gone).is_err().then_some(())
        })?;
        fs::read_to_string(&pidfile)?.trim().clone_into(&mut old);
    }
    chain.current.wait(ANSWER)?;
    crowd.exchange()?;
    let last = old.parse().ok().and_then(rustix::process::Pid::from_raw);
    let last = last.ok_or_else(|| Failure::from("no number in the pid file"))?;
    rustix::process::kill_process(last, rustix::process::Signal::TERM)
        .map_err(|error| Failure::from(error.to_string()))?;
    Ok(())
}

fn dropped() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let mut chain = Chain::start_with(
        "chroot /var/lib\n user nobody\n group nogroup\n maxconn 500",
        &px(&server),
    )?;
    let mut crowd = Crowd::gather(chain.front, 100)?;
    for _ in 0..3 {
        chain.reload(&px(&server))?.is_clean()?;
        crowd.exchange()?;
    }
    let status = fs::read_to_string(format!("/proc/{}/status", chain.current.pid()))?;
    let user = status.lines().find(|line| line.starts_with("Uid:"));
    if user.is_none_or(|line| line.contains("\t0")) {
        return Err(Failure::from(format!("it still is {user:?}")));
    }
    wait::until("new connections", ANSWER, || {
        TcpStream::connect(chain.front).ok()
    })?;
    Ok(())
}
