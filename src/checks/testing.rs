//! Servers that follow a script, and what a probe says of them.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use pontoon_config::haproxy::log_format::{LogFormat, Piece};
use pontoon_engine::address::Endpoint;
use socket2::SockRef;

use super::{
    exchange::Exchange,
    target::{Deadlines, Limits, Target},
    verdict::Verdict,
};

/// What a scripted server does next; at the end of its script it closes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Does {
    Says(&'static [u8]),
    Hears,
    Resets,
    /// Says nothing more, until the client has gone.
    Hangs,
}

/// A server with one script for all its connections.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// What it heard, a read at a time; `None` for a reset.
    pub(super) heard: Receiver<Option<Vec<u8>>>,
}

impl Peer {
    pub(super) fn start(script: &[Does]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, heard) = channel();
        let script = script.to_vec();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                play(stream, &script, &tell);
            }
        });
        Self { address, heard }
    }

    /// Where nobody listens.
    pub(super) fn nowhere() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    }
}

fn play(mut stream: TcpStream, script: &[Does], tell: &Sender<Option<Vec<u8>>>) {
    let mut buffer = [0; 65536];
    let mut hear = |stream: &mut TcpStream| {
        let length = stream.read(&mut buffer).ok();
        // A test may have heard enough.
        let _ = tell.send(length.map(|length| buffer[..length].to_vec()));
        length.is_some_and(|length| length > 0)
    };
    for step in script {
        match step {
            Does::Says(bytes) => drop(stream.write_all(bytes)),
            Does::Hears => drop(hear(&mut stream)),
            Does::Resets => SockRef::from(&stream)
                .set_linger(Some(Duration::ZERO))
                .unwrap(),
            Does::Hangs => while hear(&mut stream) {},
        }
    }
}

/// A full backlog: connections to it are never answered, as long as this lives.
pub(super) struct Silence {
    pub(super) address: SocketAddr,
    _kept: Vec<socket2::Socket>,
}

impl Silence {
    pub(super) fn new() -> Self {
        use socket2::{Domain, Socket, Type};
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut kept = vec![listener];
        for _ in 0..3 {
            let client = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).unwrap();
            // Pending is all it needs to be.
            let _ = client.connect(&address);
            kept.push(client);
        }
        Self {
            address: address.as_socket().unwrap(),
            _kept: kept,
        }
    }
}

pub(super) fn target(address: SocketAddr) -> Target {
    Target {
        endpoint: Some(Endpoint::Ip(address)),
        source: None,
        proxy_header: None,
        tls: None,
        linger: false,
    }
}

/// Long enough never to be reached by what should answer.
pub(super) const PATIENT: Duration = Duration::from_secs(20);
/// Short enough to wait for what should not.
pub(super) const HASTY: Duration = Duration::from_millis(150);

pub(super) const BUFFER: usize = 16_384;

/// Runs a probe with a time limit.
pub(super) async fn probe(
    target: &Target,
    limit: Duration,
    probe: impl AsyncFnOnce(Exchange<'_>) -> Verdict,
) -> Verdict {
    let deadlines = Deadlines::start(Limits::new(limit, None, None));
    probe(Exchange {
        target,
        deadlines: &deadlines,
        limit: BUFFER,
    })
    .await
}

/// As the log shows it: code, words in brackets.
pub(super) fn show(verdict: &Verdict) -> String {
    let mut text = verdict.status.code().to_owned();
    if let Some(code) = verdict.code {
        text += &format!(" {code}");
    }
    if let Some(info) = &verdict.info {
        text += &format!(" [{info}]");
    }
    text
}

/// A log-format string without variables.
pub(super) fn plain_text(format: &LogFormat) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        other => panic!("{other:?} is not for these tests"),
    };
    format.pieces.iter().map(text).collect()
}
