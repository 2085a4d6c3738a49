//! Clients: one session each, and what must be said about it afterwards.

use std::{io, net::SocketAddr, time::Duration};

use socket2::SockRef;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpSocket, TcpStream},
    time::sleep,
};

use super::{
    dice::Dice,
    talk::{self, Heard, Manner, Reading, Stopped, Talk},
};

/// How long a client waits for a byte before it calls the session stuck.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of a tiny window.
const TINY: u32 = 4096;

/// Where a client goes, and what it says first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    pub(super) address: SocketAddr,
    /// A PROXY header comes first.
    pub(super) header: bool,
    /// Nothing may go wrong here, as long as nobody means harm.
    pub(super) calm: bool,
    pub(super) name: &'static str,
}

/// Runs one session.
///
/// # Errors
/// What must not have happened.
pub(super) async fn visit(route: Route, talk: Talk, mut dice: Dice) -> Result<(), String> {
    let Ok(mut stream) = connect(route, &talk).await else {
        // The queue of a listener may be full; that is the kernel's answer, not ours.
        return Ok(());
    };
    let heard = act(&mut stream, route, &talk, &mut dice).await;
    match heard {
        Some(Heard {
            stopped: Stopped::Wrong(at),
            ..
        }) => Err(format!("{route:?}: wrong byte after {at} of {talk:?}")),
        Some(heard) if heard.stopped == Stopped::Silence => {
            Err(format!("{route:?}: stuck: {heard:?} of {talk:?}"))
        }
        Some(heard) if route.calm && !is_whole(heard, &talk) => {
            Err(format!("{route:?}: not whole: {heard:?} of {talk:?}"))
        }
        None if route.calm => Err(format!("{route:?}: could not even send {talk:?}")),
        _ => Ok(()),
    }
}

fn is_whole(heard: Heard, talk: &Talk) -> bool {
    let wanted = match talk.manner {
        Manner::Brisk => Stopped::Enough,
        _ => Stopped::End,
    };
    heard.bytes == talk.down && heard.stopped == wanted
}

async fn connect(route: Route, talk: &Talk) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if matches!(talk.manner, Manner::Slow | Manner::LeavesReading) {
        socket.set_recv_buffer_size(TINY)?;
    }
    let stream = socket.connect(route.address).await?;
    if matches!(talk.manner, Manner::ResetsSending | Manner::ResetsAtOnce) {
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    }
    Ok(stream)
}

/// `None`: it read nothing, on purpose or because sending failed.
async fn act(stream: &mut TcpStream, route: Route, talk: &Talk, dice: &mut Dice) -> Option<Heard> {
    if matches!(talk.manner, Manner::Mute | Manner::ResetsAtOnce) {
        sleep(Duration::from_millis(u64::from(dice.below(300)))).await;
        return None;
    }
    greet(stream, route, talk, dice).await.ok()?;
    let whole = Reading {
        most: usize::MAX,
        slow: talk.manner == Manner::Slow,
        patience: PATIENCE,
    };
    let (mut from, mut to) = stream.split();
    let name = talk.answer();
    match talk.manner {
        Manner::Polite | Manner::Slow | Manner::Brisk => {
            let closes = talk.manner != Manner::Brisk;
            let most = if closes { usize::MAX } else { talk.down };
            let sending = async {
                let sent = talk::send(&mut to, talk.seed, talk.up).await;
                if sent.is_ok() && closes {
                    // The session may be over by now.
                    let _gone = to.shutdown().await;
                }
            };
            let how = Reading { most, ..whole };
            let ((), heard) = tokio::join!(sending, talk::listen(&mut from, name, how));
            Some(heard)
        }
        Manner::ResetsSending => {
            // The server may have left before.
            let _gone = talk::send(&mut to, talk.seed, talk.up / 2).await;
            None
        }
        Manner::LeavesReading => {
            let some = Reading {
                most: talk.down / 2,
                ..whole
            };
            Some(talk::listen(&mut from, name, some).await)
        }
        Manner::Stalls => Some(talk::listen(&mut from, name, whole).await),
        Manner::Mute | Manner::ResetsAtOnce => None,
    }
}

/// Says the first words, in pieces at times.
async fn greet(
    stream: &mut TcpStream,
    route: Route,
    talk: &Talk,
    dice: &mut Dice,
) -> io::Result<()> {
    let mut words = Vec::new();
    if route.header {
        words.extend_from_slice(b"PROXY TCP4 192.0.2.7 192.0.2.8 4711 80\r\n");
    }
    words.extend_from_slice(&talk.hello());
    if !dice.chance(20) {
        return stream.write_all(&words).await;
    }
    for piece in words.chunks(1 + dice.below(7) as usize) {
        stream.write_all(piece).await?;
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// A session that is served at once and then stays for a while.
///
/// # Errors
/// It is not served.
pub(super) async fn hold(route: Route, talk: Talk, stay: Duration) -> Result<(), String> {
    let heard = async {
        let mut stream = connect(route, &talk).await.ok()?;
        stream.write_all(&talk.hello()).await.ok()?;
        let (mut from, mut to) = stream.split();
        talk::send(&mut to, talk.seed, talk.up).await.ok()?;
        let how = Reading {
            most: talk.down,
            slow: false,
            patience: PATIENCE,
        };
        let heard = talk::listen(&mut from, talk.answer(), how).await;
        sleep(stay).await;
        Some(heard)
    };
    match heard.await {
        Some(heard) if is_whole(heard, &talk) => Ok(()),
        other => Err(format!("{}: {other:?}", route.name)),
    }
}
