//! `show info`: the process as a whole, in the order that tools rely on
//! (HAProxy management manual, 9.3 `show info`).

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    admin::{
        column::{
            Extent::{self, Process as Here, Service},
            Nature::{self, Avg, Counter, Duration as Lasting, Gauge, Limit, Max, Output, Rate},
            Origin::{self, Config, Key, Metric, Product, Status},
            Tags,
        },
        json::Typed,
        runtime::{answer::Answer, command::Arguments},
        snapshot::{Process, Value},
    },
    state::Running,
};

/// How it is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Form {
    style: Style,
    /// `desc`: with what each value means.
    described: bool,
    /// `float`: times with fractions of a second.
    fractions: bool,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Style {
    /// `Name: value`, or CSV.
    #[default]
    Plain,
    /// `typed`.
    Typed,
    /// `json`.
    Json,
}

/// Reads the words behind `show info`; unknown ones are left aside, as in HAProxy.
pub(super) fn parse(arguments: &Arguments<'_>) -> Form {
    let mut form = Form::default();
    for word in arguments.words {
        match word.as_str() {
            "typed" => form.style = Style::Typed,
            "json" => form.style = Style::Json,
            "desc" => form.described = true,
            "float" => form.fractions = true,
            _ => {}
        }
    }
    form
}

/// One value of the process, as it is told.
struct Item {
    entry: &'static Entry,
    value: Value,
}

/// Where a value stands, and where it comes from.
struct Entry {
    position: usize,
    name: &'static str,
    tags: Tags,
    value: fn(&View<'_>) -> Value,
    what: &'static str,
}

/// What values are taken from.
struct View<'a> {
    process: &'a Process,
    running: &'a Running,
    fractions: bool,
}

pub(super) fn answer(running: &Arc<Running>, form: Form) -> Answer {
    let process = Process::take(running, Instant::now());
    let view = View {
        process: &process,
        running,
        fractions: form.fractions,
    };
    let items = ITEMS.iter().map(|entry| Item {
        entry,
        value: (entry.value)(&view),
    });
    // What does not apply is left out.
    let items: Vec<_> = items.filter(|item| item.value != Value::Empty).collect();
    if form.style == Style::Json {
        return match json(&items) {
            Ok(text) => Answer::Text(text + "\n"),
            Err(error) => Answer::error(error.to_string()),
        };
    }
    let mut out = String::new();
    for item in &items {
        item.write(form, &mut out);
    }
    Answer::Text(out)
}

impl Item {
    fn write(&self, form: Form, out: &mut String) {
        let Self { entry, value } = self;
        let Entry {
            position,
            name,
            tags,
            what,
            ..
        } = entry;
        // Writing to a string cannot fail.
        let _infallible = if form.style == Style::Typed {
            let tags: String = tags.letters().into_iter().collect();
            let kind = value.type_word().unwrap_or("str");
            write!(out, "{position}.{name}.1:{tags}:{kind}:{value}")
        } else {
            write!(out, "{name}: {value}")
        };
        if form.described {
            let _infallible = write!(out, ":\"{what}\"");
        }
        out.push('\n');
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonItem<'a> {
    field: JsonField,
    process_num: u32,
    tags: Tags,
    value: Typed<'a>,
}

#[derive(Serialize)]
struct JsonField {
    pos: usize,
    name: &'static str,
}

fn json(items: &[Item]) -> serde_json::Result<String> {
    let items: Vec<_> = items
        .iter()
        .filter_map(|item| {
            Some(JsonItem {
                field: JsonField {
                    pos: item.entry.position,
                    name: item.entry.name,
                },
                process_num: 1,
                tags: item.entry.tags,
                value: Typed::of(&item.value)?,
            })
        })
        .collect();
    serde_json::to_string(&items)
}

const TLS: &str = "TLS is passed through, not ended here.";

/// Names, numbers and types are HAProxy's; the words are ours. Numbers that are missing are about a
/// library that we do not use.
#[rustfmt::skip]
const ITEMS: &[Entry] = &[
    entry(0, "Name", Product, Output, Service, |_| text("HAProxy"), "The protocol spoken here."),
    entry(1, "Version", Product, Output, Service, |_| text(crate::VERSION), "Version of this program."),
    entry(2, "Release_date", Product, Output, Service, |_| text(RELEASE_DATE), "Release of the version it is compatible with."),
    entry(3, "Nbthread", Config, Gauge, Service, |v| low(v.process.threads as u64), "Data threads."),
    entry(4, "Nbproc", Config, Gauge, Service, |_| Value::Small(1), "Worker processes: always 1."),
    entry(5, "Process_num", Key, Gauge, Here, |_| Value::Small(1), "Number of the worker process: always 1."),
    entry(6, "Pid", Status, Gauge, Here, |v| v.process.pid.into(), "Number of this process."),
    entry(7, "Uptime", Metric, Lasting, Here, |v| days(v.process.uptime).into(), "Time since it was started."),
    entry(8, "Uptime_sec", Metric, Lasting, Here, uptime, "Time since it was started, in seconds."),
    entry(9, "Memmax_MB", Config, Limit, Here, zero, "Memory is not limited."),
    entry(10, "PoolAlloc_MB", Metric, Gauge, Here, zero, "There are no pools."),
    entry(11, "PoolUsed_MB", Metric, Gauge, Here, zero, "There are no pools."),
    entry(12, "PoolFailed", Metric, Counter, Here, zero, "There are no pools."),
    entry(13, "Ulimit-n", Config, Limit, Here, |v| low(v.process.open_files), "Open files allowed."),
    entry(14, "Maxsock", Config, Limit, Here, |v| low(v.process.open_files), "Sockets allowed."),
    entry(15, "Maxconn", Config, Limit, Here, |v| v.process.max_connections.into(), "Connections allowed at once."),
    entry(16, "Hard_maxconn", Config, Limit, Here, |v| v.process.hard_max_connections.into(), "Connections allowed at once, whatever is set."),
    entry(17, "CurrConns", Metric, Gauge, Here, |v| v.process.sessions.into(), "Connections now."),
    entry(18, "CumConns", Metric, Counter, Here, |v| low(v.process.connections_total), "Connections since the start."),
    entry(19, "CumReq", Metric, Counter, Here, |v| v.process.requests.into(), "Sessions and requests since the start."),
    entry(20, "MaxSslConns", Metric, Max, Here, zero, TLS),
    entry(21, "CurrSslConns", Metric, Gauge, Here, zero, TLS),
    entry(22, "CumSslConns", Metric, Counter, Here, zero, TLS),
    entry(23, "Maxpipes", Config, Limit, Here, |v| v.process.max_pipes.into(), "Pipes allowed; 0: no limit."),
    entry(24, "PipesUsed", Metric, Gauge, Here, zero, "Not counted."),
    entry(25, "PipesFree", Metric, Gauge, Here, zero, "Not counted."),
    entry(26, "ConnRate", Metric, Rate, Here, |v| v.process.connection_rate.into(), "New connections in the last second."),
    entry(27, "ConnRateLimit", Config, Limit, Here, |v| v.process.connection_rate_limit.into(), "New connections allowed a second; 0: no limit."),
    entry(28, "MaxConnRate", Metric, Max, Here, |v| v.process.connection_rate_max.into(), "Most new connections in a second."),
    entry(29, "SessRate", Metric, Rate, Here, |v| v.process.session_rate.into(), "New sessions in the last second."),
    entry(30, "SessRateLimit", Config, Limit, Here, |v| v.process.session_rate_limit.into(), "New sessions allowed a second; 0: no limit."),
    entry(31, "MaxSessRate", Metric, Rate, Here, |v| v.process.session_rate_max.into(), "Most new sessions in a second."),
    entry(32, "SslRate", Metric, Rate, Here, zero, TLS),
    entry(33, "SslRateLimit", Config, Limit, Here, zero, TLS),
    entry(34, "MaxSslRate", Metric, Max, Here, zero, TLS),
    entry(35, "SslFrontendKeyRate", Metric, Gauge, Here, zero, TLS),
    entry(36, "SslFrontendMaxKeyRate", Metric, Max, Here, zero, TLS),
    entry(37, "SslFrontendSessionReuse_pct", Metric, Gauge, Here, zero, TLS),
    entry(38, "SslBackendKeyRate", Metric, Rate, Here, zero, TLS),
    entry(39, "SslBackendMaxKeyRate", Metric, Max, Here, zero, TLS),
    entry(40, "SslCacheLookups", Metric, Counter, Here, zero, TLS),
    entry(41, "SslCacheMisses", Metric, Counter, Here, zero, TLS),
    entry(42, "CompressBpsIn", Metric, Rate, Here, zero, "Nothing is compressed."),
    entry(43, "CompressBpsOut", Metric, Rate, Here, zero, "Nothing is compressed."),
    entry(44, "CompressBpsRateLim", Config, Limit, Here, zero, "Nothing is compressed."),
    entry(47, "Tasks", Metric, Gauge, Here, zero, "Not counted."),
    entry(48, "Run_queue", Metric, Gauge, Here, zero, "Not counted."),
    entry(49, "Idle_pct", Metric, Avg, Here, |v| v.process.idle_percent.into(), "Share of the threads' time that was not used."),
    entry(50, "node", Config, Output, Service, |v| v.running.process.node.clone().into(), "Name of this node."),
    entry(51, "description", Config, Output, Service, description, "What this node is for."),
    entry(52, "Stopping", Metric, Gauge, Here, |v| u32::from(v.process.stopping).into(), "It takes nothing new any more."),
    entry(53, "Jobs", Metric, Gauge, Here, |v| low(v.process.listeners + u64::from(v.process.sessions)), "Listening sockets and connections."),
    entry(54, "Unstoppable Jobs", Metric, Gauge, Here, zero, "Always 0."),
    entry(55, "Listeners", Metric, Gauge, Here, |v| low(v.process.listeners), "Listening sockets."),
    entry(56, "ActivePeers", Metric, Gauge, Here, zero, "There are no peers."),
    entry(57, "ConnectedPeers", Metric, Gauge, Here, zero, "There are no peers."),
    entry(58, "DroppedLogs", Metric, Gauge, Here, |v| low(v.process.dropped_lines), "Log lines that could not be sent."),
    entry(59, "BusyPolling", Metric, Gauge, Here, |v| u32::from(v.process.spins).into(), "Threads look for events before they sleep."),
    entry(60, "FailedResolutions", Metric, Gauge, Here, zero, "Names are resolved at the start only."),
    entry(61, "TotalBytesOut", Metric, Gauge, Here, |v| v.process.bytes_out.into(), "Bytes sent to clients since the start."),
    entry(62, "TotalSplicdedBytesOut", Metric, Gauge, Here, |_| Value::Large(0), "Not counted apart."),
    entry(63, "BytesOutRate", Metric, Rate, Here, |v| v.process.bytes_out_rate.into(), "Bytes sent to clients a second."),
    entry(64, "DebugCommandsIssued", Metric, Gauge, Here, zero, "There are no such commands."),
    entry(65, "CumRecvLogs", Metric, Counter, Here, zero, "No logs are received."),
    entry(66, "Build info", Product, Output, Service, |_| text(crate::VERSION), "Version of this program."),
    entry(67, "Memmax_bytes", Config, Limit, Here, zero, "Memory is not limited."),
    entry(68, "PoolAlloc_bytes", Metric, Gauge, Here, |_| Value::Large(0), "There are no pools."),
    entry(69, "PoolUsed_bytes", Metric, Gauge, Here, |_| Value::Large(0), "There are no pools."),
    entry(70, "Start_time_sec", Metric, Lasting, Here, |v| low(v.process.started_on), "When it was started, in seconds since 1970."),
    entry(71, "Tainted", Status, Gauge, Here, |_| text("0"), "Nothing experimental is in use."),
];

const fn entry(
    position: usize,
    name: &'static str,
    origin: Origin,
    nature: Nature,
    extent: Extent,
    value: fn(&View<'_>) -> Value,
    what: &'static str,
) -> Entry {
    Entry {
        position,
        name,
        tags: Tags {
            origin,
            nature,
            extent,
        },
        value,
        what,
    }
}

const fn zero(_: &View<'_>) -> Value {
    Value::Small(0)
}

const fn text(text: &'static str) -> Value {
    Value::Text(std::borrow::Cow::Borrowed(text))
}

fn uptime(view: &View<'_>) -> Value {
    let uptime = view.process.uptime;
    if view.fractions {
        format!("{:.6}", uptime.as_secs_f64()).into()
    } else {
        low(uptime.as_secs())
    }
}

fn description(view: &View<'_>) -> Value {
    let description = view.running.model.global.description.clone();
    description.map_or(Value::Empty, Value::from)
}

/// When HAProxy 2.6.12, which this program is compatible with, was released.
const RELEASE_DATE: &str = "2023/03/28";

/// `0d 0h00m05s`.
fn days(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    format!(
        "{}d {}h{:02}m{:02}s",
        hours / 24,
        hours % 24,
        minutes % 60,
        seconds % 60
    )
}

/// As 32 bits, which is how HAProxy tells it.
fn low(number: u64) -> Value {
    Value::Small(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_days() {
        assert_eq!(days(Duration::from_secs(5)), "0d 0h00m05s");
        assert_eq!(
            days(Duration::from_secs(2 * 86_400 + 3 * 3_600 + 62)),
            "2d 3h01m02s"
        );
    }
}
