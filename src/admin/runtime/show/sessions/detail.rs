//! Everything about a session.

use std::{fmt::Write as _, time::Duration};

use pontoon_engine::{
    address::{Endpoint, ServerAddr},
    moment::Moment,
    session::Stage,
};

use super::sight::{Sight, Waits, mode, plain, protocol};
use crate::{
    admin::sessions::human,
    log::date::Calendar,
    proxy::observe::{End, Way},
};

/// Where HAProxy shows the address of a part that is not there.
const NOTHING: &str = "(nil)";

/// A direction, and what is told of it.
struct Direction<'a> {
    name: &'static str,
    way: &'a Way,
    waits: Waits,
    flags: u32,
    analysers: u32,
    analysis: Option<Moment>,
    total: u64,
    /// Bytes that came and are held until rules let them on.
    held_back: usize,
    /// Whatever comes is passed on.
    open: bool,
}

impl Sight<'_> {
    /// As HAProxy 2.6 writes it: names and their order. Where it shows the address of something in
    /// its memory, the session's name stands; what is about its own inside is 0.
    pub(super) fn detail(&self, calendar: &Calendar, out: &mut String) {
        self.head(calendar, out);
        self.places(out);
        self.task(out);
        self.client_end(out);
        self.server_end(out);
        let [request, response] = self.directions();
        self.direction(&request, out);
        self.direction(&response, out);
    }

    fn head(&self, calendar: &Calendar, out: &mut String) {
        let it = self.session;
        let mut date = Vec::new();
        calendar.with_microseconds(&mut date, it.record.accepted_on);
        let (flags, error) = match it.stage {
            Stage::Handshake { .. } | Stage::Inspect { .. } => (0, 0),
            Stage::Queued { .. } => (0x8, 0),
            Stage::TurnAround { .. } => (0xa, 0x10),
            Stage::Connecting { .. } | Stage::Relaying { .. } => (0x4a, 0),
        };
        let queued = matches!(it.stage, Stage::Queued { .. });
        // Writing to a string cannot fail.
        let _infallible = write!(
            out,
            "{id}: [{date}] id={number} proto={proto} source={source}\n  \
             flags={flags:#x}, conn_retries={retries}, conn_exp={connect} conn_et={error:#05x} \
             srv_conn={on_server}, pend_pos={queued} waiting=0 epoch=0\n",
            id = self.id(),
            date = String::from_utf8_lossy(&date),
            number = it.record.number,
            proto = self.protocol(),
            source = self.source(),
            retries = it.record.retries,
            connect = self.or_never(it.deadlines.connect),
            on_server = self.name_if(it.on_server),
            queued = self.name_if(queued),
        );
    }

    /// Its proxies, its listener, its server, and their addresses.
    fn places(&self, out: &mut String) {
        let frontend = self.frontend();
        let listener = self.listener();
        let _infallible = writeln!(
            out,
            "  frontend={} (id={} mode={}), listener={} (id={}) addr={}",
            frontend.name,
            frontend.number,
            mode(frontend),
            listener.and_then(|it| it.name.as_deref()).unwrap_or("?"),
            listener.map_or(0, |it| it.number),
            self.address(&self.session.record.local.0),
        );
        let end = self.session.server.as_ref();
        let local = end.and_then(|end| end.local.as_ref());
        let remote = self.session.record.server_address.as_ref();
        let remote = remote.filter(|_| end.is_some());
        let _infallible = match self.backend() {
            Some(it) => {
                let (name, number, mode) = (&it.name, it.number, mode(it));
                let at = at(local);
                writeln!(out, "  backend={name} (id={number} mode={mode}){at}")
            }
            None => writeln!(out, "  backend=<NONE> (id=-1 mode=-)"),
        };
        let _infallible = match (self.backend(), self.server()) {
            (Some(_), Some(it)) => {
                let (name, number) = (&it.settings.name, it.number);
                let at = at(remote.map(|ServerAddr(endpoint)| endpoint));
                writeln!(out, "  server={name} (id={number}){at}")
            }
            (Some(_), None) => writeln!(out, "  server=<none> (id=0)"),
            (None, _) => writeln!(out, "  server=<NONE> (id=-1)"),
        };
    }

    fn task(&self, out: &mut String) {
        let _infallible = writeln!(
            out,
            "  task={} (state=0x00 nice=0 calls=0 rate=0 exp={} tmask={:#x} age={})",
            self.id(),
            never(self.expires()),
            self.thread(),
            human(self.age()),
        );
    }

    fn client_end(&self, out: &mut String) {
        let _infallible = write!(
            out,
            "  scf={id} flags=0x00000000 state=EST endp=CONN,{id},0x00000000 sub=1\n      \
             co0={id} ctrl={} xprt=RAW mux=PASS data=STRM target=LISTENER:{id}\n      \
             flags=0x00000000 fd={} fd.state=0 updt=0 fd.tmask={:#x}\n",
            self.protocol(),
            self.session.client,
            self.thread(),
            id = self.id(),
        );
    }

    fn server_end(&self, out: &mut String) {
        let (id, state) = (self.id(), self.progress().word);
        let Some(End { descriptor, .. }) = self.session.server else {
            let _infallible = writeln!(
                out,
                "  scb={id} flags=0x00000001 state={state} endp=NONE,{NOTHING},0x00000010 sub=0"
            );
            return;
        };
        let remote = self.session.record.server_address.as_ref();
        let _infallible = write!(
            out,
            "  scb={id} flags=0x00000001 state={state} endp=CONN,{id},0x00000000 sub=1\n      \
             co1={id} ctrl={} xprt=RAW mux=PASS data=STRM target=SERVER:{id}\n      \
             flags=0x00000000 fd={descriptor} fd.state=0 updt=0 fd.tmask={:#x}\n",
            remote.map_or("tcpv4", |ServerAddr(endpoint)| protocol(endpoint)),
            self.thread(),
        );
    }

    fn directions(&self) -> [Direction<'_>; 2] {
        let it = self.session;
        let inspected = self.is_inspected();
        let relays = matches!(it.stage, Stage::Relaying { .. });
        let [request, response] = self.flags();
        [
            Direction {
                name: "req",
                way: &it.request,
                waits: self.request_waits(),
                flags: request,
                analysers: if inspected { 0x22 } else { 0 },
                analysis: it.deadlines.inspection,
                total: it.record.bytes_in,
                held_back: if inspected { it.request.held } else { 0 },
                open: !inspected && !it.request.shut,
            },
            Direction {
                name: "res",
                way: &it.response,
                waits: self.response_waits(),
                flags: response,
                analysers: 0,
                analysis: None,
                total: it.record.bytes_out,
                held_back: 0,
                open: relays && !it.response.shut,
            },
        ]
    }

    fn direction(&self, it: &Direction<'_>, out: &mut String) {
        let Way { held, piped, .. } = *it.way;
        let waits = held - it.held_back;
        let _infallible = write!(
            out,
            "  {name}={id} (f=0x{flags:06x} an={analysers:#x} pipe={piped} tofwd={forward} \
             total={total})\n      \
             an_exp={analysis} rex={read} wex={write}\n      \
             buf={id} data={data} o={waits} p={waits} i={held_back} size={held}\n",
            name = it.name,
            id = self.id(),
            flags = it.flags,
            analysers = it.analysers,
            forward = if it.open { -1 } else { 0 },
            total = it.total,
            analysis = self.or_never(it.analysis),
            read = self.or_never(it.waits.to_read),
            write = self.or_never(it.waits.to_write),
            data = self.name_if(held > 0),
            held_back = it.held_back,
        );
    }

    /// Its data thread, as a mask.
    fn thread(&self) -> u64 {
        1_u64
            .checked_shl(self.session.key.thread.into())
            .unwrap_or(0)
    }

    /// Stands for the address of a part that is there, or is not.
    fn name_if(&self, there: bool) -> String {
        if there {
            self.id().to_string()
        } else {
            NOTHING.to_owned()
        }
    }

    fn or_never(&self, then: Option<Moment>) -> String {
        never(self.until(then))
    }
}

fn never(duration: Option<Duration>) -> String {
    duration.map_or_else(|| "<NEVER>".to_owned(), human)
}

/// ` addr=…`, of an address that is known.
fn at(endpoint: Option<&Endpoint>) -> String {
    match endpoint {
        Some(Endpoint::Ip(address)) => format!(" addr={}", plain(*address)),
        Some(Endpoint::Unix(_) | Endpoint::Abstract(_)) => " addr=unix:1".to_owned(),
        None => String::new(),
    }
}
