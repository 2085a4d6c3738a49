//! The proxy's beat: how an election, started by whomever, knows that the proxy lives.
//!
//! The name of the socket is in the abstract namespace: it needs no file, so the proxy's chroot
//! and user do not matter, and it is gone when the process is.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Mutex, MutexGuard, PoisonError},
};

use pontoon_sys::{
    packet::{self, Peer},
    process::identity,
    readiness::Readiness,
    socket,
};

use super::message::Beat;

/// Who may listen at once; elections are few.
const MOST_HEARERS: usize = 8;
/// No beat is longer.
const LONGEST: usize = 1 << 10;

/// Where a proxy process of this number is heard.
fn name(pid: u32) -> String {
    format!("pontoon-proxy-{pid}")
}

/// The sending side, in the proxy.
#[derive(Debug)]
pub struct Heart {
    listener: OwnedFd,
    /// Besides root, these users may listen: the one who started us, and the one we are.
    user: u32,
    hearers: Mutex<Vec<OwnedFd>>,
}

impl Heart {
    /// Begins to listen for those who want to hear this process. To be called in the process that
    /// will beat, since its number is part of the name.
    ///
    /// # Errors
    /// Another process has taken the name, or there are no descriptors left.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            listener: packet::listen_abstract(name(std::process::id()).as_bytes())?,
            user: identity::user(),
            hearers: Mutex::default(),
        })
    }

    /// Waits until somebody new listens, who is sent `beat()` at once. Nothing is lost if the
    /// future is dropped.
    ///
    /// # Errors
    /// Nothing that a correct program meets.
    pub async fn heard_by_another(&self, beat: impl Fn() -> Beat) -> io::Result<()> {
        let readiness = Readiness::of(&self.listener)?;
        loop {
            // Out of descriptors, they wait in the queue for better times.
            let Ok(Some((hearer, _))) = socket::accept_from(&self.listener) else {
                readiness.readable().await?;
                continue;
            };
            if self.welcome(hearer, &beat()) {
                return Ok(());
            }
        }
    }

    /// Takes somebody who may listen, if there is a place.
    fn welcome(&self, hearer: OwnedFd, beat: &Beat) -> bool {
        let may_listen = |peer: Peer| [0, self.user, identity::user()].contains(&peer.user);
        let mut hearers = self.hearers();
        let is_welcome =
            hearers.len() < MOST_HEARERS && packet::peer(&hearer).is_ok_and(may_listen);
        if is_welcome && send(&hearer, beat) {
            hearers.push(hearer);
            return true;
        }
        false
    }

    /// Tells all who listen. Whoever reads too slowly misses it.
    pub fn beat(&self, beat: &Beat) {
        self.hearers().retain(|hearer| send(hearer, beat));
    }

    /// Whether anybody listens, as far as the last beat could tell.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        !self.hearers().is_empty()
    }

    fn hearers(&self) -> MutexGuard<'_, Vec<OwnedFd>> {
        self.hearers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the hearer is still there.
fn send(hearer: &OwnedFd, beat: &Beat) -> bool {
    let Ok(text) = serde_json::to_vec(beat) else {
        return true;
    };
    match packet::send(hearer, &text) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// The hearing side, in the election and the supervisor.
#[derive(Debug)]
pub struct Pulse(OwnedFd);

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Felt {
    /// The latest beat.
    Beat(Beat),
    /// None for now.
    Nothing,
    /// No more will come: the process has ended, or closed us out.
    End,
}

impl Pulse {
    /// Listens to the proxy process of this number; done or refused at once.
    ///
    /// # Errors
    /// It has no beat: `ConnectionRefused`. Another process uses its name: `PermissionDenied`.
    /// Too many wait to be heard: `WouldBlock`.
    pub fn of(pid: u32) -> io::Result<Self> {
        let socket = packet::connect_abstract(name(pid).as_bytes())?;
        // Anybody on this machine may take a name that is free.
        if packet::peer(&socket)?.process == pid {
            Ok(Self(socket))
        } else {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }

    /// The latest beat that has come.
    #[must_use]
    pub fn feel(&self) -> Felt {
        let mut felt = Felt::Nothing;
        let mut buffer = [0; LONGEST];
        loop {
            match packet::receive(&self.0, &mut buffer) {
                Ok(Some(length)) => match serde_json::from_slice(&buffer[..length]) {
                    Ok(beat) => felt = Felt::Beat(beat),
                    // A proxy of another version, whose beat says less to us than its death.
                    Err(_) => continue,
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return felt,
                // The last beat first; the end is still there at the next call.
                Ok(None) | Err(_) if felt == Felt::Nothing => return Felt::End,
                Ok(None) | Err(_) => return felt,
            }
        }
    }
}

impl AsFd for Pulse {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{
        super::message::{BEAT_INTERVAL, Servers},
        *,
    };

    const BEAT: Beat = Beat {
        servers: Servers::Usable,
        slowest_thread: BEAT_INTERVAL,
        stopping: false,
    };

    /// A process has one heart, so there is one test: its life from the first hearer to the end.
    #[test]
    fn hearers_are_told_at_once_until_the_end_and_never_block() {
        let _one_heart = crate::testing::heart();
        let us = std::process::id();
        let refused = Pulse::of(us).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let heart = Heart::new().unwrap();
        assert!(Heart::new().is_err(), "the name is taken");
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();

        let pulse = Pulse::of(us).unwrap();
        assert_eq!(pulse.feel(), Felt::Nothing);
        runtime.block_on(heart.heard_by_another(|| BEAT)).unwrap();
        assert_eq!(pulse.feel(), Felt::Beat(BEAT));

        let stopping = Beat {
            stopping: true,
            ..BEAT
        };
        // Far more than fits into a socket that nobody reads.
        for _ in 0..10_000 {
            heart.beat(&stopping);
        }
        assert_eq!(pulse.feel(), Felt::Beat(stopping));

        let crowd: Vec<_> = (0..MOST_HEARERS).map(|_| Pulse::of(us).unwrap()).collect();
        let last = crowd.last().unwrap();
        let mut felt = Felt::Nothing;
        // It goes on waiting after one too many, so it is asked for a moment at a time.
        let moment = Duration::from_millis(10);
        let deadline = Instant::now() + Duration::from_secs(20);
        while felt == Felt::Nothing && Instant::now() < deadline {
            let heard =
                async { tokio::time::timeout(moment, heart.heard_by_another(|| BEAT)).await };
            if let Ok(heard) = runtime.block_on(heard) {
                heard.unwrap();
            }
            felt = last.feel();
        }
        assert_eq!(felt, Felt::End, "one too many");
        assert_eq!(crowd[0].feel(), Felt::Beat(BEAT));

        drop(heart);
        assert_eq!(pulse.feel(), Felt::End);
    }
}
