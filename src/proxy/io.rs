//! SEAM: how a data thread learns what happens to its sockets, and how bytes come in and go out.
//!
//! The session machine asks for what it wants (watch, receive, send, accept, close) and is told
//! what became possible; which of the kernel's interfaces serves it is known here only.

mod leg;

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use pontoon_engine::moment::Moment;
use pontoon_sys::{
    alarm::Alarm,
    epoll::{Epoll, Events, Interest},
    socket,
    stream::{self, Received},
};

pub(super) use self::leg::{Early, Leg};
use super::token::Token;

/// The I/O of one thread, through epoll.
pub(super) struct Io {
    epoll: Epoll,
    alarm: Alarm,
    /// When it will go off.
    alarm_at: Option<Moment>,
    /// Bytes pass through here.
    buffer: Box<[u8]>,
    /// How many of them the last receive brought.
    received: usize,
}

/// Bytes that pass through at once.
const BUFFER: usize = 64 << 10;

impl Io {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// Out of descriptors.
    pub(super) fn new() -> io::Result<Self> {
        let (epoll, alarm) = (Epoll::new()?, Alarm::new()?);
        epoll.add(&alarm, Token::Alarm.pack(), Interest::Arrivals)?;
        Ok(Self {
            epoll,
            alarm,
            alarm_at: None,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            received: 0,
        })
    }

    /// Waits until something happens, at most so long. (Each wait with a limit starts and stops a
    /// timer of the kernel; for what is far away there is [`Io::wake_at`].)
    ///
    /// # Errors
    /// None that a correct program meets.
    pub(super) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        self.epoll.wait(events, timeout)
    }

    /// Tells [`Token::Alarm`] at this moment or before; then [`Io::alarm_went_off`] must follow.
    ///
    /// What is due comes and goes with each session, but mostly something that is due before was
    /// asked for already. An alarm that went off too early is cheaper than to move it each time.
    ///
    /// # Errors
    /// None that a correct program meets.
    pub(super) fn wake_at(&mut self, when: Moment, now: Moment) -> io::Result<()> {
        if self.alarm_at.is_none_or(|at| when < at) {
            self.alarm.set(now.until(when))?;
            self.alarm_at = Some(when);
        }
        Ok(())
    }

    /// It will not tell again unless asked.
    pub(super) const fn alarm_went_off(&mut self) {
        self.alarm_at = None;
    }

    /// Tells of [`Token::Mail`] as long as this can be read.
    ///
    /// # Errors
    /// Out of memory or watches.
    pub(super) fn watch_mail(&self, mail: impl AsFd) -> io::Result<()> {
        self.epoll.add(mail, Token::Mail.pack(), Interest::Readable)
    }

    /// Tells of connections that wait at a listener. One that several threads watch wakes only one
    /// of them.
    ///
    /// # Errors
    /// Out of memory or watches.
    pub(super) fn watch_listener(
        &self,
        listener: impl AsFd,
        token: Token,
        shared: bool,
    ) -> io::Result<()> {
        let interest = if shared {
            Interest::Shared
        } else {
            Interest::Readable
        };
        self.epoll.add(listener, token.pack(), interest)
    }

    /// Tells no more of it.
    pub(super) fn forget_listener(&self, listener: impl AsFd) {
        let _watched = self.epoll.delete(listener);
    }

    /// Takes the next connection of a listener; `None` if there is none.
    ///
    /// # Errors
    /// Out of descriptors or memory.
    pub(super) fn accept(
        &self,
        listener: impl AsFd,
    ) -> io::Result<Option<(OwnedFd, Option<SocketAddr>)>> {
        socket::accept_from(listener)
    }

    /// Tells of what happens to one end of a session, if it does not yet.
    ///
    /// What is possible already is told, too, so nothing is missed.
    ///
    /// # Errors
    /// Out of memory or watches.
    pub(super) fn watch(&self, leg: &mut Leg, token: Token, interest: Interest) -> io::Result<()> {
        let watched = leg.watched.replace(interest);
        match watched {
            Some(Interest::Everything) => {
                leg.watched = watched;
                Ok(())
            }
            Some(watched) if watched == interest => Ok(()),
            None => self.epoll.add(&leg.socket, token.pack(), interest),
            Some(_) => self.epoll.modify(&leg.socket, token.pack(), interest),
        }
    }

    /// Tells no more of an end that another epoll instance watches from now on, until [`Io::join`].
    pub(super) fn leave(&self, leg: &mut Leg) {
        let _watched = self.epoll.delete(&leg.socket);
        // Nothing is to be added while it is away.
        leg.watched = Some(Interest::Everything);
    }

    /// Tells of everything again, of what is possible already, too.
    pub(super) fn join(&self, leg: &mut Leg, token: Token) {
        leg.watched = None;
        // If that fails for lack of memory, the session's timeouts end it.
        let _watched = self.watch(leg, token, Interest::Everything);
    }

    /// Tells no more of an end, until it is watched again.
    pub(super) fn forget(&self, leg: &mut Leg) {
        if leg.watched.take().is_some() {
            let _watched = self.epoll.delete(&leg.socket);
        }
    }

    /// Tells of [`Token::Calm`], once, when this can be read.
    pub(super) fn watch_calm(&self, calm: &Epoll) {
        let token = Token::Calm.pack();
        if self.epoll.modify(calm, token, Interest::Once).is_err() {
            let _watched = self.epoll.add(calm, token, Interest::Once);
        }
    }

    /// Receives up to `room` bytes; [`Io::bytes`] are they.
    ///
    /// # Errors
    /// The connection broke.
    #[inline]
    pub(super) fn receive(&mut self, leg: &Leg, room: usize) -> io::Result<Received> {
        self.received = 0;
        let room = room.min(self.buffer.len());
        let got = stream::receive(&leg.socket, &mut self.buffer[..room])?;
        if let Received::Bytes(n) = got {
            self.received = n;
        }
        Ok(got)
    }

    /// What the last receive brought.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.received]
    }

    /// The most that one receive brings: then there may be more.
    pub(super) const fn most(&self) -> usize {
        self.buffer.len()
    }

    /// Sends [`Io::bytes`], as [`Io::send`] does.
    ///
    /// # Errors
    /// The connection broke.
    pub(super) fn pass_on(&self, to: &Leg, more: bool) -> io::Result<Option<usize>> {
        self.send(to, self.bytes(), more)
    }

    /// Sends what there is room for; `None` if there is none, or no connection yet. With `more`, the last segment waits
    /// for what follows.
    ///
    /// # Errors
    /// The connection broke.
    pub(super) fn send(&self, to: &Leg, bytes: &[u8], more: bool) -> io::Result<Option<usize>> {
        stream::send(&to.socket, bytes, more)
    }

    /// The socket of an end that somebody else serves from now on.
    pub(super) fn release(&self, leg: Leg) -> OwnedFd {
        let _watched = self.epoll.delete(&leg.socket);
        leg.socket
    }
}
