//! Sessions that another process has left go on here.

use std::{fmt, os::fd::OwnedFd, time::Instant};

use pontoon_engine::{
    address::{ClientAddr, LocalAddr, ServerAddr},
    moment::{Moment, Span},
    session::Life,
    termination::Termination,
    units::{ServerId, SessionKey},
};
use pontoon_sys::pipe::Pipe;

use super::{
    io::Leg,
    relay::Flow,
    session::{Inspector, Session},
    splice::Filled,
    thread::Worker,
};
use crate::{
    handover::{
        names::Names,
        wire::{self, Queued},
    },
    record::SessionRecord,
    state::{Running, mailbox::Message},
};

/// Sessions for one thread.
#[derive(Debug)]
pub struct Arrivals(Vec<Arrival>);

/// A session that has no place here yet.
pub(crate) struct Arrival {
    session: Box<Session>,
    /// Where it waited, if it did.
    queued: Option<Queued>,
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the session of {}", self.session.record.client.0)
    }
}

/// What comes beside a batch of sessions; each takes its part, in order.
#[derive(Debug)]
pub(crate) struct Luggage<'a> {
    pub(crate) descriptors: std::vec::IntoIter<OwnedFd>,
    pub(crate) bytes: &'a [u8],
}

impl Luggage<'_> {
    fn descriptor(&mut self) -> Result<OwnedFd, String> {
        self.descriptors
            .next()
            .ok_or_else(|| "a descriptor is missing".to_owned())
    }

    fn flow(&mut self, form: &wire::Flow) -> Result<Flow, String> {
        let pipe = match form.piped {
            0 => None,
            bytes => {
                let (read, write) = (self.descriptor()?, self.descriptor()?);
                let pipe = Pipe::of_ends(read, write).map_err(|error| error.to_string())?;
                Some(Box::new(Filled { pipe, bytes }))
            }
        };
        Ok(Flow::resumed(form, Vec::new(), pipe))
    }

    fn held(&mut self, form: &wire::Flow) -> Result<Vec<u8>, String> {
        let split = self.bytes.split_at_checked(form.held);
        let (held, rest) = split.ok_or("bytes are missing")?;
        self.bytes = rest;
        Ok(held.to_vec())
    }
}

impl Arrival {
    /// The session that this form describes, by the names of this process.
    ///
    /// # Errors
    /// Something is missing, or unknown here.
    pub(crate) fn new(
        form: wire::Session,
        luggage: &mut Luggage<'_>,
        names: &Names,
    ) -> Result<Self, String> {
        let record = record(&form.record, names).ok_or("it belongs to nobody here")?;
        let server = |number| {
            record
                .backend
                .and_then(|_| names.server(form.record.backend, number))
        };
        let client = Leg::resumed(luggage.descriptor()?, form.client);
        let leg = |leg: wire::Leg| luggage.descriptor().map(|socket| Leg::resumed(socket, leg));
        let server_leg = form.server.map(leg).transpose()?;
        let mut request = luggage.flow(&form.request)?;
        let mut response = luggage.flow(&form.response)?;
        request.hold(&luggage.held(&form.request)?);
        response.hold(&luggage.held(&form.response)?);
        let slot = form
            .slot
            .map(|number| server(number).ok_or("its server is unknown here"));
        let queued = form.queued.map(|queued| Queued {
            place: queued.place,
            server: queued.server.and_then(server).map(|id| id.0),
        });
        let session = Session {
            slot: slot.transpose()?,
            queued: queued.is_some(),
            server: server_leg,
            request,
            response,
            inspected_by: if form.at_backend {
                Inspector::Backend
            } else {
                Inspector::Frontend
            },
            counted: form.counted,
            blame: form.blame.map(Termination::from),
            ..Session::with_leg(NOWHERE, record, Life::resumed(form.stage.into()), client)
        };
        Ok(Self {
            session: Box::new(session),
            queued,
        })
    }

    /// It counts in every level from now on, and its slot is taken.
    fn enter(&self, running: &Running, now: Instant) {
        let session = &self.session;
        running.enter_anyway(session.record.frontend, session.record.listener);
        let Some(backend) = session.record.backend else {
            return;
        };
        if let Some(state) = running.backend(backend) {
            state.sessions.enter();
        }
        if let Some(server) = session.slot {
            if let Some(state) = running.server(backend, server) {
                state.sessions.enter();
            }
            running.with_backend(backend, now, |balancer| balancer.occupy(server, now));
        }
    }
}

/// Until its thread gives it a place.
const NOWHERE: SessionKey = SessionKey {
    thread: 0,
    slot: 0,
    generation: 0,
};

fn record(form: &wire::Record, names: &Names) -> Option<SessionRecord> {
    let frontend = names.frontend(form.frontend)?;
    let backend = form.backend.map(|number| names.backend(number));
    let server = form.server.map(|number| names.server(form.backend, number));
    let span = Span::from_millis;
    Some(SessionRecord {
        backend: match backend {
            Some(known) => Some(known?),
            None => None,
        },
        server: match server {
            Some(known) => Some(known?),
            None => None,
        },
        source: form.source.map(Box::new),
        server_address: form
            .server_address
            .clone()
            .map(|place| ServerAddr(place.into())),
        handshake: span(form.handshake),
        queue_time: form.queue_time.map(span),
        connect_time: form.connect_time.map(span),
        total_time: span(form.total_time),
        bytes_in: form.bytes[0],
        bytes_out: form.bytes[1],
        counted_in: form.counted[0].min(form.bytes[0]),
        counted_out: form.counted[1].min(form.bytes[1]),
        retries: form.retries,
        redispatched: form.redispatched,
        server_queue: form.queues[0],
        backend_queue: form.queues[1],
        logged: form.logged,
        number: form.number,
        ..SessionRecord::accepted(
            frontend,
            names.listener(form.frontend, form.listener),
            ClientAddr(form.client.clone().into()),
            LocalAddr(form.local.clone().into()),
            form.accepted_on,
            Moment::from_micros(form.accepted),
        )
    })
}

/// Gives all of them to the data threads. Those that waited in queues go on waiting in their order.
pub(crate) fn settle(running: &Running, mut arrivals: Vec<Arrival>) {
    let now = Instant::now();
    for arrival in &arrivals {
        arrival.enter(running, now);
    }
    arrivals.sort_by_key(|arrival| arrival.queued.map(|queued| queued.place));
    let threads = running.threads.len().max(1);
    let mut shares: Vec<_> = (0..threads).map(|_| Vec::new()).collect();
    for (index, arrival) in arrivals.into_iter().enumerate() {
        let backend = arrival.session.record.backend;
        let thread = match (arrival.queued, backend) {
            // All of one queue come to one thread, so that they keep their order.
            (Some(_), Some(backend)) => backend.index() % threads,
            _ => index % threads,
        };
        shares[thread].push(arrival);
    }
    for (thread, share) in running.threads.iter().zip(shares) {
        if !share.is_empty() {
            thread.post(Message::Adopt(Arrivals(share)));
        }
    }
}

impl Worker {
    /// Goes on with sessions of another process.
    pub(super) fn adopt(&mut self, arrivals: Arrivals) {
        for Arrival {
            mut session,
            queued,
        } in arrivals.0
        {
            session.key = self.sessions.reserve();
            for flow in [&session.request, &session.response] {
                if let Some(filled) = flow.filled_pipe() {
                    self.pipes.adopt(filled);
                }
            }
            if let (Some(queued), Some(backend)) = (queued, session.record.backend) {
                let (key, now) = (session.key, self.now);
                let server = queued.server.map(ServerId);
                self.running.with_backend(backend, now, |balancer| {
                    balancer.wait_on(key, server, now);
                });
            }
            let course = self.advance(&mut session);
            self.settle(session, course);
        }
        self.count_sessions();
    }
}
