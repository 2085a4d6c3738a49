//! What the two processes say to each other, as JSON, with bytes and descriptors beside it.
//!
//! Numbers of proxies and servers are those of the old process; [`Welcome`] gives their names.
//! [`FromNew::Hello`] and [`FromOld::Refused`] keep their form in all versions, so that any two can
//! tell that they do not understand each other.

use std::{
    ffi::OsString,
    net::SocketAddr,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use pontoon_engine::{
    address::Endpoint,
    moment::Moment,
    session::Stage,
    termination::{Cause, Phase, Termination},
};
use serde::{Deserialize, Serialize};

use crate::state::carry::Carried;

/// The version of everything but the first words. Whatever is changed here raises it.
pub const VERSION: u32 = 3;

/// What the new process says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromNew {
    /// It would like to take over.
    Hello {
        /// The [`VERSION`] it speaks.
        version: u32,
    },
    /// It is set up; what it lacks of what the old one has.
    Ready(Lack),
    /// A batch has arrived.
    Received,
    /// It has everything, and goes on from here.
    Taken,
    /// It cannot take over, but it serves: the old one shall drain.
    Drain {
        /// Why, for the log.
        why: String,
    },
}

/// What the old process says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromOld {
    /// Not to this one, or not now.
    Refused {
        /// Why, for the log.
        why: String,
    },
    /// Its listeners come with this.
    Welcome(Welcome),
    /// More listeners: each comes with its descriptor.
    Listeners(Vec<Bound>),
    /// All but the sessions.
    State(Box<Carried>),
    /// Sessions with their sockets, pipes and bytes.
    Sessions(Vec<Session>),
    /// That was all.
    Done {
        /// Sessions that stay, to their end.
        staying: usize,
    },
}

/// Who the old process is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The zero of all its moments, on the machine's monotonic clock.
    pub zero: Duration,
    /// Its proxies, in their order.
    pub proxies: Vec<Proxy>,
    /// How many listeners follow.
    pub listeners: usize,
}

/// A proxy of the old process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// Its name.
    pub name: String,
    /// What its client side is bound to; `None`: it has none.
    pub binds: Option<Vec<Bound>>,
    /// The names of its servers, in their order; `None`: it has no server side.
    pub servers: Option<Vec<String>>,
}

/// A listener, by what cannot be changed once it is bound.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bound {
    /// Where.
    pub place: Place,
    /// `interface`.
    pub interface: Option<String>,
    /// `v6only` or `v4v6`.
    pub v6_only: Option<bool>,
    /// `transparent`.
    pub transparent: bool,
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Of the Internet.
    Ip(SocketAddr),
    /// A path, as bytes.
    Unix(Vec<u8>),
    /// A name in the abstract namespace.
    Abstract(Vec<u8>),
    /// `fd@`: a descriptor of whoever started us.
    Descriptor(i32),
}

/// What the new process has no room for: sessions that need it stay where they are. Numbers are
/// those of the old process.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lack {
    /// Proxies without a client side now, or gone.
    pub frontends: Vec<u32>,
    /// Proxies without a server side now, or gone.
    pub backends: Vec<u32>,
    /// Servers that are gone, with their proxies.
    pub servers: Vec<(u32, u32)>,
    /// Listeners that it does not take: the old one is the last to serve who waits there.
    pub listeners: Vec<Bound>,
    /// It wants no sessions at all (`-st`): they end with the old process.
    pub all_sessions: bool,
}

/// A session on its way. Its descriptors come in the order of these fields: the client's socket,
/// the server's, the pipes' ends (read, write); its bytes in the order request, response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// What is known of it.
    pub record: Record,
    /// Where it is.
    pub stage: StageForm,
    /// The client's end.
    pub client: Leg,
    /// The server's end, if there is one.
    pub server: Option<Leg>,
    /// From the client to the server.
    pub request: Flow,
    /// From the server to the client.
    pub response: Flow,
    /// The backend's rules look at the request now; else the frontend's.
    pub at_backend: bool,
    /// The server whose slot it holds.
    pub slot: Option<u32>,
    /// It waits in its backend's queue.
    pub queued: Option<Queued>,
    /// It counts as a session.
    pub counted: bool,
    /// How it will be called once it ends.
    pub blame: Option<Ending>,
}

/// A place in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// How many of the same backend came before.
    pub place: usize,
    /// The server it waits for; `None`: any.
    pub server: Option<u32>,
}

/// What counters and logs know of a session; see [`crate::record::SessionRecord`].
#[expect(missing_docs, reason = "the fields are those of the record")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub frontend: u32,
    pub listener: usize,
    pub backend: Option<u32>,
    pub server: Option<u32>,
    pub client: Place,
    pub local: Place,
    pub source: Option<SocketAddr>,
    pub server_address: Option<Place>,
    pub accepted_on: SystemTime,
    pub accepted: u64,
    pub handshake: u64,
    pub queue_time: Option<u64>,
    pub connect_time: Option<u64>,
    pub total_time: u64,
    pub bytes: [u64; 2],
    pub counted: [u64; 2],
    pub retries: u32,
    pub redispatched: bool,
    pub queues: [u32; 2],
    pub logged: bool,
    pub number: u32,
}

/// See [`Stage`]; moments are microseconds since the old process's zero.
#[expect(missing_docs, reason = "the fields are those of the stage")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageForm {
    Handshake(Option<u64>),
    Inspect(Option<u64>, Option<u64>),
    Queued(Option<u64>),
    Connecting(Option<u64>),
    TurnAround(u64),
    Relaying {
        seen: [u64; 2],
        due: [bool; 2],
        half_closed: bool,
    },
}

/// What is known of a socket beyond what the kernel tells again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// There may be room to write.
    pub writable: bool,
    /// Urgent data may stand in the way of reads.
    pub urgent: bool,
    /// `option nolinger` towards the server.
    pub abrupt: bool,
    /// TCP Fast Open.
    pub early: Early,
}

/// How far TCP Fast Open has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Early {
    /// It is not used, or over.
    No,
    /// The first packet waits for data.
    Waits,
    /// So many bytes went with it.
    Sent(u32),
}

/// One direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flow {
    /// How many bytes are held, unsent; they come beside this.
    pub held: usize,
    /// How many bytes a pipe holds, which comes beside this and goes before those that are held; 0:
    /// there is none.
    pub piped: usize,
    /// The reader's end was seen.
    pub ended: bool,
    /// It was passed on.
    pub shut: bool,
    /// It carries bulk.
    pub bulk: bool,
}

/// Both flags of a termination, as in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// By position in [`CAUSES`].
    cause: u8,
    /// By position in [`PHASES`].
    phase: u8,
}

const CAUSES: [Cause; 12] = [
    Cause::Normal,
    Cause::ClientAbort,
    Cause::ServerAbort,
    Cause::ProxyRefused,
    Cause::Local,
    Cause::Resource,
    Cause::Internal,
    Cause::ServerDown,
    Cause::ServerUp,
    Cause::Killed,
    Cause::ClientTimeout,
    Cause::ServerTimeout,
];

const PHASES: [Phase; 7] = [
    Phase::Finished,
    Phase::Request,
    Phase::Queue,
    Phase::Connect,
    Phase::Headers,
    Phase::Data,
    Phase::Last,
];

impl From<Termination> for Ending {
    fn from(termination: Termination) -> Self {
        let cause = CAUSES.iter().position(|it| *it == termination.cause);
        let phase = PHASES.iter().position(|it| *it == termination.phase);
        let number = |position: Option<usize>| u8::try_from(position.unwrap_or(0)).unwrap_or(0);
        Self {
            cause: number(cause),
            phase: number(phase),
        }
    }
}

impl From<Ending> for Termination {
    fn from(ending: Ending) -> Self {
        let cause = CAUSES.get(usize::from(ending.cause));
        let phase = PHASES.get(usize::from(ending.phase));
        Self::new(
            cause.copied().unwrap_or_default(),
            phase.copied().unwrap_or_default(),
        )
    }
}

impl From<&Endpoint> for Place {
    fn from(endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Ip(ip) => Self::Ip(*ip),
            Endpoint::Unix(path) => Self::Unix(path.as_os_str().as_bytes().to_vec()),
            Endpoint::Abstract(name) => Self::Abstract(name.to_vec()),
        }
    }
}

impl From<Place> for Endpoint {
    fn from(place: Place) -> Self {
        match place {
            Place::Ip(ip) => Self::Ip(ip),
            Place::Unix(path) => Self::Unix(Arc::new(PathBuf::from(OsString::from_vec(path)))),
            Place::Abstract(name) => Self::Abstract(name.into()),
            // No session has such an address.
            Place::Descriptor(_) => Self::Abstract(Arc::new([])),
        }
    }
}

impl From<Stage> for StageForm {
    fn from(stage: Stage) -> Self {
        let micros = |moment: Option<Moment>| moment.map(Moment::micros);
        match stage {
            Stage::Handshake { until } => Self::Handshake(micros(until)),
            Stage::Inspect {
                until,
                client_until,
            } => Self::Inspect(micros(until), micros(client_until)),
            Stage::Queued { until } => Self::Queued(micros(until)),
            Stage::Connecting { until } => Self::Connecting(micros(until)),
            Stage::TurnAround { until } => Self::TurnAround(until.micros()),
            Stage::Relaying {
                client_seen,
                server_seen,
                client_due,
                server_due,
                half_closed,
            } => Self::Relaying {
                seen: [client_seen.micros(), server_seen.micros()],
                due: [client_due, server_due],
                half_closed,
            },
        }
    }
}

impl From<StageForm> for Stage {
    fn from(form: StageForm) -> Self {
        let moment = |micros: Option<u64>| micros.map(Moment::from_micros);
        match form {
            StageForm::Handshake(until) => Self::Handshake {
                until: moment(until),
            },
            StageForm::Inspect(until, client_until) => Self::Inspect {
                until: moment(until),
                client_until: moment(client_until),
            },
            StageForm::Queued(until) => Self::Queued {
                until: moment(until),
            },
            StageForm::Connecting(until) => Self::Connecting {
                until: moment(until),
            },
            StageForm::TurnAround(until) => Self::TurnAround {
                until: Moment::from_micros(until),
            },
            StageForm::Relaying {
                seen: [client, server],
                due: [client_due, server_due],
                half_closed,
            } => Self::Relaying {
                client_seen: Moment::from_micros(client),
                server_seen: Moment::from_micros(server),
                client_due,
                server_due,
                half_closed,
            },
        }
    }
}
