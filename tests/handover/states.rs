//! Whatever a session is in the middle of, it goes on with.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use pontoon_lab::{client::Client, server::Behaviour, server::Server, wait};
use socket2::{Domain, Socket, Type};

use super::{ANSWER, Case, Chain};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    let all: [Case; 9] = [
        ("half_closed_sessions_end_in_order", half_closed),
        ("bytes_that_nobody_takes_wait_on", stuck),
        ("queues_keep_their_order", queued),
        ("deadlines_do_not_begin_anew", deadline),
        ("a_session_has_one_line", one_line),
        ("connections_being_made_are_made", connecting),
        ("half_a_proxy_header_is_completed", header),
        ("inspection_goes_on", inspection),
        ("counters_of_moved_sessions_go_on", counted_once),
    ];
    for (name, run) in all {
        tests.push(Test::new(format!("handover::{name}"), run));
    }
}

/// A server that the test itself is.
struct Hand {
    listener: TcpListener,
    address: SocketAddr,
}

impl Hand {
    fn new() -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    fn section(&self, more: &str) -> String {
        let address = self.address;
        format!("listen px\n bind {{front}}\n {more}\n server s1 {address}\n")
    }

    fn accept(&self) -> Result<TcpStream, Failure> {
        let (server, _) = self.listener.accept()?;
        server.set_read_timeout(Some(ANSWER))?;
        Ok(server)
    }
}

fn connect(front: SocketAddr) -> Result<TcpStream, Failure> {
    let client = TcpStream::connect(front)?;
    client.set_read_timeout(Some(ANSWER))?;
    Ok(client)
}

/// Both ends of a session through the chain.
fn session(chain: &Chain, hand: &Hand) -> Result<(TcpStream, TcpStream), Failure> {
    let client = connect(chain.front)?;
    Ok((client, hand.accept()?))
}

fn say(mut from: &TcpStream, mut to: &TcpStream, words: &[u8]) -> Outcome {
    from.write_all(words)?;
    let mut heard = vec![0; words.len()];
    to.read_exact(&mut heard)?;
    if heard == words {
        return Ok(());
    }
    Err(Failure::from(format!("{words:?} arrived as {heard:?}")))
}

fn expect_end(mut stream: &TcpStream) -> Outcome {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest)?;
    if rest.is_empty() {
        return Ok(());
    }
    Err(Failure::from(format!("more came: {rest:?}")))
}

fn half_closed() -> Outcome {
    let hand = Hand::new()?;
    let mut chain = Chain::start(&hand.section(""))?;
    let (client, server) = session(&chain, &hand)?;
    say(&client, &server, b"question")?;
    client.shutdown(Shutdown::Write)?;
    expect_end(&server)?;
    // The other way round.
    let (other_client, other_server) = session(&chain, &hand)?;
    say(&other_server, &other_client, b"greeting")?;
    other_server.shutdown(Shutdown::Write)?;
    expect_end(&other_client)?;
    chain.reload(&hand.section(""))?.is_clean()?;
    say(&server, &client, b"a late answer")?;
    say(&other_client, &other_server, b"a late question")?;
    drop((server, other_client));
    expect_end(&client)?;
    expect_end(&other_server)?;
    drop((client, other_server));
    let blameless = |line: &str| line.contains(" -- ");
    chain
        .syslog
        .wait_for_count("lines without blame", 2, blameless)?;
    Ok(())
}

/// What belongs to a place of the stream.
fn byte_at(place: usize) -> u8 {
    u8::try_from(place % 251).unwrap_or(0)
}

/// Writes until nothing has gone for a while; how much went.
fn fill(mut stream: &TcpStream, name: &str) -> Result<usize, Failure> {
    stream.set_nonblocking(true)?;
    let mut written = 0;
    let mut quiet = 0;
    while quiet < 40 {
        let piece: Vec<_> = (written..written + 60_000).map(byte_at).collect();
        match stream.write(&piece) {
            Ok(n) => (written, quiet) = (written + n, 0),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                quiet += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(Failure::from(error).with(name)),
        }
    }
    stream.set_nonblocking(false)?;
    Ok(written)
}

fn read_pattern(mut stream: &TcpStream, wanted: usize) -> Outcome {
    let mut place = 0;
    let mut buffer = vec![0; 60_000];
    while place < wanted {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Err(Failure::from(format!("the end after {place} of {wanted}")));
        }
        if let Some(off) = (0..n).find(|i| buffer[*i] != byte_at(place + i)) {
            return Err(Failure::from(format!("wrong at {}", place + off)));
        }
        place += n;
    }
    Ok(())
}

fn stuck() -> Outcome {
    let hand = Hand::new()?;
    let mut chain = Chain::start(&hand.section(""))?;
    let (client, server) = session(&chain, &hand)?;
    let up = fill(&client, "the client")?;
    let down = fill(&server, "the server")?;
    for _ in 0..3 {
        chain.reload(&hand.section(""))?.is_clean()?;
    }
    read_pattern(&server, up)?;
    read_pattern(&client, down)?;
    say(&client, &server, b"what comes after")?;
    say(&server, &client, b"both ways")?;
    Ok(())
}

fn queued() -> Outcome {
    let hand = Hand::new()?;
    let one = hand.section("").trim_end().to_owned() + " maxconn 1\n";
    let mut chain = Chain::start(&one)?;
    let (first, served) = session(&chain, &hand)?;
    let mut waiting = Vec::new();
    for number in 1..=5_u8 {
        let mut client = connect(chain.front)?;
        client.write_all(&[number])?;
        waiting.push(client);
        chain.wait_for_value("px/BACKEND", "qcur", &number.to_string())?;
    }
    chain.reload(&one)?.is_clean()?;
    chain.wait_for_value("px/BACKEND", "qcur", "5")?;
    say(&first, &served, b"still here")?;
    drop((first, served));
    for number in 1..=5_u8 {
        let mut server = hand.accept()?;
        let mut who = [0];
        server.read_exact(&mut who)?;
        if who != [number] {
            return Err(Failure::from(format!("{who:?} came instead of {number}")));
        }
        if let Some(client) = waiting.first() {
            say(&server, client, b"served")?;
        }
        waiting.remove(0);
    }
    Ok(())
}

/// The times of a session's line: `Tw/Tc/Tt`.
fn total_time(line: &str) -> Result<u64, Failure> {
    let times = line.split_whitespace().find_map(|field| {
        let parts: Vec<_> = field.split('/').collect();
        match parts[..] {
            [_, _, total] => total.parse().ok(),
            _ => None,
        }
    });
    times.ok_or_else(|| Failure::from(format!("no times in {line}")))
}

fn deadline() -> Outcome {
    let hand = Hand::new()?;
    let section = hand.section("timeout client 2s");
    let mut chain = Chain::start(&section)?;
    let (client, server) = session(&chain, &hand)?;
    // More than half of its time is over when it moves.
    std::thread::sleep(Duration::from_millis(1200));
    chain.reload(&section)?.is_clean()?;
    // It counts as closed, which the server is told; then the server ends it.
    expect_end(&server)?;
    drop(server);
    expect_end(&client)?;
    let line = chain
        .syslog
        .wait_for("its line", |line| line.contains("cD"))?;
    let total = total_time(&line)?;
    // Had it begun anew, it would be 3.2 s at least.
    if (2000..3100).contains(&total) {
        return Ok(());
    }
    Err(Failure::from(line))
}

fn one_line() -> Outcome {
    let hand = Hand::new()?;
    let mut chain = Chain::start(&hand.section(""))?;
    let (client, server) = session(&chain, &hand)?;
    say(&server, &client, &[1; 1000])?;
    for _ in 0..3 {
        chain.reload(&hand.section(""))?.is_clean()?;
        say(&server, &client, &[2; 500])?;
    }
    let port = client.local_addr()?.port();
    drop((client, server));
    let ours = |line: &str| line.contains(&format!("127.0.0.1:{port} "));
    let line = chain.syslog.wait_for("the session's line", ours)?;
    let count = chain
        .syslog
        .lines()
        .iter()
        .filter(|line| ours(line))
        .count();
    if count == 1 && line.contains("px px/s1 ") && line.contains(" 2500 ") {
        return Ok(());
    }
    Err(Failure::from(format!("{count} lines, the first: {line}")))
}

fn counted_once() -> Outcome {
    let hand = Hand::new()?;
    let mut chain = Chain::start(&hand.section(""))?;
    let (client, server) = session(&chain, &hand)?;
    say(&client, &server, &[1; 1000])?;
    chain.reload(&hand.section(""))?.is_clean()?;
    for row in ["px/FRONTEND", "px/s1", "px/BACKEND"] {
        chain.wait_for_value(row, "scur", "1")?;
    }
    say(&client, &server, &[1; 10])?;
    drop((client, server));
    for row in ["px/FRONTEND", "px/s1", "px/BACKEND"] {
        chain.wait_for_value(row, "scur", "0")?;
    }
    Ok(())
}

fn connecting() -> Outcome {
    // Nobody takes from its queue, so that a third connection is not even answered.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(0)?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr()?;
    let _full = TcpStream::connect(address)?;
    let section =
        format!("listen px\n bind {{front}}\n timeout connect 20s\n server s1 {address}\n");
    let mut chain = Chain::start(&section)?;
    let mut client = connect(chain.front)?;
    client.write_all(b"hello")?;
    chain.wait_for_value("px/s1", "scur", "1")?;
    chain.reload(&section)?.is_clean()?;
    listener.set_nonblocking(true)?;
    let greeted = wait::until("the connection to be made", ANSWER, || {
        let (mut server, _) = listener.accept().ok()?;
        let mut heard = [0; 5];
        server.set_nonblocking(false).ok()?;
        server.set_read_timeout(Some(Duration::from_secs(3))).ok()?;
        server.read_exact(&mut heard).ok()?;
        Some((server, heard))
    });
    let (server, heard) = greeted?;
    if heard != *b"hello" {
        return Err(Failure::from(format!("{heard:?}")));
    }
    say(&server, &client, b"welcome")
}

fn header() -> Outcome {
    let hand = Hand::new()?;
    let section = hand
        .section("")
        .replace("bind {front}", "bind {front} accept-proxy");
    let mut chain = Chain::start(&section)?;
    let mut client = connect(chain.front)?;
    client.write_all(b"PROXY TCP4 192.0.2.9 ")?;
    chain.wait_for_value("px/FRONTEND", "scur", "1")?;
    chain.reload(&section)?.is_clean()?;
    client.write_all(b"192.0.2.1 1111 2222\r\nhello")?;
    let mut server = hand.accept()?;
    let mut heard = [0; 5];
    server.read_exact(&mut heard)?;
    drop((client, server));
    chain
        .syslog
        .wait_for("its line", |line| line.contains("192.0.2.9:1111 "))?;
    Ok(())
}

fn inspection() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let section = format!(
        "listen px\n bind {{front}}\n tcp-request inspect-delay 20s\n \
         tcp-request content accept if {{ req.len ge 10 }}\n \
         tcp-request content reject if WAIT_END\n server s1 {}\n",
        server.address()
    );
    let mut chain = Chain::start(&section)?;
    let mut client = Client::connect(chain.front)?;
    client.send(b"01234")?;
    chain.wait_for_value("px/FRONTEND", "scur", "1")?;
    chain.reload(&section)?.is_clean()?;
    client.send(b"56789")?;
    let seen = client.receive(10, ANSWER)?;
    if seen.bytes == b"0123456789" {
        return Ok(());
    }
    Err(Failure::from(format!("{seen:?}")))
}
