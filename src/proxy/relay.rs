//! Relaying: bytes from one socket to the other, both ways, until both sides have closed.

use std::{io, ops::ControlFlow, time::Instant};

use pontoon_config::haproxy::model::Proxy;
use pontoon_engine::{
    session::Incident,
    termination::{Cause, Phase, Termination},
};
use pontoon_sys::{
    epoll::Interest,
    option,
    stream::{self, Received},
};

use super::{
    io::{Io, Leg},
    session::{Course, Session, Side},
    splice::{Filled, Pool},
    thread::Worker,
};
use crate::{handover::wire, record::SessionRecord, state::Running};

/// One direction of a session. It holds memory only while bytes are stuck in it.
#[derive(Default)]
pub(super) struct Flow {
    /// Bytes read and not sent yet, from `sent` on.
    held: Vec<u8>,
    sent: u32,
    /// The reader's end of stream was seen.
    pub(super) ended: bool,
    /// It was passed on to the writer.
    pub(super) shut: bool,
    /// Full reads in a row; of bulk, small ones.
    streak: u8,
    /// It carries bulk: pipes are worth their while.
    bulk: bool,
    /// Bulk on its way. It is kept only while there is something in it.
    pipe: Option<Box<Filled>>,
}

/// The ground a pump covered.
struct Moved {
    read: u64,
    written: u64,
    stop: Stop,
}

/// Why a pump stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Nothing to read, or no room to write.
    Blocked,
    /// There is more, but others have their turn first.
    Turn,
    /// The end of the stream was passed on.
    Shut,
    /// The reader's connection broke.
    ReaderGone,
    /// The writer's connection broke.
    WriterGone,
}

/// Reads or splices in a row before other sessions have their turn.
const ROUNDS: u32 = 16;
/// Bytes of bulk that one session moves before others have their turn, at most.
const TURN: usize = 2 << 20;
/// The same for all that have more to do: so long may a turn of the loop become, since all of them
/// are served in it.
const TURN_OF_ALL: usize = 16 << 20;
/// Moving less at once costs too much.
const SHORTEST_TURN: usize = 64 << 10;
/// Full reads in a row that make a direction bulk.
const BULK: u8 = 2;
/// A splice of less than this is no bulk.
const SMALL: usize = 16 << 10;
/// Small splices in a row that end the bulk.
const LEAN: u8 = 16;

impl Flow {
    /// Nothing is stuck in it.
    pub(super) fn is_empty(&self) -> bool {
        self.pending().is_empty() && self.pipe.as_ref().is_none_or(|pipe| pipe.bytes == 0)
    }

    /// It carries bulk.
    pub(super) const fn is_bulk(&self) -> bool {
        self.bulk
    }

    /// More bytes would be read if they came.
    #[inline]
    fn is_wanted(&self) -> bool {
        !self.ended && self.is_empty()
    }

    /// The bytes held, unsent.
    pub(super) fn pending(&self) -> &[u8] {
        &self.held[self.sent as usize..]
    }

    /// So many of them were sent.
    pub(super) fn consume(&mut self, n: usize) {
        // At most one buffer is held, so this cannot overflow.
        self.sent += u32::try_from(n).unwrap_or(u32::MAX);
        if self.pending().is_empty() {
            self.held = Vec::new();
            self.sent = 0;
        }
    }

    /// Bytes that came before there was a server.
    pub(super) fn hold(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// Takes all bytes held.
    pub(super) fn take_held(&mut self) -> Vec<u8> {
        let mut held = std::mem::take(&mut self.held);
        held.drain(..std::mem::take(&mut self.sent) as usize);
        held
    }

    /// What another process has to be told of it; its bytes and its pipe go beside that.
    pub(super) fn form(&self) -> wire::Flow {
        wire::Flow {
            held: self.pending().len(),
            piped: self.pipe.as_ref().map_or(0, |pipe| pipe.bytes),
            ended: self.ended,
            shut: self.shut,
            bulk: self.bulk,
        }
    }

    /// A direction of another process, with the bytes it held, and its pipe if that holds some.
    pub(super) const fn resumed(
        form: &wire::Flow,
        held: Vec<u8>,
        pipe: Option<Box<Filled>>,
    ) -> Self {
        Self {
            held,
            sent: 0,
            ended: form.ended,
            shut: form.shut,
            streak: 0,
            bulk: form.bulk,
            pipe,
        }
    }

    /// The pipe, if there are bytes in it.
    pub(super) fn filled_pipe(&self) -> Option<&Filled> {
        self.pipe.as_deref().filter(|pipe| pipe.bytes > 0)
    }

    /// The pipe, to give it back.
    pub(super) fn take_pipe(&mut self) -> Option<Box<Filled>> {
        self.pipe.take()
    }

    /// Moves bytes until something is in the way.
    fn pump(&mut self, from: &mut Leg, to: &mut Leg, tools: &mut Tools<'_>) -> Moved {
        let mut moved = Moved {
            read: 0,
            written: 0,
            stop: Stop::Blocked,
        };
        let rounds = (0..ROUNDS).try_for_each(|_| self.round(from, to, tools, &mut moved));
        moved.stop = rounds.break_value().unwrap_or(Stop::Turn);
        self.spare_pipe(tools.pipes);
        moved
    }

    /// Who waits for more does so without a pipe: others need it now.
    fn spare_pipe(&mut self, pipes: &mut Pool) {
        if self.pipe.as_ref().is_some_and(|pipe| pipe.bytes == 0) {
            pipes.give_back(self.pipe.take());
        }
    }

    fn round(
        &mut self,
        from: &mut Leg,
        to: &mut Leg,
        tools: &mut Tools<'_>,
        moved: &mut Moved,
    ) -> ControlFlow<Stop> {
        self.flush(to, tools.io, moved)?;
        if self.shut {
            return ControlFlow::Break(Stop::Blocked);
        }
        if self.ended {
            self.shut = true;
            if !tools.last {
                // If it is gone already, its own reads will say so.
                let _gone = stream::shut_write(&to.socket);
            }
            return ControlFlow::Break(Stop::Shut);
        }
        if !from.readable {
            return ControlFlow::Break(Stop::Blocked);
        }
        if moved.read >= tools.turn as u64 {
            return ControlFlow::Break(Stop::Turn);
        }
        // A splice would stop in front of urgent data for good; a read leaves them out.
        if !self.bulk || from.is_urgent() {
            return self.copy(from, to, tools.io, moved);
        }
        if self.pipe.is_none() && tools.splices {
            self.pipe = tools.pipes.take(tools.now);
        }
        match &mut self.pipe {
            Some(_) => self.fill_pipe(from, tools.turn, moved),
            None => self.copy(from, to, tools.io, moved),
        }
    }

    /// Sends what is stuck.
    fn flush(&mut self, to: &mut Leg, io: &mut Io, moved: &mut Moved) -> ControlFlow<Stop> {
        while !self.is_empty() {
            if !to.writable {
                return ControlFlow::Break(Stop::Blocked);
            }
            let sent = match &mut self.pipe {
                Some(filled) if filled.bytes > 0 => {
                    filled.pipe.drain(&to.socket, filled.bytes, self.ended)
                }
                _ => io.send(to, self.pending(), self.ended),
            };
            match sent {
                Ok(Some(n)) => {
                    moved.written += n as u64;
                    self.sent_some(n);
                }
                Ok(None) => to.writable = false,
                Err(_) => return ControlFlow::Break(Stop::WriterGone),
            }
        }
        ControlFlow::Continue(())
    }

    fn sent_some(&mut self, n: usize) {
        match &mut self.pipe {
            Some(filled) if filled.bytes > 0 => filled.bytes -= n,
            _ => self.consume(n),
        }
    }

    /// One read into the thread's buffer, one write out of it.
    fn copy(
        &mut self,
        from: &mut Leg,
        to: &mut Leg,
        io: &mut Io,
        moved: &mut Moved,
    ) -> ControlFlow<Stop> {
        let n = match io.receive(from, io.most()) {
            Ok(Received::Bytes(n)) => n,
            other => return self.no_bytes(from, other, moved),
        };
        moved.read += n as u64;
        if n == io.most() {
            self.streak = self.streak.saturating_add(1);
            if self.streak >= BULK {
                (self.streak, self.bulk) = (0, true);
            }
        } else {
            (self.streak, self.bulk) = (0, false);
            from.drained();
            self.ended = from.read_all();
        }
        if !to.writable {
            self.hold(io.bytes());
            return ControlFlow::Break(Stop::Blocked);
        }
        match io.pass_on(to, self.ended) {
            Ok(sent) => {
                let sent = sent.unwrap_or(0);
                moved.written += sent as u64;
                if sent < n {
                    to.writable = false;
                    self.hold(&io.bytes()[sent..]);
                }
                ControlFlow::Continue(())
            }
            Err(_) => ControlFlow::Break(Stop::WriterGone),
        }
    }

    /// One splice into the pipe; the next round drains it.
    fn fill_pipe(&mut self, from: &mut Leg, most: usize, moved: &mut Moved) -> ControlFlow<Stop> {
        let Some(filled) = &mut self.pipe else {
            return ControlFlow::Continue(());
        };
        let most = filled.pipe.capacity().min(most);
        let n = match filled.pipe.fill(&from.socket, most) {
            Ok(Received::Bytes(n)) => n,
            Ok(Received::End) => {
                // So it says in front of urgent data, too; a read knows.
                (self.streak, self.bulk) = (0, false);
                return ControlFlow::Continue(());
            }
            other => return self.no_bytes(from, other, moved),
        };
        filled.bytes += n;
        moved.read += n as u64;
        self.streak = if n < SMALL {
            self.streak.saturating_add(1)
        } else {
            0
        };
        if self.streak >= LEAN {
            (self.streak, self.bulk) = (0, false);
        }
        ControlFlow::Continue(())
    }

    /// A reset that comes with the last bytes counts as their end: whoever sent them meant to
    /// close, and just did not read what we sent.
    fn no_bytes(
        &mut self,
        from: &mut Leg,
        result: io::Result<Received>,
        moved: &Moved,
    ) -> ControlFlow<Stop> {
        from.readable = false;
        match result {
            Ok(Received::End) => {
                self.ended = true;
                ControlFlow::Continue(())
            }
            Err(_) if moved.read > 0 => {
                self.ended = true;
                ControlFlow::Continue(())
            }
            Ok(_) => ControlFlow::Break(Stop::Blocked),
            Err(_) => ControlFlow::Break(Stop::ReaderGone),
        }
    }
}

/// Room to write is worth an event only where there was none.
const fn interest_in(leg: &Leg) -> Interest {
    if leg.writable {
        Interest::Arrivals
    } else {
        Interest::Everything
    }
}

/// What a thread lends to the session it works on.
struct Tools<'a> {
    io: &'a mut Io,
    pipes: &'a mut Pool,
    /// Bulk may be spliced.
    splices: bool,
    /// Bytes of bulk before other sessions have their turn.
    turn: usize,
    now: Instant,
    /// The other direction is over: closing says the rest.
    last: bool,
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Request,
    Response,
}

impl Worker {
    /// Moves what can be moved both ways.
    pub(super) fn relay(&mut self, session: &mut Session) -> Course {
        let request_stop = match self.pump(session, Direction::Request) {
            ControlFlow::Continue(stop) => stop,
            ControlFlow::Break(ending) => {
                if ending.cause == Cause::ServerAbort {
                    self.pass_last_words(session);
                }
                return ControlFlow::Break(ending);
            }
        };
        let response_stop = self.pump(session, Direction::Response)?;
        self.running.count_bytes(&mut session.record, self.shard);
        let (request, response) = (&session.request, &session.response);
        if let (Stop::Shut, false, Some(server)) = (request_stop, response.shut, &session.server)
            && server.abrupt
        {
            let _no_tcp = option::reset_on_close(&server.socket);
            return ControlFlow::Break(Termination::default());
        }
        if request.shut && response.shut {
            return ControlFlow::Break(Termination::default());
        }
        session.life.expect(
            request.is_wanted() || !response.is_empty(),
            response.is_wanted() || !request.is_empty(),
            self.moment,
        );
        if session.request.bulk || session.response.bulk || session.pace.is_some() {
            self.keep_pace(session);
        }
        let turn = request_stop == Stop::Turn || response_stop == Stop::Turn;
        if turn && !std::mem::replace(&mut session.in_line, true) {
            self.again.push(session.key);
        }
        if let Some(server) = &session.server {
            self.watch(session, Side::Server, interest_in(server))?;
        }
        self.watch(session, Side::Client, interest_in(&session.client))
    }

    /// A server that went away while it was sent something may have said why.
    fn pass_last_words(&mut self, session: &mut Session) {
        if let Some(server) = &mut session.server {
            server.readable = true;
        }
        // However that ends, the session is over.
        let _over = self.pump(session, Direction::Response);
    }

    /// One side did not act for too long: its direction counts as closed. If it does not take
    /// what waits for it either, that is the end.
    pub(super) fn silenced(&mut self, session: &mut Session, cause: Cause) -> Course {
        let termination = Termination::new(cause, Phase::Data);
        session.blame.get_or_insert(termination);
        let (silent, towards) = match cause {
            Cause::ClientTimeout => (&mut session.request, &session.response),
            _ => (&mut session.response, &session.request),
        };
        silent.ended = true;
        if !towards.is_empty() {
            return ControlFlow::Break(termination);
        }
        self.relay(session)
    }

    fn pump(
        &mut self,
        session: &mut Session,
        direction: Direction,
    ) -> ControlFlow<Termination, Stop> {
        let Some(server) = &mut session.server else {
            return session.over(Incident::ServerGone);
        };
        let (flow, other, abrupt) = match direction {
            Direction::Request => (&session.request, &session.response, server.abrupt),
            Direction::Response => (&session.response, &session.request, false),
        };
        let (splices, turn) = if flow.bulk {
            let splices = splices(&self.running, &session.record, direction);
            (splices, turn(self.again.len()))
        } else {
            (false, usize::MAX)
        };
        let mut tools = Tools {
            // Bytes may wait unread of a side that was given up: then closing would be a reset.
            last: abrupt || other.shut && session.blame.is_none(),
            io: &mut self.io,
            pipes: &mut self.pipes,
            splices,
            turn,
            now: self.now,
        };
        let client = &mut session.client;
        let moved = match direction {
            Direction::Request => session.request.pump(client, server, &mut tools),
            Direction::Response => session.response.pump(server, client, &mut tools),
        };
        self.account(session, direction, &moved)
    }

    fn account(
        &self,
        session: &mut Session,
        direction: Direction,
        moved: &Moved,
    ) -> ControlFlow<Termination, Stop> {
        let (client_acted, server_acted, reader, writer) = match direction {
            Direction::Request => {
                session.record.bytes_in += moved.read;
                (
                    moved.read > 0,
                    moved.written > 0,
                    Incident::ClientBroke,
                    Incident::ServerGone,
                )
            }
            Direction::Response => {
                session.record.bytes_out += moved.read;
                (
                    moved.written > 0,
                    moved.read > 0,
                    Incident::ServerGone,
                    Incident::ClientBroke,
                )
            }
        };
        if client_acted {
            session.life.client_acted(self.moment);
        }
        if server_acted {
            session.life.server_acted(self.moment);
        }
        match moved.stop {
            Stop::ReaderGone => session.over(reader),
            Stop::WriterGone => session.over(writer),
            Stop::Shut => {
                session.life.half_close();
                ControlFlow::Continue(Stop::Shut)
            }
            stop => ControlFlow::Continue(stop),
        }
    }
}

/// Bytes of bulk in one turn of a session while so many others have more to do.
fn turn(others: usize) -> usize {
    (TURN_OF_ALL / (others + 1)).clamp(SHORTEST_TURN, TURN)
}

/// Whether a session's bulk is spliced.
fn splices(running: &Running, record: &SessionRecord, direction: Direction) -> bool {
    let backend = record.backend.map(|id| running.proxy(id));
    may_splice(running.proxy(record.frontend), backend, direction)
}

/// Bulk is spliced unless one of the two says no, and none says yes.
fn may_splice(frontend: &Proxy, backend: Option<&Proxy>, direction: Direction) -> bool {
    let said = |proxy: &Proxy| match direction {
        Direction::Request => proxy.splice.request,
        Direction::Response => proxy.splice.response,
    };
    match (said(frontend), backend.and_then(said)) {
        (Some(a), Some(b)) => a || b,
        (said, None) | (None, said) => said.unwrap_or(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    /// Whether a session of a frontend with these lines and a backend with those splices, each way.
    fn spliced(frontend: &str, backend: &str) -> [bool; 2] {
        let model = testing::model(format!(
            "
defaults
    timeout connect 1s
    timeout client 1s
    timeout server 1s
frontend f
    bind 127.0.0.1:1
    default_backend b
    {frontend}
backend b
    {backend}
    server s 127.0.0.1:2
"
        ));
        let [f, b] = [&model.proxies[0], &model.proxies[1]];
        [Direction::Request, Direction::Response].map(|direction| may_splice(f, Some(b), direction))
    }

    #[test]
    fn bulk_is_spliced_unless_a_proxy_says_no_and_none_says_yes() {
        assert_eq!(spliced("", ""), [true, true]);
        assert_eq!(spliced("no option splice-auto", ""), [false, false]);
        assert_eq!(spliced("", "no option splice-request"), [false, true]);
        assert_eq!(spliced("no option splice-response", ""), [true, false]);
        let yes = "option splice-response";
        assert_eq!(spliced("no option splice-auto", yes), [false, true]);
        let both = "no option splice-auto\n    option splice-request";
        assert_eq!(spliced(both, ""), [true, false]);
        let taken_back = "no option splice-auto\n    default option splice-auto";
        assert_eq!(spliced(taken_back, ""), [true, true]);
    }
}
