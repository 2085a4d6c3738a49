//! Log lines: HAProxy's formats and words, to syslog daemons and descriptors, never blocking.
//!
//! A session's line is rendered once, into a buffer of the thread, and framed for each target.

pub(crate) mod date;
mod digits;
mod event;
mod frame;
mod line;
mod outlet;
pub(crate) mod sink;
mod text;
mod writer;

use std::{
    cell::RefCell,
    collections::HashMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Instant, SystemTime},
};

use pontoon_config::haproxy::model::{
    Frontend, LogAddress, LogLevel, LogTarget, Logging, Mode, Model, Proxy,
};
use pontoon_engine::{
    backend::{HealthReport, StateChange},
    termination::{Cause, Phase, Termination},
};

use self::{
    date::Calendar,
    frame::Speaker,
    line::Line,
    outlet::{Message, Outlet},
    sink::Sink,
    writer::PATIENCE,
};
use crate::{
    facts::SessionFacts,
    record::{Concurrency, SessionRecord},
    state::Running,
};

/// Where lines go. Cheap to use from any thread; never blocks.
#[derive(Debug)]
pub struct Logger {
    sinks: Vec<(LogAddress, Arc<Sink>)>,
    /// The targets of each proxy, by its index.
    proxies: Vec<Voice>,
    /// The targets of the process itself.
    process: Voice,
    settings: Settings,
    calendar: Calendar,
    dropped: AtomicU64,
    /// Events go here too.
    mirror: Option<Sink>,
}

/// What the files do not say about logging.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The name the program was started under: the tag unless `log-tag` says otherwise.
    pub program: String,
    /// The machine's name (`%H`, `log-send-hostname`).
    pub host: String,
    /// Events also go to standard error, as HAProxy shows them in the foreground.
    pub mirror: bool,
}

/// A destination cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot log to {}: {problem}; is the descriptor open?",
    describe(address)
)]
pub struct OpenError {
    /// Which.
    pub address: LogAddress,
    /// Why.
    pub problem: io::Error,
}

fn describe(address: &LogAddress) -> String {
    match address {
        LogAddress::Udp(address) => address.to_string(),
        LogAddress::Unix(path) => path.display().to_string(),
        LogAddress::Descriptor(number) => format!("fd@{number}"),
    }
}

/// The targets of a proxy or of the process, and the name it speaks under.
#[derive(Debug)]
struct Voice {
    outlets: Vec<Outlet>,
    speaker: Speaker,
}

/// Room to work in, kept by each thread.
#[derive(Default)]
struct Buffers {
    text: Vec<u8>,
    structured: Vec<u8>,
    frame: Vec<u8>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// What is logged of a state change, without dates and levels.
pub fn words_of(proxy: &Proxy, change: &StateChange) -> Vec<String> {
    let events = event::state_changed(proxy, change).into_iter();
    events.map(|(_, text)| text).collect()
}

impl Logger {
    /// Opens what the configuration names. To be called before `chroot`, and after the last
    /// fork or before it: threads are only started by the first line that needs one.
    ///
    /// # Errors
    /// A destination cannot be used. A daemon that does not listen yet is no error.
    pub fn open(model: &Model, settings: Settings) -> Result<Self, OpenError> {
        let mut opening = Opening::default();
        let global = &model.global;
        let host = global
            .log_hostname
            .as_ref()
            .map(|name| match name.as_str() {
                "" => settings.host.clone(),
                name => name.to_owned(),
            });
        let tag = global.log_tag.as_ref().unwrap_or(&settings.program);
        let speaker = |own: Option<&String>| Speaker {
            tag: own.unwrap_or(tag).clone(),
            host: host.clone(),
        };
        let process = opening.voice(&global.logs, speaker(None))?;
        let proxies = model.proxies.iter().map(|proxy| {
            let Logging { targets, tag, .. } = &proxy.log;
            opening.voice(targets, speaker(tag.as_ref()))
        });
        let proxies = proxies.collect::<Result<_, _>>()?;
        let stderr = LogAddress::Descriptor(2);
        let mirror = settings.mirror.then(|| open_sink(&stderr)).transpose()?;
        Ok(Self {
            sinks: opening.sinks,
            proxies,
            process,
            settings,
            calendar: Calendar::local(),
            dropped: AtomicU64::new(0),
            mirror,
        })
    }

    /// The line of a finished session (or, with `option logasap` or the default format, of one
    /// that goes on), if its proxy's options want one.
    ///
    /// Whether a session without data is worth a line (`option dontlognull`) is decided before.
    pub fn session(&self, running: &Running, record: &SessionRecord, concurrency: Concurrency) {
        let proxy = running.proxy(record.frontend);
        let eventful = is_eventful(record);
        if proxy.log.dont_log_normal && proxy.log.line.is_some() && !eventful {
            return;
        }
        let level = if eventful && proxy.log.separate_errors {
            LogLevel::Error
        } else {
            LogLevel::Info
        };
        let early = proxy.log.as_soon_as_possible;
        self.render(
            running,
            record,
            (concurrency, early),
            level,
            |line, out| match &proxy.log.line {
                Some(format) => line.render(format, out),
                None => line.connect(out),
            },
        );
    }

    /// A line of a session that goes on (`option pontoon-log-sessions`): times and bytes that grow
    /// have a `+`, as with `option logasap`.
    pub fn interim(&self, running: &Running, record: &SessionRecord, concurrency: Concurrency) {
        let logging = &running.proxy(record.frontend).log;
        let Some(format) = logging.line.as_ref().filter(|_| !logging.dont_log_normal) else {
            return;
        };
        let now = (concurrency, true);
        self.render(running, record, now, LogLevel::Info, |line, out| {
            line.render(format, out);
        });
    }

    /// The line of a connection that never became a session: its PROXY header was wrong or did
    /// not come. A proxy without a log format writes none, nor one that does not log what
    /// brought no byte (`option dontlognull`, `silent`).
    pub fn refused(&self, running: &Running, record: &SessionRecord, silent: bool, why: &str) {
        let proxy = running.proxy(record.frontend);
        let Logging {
            line,
            error_line,
            separate_errors,
            ..
        } = &proxy.log;
        let null = silent
            && proxy
                .frontend
                .as_ref()
                .is_some_and(|side| side.dont_log_null);
        if null || (line.is_none() && error_line.is_none()) {
            return;
        }
        let level = if *separate_errors {
            LogLevel::Error
        } else {
            LogLevel::Info
        };
        let record = SessionRecord {
            termination: Termination::new(Cause::ProxyRefused, Phase::Request),
            ..record.clone()
        };
        let concurrency = running.concurrency(&record);
        self.render(
            running,
            &record,
            (concurrency, proxy.log.as_soon_as_possible),
            level,
            |line, out| match error_line {
                Some(format) => line.render(format, out),
                None => line.refused(&listener_name(proxy, &record), why, out),
            },
        );
    }

    /// `Server be/s is DOWN, …`.
    pub fn state_changed(&self, proxy: &Proxy, change: &StateChange) {
        for (level, text) in event::state_changed(proxy, change) {
            self.event(Some(proxy), level, &text);
        }
    }

    /// `Health check for server be/s …`, if the proxy has `option log-health-checks`.
    pub fn health_report(&self, proxy: &Proxy, report: &HealthReport) {
        let wanted = proxy
            .backend
            .as_ref()
            .is_some_and(|side| side.log_health_checks);
        if !wanted || !report.changed {
            return;
        }
        if let Some((level, text)) = event::health_report(proxy, report) {
            self.event(Some(proxy), level, &text);
        }
    }

    /// `backend be has no server available!`
    pub fn no_server_left(&self, proxy: &Proxy) {
        let (level, text) = event::no_server_left(proxy);
        self.event(Some(proxy), level, &text);
    }

    /// `Proxy fe stopped (cumulated conns: FE: 3, BE: 2).`
    pub fn stopped(&self, proxy: &Proxy, frontend_total: u64, backend_total: u64) {
        let name = &proxy.name;
        let text = format!(
            "Proxy {name} stopped (cumulated conns: FE: {frontend_total}, BE: {backend_total})."
        );
        self.event(Some(proxy), LogLevel::Warning, &text);
    }

    /// `Paused frontend fe.`
    pub fn paused(&self, proxy: &Proxy) {
        let text = format!("Paused {} {}.", event::kind(proxy), proxy.name);
        self.event(Some(proxy), LogLevel::Warning, &text);
    }

    /// `Resumed frontend fe.`
    pub fn resumed(&self, proxy: &Proxy) {
        let text = format!("Resumed {} {}.", event::kind(proxy), proxy.name);
        self.event(Some(proxy), LogLevel::Warning, &text);
    }

    /// Any other line: to the proxy's targets, or to the global ones.
    pub fn event(&self, proxy: Option<&Proxy>, level: LogLevel, message: &str) {
        self.mirror(level, message);
        self.write_event(proxy, level, message);
    }

    fn write_event(&self, proxy: Option<&Proxy>, level: LogLevel, message: &str) {
        BUFFERS.with_borrow_mut(|buffers| {
            buffers.text.clear();
            buffers.structured.clear();
            text::plain(&mut buffers.text, message);
            self.send(self.voice(proxy), level, buffers);
        });
    }

    /// Lines dropped since the start because they could not be sent at once, once for each target.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Before the process exits: gives the last lines a moment to get out.
    pub fn flush(&self) {
        let deadline = Instant::now() + PATIENCE;
        let sinks = self.sinks.iter().map(|(_, sink)| sink.as_ref());
        for sink in sinks.chain(&self.mirror) {
            // Whoever does not read for this long has had their chance.
            let _late = sink.flush(deadline);
        }
    }

    fn render(
        &self,
        running: &Running,
        record: &SessionRecord,
        (concurrency, early): (Concurrency, bool),
        level: LogLevel,
        write: impl FnOnce(&Line<'_>, &mut Vec<u8>),
    ) {
        let proxy = running.proxy(record.frontend);
        let voice = self.voice(Some(proxy));
        if voice.outlets.is_empty() {
            return;
        }
        let state = running.frontend(record.frontend);
        let facts = SessionFacts::new(running, record);
        let line = Line {
            record,
            concurrency,
            frontend: &proxy.name,
            backend: record
                .backend
                .map_or(&proxy.name, |id| &running.proxy(id).name),
            server: server_name(running, record),
            listener: pontoon_engine::sample::Facts::listener_number(&facts),
            http: proxy.mode == Mode::Http,
            early,
            counter: state.map_or(0, |state| state.log_lines.fetch_add(1, Ordering::Relaxed)),
            host: &self.settings.host,
            calendar: &self.calendar,
            facts: &facts,
        };
        BUFFERS.with_borrow_mut(|buffers| {
            buffers.text.clear();
            buffers.structured.clear();
            write(&line, &mut buffers.text);
            if let Some(format) = &proxy.log.structured_data {
                line.render(format, &mut buffers.structured);
            }
            self.send(voice, level, buffers);
        });
    }

    /// Sends what is in the buffers, and counts the targets that lost it.
    fn send(&self, voice: &Voice, level: LogLevel, buffers: &mut Buffers) {
        let message = Message {
            level,
            text: &buffers.text,
            structured: &buffers.structured,
            speaker: &voice.speaker,
            at: SystemTime::now(),
            calendar: &self.calendar,
        };
        let sent = voice
            .outlets
            .iter()
            .map(|outlet| outlet.send(&message, &mut buffers.frame));
        let lost = sent.map(|sent| u64::from(sent.is_err())).sum();
        if lost > 0 {
            self.dropped.fetch_add(lost, Ordering::Relaxed);
        }
    }

    /// `[WARNING]  (4711) : Server be/s is DOWN…` on standard error.
    fn mirror(&self, level: LogLevel, message: &str) {
        let Some(stderr) = &self.mirror else { return };
        let word = match level {
            LogLevel::Emergency => "[ALERT]    ",
            LogLevel::Info | LogLevel::Debug => "[NOTICE]   ",
            _ => "[WARNING]  ",
        };
        let line = format!("{word}({}) : {message}\n", std::process::id());
        // A terminal that does not keep up loses lines; the log has them.
        let _full = stderr.send(line.as_bytes());
    }

    fn voice(&self, proxy: Option<&Proxy>) -> &Voice {
        let own = proxy.and_then(|proxy| self.proxies.get(proxy.id.index()));
        own.unwrap_or(&self.process)
    }
}

/// What is worth a line even with `option dontlog-normal`, and is an error with `option
/// log-separate-errors` (manual, 8.3.3 and 8.3.4).
fn is_eventful(record: &SessionRecord) -> bool {
    let ended_well = matches!(record.termination.cause, Cause::Normal | Cause::Local);
    let status = record.http.as_ref().and_then(|http| http.status);
    !ended_well
        || record.retries > 0
        || record.redispatched
        || status.is_some_and(|status| status >= 500)
}

fn server_name<'a>(running: &'a Running, record: &'a SessionRecord) -> &'a str {
    if let Some(service) = record.http.as_ref().and_then(|http| http.service) {
        return service;
    }
    let side = record
        .backend
        .and_then(|id| running.proxy(id).backend.as_ref());
    let server = side
        .zip(record.server)
        .and_then(|(side, id)| side.servers.get(id.index()));
    server.map_or("<NOSRV>", |server| &server.settings.name)
}

/// The listener's name, or its number.
fn listener_name(proxy: &Proxy, record: &SessionRecord) -> String {
    let bind = proxy
        .frontend
        .as_ref()
        .and_then(|Frontend { binds, .. }| binds.get(record.listener));
    bind.map_or_else(String::new, |bind| {
        bind.name.clone().unwrap_or_else(|| bind.number.to_string())
    })
}

/// Opens each destination once, however many proxies name it.
#[derive(Default)]
struct Opening {
    sinks: Vec<(LogAddress, Arc<Sink>)>,
    turns: HashMap<String, Arc<AtomicU32>>,
}

impl Opening {
    fn voice(&mut self, targets: &[LogTarget], speaker: Speaker) -> Result<Voice, OpenError> {
        let outlets = targets.iter().map(|target| {
            // `log global` copies a target into every proxy: they take turns together.
            let turn = self.turns.entry(format!("{target:?}")).or_default();
            Ok(Outlet {
                turn: Arc::clone(turn),
                sink: self.sink(&target.address)?,
                target: target.clone(),
            })
        });
        Ok(Voice {
            outlets: outlets.collect::<Result<_, _>>()?,
            speaker,
        })
    }

    fn sink(&mut self, address: &LogAddress) -> Result<Arc<Sink>, OpenError> {
        if let Some((_, sink)) = self.sinks.iter().find(|(open, _)| open == address) {
            return Ok(Arc::clone(sink));
        }
        let sink = Arc::new(open_sink(address)?);
        self.sinks.push((address.clone(), Arc::clone(&sink)));
        Ok(sink)
    }
}

fn open_sink(address: &LogAddress) -> Result<Sink, OpenError> {
    Sink::open(address).map_err(|problem| OpenError {
        address: address.clone(),
        problem,
    })
}
