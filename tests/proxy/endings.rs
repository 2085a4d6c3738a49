//! Sessions that end by themselves, by a timeout, or by force.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::stage::{Scene, accept, both, expect, named, rest};
use crate::harness::{Failure, Outcome, Test};
use pontoon_lab::{
    balancer::{Kind, free_address},
    client::End,
    crowd::usage,
    wait,
};

pub(super) fn register(tests: &mut Vec<Test>) {
    both(
        tests,
        "the_client_may_close_first_and_still_hear",
        client_closes_first,
    );
    both(
        tests,
        "the_server_may_close_first_and_still_hear",
        server_closes_first,
    );
    both(tests, "a_client_that_does_not_close_is_closed", client_fin);
    both(
        tests,
        "a_refused_connection_is_tried_again_after_a_second",
        retries_pause,
    );
    both(tests, "a_refused_connection_goes_elsewhere", redispatches);
    both(
        tests,
        "a_reset_in_the_middle_of_bulk_is_passed_on",
        reset_in_bulk,
    );
    both(tests, "a_slow_reader_costs_no_memory", slow_reader);
    both(tests, "a_silent_client_is_closed", silent_client);
}

fn before(kind: Kind, server: &TcpListener, lines: &str) -> Result<Scene, Failure> {
    let server = server.local_addr()?;
    let text = format!(
        "frontend fe\n bind {{front}}\n default_backend be\n {lines}\nbackend be\n server s1 {server}"
    );
    Scene::set(kind, &text)
}

fn server() -> Result<TcpListener, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?)
}

fn client_closes_first(kind: Kind) -> Outcome {
    let server = server()?;
    let scene = before(kind, &server, "")?;
    let mut client = scene.client()?;
    client.send(b"question")?;
    client.finish()?;
    let (mut served, _) = accept(&server)?;
    let asked = rest(&mut served)?;
    expect(
        "what the server sees",
        (asked.bytes.as_slice(), asked.end),
        (&b"question"[..], End::Closed),
    )?;
    served.send(b"answer")?;
    drop(served);
    let seen = rest(&mut client)?;
    expect(
        "what the client sees",
        (seen.bytes.as_slice(), seen.end),
        (&b"answer"[..], End::Closed),
    )?;
    expect("the flags", scene.line_of("be/s1")?.flags.as_str(), "--")
}

fn server_closes_first(kind: Kind) -> Outcome {
    let server = server()?;
    let scene = before(kind, &server, "")?;
    let mut client = scene.client()?;
    let (mut served, _) = accept(&server)?;
    served.send(b"last words")?;
    served.finish()?;
    let seen = rest(&mut client)?;
    expect(
        "what the client sees",
        (seen.bytes.as_slice(), seen.end),
        (&b"last words"[..], End::Closed),
    )?;
    client.send(b"late")?;
    drop(client);
    let heard = rest(&mut served)?;
    expect(
        "what the server sees",
        (heard.bytes.as_slice(), heard.end),
        (&b"late"[..], End::Closed),
    )?;
    expect("the flags", scene.line_of("be/s1")?.flags.as_str(), "--")
}

fn client_fin(kind: Kind) -> Outcome {
    let server = server()?;
    let scene = before(kind, &server, "timeout client-fin 200ms")?;
    let begin = Instant::now();
    let mut client = scene.client()?;
    let (served, _) = accept(&server)?;
    served.finish()?;
    let seen = rest(&mut client)?;
    expect("what the client sees", seen.end, End::Closed)?;
    expect("the flags", scene.line_of("be/s1")?.flags.as_str(), "cD")?;
    let took = begin.elapsed();
    expect(
        &format!("whether it took long ({took:?})"),
        took < Duration::from_secs(5),
        true,
    )
}

fn retries_pause(kind: Kind) -> Outcome {
    let nobody = free_address()?;
    let text = format!(
        "frontend fe\n bind {{front}}\n default_backend be\nbackend be\n retries 1\n server s1 {nobody}"
    );
    let scene = Scene::set(kind, &text)?;
    let begin = Instant::now();
    let mut client = scene.client()?;
    rest(&mut client)?;
    let took = begin.elapsed();
    let fits = (Duration::from_millis(900)..Duration::from_secs(4)).contains(&took);
    expect(&format!("whether it took a second ({took:?})"), fits, true)?;
    expect("the flags", scene.line_of("be/s1")?.flags.as_str(), "SC")?;
    expect("retries", scene.value("be/s1", "wretr")?.as_str(), "1")
}

fn redispatches(kind: Kind) -> Outcome {
    let (nobody, server) = (free_address()?, named("2")?);
    let text = format!(
        "frontend fe\n bind {{front}}\n default_backend be\n\
         backend be\n retries 1\n option redispatch\n server s1 {nobody}\n server s2 {}",
        server.address()
    );
    let scene = Scene::set(kind, &text)?;
    expect("who answers", scene.ask()?.as_str(), "2")?;
    expect("the flags", scene.line_of("be/s2")?.flags.as_str(), "--")?;
    expect(
        "redispatches",
        scene.value("be/s1", "wredis")?.as_str(),
        "1",
    )
}

fn reset_in_bulk(kind: Kind) -> Outcome {
    let server = server()?;
    let scene = before(kind, &server, "")?;
    let mut client = scene.client()?;
    let (mut served, _) = accept(&server)?;
    served.send(&vec![b'x'; 1 << 20])?;
    // All is under way; more would not fit.
    served.reset()?;
    let seen = rest(&mut client)?;
    expect("whether it ended", seen.end == End::Open, false)?;
    drop(client);
    scene.wait_for_value("be/s1", "scur", "0")
}

/// More than all buffers hold, towards a client that reads nothing for a while.
fn slow_reader(kind: Kind) -> Outcome {
    const BULK: usize = 64 << 20;
    let server = server()?;
    let scene = before(kind, &server, "")?;
    let client = scene.client()?;
    let (served, _) = accept(&server)?;
    let before = usage(scene.pid())?;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let sender = std::thread::spawn(move || {
        let mut stream = served.stream();
        let block = vec![b'x'; 1 << 16];
        for _ in 0..BULK / block.len() {
            stream.write_all(&block)?;
            count.fetch_add(block.len(), Ordering::SeqCst);
        }
        stream.shutdown(Shutdown::Write)
    });
    wait::until("everything to be full", wait::PATIENCE, || {
        let first = sent.load(Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(100));
        (first > 0 && sent.load(Ordering::SeqCst) == first).then_some(())
    })?;
    let stuck = usage(scene.pid())?;
    let mut received = 0;
    let mut buffer = vec![0; 1 << 20];
    let mut stream = client.stream();
    loop {
        match stream.read(&mut buffer)? {
            0 => break,
            length => received += length,
        }
    }
    expect("what comes", received, BULK)?;
    sender
        .join()
        .map_err(|_| "the sender panicked".to_owned())??;
    let grown = stuck.memory.saturating_sub(before.memory);
    expect(
        &format!("whether little was held ({grown} bytes)"),
        grown < 4 << 20,
        true,
    )
}

fn silent_client(kind: Kind) -> Outcome {
    let server = server()?;
    let scene = before(kind, &server, "timeout client 300ms")?;
    let mut client = scene.client()?;
    let (_served, _) = accept(&server)?;
    client.send(b"hello")?;
    expect("the flags", scene.line_of("be/s1")?.flags.as_str(), "cD")?;
    expect(
        "how the client sees it",
        rest(&mut client)?.end,
        End::Closed,
    )
}
