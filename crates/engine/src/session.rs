//! A session's life: which stage it is in, which deadline counts there, and what its ending is
//! called (HAProxy configuration manual, 4.2 `timeout …` and 8.5).
//!
//! The shell moves the bytes; it tells the [`Life`] what happened and asks when it must look
//! again.

pub mod retry;

use crate::{
    moment::{Moment, Span},
    termination::{Cause, Phase, Termination},
};

/// The timeouts in force; `None` means forever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// `timeout client`: the client neither sends nor takes anything.
    pub client: Option<Span>,
    /// `timeout client-fin`: the same once one direction is closed.
    pub client_fin: Option<Span>,
    /// `timeout connect`.
    pub connect: Option<Span>,
    /// `timeout queue`; without it `timeout connect` counts.
    pub queue: Option<Span>,
    /// `timeout server`: the server neither sends nor takes anything.
    pub server: Option<Span>,
    /// `timeout server-fin`: the same once one direction is closed.
    pub server_fin: Option<Span>,
    /// `timeout tunnel`: in place of the client's and the server's.
    pub tunnel: Option<Span>,
}

/// Where a session is, with what ends its stay there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It waits for a PROXY header.
    Handshake {
        /// The client must have sent it by then.
        until: Option<Moment>,
    },
    /// `tcp-request content` wants to see more.
    Inspect {
        /// The rules must do with what there is by then (`inspect-delay`).
        until: Option<Moment>,
        /// The client must have sent something by then (`timeout client`).
        client_until: Option<Moment>,
    },
    /// It waits for a server.
    Queued {
        /// It gives up then.
        until: Option<Moment>,
    },
    /// The server has not answered yet.
    Connecting {
        /// The attempt has failed then.
        until: Option<Moment>,
    },
    /// The server refused; it is asked once more after a moment.
    TurnAround {
        /// That is then.
        until: Moment,
    },
    /// Bytes flow.
    Relaying {
        /// When the client last sent or took something.
        client_seen: Moment,
        /// When the server last sent or took something.
        server_seen: Moment,
        /// The client is expected to act: to send, or to take what waits for it.
        client_due: bool,
        /// The server is.
        server_due: bool,
        /// One side has closed its direction.
        half_closed: bool,
    },
}

/// By when somebody must act; `None`: nobody is waited for, or for as long as it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deadlines {
    /// The client.
    pub client: Option<Moment>,
    /// The server.
    pub server: Option<Moment>,
    /// Whoever lets the session go to its server: the queue, an attempt to connect, the pause
    /// after one.
    pub connect: Option<Moment>,
    /// The rules, which do with what there is then.
    pub inspection: Option<Moment>,
}

/// What moves a session to its next stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Rules must see data first; `None`: nothing is waited for.
    Inspect(Option<Span>),
    /// No server has room.
    Queue,
    /// A server was picked.
    Connect,
    /// The same server is tried again in so long.
    TurnAround(Span),
    /// The server has answered.
    Relay,
}

/// Something that ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incident {
    /// The client closed before there was anything to do for it.
    ClientLeft,
    /// The client broke the connection.
    ClientBroke,
    /// The server broke the connection, or could not be reached.
    ServerGone,
    /// Somebody ordered it.
    Ordered(Cause),
}

/// What to do now that a deadline has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expired {
    /// The session is over.
    End(Termination),
    /// One side was silent for too long while relaying. It counts as closed: the other side may
    /// still finish what it does, unless there are bytes that the silent side does not take.
    Silent(Cause),
    /// The rules must decide with what there is.
    InspectionOver,
    /// The attempt to connect has failed.
    ConnectFailed,
    /// Connect again.
    TryAgain,
}

/// A session's stage and deadlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    stage: Stage,
    /// The deadline may be nearer than it was when somebody last asked.
    hastened: bool,
}

impl Life {
    /// A session just accepted, which must begin with a PROXY header if `expects_header`.
    #[must_use]
    pub fn new(expects_header: bool, timeouts: &Timeouts, now: Moment) -> Self {
        let until = after(now, timeouts.client);
        let stage = if expects_header {
            Stage::Handshake { until }
        } else {
            Stage::Inspect {
                until: None,
                client_until: until,
            }
        };
        Self {
            stage,
            hastened: true,
        }
    }

    /// A session that goes on where another process has left it, in this stage.
    #[must_use]
    pub const fn resumed(stage: Stage) -> Self {
        Self {
            stage,
            hastened: true,
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Moves on.
    pub fn step(&mut self, step: Step, timeouts: &Timeouts, now: Moment) {
        self.hastened = true;
        self.stage = match step {
            Step::Inspect(delay) => Stage::Inspect {
                until: after(now, delay),
                client_until: after(now, timeouts.client),
            },
            Step::Queue => Stage::Queued {
                until: after(now, timeouts.queue.or(timeouts.connect)),
            },
            Step::Connect => Stage::Connecting {
                until: after(now, timeouts.connect),
            },
            Step::TurnAround(pause) => Stage::TurnAround { until: now + pause },
            Step::Relay => Stage::Relaying {
                client_seen: now,
                server_seen: now,
                client_due: true,
                server_due: true,
                half_closed: false,
            },
        };
    }

    /// The client sent or took something.
    pub fn client_acted(&mut self, now: Moment) {
        if let Stage::Relaying { client_seen, .. } = &mut self.stage {
            *client_seen = now;
        }
    }

    /// The server sent or took something.
    pub fn server_acted(&mut self, now: Moment) {
        if let Stage::Relaying { server_seen, .. } = &mut self.stage {
            *server_seen = now;
        }
    }

    /// Who is expected to act from now on: whose bytes are wanted, or for whom bytes wait. Who
    /// was not, starts afresh.
    pub fn expect(&mut self, client: bool, server: bool, now: Moment) {
        if let Stage::Relaying {
            client_seen,
            server_seen,
            client_due,
            server_due,
            ..
        } = &mut self.stage
        {
            if client && !*client_due {
                *client_seen = now;
                self.hastened = true;
            }
            if server && !*server_due {
                *server_seen = now;
                self.hastened = true;
            }
            (*client_due, *server_due) = (client, server);
        }
    }

    /// One direction was closed in order; the other may go on.
    pub fn half_close(&mut self) {
        if let Stage::Relaying { half_closed, .. } = &mut self.stage {
            *half_closed = true;
            self.hastened = true;
        }
    }

    /// What an ending in this stage is called.
    #[must_use]
    pub const fn ending(&self, incident: Incident) -> Termination {
        let relaying = matches!(self.stage, Stage::Relaying { .. });
        let inspecting = matches!(self.stage, Stage::Handshake { .. } | Stage::Inspect { .. });
        let (cause, phase) = match incident {
            Incident::ClientLeft => (Cause::ClientAbort, self.phase()),
            // HAProxy names a broken connection so even while the server is waited for.
            Incident::ClientBroke if !inspecting => (Cause::ClientAbort, Phase::Data),
            Incident::ClientBroke => (Cause::ClientAbort, Phase::Request),
            Incident::ServerGone => (Cause::ServerAbort, self.phase()),
            Incident::Ordered(cause) if relaying => (cause, Phase::Finished),
            Incident::Ordered(cause) => (cause, self.phase()),
        };
        Termination::new(cause, phase)
    }

    const fn phase(&self) -> Phase {
        match self.stage {
            Stage::Handshake { .. } | Stage::Inspect { .. } => Phase::Request,
            Stage::Queued { .. } => Phase::Queue,
            Stage::Connecting { .. } | Stage::TurnAround { .. } => Phase::Connect,
            Stage::Relaying { .. } => Phase::Data,
        }
    }

    /// Whether [`Life::poll_timeout`] may be nearer than when this was last asked. Whoever acts
    /// only puts it off.
    #[must_use]
    pub const fn take_hastened(&mut self) -> bool {
        std::mem::replace(&mut self.hastened, false)
    }

    /// When [`Life::handle_timeout`] must be called.
    #[must_use]
    pub fn poll_timeout(&self, timeouts: &Timeouts) -> Option<Moment> {
        match self.stage {
            Stage::Handshake { until } | Stage::Queued { until } | Stage::Connecting { until } => {
                until
            }
            Stage::Inspect {
                until,
                client_until,
            } => earlier(until, client_until),
            Stage::TurnAround { until } => Some(until),
            Stage::Relaying { .. } => {
                let (client, server) = self.relay_deadlines(timeouts);
                earlier(client, server)
            }
        }
    }

    /// What is waited for in this stage.
    #[must_use]
    pub fn deadlines(&self, timeouts: &Timeouts) -> Deadlines {
        let mut deadlines = Deadlines::default();
        match self.stage {
            Stage::Handshake { until } => deadlines.client = until,
            Stage::Inspect {
                until,
                client_until,
            } => (deadlines.inspection, deadlines.client) = (until, client_until),
            Stage::Queued { until } | Stage::Connecting { until } => deadlines.connect = until,
            Stage::TurnAround { until } => deadlines.connect = Some(until),
            Stage::Relaying { .. } => {
                (deadlines.client, deadlines.server) = self.relay_deadlines(timeouts);
            }
        }
        deadlines
    }

    /// A deadline may have passed; `None` if none has.
    #[must_use]
    pub fn handle_timeout(&self, timeouts: &Timeouts, now: Moment) -> Option<Expired> {
        let due = |until: Option<Moment>| until.is_some_and(|until| until <= now);
        let end = |cause| Some(Expired::End(Termination::new(cause, self.phase())));
        match self.stage {
            Stage::Handshake { until } if due(until) => end(Cause::ClientTimeout),
            Stage::Inspect { until, .. } if due(until) => Some(Expired::InspectionOver),
            Stage::Inspect { client_until, .. } if due(client_until) => end(Cause::ClientTimeout),
            Stage::Queued { until } if due(until) => end(Cause::ServerTimeout),
            Stage::Connecting { until } if due(until) => Some(Expired::ConnectFailed),
            Stage::TurnAround { until } if until <= now => Some(Expired::TryAgain),
            Stage::Relaying { .. } => {
                let (client, server) = self.relay_deadlines(timeouts);
                match (due(client), due(server)) {
                    (true, _) if server.is_none() || client <= server => {
                        Some(Expired::Silent(Cause::ClientTimeout))
                    }
                    (_, true) => Some(Expired::Silent(Cause::ServerTimeout)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The client's and the server's.
    fn relay_deadlines(&self, timeouts: &Timeouts) -> (Option<Moment>, Option<Moment>) {
        let Stage::Relaying {
            client_seen,
            server_seen,
            client_due,
            server_due,
            half_closed,
        } = self.stage
        else {
            return (None, None);
        };
        let pick = |due: bool, plain: Option<Span>, fin: Option<Span>| {
            let open = timeouts.tunnel.or(plain);
            let timeout = if half_closed { fin.or(open) } else { open };
            timeout.filter(|_| due)
        };
        let client = pick(client_due, timeouts.client, timeouts.client_fin);
        let server = pick(server_due, timeouts.server, timeouts.server_fin);
        (after(client_seen, client), after(server_seen, server))
    }
}

fn after(now: Moment, timeout: Option<Span>) -> Option<Moment> {
    timeout.map(|timeout| now + timeout)
}

fn earlier(a: Option<Moment>, b: Option<Moment>) -> Option<Moment> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests;
