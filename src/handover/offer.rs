//! The old side: gives what it has to whoever may have it, and keeps it until that one has it all.

use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd},
    sync::{Arc, Mutex, TryLockError},
    time::{Duration, Instant},
};

use pontoon_config::haproxy::model::LogLevel;
use pontoon_sys::{
    clock,
    packet::{self, Peer},
    process::identity,
    readiness::Readiness,
    socket,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{
    door,
    line::{Broken, Line, MOST_DESCRIPTORS},
    wire::{self, Bound, FromNew, FromOld, Lack, VERSION, Welcome},
};
use crate::{
    counted::counted,
    proxy::{
        freeze::{Description, Still, queue_places},
        listen::Listeners,
    },
    state::{Running, mailbox::Message},
};

/// How long a word of the other process may take, once sessions stand still.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the data threads may take to stand still.
const STANDSTILL: Duration = Duration::from_secs(2);
/// Bytes of sessions in one message, about.
const BATCH: usize = 1 << 20;
/// Descriptors of one session, at most: two sockets, and both ends of two pipes.
const OF_ONE_SESSION: usize = 6;

/// Where new processes ask.
#[derive(Debug)]
pub struct Door {
    listener: OwnedFd,
    /// Besides root, this user may ask: the one who started us. (Not the one that we became: others may
    /// run as that one, too, and whoever takes over has all sessions.)
    user: u32,
}

/// What this process can give.
#[derive(Debug)]
pub struct Offer {
    running: Arc<Running>,
    listeners: Listeners,
    /// One can have it.
    at_work: Mutex<()>,
}

/// How it went out of our hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// Another process goes on with these sessions; so many stay here.
    Over {
        /// Sessions that moved.
        moved: usize,
        /// Sessions that stay, to their end.
        staying: usize,
        /// Those that stay shall end now (`-st`).
        at_once: bool,
        /// Listeners that nobody else has.
        orphans: Vec<Bound>,
    },
    /// Another process serves, but could not take them: all stay.
    Drain {
        /// Listeners that nobody else has.
        orphans: Vec<Bound>,
    },
}

impl Door {
    /// Opens it. To be called in the process that will serve, since its number is part of the name.
    ///
    /// # Errors
    /// Another process has taken the name, or there are no descriptors left.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            listener: packet::listen_abstract(door(std::process::id()).as_bytes())?,
            user: identity::user(),
        })
    }

    /// The next who asks and may.
    async fn next(&self) -> io::Result<Line> {
        let readiness = Readiness::of(&self.listener)?;
        loop {
            // Out of descriptors, they wait in the queue for better times.
            let Ok(Some((asker, _))) = socket::accept_from(&self.listener) else {
                readiness.readable().await?;
                continue;
            };
            let may_ask = |peer: Peer| [0, self.user].contains(&peer.user);
            if packet::peer(&asker).is_ok_and(may_ask) {
                return Ok(Line::new(asker));
            }
        }
    }
}

impl Offer {
    /// All that this process has.
    #[must_use]
    pub const fn new(running: Arc<Running>, listeners: Listeners) -> Self {
        Self {
            running,
            listeners,
            at_work: Mutex::new(()),
        }
    }

    /// Until another process has taken over.
    pub async fn until_taken(self, door: &Door) -> Handed {
        let offer = Arc::new(self);
        let (tell, mut told) = unbounded_channel();
        loop {
            tokio::select! {
                asked = door.next() => match asked {
                    Ok(line) => offer.serve_aside(line, tell.clone()),
                    // Nothing that a correct program meets; whoever wants to take over will find
                    // nobody, and use signals.
                    Err(_) => std::future::pending().await,
                },
                Some(handed) = told.recv() => return handed,
            }
        }
    }

    /// Whoever asks may take long to get ready, and we serve on.
    fn serve_aside(self: &Arc<Self>, line: Line, tell: UnboundedSender<Handed>) {
        let offer = Arc::clone(self);
        let serve = move || match offer.serve(&line) {
            Ok(Some(handed)) => drop(tell.send(handed)),
            Ok(None) => {}
            Err(broken) => offer.log(
                LogLevel::Warning,
                &format!("A reload came to nothing: {broken}. This process serves on."),
            ),
        };
        let thread = std::thread::Builder::new().name("handover".into());
        // Without a thread, the line is dropped: who asked will use signals.
        drop(thread.spawn(serve));
    }

    pub(super) fn serve(&self, line: &Line) -> Result<Option<Handed>, Broken> {
        let hello = line.hear(Some(PATIENCE))?;
        let FromNew::Hello { version } = hello.word else {
            return Err(Broken::Unexpected);
        };
        if let Some(why) = self.objection(version) {
            let refused = FromOld::Refused { why };
            return line.say(&refused, &[], &[], PATIENCE).map(|()| None);
        }
        self.welcome(line)?;
        let outcome = match line.hear(None) {
            Ok(heard) => match heard.word {
                FromNew::Ready(lack) => self.hand_over(line, &lack),
                FromNew::Drain { why } => Ok(Some(self.drain(&why, &[]))),
                _ => Err(Broken::Unexpected),
            },
            // It has refused its files, or could not set up what they ask for: that is its business.
            Err(Broken::Gone) => Ok(None),
            Err(broken) => Err(broken),
        };
        if !matches!(outcome, Ok(Some(_))) {
            // We serve on, whatever it has prepared.
            self.listeners.open_to_new();
        }
        outcome
    }

    fn objection(&self, version: u32) -> Option<String> {
        if version != VERSION {
            return Some(format!(
                "it hands over in version {VERSION}, not in version {version}"
            ));
        }
        let stopping = self.running.process.is_stopping();
        stopping.then(|| "it is stopping already".to_owned())
    }

    fn welcome(&self, line: &Line) -> Result<(), Broken> {
        let sockets: Vec<_> = self.listeners.offered(&self.running).collect();
        let welcome = FromOld::Welcome(Welcome {
            zero: clock::to_monotonic(self.running.process.started),
            proxies: proxies(&self.running),
            listeners: sockets.len(),
        });
        line.say(&welcome, &[], &[], PATIENCE)?;
        for some in sockets.chunks(MOST_DESCRIPTORS) {
            let bounds = some.iter().map(|(bound, _)| bound.clone()).collect();
            let sockets: Vec<_> = some.iter().map(|(_, socket)| *socket).collect();
            line.say(&FromOld::Listeners(bounds), &[], &sockets, PATIENCE)?;
            expect(line, &FromNew::Received)?;
        }
        Ok(())
    }

    /// From the standstill to the end. If anything fails before the other one has it all, all goes on
    /// here.
    fn hand_over(&self, line: &Line, lack: &Lack) -> Result<Option<Handed>, Broken> {
        let began = Instant::now();
        let _us = match self.at_work.try_lock() {
            Ok(us) if !self.running.process.is_stopping() => us,
            Ok(_) | Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => {
                let why = "another process has taken over meanwhile".to_owned();
                line.say(&FromOld::Refused { why }, &[], &[], PATIENCE)?;
                return Ok(None);
            }
        };
        let still = match Still::stop(&self.running, STANDSTILL) {
            Ok(still) => still,
            Err(hung) => {
                refuse(line, &hung);
                self.accept_again();
                return Err(io::Error::other(hung).into());
            }
        };
        match self.move_all(line, &still, lack) {
            Ok(None) => {}
            Ok(Some(why)) => {
                still.go_on(&self.running);
                return Ok(Some(self.drain(&why, &lack.listeners)));
            }
            Err(broken) => {
                refuse(line, &broken);
                still.go_on(&self.running);
                self.accept_again();
                return Err(broken);
            }
        }
        let moved = still.count_movable(lack);
        let staying = still.len() - moved;
        self.tell_of(moved, &still, lack, began);
        still.part(&self.running, lack);
        Ok(Some(Handed::Over {
            moved,
            staying,
            at_once: lack.all_sessions,
            orphans: lack.listeners.clone(),
        }))
    }

    /// Sends everything; why the other one cannot take it, if it says so.
    fn move_all(&self, line: &Line, still: &Still, lack: &Lack) -> Result<Option<String>, Broken> {
        let carried = self.running.carry(Instant::now());
        line.say(&FromOld::State(Box::new(carried)), &[], &[], PATIENCE)?;
        let queue = queue_places(&self.running);
        let mut batch = Batch::default();
        for session in still.movable(lack, &queue) {
            batch.add(session);
            if batch.is_full()
                && let Some(why) = batch.send(line)?
            {
                return Ok(Some(why));
            }
        }
        if let Some(why) = batch.send(line)? {
            return Ok(Some(why));
        }
        let staying = still.len() - still.count_movable(lack);
        line.say(&FromOld::Done { staying }, &[], &[], PATIENCE)?;
        match verdict(line, PATIENCE)? {
            FromNew::Taken => Ok(None),
            FromNew::Drain { why } => Ok(Some(why)),
            _ => Err(Broken::Unexpected),
        }
    }

    fn drain(&self, why: &str, orphans: &[Bound]) -> Handed {
        let text = format!(
            "Another process serves now, but could not take the sessions ({why}); they stay here \
             until they end."
        );
        self.log(LogLevel::Warning, &text);
        Handed::Drain {
            orphans: orphans.to_vec(),
        }
    }

    fn accept_again(&self) {
        for thread in &self.running.threads {
            thread.post(Message::Resume);
        }
    }

    fn tell_of(&self, moved: usize, still: &Still, lack: &Lack, began: Instant) {
        let took = began.elapsed().as_millis();
        self.log(
            LogLevel::Info,
            &format!(
                "Handed {} over to another process in {took} ms.",
                counted(moved, "session")
            ),
        );
        for (frontend, backend, sessions) in still.left_behind(lack) {
            let name = |id| &self.running.proxy(id).name;
            let towards = backend.map_or_else(String::new, |id| format!(" -> {}", name(id)));
            let text = format!(
                "Keeping {} of {}{towards} to the end: the new files have no place there.",
                counted(sessions, "session"),
                name(frontend)
            );
            self.log(LogLevel::Notice, &text);
        }
    }

    fn log(&self, level: LogLevel, text: &str) {
        self.running.logger.event(None, level, text);
    }
}

/// Sessions on their way.
#[derive(Default)]
struct Batch<'a> {
    forms: Vec<wire::Session>,
    descriptors: Vec<BorrowedFd<'a>>,
    bytes: Vec<u8>,
}

impl<'a> Batch<'a> {
    fn add(&mut self, session: Description<'a>) {
        self.forms.push(session.form);
        self.descriptors.extend(session.descriptors);
        for held in session.bytes {
            self.bytes.extend_from_slice(held);
        }
    }

    fn is_full(&self) -> bool {
        self.descriptors.len() + OF_ONE_SESSION > MOST_DESCRIPTORS || self.bytes.len() >= BATCH
    }

    /// Descriptors in flight count against the limit of open files, so each batch is waited for. Why
    /// the other one cannot take it, if it says so.
    fn send(&mut self, line: &Line) -> Result<Option<String>, Broken> {
        let Self {
            forms,
            descriptors,
            bytes,
        } = std::mem::take(self);
        if forms.is_empty() {
            return Ok(None);
        }
        line.say(&FromOld::Sessions(forms), &bytes, &descriptors, PATIENCE)?;
        match line.hear(Some(PATIENCE))?.word {
            FromNew::Received => Ok(None),
            FromNew::Drain { why } => Ok(Some(why)),
            _ => Err(Broken::Unexpected),
        }
    }
}

/// Whether the other process has taken the sessions. If it does not say so in time, it may not any
/// more: both would go on with them.
pub(super) fn verdict(line: &Line, patience: Duration) -> Result<FromNew, Broken> {
    match line.hear(Some(patience)) {
        Err(Broken::Late) => {
            refuse(line, &Broken::Late);
            Ok(line.last_word().map_err(|_| Broken::Late)?.word)
        }
        heard => Ok(heard?.word),
    }
}

/// The other process is not wanted any more: all goes on here. It may be gone, or deaf.
fn refuse(line: &Line, why: &impl std::fmt::Display) {
    let why = why.to_string();
    let _gone = line.say(&FromOld::Refused { why }, &[], &[], Duration::ZERO);
}

fn expect(line: &Line, word: &FromNew) -> Result<(), Broken> {
    let heard = line.hear::<FromNew>(Some(PATIENCE))?;
    if heard.word == *word {
        Ok(())
    } else {
        Err(Broken::Unexpected)
    }
}

fn proxies(running: &Running) -> Vec<wire::Proxy> {
    let proxies = running.model.proxies.iter();
    proxies
        .map(|proxy| wire::Proxy {
            name: proxy.name.to_string(),
            binds: proxy
                .frontend
                .as_ref()
                .map(|side| side.binds.iter().map(Bound::from).collect()),
            servers: proxy.backend.as_ref().map(|side| {
                let servers = side.servers.iter();
                servers.map(|it| it.settings.name.to_string()).collect()
            }),
        })
        .collect()
}
