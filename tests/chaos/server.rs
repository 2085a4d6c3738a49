//! Servers that do as the client asks, and that can be killed and revived.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use pontoon_engine::proxy_protocol::{self, Parsed};
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use super::talk::{self, HELLO, Heard, Reading, Service, Stopped, Talk};

/// What nobody may ever see.
#[derive(Debug, Clone, Default)]
pub(super) struct Complaints(Arc<Mutex<Vec<String>>>);

impl Complaints {
    /// One more.
    pub(super) fn add(&self, text: String) {
        self.list().push(text);
    }

    /// All of them, one a line; empty if there is none.
    pub(super) fn told(&self) -> String {
        self.list().join("\n")
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A server while it lives; dropped, it and all its connections are gone.
pub(super) struct Server(JoinHandle<()>);

/// How long a server waits for a client.
const PATIENCE: Duration = Duration::from_secs(20);

impl Server {
    /// Listens; with `header`, a PROXY header comes first.
    pub(super) async fn start(
        address: SocketAddr,
        header: bool,
        complaints: Complaints,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self(tokio::spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                guests.spawn(serve(stream, header, complaints.clone()));
                while guests.try_join_next().is_some() {}
            }
        })))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn serve(mut stream: TcpStream, header: bool, complaints: Complaints) {
    if header {
        match read_header(&mut stream).await {
            Ok(true) => {}
            Ok(false) => return complaints.add("a server got a bad PROXY header".into()),
            Err(_) => return,
        }
    }
    let mut words = [0; HELLO];
    // Checks and clients that leave at once say nothing.
    if stream.read_exact(&mut words).await.is_err() {
        return;
    }
    let Some(talk) = Talk::heard(&words) else {
        return complaints.add(format!("a server was greeted with {words:?}"));
    };
    let heard = answer(&mut stream, &talk).await;
    if let Some(Stopped::Wrong(at)) = heard.map(|heard| heard.stopped) {
        complaints.add(format!("a server got a wrong byte after {at} of {talk:?}"));
    }
}

/// Reads byte by byte, so as not to take what follows.
async fn read_header(stream: &mut TcpStream) -> io::Result<bool> {
    let mut header = Vec::new();
    while header.len() < 512 {
        header.push(stream.read_u8().await?);
        match proxy_protocol::parse(&header) {
            Ok(Parsed::Complete { length, .. }) => return Ok(length == header.len()),
            Ok(Parsed::Incomplete) => {}
            Err(_) => return Ok(false),
        }
    }
    Ok(false)
}

async fn answer(stream: &mut TcpStream, talk: &Talk) -> Option<Heard> {
    let everything = Reading {
        most: usize::MAX,
        slow: talk.service == Service::Slow,
        patience: PATIENCE,
    };
    let linger = match talk.service {
        Service::Resets => Some(Duration::ZERO),
        _ => None,
    };
    // A socket that is gone already needs no reset.
    let _gone = SockRef::from(&*stream).set_linger(linger);
    let (mut from, mut to) = stream.split();
    let name = talk.answer();
    match talk.service {
        Service::Both | Service::Slow => {
            let sending = async {
                if talk::send(&mut to, name, talk.down).await.is_ok() {
                    // The client may be gone by now.
                    let _gone = to.shutdown().await;
                }
            };
            let ((), heard) = tokio::join!(sending, talk::listen(&mut from, talk.seed, everything));
            Some(heard)
        }
        Service::AfterEnd => {
            let heard = talk::listen(&mut from, talk.seed, everything).await;
            if heard.stopped == Stopped::End {
                // The client may be gone by now.
                let _gone = talk::send(&mut to, name, talk.down).await;
            }
            Some(heard)
        }
        Service::Resets | Service::Leaves => {
            let _gone = talk::send(&mut to, name, talk.down / 2).await;
            None
        }
        Service::Stalls => {
            let none = Reading {
                most: talk.up / 2,
                ..everything
            };
            let heard = talk::listen(&mut from, talk.seed, none).await;
            // Waits for an error or for nothing.
            tokio::time::sleep(Duration::from_secs(5)).await;
            Some(heard)
        }
    }
}
