//! Limits and `tune.*` (HAProxy configuration manual, 3.2).

use super::{GlobalDraft, switch};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::keyword::{Keyword, Sections},
    haproxy::value::{self, Unit},
};

const GLOBAL: Sections = Sections::GLOBAL;

const BUFFERS: &str =
    "a session holds memory only while bytes are stuck in it; there is no pool of buffers to tune";
const HTTP: &str = "it tunes HTTP, and HTTP is not forwarded";
const EPOLL: &str = "there is one way of waiting for events, epoll";
const LUA: &str = "there is no Lua here, so nothing to limit";
const QUIC: &str = "there is no QUIC here, so nothing to limit";
const PEERS: &str = "there are no peers here, so nothing to tune";
const VARIABLES: &str = "there are no variables here, so nothing to limit";
const COMPRESSION: &str = "nothing is compressed, so there is nothing to limit";
const TLS: &str = "TLS is not ended here, so there is nothing to limit";
const SCHEDULER: &str =
    "sessions are event-driven without a run queue, so there is nothing to tune";
const POOLS: &str = "there are no pools of idle server connections in TCP mode";

pub(super) const KEYWORDS: &[Keyword<GlobalDraft>] = &[
    Keyword::supported(
        "maxconn",
        GLOBAL,
        "<number>",
        "How many sessions the process carries at once.",
        |draft, args, _, d| {
            draft.global.max_connections = limit(args, d);
        },
    ),
    Keyword::supported(
        "maxconnrate",
        GLOBAL,
        "<number>",
        "How many connections are accepted in a second.",
        |draft, args, _, d| {
            draft.global.max_connection_rate = limit(args, d);
        },
    ),
    Keyword::supported(
        "maxsessrate",
        GLOBAL,
        "<number>",
        "How many sessions are begun in a second.",
        |draft, args, _, d| {
            draft.global.max_session_rate = limit(args, d);
        },
    ),
    Keyword::supported(
        "maxpipes",
        GLOBAL,
        "<number>",
        "How many pipes splicing may use.",
        |draft, args, _, d| {
            draft.global.max_pipes = limit(args, d);
        },
    ),
    Keyword::supported(
        "spread-checks",
        GLOBAL,
        "<percent>",
        "Vary the time between two checks by up to this much.",
        |draft, args, _, d| {
            let Some(word) = value::required(args, "a percentage", d) else {
                return;
            };
            draft.global.spread_checks = value::percent(word, -50..=50, d).unwrap_or(0);
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "max-spread-checks",
        GLOBAL,
        "<time>",
        "The first checks of all servers are made within this time.",
        |draft, args, _, d| {
            let Some(word) = value::required(args, "a time", d) else {
                return;
            };
            draft.global.max_spread_checks = value::duration(word, Unit::Milliseconds, d);
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "nosplice",
        GLOBAL,
        "",
        "Never use splice.",
        |draft, args, _, d| {
            switch(args, d, || draft.global.no_splice = true);
        },
    ),
    Keyword::supported(
        "tune.bufsize",
        GLOBAL,
        "<bytes>",
        "How many bytes rules look at, at most.",
        |draft, args, _, d| {
            draft.global.tune.buffer_size = bytes(args, d);
        },
    ),
    Keyword::supported(
        "tune.maxaccept",
        GLOBAL,
        "<number>",
        "How many connections are accepted in one turn.",
        |draft, args, _, d| {
            draft.global.tune.max_accept = limit(args, d);
        },
    ),
    Keyword::supported(
        "tune.maxpollevents",
        GLOBAL,
        "<number>",
        "How many events are fetched in one turn.",
        |draft, args, _, d| {
            draft.global.tune.max_poll_events = limit(args, d);
        },
    ),
    Keyword::supported(
        "tune.pipesize",
        GLOBAL,
        "<bytes>",
        "The size of the pipes of splicing.",
        |draft, args, _, d| {
            draft.global.tune.pipe_size = bytes(args, d);
        },
    ),
    Keyword::supported(
        "tune.rcvbuf.client",
        GLOBAL,
        "<bytes>",
        "The kernel's receive buffer towards clients.",
        |draft, args, _, d| {
            draft.global.tune.receive_buffer_client = bytes(args, d);
        },
    ),
    Keyword::supported(
        "tune.rcvbuf.server",
        GLOBAL,
        "<bytes>",
        "The kernel's receive buffer towards servers.",
        |draft, args, _, d| {
            draft.global.tune.receive_buffer_server = bytes(args, d);
        },
    ),
    Keyword::supported(
        "tune.sndbuf.client",
        GLOBAL,
        "<bytes>",
        "The kernel's send buffer towards clients.",
        |draft, args, _, d| {
            draft.global.tune.send_buffer_client = bytes(args, d);
        },
    ),
    Keyword::supported(
        "tune.sndbuf.server",
        GLOBAL,
        "<bytes>",
        "The kernel's send buffer towards servers.",
        |draft, args, _, d| {
            draft.global.tune.send_buffer_server = bytes(args, d);
        },
    ),
    Keyword::inert(
        "busy-polling",
        GLOBAL,
        "",
        "Poll without sleeping.",
        "the event loops sleep when there is nothing to do; `tune.pontoon.spin-us` says how late",
    ),
    Keyword::inert(
        "fd-hard-limit",
        GLOBAL,
        "<number>",
        "Bound the automatic limit of open files.",
        "memory for descriptors is taken as they are used, so that a high limit costs nothing",
    ),
    Keyword::inert(
        "no-memory-trimming",
        GLOBAL,
        "",
        "Do not return memory after a reload.",
        "memory is not trimmed by hand",
    ),
    Keyword::inert("noepoll", GLOBAL, "", "Do not use epoll.", EPOLL),
    Keyword::inert("noevports", GLOBAL, "", "Do not use event ports.", EPOLL),
    Keyword::inert("nokqueue", GLOBAL, "", "Do not use kqueue.", EPOLL),
    Keyword::inert("nopoll", GLOBAL, "", "Do not use poll.", EPOLL),
    Keyword::inert(
        "nogetaddrinfo",
        GLOBAL,
        "",
        "Resolve names without getaddrinfo.",
        "names are resolved by the system, once, at start",
    ),
    Keyword::inert(
        "noreuseport",
        GLOBAL,
        "",
        "Do not share ports between processes.",
        "ports are shared between the threads of one process only",
    ),
    Keyword::inert(
        "numa-cpu-mapping",
        GLOBAL,
        "",
        "Bind to the processors of one NUMA node.",
        "threads are bound by `cpu-map` only",
    ),
    Keyword::inert(
        "prealloc-fd",
        GLOBAL,
        "",
        "Prepare the table of descriptors at start.",
        "it saves a delay that is not noticed with one table for each process",
    ),
    Keyword::inert(
        "profiling.tasks",
        GLOBAL,
        "{ on | off | auto }",
        "Measure tasks.",
        "there are no tasks to profile",
    ),
    Keyword::inert(
        "profiling.memory",
        GLOBAL,
        "{ on | off }",
        "Measure memory.",
        "there is no memory profiler",
    ),
    Keyword::inert(
        "close-spread-time",
        GLOBAL,
        "<time>",
        "Spread the end of idle HTTP connections over a soft stop.",
        HTTP,
    ),
    Keyword::inert(
        "mworker-max-reloads",
        GLOBAL,
        "<number>",
        "End workers that survived so many reloads.",
        "old workers do not linger",
    ),
    Keyword::inert(
        "stats bind-process",
        GLOBAL,
        "<processes>",
        "Which processes serve the runtime socket (obsolete).",
        "there is one process",
    ),
    Keyword::inert(
        "thread-groups",
        GLOBAL,
        "<number>",
        "How many groups of threads there are.",
        "there is one group of threads",
    ),
    Keyword::inert(
        "thread-group",
        GLOBAL,
        "<group> [<threads>…]",
        "Which threads a group has.",
        "there is one group of threads",
    ),
    Keyword::inert(
        "maxcompcpuusage",
        GLOBAL,
        "<percent>",
        "Bound the processor time of compression.",
        COMPRESSION,
    ),
    Keyword::inert(
        "maxcomprate",
        GLOBAL,
        "<number>",
        "Bound the rate of compression.",
        COMPRESSION,
    ),
    Keyword::inert(
        "maxzlibmem",
        GLOBAL,
        "<megabytes>",
        "Bound the memory of compression.",
        COMPRESSION,
    ),
    Keyword::inert(
        "maxsslconn",
        GLOBAL,
        "<number>",
        "Bound the number of TLS connections.",
        TLS,
    ),
    Keyword::inert(
        "maxsslrate",
        GLOBAL,
        "<number>",
        "Bound the rate of TLS connections.",
        TLS,
    ),
    Keyword::inert(
        "tune.buffers.limit",
        GLOBAL,
        "<number>",
        "Bound the number of buffers.",
        BUFFERS,
    ),
    Keyword::inert(
        "tune.buffers.reserve",
        GLOBAL,
        "<number>",
        "Keep buffers in reserve.",
        BUFFERS,
    ),
    Keyword::inert(
        "tune.maxrewrite",
        GLOBAL,
        "<bytes>",
        "Space kept for rewriting headers.",
        HTTP,
    ),
    Keyword::inert(
        "tune.comp.maxlevel",
        GLOBAL,
        "<number>",
        "Bound the level of compression.",
        COMPRESSION,
    ),
    Keyword::inert(
        "tune.zlib.memlevel",
        GLOBAL,
        "<number>",
        "Memory of compression.",
        COMPRESSION,
    ),
    Keyword::inert(
        "tune.zlib.windowsize",
        GLOBAL,
        "<number>",
        "Window of compression.",
        COMPRESSION,
    ),
    Keyword::inert(
        "tune.fail-alloc",
        GLOBAL,
        "<percent>",
        "Let allocations fail, for tests of HAProxy.",
        "it is for those who debug HAProxy",
    ),
    Keyword::inert(
        "tune.fd.edge-triggered",
        GLOBAL,
        "{ on | off }",
        "Use edge-triggered events.",
        "events are always edge-triggered",
    ),
    Keyword::inert(
        "tune.h2.header-table-size",
        GLOBAL,
        "<number>",
        "HTTP/2 header table.",
        HTTP,
    ),
    Keyword::inert(
        "tune.h2.initial-window-size",
        GLOBAL,
        "<number>",
        "HTTP/2 window.",
        HTTP,
    ),
    Keyword::inert(
        "tune.h2.max-concurrent-streams",
        GLOBAL,
        "<number>",
        "HTTP/2 streams.",
        HTTP,
    ),
    Keyword::inert(
        "tune.h2.max-frame-size",
        GLOBAL,
        "<number>",
        "HTTP/2 frames.",
        HTTP,
    ),
    Keyword::inert(
        "tune.http.cookielen",
        GLOBAL,
        "<number>",
        "Length of captured cookies.",
        HTTP,
    ),
    Keyword::inert(
        "tune.http.logurilen",
        GLOBAL,
        "<number>",
        "Length of logged addresses.",
        HTTP,
    ),
    Keyword::inert(
        "tune.http.maxhdr",
        GLOBAL,
        "<number>",
        "Number of headers.",
        HTTP,
    ),
    Keyword::inert(
        "tune.idle-pool.shared",
        GLOBAL,
        "{ on | off }",
        "Share idle server connections.",
        POOLS,
    ),
    Keyword::inert(
        "tune.idletimer",
        GLOBAL,
        "<time>",
        "When a stream counts as idle.",
        "a direction that carries bulk is recognised by its bytes, not by a timer",
    ),
    Keyword::inert(
        "tune.listener.multi-queue",
        GLOBAL,
        "{ on | off }",
        "Spread connections over threads.",
        "the kernel spreads connections over the threads",
    ),
    Keyword::inert(
        "tune.lua.forced-yield",
        GLOBAL,
        "<number>",
        "Lua scheduling.",
        LUA,
    ),
    Keyword::inert("tune.lua.maxmem", GLOBAL, "<megabytes>", "Lua memory.", LUA),
    Keyword::inert(
        "tune.lua.service-timeout",
        GLOBAL,
        "<time>",
        "Lua time.",
        LUA,
    ),
    Keyword::inert(
        "tune.lua.session-timeout",
        GLOBAL,
        "<time>",
        "Lua time.",
        LUA,
    ),
    Keyword::inert("tune.lua.task-timeout", GLOBAL, "<time>", "Lua time.", LUA),
    Keyword::inert(
        "tune.pattern.cache-size",
        GLOBAL,
        "<number>",
        "Cache of pattern matches.",
        "patterns are few, and matched without a cache",
    ),
    Keyword::inert(
        "tune.peers.max-updates-at-once",
        GLOBAL,
        "<number>",
        "Peers protocol.",
        PEERS,
    ),
    Keyword::inert(
        "tune.pool-high-fd-ratio",
        GLOBAL,
        "<percent>",
        "Close idle server connections above this share of descriptors.",
        POOLS,
    ),
    Keyword::inert(
        "tune.pool-low-fd-ratio",
        GLOBAL,
        "<percent>",
        "Keep no idle server connections above this share of descriptors.",
        POOLS,
    ),
    Keyword::inert(
        "tune.quic.frontend.conn-tx-buffers.limit",
        GLOBAL,
        "<number>",
        "QUIC buffers.",
        QUIC,
    ),
    Keyword::inert(
        "tune.quic.frontend.max-idle-timeout",
        GLOBAL,
        "<time>",
        "QUIC idle time.",
        QUIC,
    ),
    Keyword::inert(
        "tune.quic.frontend.max-streams-bidi",
        GLOBAL,
        "<number>",
        "QUIC streams.",
        QUIC,
    ),
    Keyword::inert(
        "tune.quic.max-frame-loss",
        GLOBAL,
        "<number>",
        "QUIC losses.",
        QUIC,
    ),
    Keyword::inert(
        "tune.quic.retry-threshold",
        GLOBAL,
        "<number>",
        "QUIC retries.",
        QUIC,
    ),
    Keyword::inert(
        "tune.recv_enough",
        GLOBAL,
        "<bytes>",
        "Bytes after which no more is read at once.",
        BUFFERS,
    ),
    Keyword::inert(
        "tune.runqueue-depth",
        GLOBAL,
        "<number>",
        "Tasks in one turn.",
        SCHEDULER,
    ),
    Keyword::inert(
        "tune.sched.low-latency",
        GLOBAL,
        "{ on | off }",
        "Interrupt long turns.",
        SCHEDULER,
    ),
    Keyword::inert(
        "tune.vars.global-max-size",
        GLOBAL,
        "<bytes>",
        "Memory of variables.",
        VARIABLES,
    ),
    Keyword::inert(
        "tune.vars.proc-max-size",
        GLOBAL,
        "<bytes>",
        "Memory of variables.",
        VARIABLES,
    ),
    Keyword::inert(
        "tune.vars.reqres-max-size",
        GLOBAL,
        "<bytes>",
        "Memory of variables.",
        VARIABLES,
    ),
    Keyword::inert(
        "tune.vars.sess-max-size",
        GLOBAL,
        "<bytes>",
        "Memory of variables.",
        VARIABLES,
    ),
    Keyword::inert(
        "tune.vars.txn-max-size",
        GLOBAL,
        "<bytes>",
        "Memory of variables.",
        VARIABLES,
    ),
];

/// A count; 0 means no limit.
fn limit(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<u32> {
    let word = value::required(args, "a number", d)?;
    let limit = value::limit(word, "a limit", d).flatten();
    value::end(args, d);
    limit
}

fn bytes(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<u32> {
    let word = value::required(args, "a number of bytes", d)?;
    let size = value::size(word, d)?;
    value::end(args, d);
    u32::try_from(size).ok().filter(|size| *size > 0)
}
