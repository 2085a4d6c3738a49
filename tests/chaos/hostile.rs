//! Words that nobody should say: to listeners, to the statistics, to checks. Everything that is
//! not understood ends in time, costs nothing, and disturbs nobody.

use std::{net::SocketAddr, time::Duration};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    crowd::usage,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{books, dice::Dice, idle, runtime, server::Complaints};
use crate::harness::{Failure, Outcome, pontoon};

/// Sessions, so many at once.
const ROUNDS: u32 = 12;
const AT_ONCE: usize = 50;
/// The clients' timeout is one second; an ending later than this came too late.
const LATE: Duration = Duration::from_secs(6);

const CHECKS: [&str; 7] = [
    "httpchk GET /",
    "tcp-check\n tcp-check expect rstring ^NOPE(a|b)*$",
    "mysql-check user x",
    "pgsql-check user x",
    "smtpchk",
    "ldap-check",
    "ssl-hello-chk",
];

/// Everything hostile at once, for a while.
pub(super) fn words_do_no_harm(mut dice: Dice) -> Outcome {
    let (page, doors) = (free_address()?, [free_address()?, free_address()?]);
    let noise = [free_address()?, free_address()?];
    let config = config(page, doors, noise);
    let balancer = Balancer::start(Kind::Pontoon, pontoon(), &config, page)?;
    let pid = balancer.program.pid();
    let complaints = Complaints::default();
    let before = runtime()?.block_on(async {
        let _servers = (noisy(noise[0], true).await?, noisy(noise[1], false).await?);
        assault(page, doors, &mut dice, &complaints).await;
        let before = usage(pid)?;
        for _ in 1..ROUNDS {
            assault(page, doors, &mut dice, &complaints).await;
        }
        Ok::<_, Failure>(before)
    })?;
    let told = complaints.told();
    if !told.is_empty() {
        return Err(Failure::from(told));
    }
    books::quiet(page)?;
    books::undisturbed(&balancer.program.output())?;
    books::came_back(pid, before)?;
    idle::expect(pid)
}

fn config(page: SocketAddr, doors: [SocketAddr; 2], noise: [SocketAddr; 2]) -> String {
    let mut config = format!(
        "global\n nbthread 2\n\
         defaults\n mode tcp\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n \
         timeout check 1s\n\
         listen page\n bind {page}\n mode http\n stats enable\n stats uri /stats\n \
         stats admin if TRUE\n\
         frontend told\n bind {} accept-proxy\n default_backend nobody\n\
         frontend hello\n bind {}\n tcp-request inspect-delay 500ms\n \
         tcp-request content reject if {{ req.ssl_sni -m end .evil }}\n \
         tcp-request content accept if {{ req.ssl_hello_type 1 }}\n default_backend nobody\n\
         backend nobody\n server s1 {} disabled\n",
        doors[0], doors[1], noise[0],
    );
    for (number, check) in CHECKS.iter().enumerate() {
        for (which, address) in noise.iter().enumerate() {
            let port = address.port();
            config += &format!(
                "backend c{number}-{which}\n option {check}\n server s1 {address} check inter \
                 200ms downinter 200ms agent-check agent-port {port} agent-inter 200ms\n"
            );
        }
    }
    config
}

/// A server that says random bytes: without end, or a few and then breaks off.
async fn noisy(address: SocketAddr, endless: bool) -> std::io::Result<JoinSet<()>> {
    let listener = TcpListener::bind(address).await?;
    let mut server = JoinSet::new();
    server.spawn(async move {
        let mut guests = JoinSet::new();
        let mut dice = Dice::new(7);
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut dice = Dice::new(dice.roll());
            guests.spawn(async move {
                loop {
                    let words = noise(&mut dice, if endless { 20_000 } else { 60 });
                    if stream.write_all(&words).await.is_err() || (!endless && dice.chance(40)) {
                        return;
                    }
                    sleep(Duration::from_millis(1)).await;
                }
            });
            while guests.try_join_next().is_some() {}
        }
    });
    Ok(server)
}

async fn assault(page: SocketAddr, doors: [SocketAddr; 2], dice: &mut Dice, told: &Complaints) {
    let mut attackers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (address, words) = match dice.below(3) {
            0 => (doors[0], header(dice)),
            1 => (doors[1], hello(dice)),
            _ => (page, request(dice)),
        };
        let words = spoil(words, dice);
        attackers.spawn(attack(address, words, Dice::new(dice.roll()), told.clone()));
    }
    while attackers.join_next().await.is_some() {}
}

/// Says it in one piece, in small ones, or byte by byte, and waits for the end.
async fn attack(address: SocketAddr, words: Vec<u8>, mut dice: Dice, told: Complaints) {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return;
    };
    let (piece, most) = dice.pick(&[(usize::MAX, usize::MAX), (37, 4000), (1, 100)]);
    for piece in words[..words.len().min(most)].chunks(piece) {
        if stream.write_all(piece).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    if dice.chance(25) {
        // It may be over already.
        let _gone = stream.shutdown().await;
    }
    let mut answer = Vec::new();
    if timeout(LATE, stream.read_to_end(&mut answer))
        .await
        .is_err()
    {
        let start = String::from_utf8_lossy(&words[..words.len().min(80)]).into_owned();
        told.add(format!(
            "{address} does not end {start:?}, {} bytes",
            words.len()
        ));
    }
}

fn noise(dice: &mut Dice, most: u32) -> Vec<u8> {
    (0..dice.below(most))
        .map(|_| dice.roll().to_le_bytes()[0])
        .collect()
}

/// A few bytes changed, the end missing, or noise behind it.
fn spoil(mut words: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    let length = u32::try_from(words.len()).unwrap_or(u32::MAX);
    for _ in 0..dice.below(4) {
        if let Some(byte) = words.get_mut(dice.below(length) as usize) {
            *byte = dice.pick(&[0, 255, b'\n', b' ', 0x80]);
        }
    }
    if dice.chance(30) {
        words.truncate(dice.below(length) as usize);
    }
    if dice.chance(20) {
        words.extend(noise(dice, 3000));
    }
    words
}

/// PROXY headers.
fn header(dice: &mut Dice) -> Vec<u8> {
    let binary = |dice: &mut Dice, kind: [u8; 2], length: u16, body: u32| {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
        header.extend(kind);
        header.extend(length.to_be_bytes());
        header.extend(noise(dice, body));
        header
    };
    match dice.below(7) {
        0 => b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65535\r\nwords".to_vec(),
        1 => b"PROXY TCP6 ::1 2001:db8::2 65536 0\r\n".to_vec(),
        2 => [b"PROXY UNKNOWN ", "x".repeat(300).as_bytes()].concat(),
        3 => binary(dice, [0x21, 0x11], 12, 40),
        4 => binary(dice, [0x20, 0], 0, 5),
        5 => binary(dice, [0x21, 0x31], 216, 500),
        _ => binary(dice, [0x21, 0x21], u16::MAX, 70_000),
    }
}

/// The first words of TLS.
fn hello(dice: &mut Dice) -> Vec<u8> {
    let name = dice
        .pick(&["host.example", "", "x.evil", "\0\u{7f}"])
        .as_bytes();
    let two = |number: usize| u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes();
    let list = [&[0][..], &two(name.len()), name].concat();
    let extension = [&[0, 0][..], &two(list.len() + 2), &two(list.len()), &list].concat();
    let body = [
        &[3, 3][..],
        &[9; 32],
        &[0, 0, 2, 0x13, 1, 1, 0],
        &two(extension.len()),
        &extension,
    ]
    .concat();
    let handshake = [&[1, 0][..], &two(body.len()), &body].concat();
    [&[22, 3, 1][..], &two(handshake.len()), &handshake].concat()
}

/// Requests to the statistics.
fn request(dice: &mut Dice) -> Vec<u8> {
    let post = |more: &str| format!("POST /stats HTTP/1.1\r\nHost: x\r\n{more}");
    let get = "GET /stats;csv HTTP/1.1\r\nHost: x\r\n\r\n";
    match dice.below(12) {
        0 => get.repeat(50),
        1 => post("Content-Length: 99999999999999999999\r\n\r\n"),
        2 => post("Content-Length: -1\r\n\r\nx"),
        3 => post("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        4 => post("Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"),
        5 => post("Transfer-Encoding: chunked\r\n\r\n") + &"1\r\na\r\n".repeat(9000),
        6 => post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        7 => format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(20_000)),
        8 => format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(5000)),
        9 => "\r\n".repeat(10_000),
        10 => post("Content-Length: 40000\r\n\r\n") + &"s=s1&".repeat(8000),
        _ => format!(
            "GET /stats;json;scope=%00%ff?{} HTTP/1.1\r\nHost: x\r\n\r\n",
            "%".repeat(99)
        ),
    }
    .into_bytes()
}
