//! Signals to a process in the foreground.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    os::{
        fd::{AsFd as _, AsRawFd as _},
        unix::process::ExitStatusExt as _,
    },
    process::Command,
    time::{Duration, Instant},
};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    client::{Client, End},
    needs::Need,
    program::Program,
    server::{Behaviour, Server},
    wait,
};
use pontoon_sys::process::{
    Signal,
    child::{Bond, prepare},
};

use super::{Bench, patience, relay};
use crate::harness::{Failure, Outcome, Test, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    // Not beside HAProxy 2.6.12, which now and then does not end at all after this test.
    tests.push(Test::new(
        "process::grace_keeps_the_listener_for_a_while",
        grants_grace,
    ));
    for kind in [Kind::Pontoon, Kind::Haproxy] {
        let add = |tests: &mut Vec<Test>, name: &str, run: fn(Kind) -> Outcome| {
            let test = Test::new(format!("process::{name} ({kind:?})"), move || run(kind));
            tests.push(match kind {
                Kind::Haproxy => test.needs(Need::Program("haproxy")),
                Kind::Pontoon => test,
            });
        };
        add(tests, "terminate_ends_it_by_the_signal", ends_at_once);
        add(tests, "soft_stop_waits_for_the_last_session", stops_softly);
        add(tests, "hard_stop_after_cuts_what_is_left", stops_hard);
        add(tests, "paused_refuses_and_resumed_accepts", pauses);
        add(tests, "other_signals_do_not_end_it", survives);
        add(tests, "inherited_listener_is_used", inherits);
    }
}

struct Scene {
    balancer: Balancer,
    listens: SocketAddr,
    _server: Server,
}

fn scene(kind: Kind, global: &str) -> Result<Scene, Failure> {
    let server = Server::start(Behaviour::Echo)?;
    let listens = free_address()?;
    let config = relay(global, listens, server.address());
    let balancer = Balancer::start(kind, pontoon(), &config, listens)?;
    Ok(Scene {
        balancer,
        listens,
        _server: server,
    })
}

impl Scene {
    fn client(&self) -> Result<Client, Failure> {
        let mut client = Client::connect(self.listens)?;
        echo(&mut client)?;
        Ok(client)
    }

    fn refuses(&self) -> bool {
        TcpStream::connect_timeout(&self.listens, Duration::from_millis(500)).is_err()
    }

    fn signal(&self, signal: Signal) -> Outcome {
        Ok(self.balancer.program.signal(signal)?)
    }
}

fn echo(client: &mut Client) -> Outcome {
    client.send(b"ping")?;
    let seen = client.receive(4, Duration::from_secs(5))?;
    assert_eq!(seen.bytes, b"ping");
    Ok(())
}

fn ends_at_once(kind: Kind) -> Outcome {
    for signal in [Signal::TERM, Signal::INT] {
        let mut scene = scene(kind, "")?;
        let mut client = scene.client()?;
        scene.signal(signal)?;
        let status = scene.balancer.program.wait(patience(kind))?;
        assert_eq!(status.signal(), Some(signal.as_raw()));
        let seen = client.receive_all(Duration::from_secs(5))?;
        assert_ne!(seen.end, End::Open);
    }
    Ok(())
}

fn stops_softly(kind: Kind) -> Outcome {
    let mut scene = scene(kind, "")?;
    let mut client = scene.client()?;
    scene.signal(Signal::USR1)?;
    wait::until("the listener to close", wait::PATIENCE, || {
        scene.refuses().then_some(())
    })?;
    echo(&mut client)?;
    assert!(
        scene.balancer.program.ended()?.is_none(),
        "it has a session left"
    );
    drop(client);
    let status = scene.balancer.program.wait(wait::PATIENCE)?;
    assert_eq!(status.code(), Some(0));
    Ok(())
}

fn stops_hard(kind: Kind) -> Outcome {
    let mut scene = scene(kind, "hard-stop-after 1s")?;
    let mut client = scene.client()?;
    let asked = Instant::now();
    scene.signal(Signal::USR1)?;
    let seen = client.receive_all(wait::PATIENCE)?;
    assert_ne!(seen.end, End::Open, "the session is cut");
    assert!(asked.elapsed() >= Duration::from_millis(900), "too early");
    let status = scene.balancer.program.wait(wait::PATIENCE)?;
    assert_eq!(status.code(), Some(0));
    let line = "Proxy relay hard-stopped (1 remaining conns will be closed).";
    let said = scene.balancer.program.output().join("\n");
    assert!(said.contains(line), "{said}");
    Ok(())
}

fn grants_grace() -> Outcome {
    let mut scene = scene(Kind::Pontoon, "grace 1s")?;
    let asked = Instant::now();
    scene.signal(Signal::USR1)?;
    let mut accepted = Duration::ZERO;
    let status = wait::until("the process to end", wait::PATIENCE, || {
        if !scene.refuses() {
            accepted = asked.elapsed();
        }
        scene.balancer.program.ended().ok().flatten()
    })?;
    assert_eq!(status.code(), Some(0));
    assert!(
        accepted >= Duration::from_millis(500),
        "closed after {accepted:?}"
    );
    assert!(
        asked.elapsed() >= Duration::from_millis(900),
        "ended too early"
    );
    Ok(())
}

fn pauses(kind: Kind) -> Outcome {
    let scene = scene(kind, "")?;
    let mut client = scene.client()?;
    scene.signal(Signal::TTOU)?;
    wait::until("the listener to pause", wait::PATIENCE, || {
        scene.refuses().then_some(())
    })?;
    echo(&mut client)?;
    scene.signal(Signal::TTIN)?;
    wait::until("the listener to resume", wait::PATIENCE, || {
        (!scene.refuses()).then_some(())
    })?;
    scene.client()?;
    Ok(())
}

fn survives(kind: Kind) -> Outcome {
    let scene = scene(kind, "")?;
    let mut client = scene.client()?;
    for signal in [Signal::HUP, Signal::QUIT, Signal::USR2, Signal::PIPE] {
        scene.signal(signal)?;
        echo(&mut client)?;
    }
    // All of them have been delivered once a later one has had its effect.
    scene.signal(Signal::TTOU)?;
    wait::until("the listener to pause", wait::PATIENCE, || {
        scene.refuses().then_some(())
    })?;
    echo(&mut client)
}

fn inherits(kind: Kind) -> Outcome {
    let bench = Bench::new(kind)?;
    let server = Server::start(Behaviour::Echo)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let listens = listener.local_addr()?;
    let config = relay("", listens, server.address());
    let inherited = format!("fd@{}", listener.as_raw_fd());
    let config = config.replace(&listens.to_string(), &inherited);
    bench.folder.write("haproxy.cfg", config)?;
    let mut command = Command::new(&bench.program);
    command
        .args(["-db", "-f", "haproxy.cfg"])
        .current_dir(bench.folder.path());
    prepare(&mut command, listener.as_fd(), Bond::DiesWithUs);
    let _program = Program::start(&mut command)?;
    // It is bound already: the connection waits until the proxy takes it.
    echo(&mut Client::connect(listens)?)
}
