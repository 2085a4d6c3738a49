//! `haproxy_process_…`: the process as a whole, under the names that HAProxy's exporter gives it.

use super::text::{Kind, Number, Text};
use crate::admin::snapshot::Process;

/// One metric of the process.
struct Metric {
    /// Behind `haproxy_process_`.
    name: &'static str,
    kind: Kind,
    help: &'static str,
    value: fn(&Process) -> Number,
}

const fn gauge(name: &'static str, help: &'static str, value: fn(&Process) -> Number) -> Metric {
    Metric {
        name,
        kind: Kind::Gauge,
        help,
        value,
    }
}

const fn counter(name: &'static str, help: &'static str, value: fn(&Process) -> Number) -> Metric {
    Metric {
        kind: Kind::Counter,
        ..gauge(name, help, value)
    }
}

const fn zero(_: &Process) -> Number {
    Number::Whole(0)
}

const fn unknown(_: &Process) -> Number {
    Number::None
}

fn whole(number: impl Into<u64>) -> Number {
    Number::Whole(number.into())
}

const TLS: &str = "TLS is passed through, not ended here: always 0.";
const COMPRESSION: &str = "Nothing is compressed here: always 0.";
const PEERS: &str = "There are no peers to exchange tables with: always 0.";

/// Names and types are HAProxy's; the words are ours.
#[rustfmt::skip]
const METRICS: &[Metric] = &[
    gauge("nbthread", "Data threads.", |p| whole(p.threads as u64)),
    gauge("nbproc", "Worker processes: always 1.", |_| whole(1_u32)),
    gauge("relative_process_id", "Number of the worker process: always 1.", |_| whole(1_u32)),
    gauge("uptime_seconds", "Seconds since the process started.", |p| whole(p.uptime.as_secs())),
    counter("pool_failures_total", "Allocations that failed: always 0, for a process without memory ends.", zero),
    gauge("max_fds", "Open files allowed.", |p| whole(p.open_files)),
    gauge("max_sockets", "Sockets allowed.", |p| whole(p.open_files)),
    gauge("max_connections", "Sessions allowed at once.", |p| whole(p.max_connections)),
    gauge("hard_max_connections", "Sessions allowed at once, whatever is set while running.", |p| whole(p.hard_max_connections)),
    gauge("current_connections", "Sessions now.", |p| whole(p.sessions)),
    counter("connections_total", "Connections accepted.", |p| whole(p.connections_total)),
    counter("requests_total", "Sessions and requests so far.", |p| whole(p.requests)),
    gauge("max_ssl_connections", TLS, zero),
    gauge("current_ssl_connections", TLS, zero),
    counter("ssl_connections_total", TLS, zero),
    gauge("max_pipes", "Pipes allowed for splicing; 0: as many as there are sessions.", |p| whole(p.max_pipes)),
    // Counters by HAProxy's word, although they come and go.
    counter("pipes_used_total", "Pipes of sessions; each thread keeps its own account, which is not told: no value.", unknown),
    counter("pipes_free_total", "Pipes that wait for use; each thread keeps its own account, which is not told: no value.", unknown),
    gauge("current_connection_rate", "New connections in the last second.", |p| whole(p.connection_rate)),
    gauge("limit_connection_rate", "New connections allowed a second (maxconnrate).", |p| whole(p.connection_rate_limit)),
    gauge("max_connection_rate", "Most new connections in a second.", |p| whole(p.connection_rate_max)),
    gauge("current_session_rate", "New sessions in the last second.", |p| whole(p.session_rate)),
    gauge("limit_session_rate", "New sessions allowed a second (maxsessrate).", |p| whole(p.session_rate_limit)),
    gauge("max_session_rate", "Most new sessions in a second.", |p| whole(p.session_rate_max)),
    gauge("current_ssl_rate", TLS, zero),
    gauge("limit_ssl_rate", TLS, zero),
    gauge("max_ssl_rate", TLS, zero),
    gauge("current_frontend_ssl_key_rate", TLS, zero),
    gauge("max_frontend_ssl_key_rate", TLS, zero),
    gauge("frontend_ssl_reuse", TLS, zero),
    gauge("current_backend_ssl_key_rate", TLS, zero),
    gauge("max_backend_ssl_key_rate", TLS, zero),
    counter("ssl_cache_lookups_total", TLS, zero),
    counter("ssl_cache_misses_total", TLS, zero),
    counter("http_comp_bytes_in_total", COMPRESSION, zero),
    counter("http_comp_bytes_out_total", COMPRESSION, zero),
    gauge("limit_http_comp", COMPRESSION, zero),
    gauge("current_zlib_memory", "Nothing is compressed here: no value.", unknown),
    gauge("max_zlib_memory", "Nothing is compressed here: no value.", unknown),
    gauge("current_tasks", "Sessions now: what HAProxy calls tasks are others.", |p| whole(p.sessions)),
    gauge("current_run_queue", "Tasks ready to run: not counted here, no value.", unknown),
    gauge("idle_time_percent", "Processor time of its threads that it did not use since the last look.", |p| whole(p.idle_percent)),
    gauge("stopping", "1 if it takes nothing new any more.", |p| Number::from(p.stopping)),
    gauge("jobs", "Sessions and listeners.", |p| whole(u64::from(p.sessions) + p.listeners)),
    gauge("unstoppable_jobs", "Jobs that do not keep it from stopping: always 0.", zero),
    gauge("listeners", "Listening sockets of proxies.", |p| whole(p.listeners)),
    gauge("active_peers", PEERS, zero),
    gauge("connected_peers", PEERS, zero),
    counter("dropped_logs_total", "Log lines that could not be sent.", |p| whole(p.dropped_lines)),
    gauge("busy_polling_enabled", "1 if its threads look for events without sleeping.", |p| Number::from(p.spins)),
    counter("failed_resolutions", "Names are resolved at the start only: always 0.", zero),
    counter("bytes_out_total", "Bytes to clients.", |p| whole(p.bytes_out)),
    counter("spliced_bytes_out_total", "Bytes that went through pipes: not counted apart, no value.", unknown),
    gauge("bytes_out_rate", "Bytes to clients a second since the last look.", |p| whole(p.bytes_out_rate)),
    counter("recv_logs_total", "Log lines received: always 0.", zero),
];

/// Those that come after the one with a label.
#[rustfmt::skip]
const MORE: &[Metric] = &[
    gauge("max_memory_bytes", "Memory allowed (-m); the limit is not kept: no value.", unknown),
    gauge("pool_allocated_bytes", "There are no pools of memory: no value.", unknown),
    gauge("pool_used_bytes", "There are no pools of memory: no value.", unknown),
    gauge("start_time_seconds", "When it started, in seconds since 1970.", |p| whole(p.started_on)),
];

/// Writes them.
pub(super) fn write(process: &Process, text: &mut Text) {
    each(METRICS, process, text);
    let help = "The version, as a label.";
    text.family("haproxy_process_build_info", Kind::Gauge, help)
        .sample(&[("version", crate::VERSION)], Number::Whole(1));
    each(MORE, process, text);
}

fn each(metrics: &[Metric], process: &Process, text: &mut Text) {
    for metric in metrics {
        let name = format!("haproxy_process_{}", metric.name);
        text.family(&name, metric.kind, metric.help)
            .sample(&[], (metric.value)(process));
    }
}
