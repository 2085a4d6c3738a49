//! Drafts to model: what sections say of each other is looked up, defaults become values, and
//! what cannot work is refused.

mod backends;
mod frontends;
mod modes;
mod numbers;
mod stats;

use std::sync::Arc;

use pontoon_engine::{address::Endpoint, rules::Rule, units::ProxyId};

pub(super) use self::numbers::duplicate_names;
use super::{
    check::CheckMethod,
    context::ProxyNames,
    global::UnixDefaults,
    log_format::{self, LogFormat},
    model::{
        BindAddress, Global, LogTarget, Logging, Mode, Model, Progress, Proxy, ServerSide, Service,
        Splice, StateSource, StatsSocket, UnixPermissions,
    },
    proxy::{Flag, Flags, Format, Line, ProxyDraft, ProxyLog},
    sections::Section,
    server,
};
use crate::{diagnostic::Diagnostics, haproxy::keyword::Sections, source::Span};

/// A proxy as written.
pub(super) struct Written<'s> {
    /// Its section.
    pub(super) section: &'s Section,
    /// What it says, with what it inherits.
    pub(super) draft: ProxyDraft,
    /// What its checks do.
    pub(super) method: CheckMethod,
}

impl Written<'_> {
    /// `mode`.
    pub(super) fn mode(&self) -> Mode {
        self.draft.mode.map_or(Mode::Tcp, |mode| mode.value)
    }

    /// Whether it has a client side.
    pub(super) fn has_frontend(&self) -> bool {
        Sections::FRONTEND
            .or(Sections::LISTEN)
            .has(self.section.kind)
    }

    /// Whether it has a server side.
    pub(super) fn has_backend(&self) -> bool {
        Sections::BACKEND
            .or(Sections::LISTEN)
            .has(self.section.kind)
    }

    /// Whether a line is its own, not inherited.
    pub(super) fn owns(&self, span: Span) -> bool {
        let inside = |word: &crate::source::Word| {
            word.span.file == span.file
                && word.span.start <= span.start
                && span.start < word.span.end
        };
        self.section
            .lines
            .iter()
            .any(|line| line.iter().any(inside))
    }

    /// Where its mode was chosen: its own line, or its name.
    pub(super) fn mode_span(&self) -> Span {
        let own = self.draft.mode.map(|mode| mode.span);
        own.filter(|span| self.owns(*span))
            .unwrap_or(self.section.span())
    }
}

/// What all parts of the resolution need.
struct Resolver<'r> {
    written: &'r [Written<'r>],
    names: &'r ProxyNames,
    d: &'r mut Diagnostics,
}

/// Fills in `model.proxies`.
pub(super) fn proxies(
    model: &mut Model,
    written: &[Written<'_>],
    names: &ProxyNames,
    d: &mut Diagnostics,
) {
    // HAProxy's runtime sockets are a proxy of their own, before all others.
    let first = 1 + u32::from(!model.global.stats_sockets.is_empty());
    let numbers = numbers::assign(written, first, d);
    let mut resolver = Resolver { written, names, d };
    let mut tracks = Vec::new();
    for (index, proxy) in written.iter().enumerate() {
        let id = ProxyId(u32::try_from(index).unwrap_or(u32::MAX));
        modes::check(proxy, resolver.d);
        allowed_programs(proxy, &model.global, resolver.d);
        let (backend, own_tracks) = resolver.backend(proxy);
        states_from_nowhere(proxy, &model.global, backend.as_ref(), resolver.d);
        tracks.extend(own_tracks.into_iter().map(|track| (id, track)));
        let frontend = resolver.frontend(proxy, id);
        let stats = stats::resolve(proxy, model, resolver.d);
        let logging = logging(proxy, &model.global.logs, resolver.d);
        model.proxies.push(Proxy {
            name: Arc::from(proxy.section.name()),
            id,
            number: numbers[index],
            number_written: proxy.draft.number.is_some(),
            description: proxy.draft.description.clone(),
            mode: proxy.mode(),
            disabled: proxy.draft.disabled,
            frontend,
            backend,
            log: logging,
            stats,
            services: services(proxy),
            splice: splice(proxy.draft.flags),
        });
    }
    modes::idle_timeouts(written, d);
    server::link_tracks(&mut model.proxies, &tracks, d);
}

/// `load-server-state-from-file global`, and there is no such file.
fn states_from_nowhere(
    proxy: &Written<'_>,
    global: &Global,
    side: Option<&ServerSide>,
    d: &mut Diagnostics,
) {
    let wanted = side.is_some_and(|side| side.states == StateSource::Global);
    if let (Some(span), None, true) = (proxy.draft.states.span(), &global.server_state_file, wanted)
    {
        let message = "servers' states should come from `server-state-file`, which is not set";
        d.warning("without-effect", span, message)
            .suggest("set `server-state-file` in `global`");
    }
}

/// What answers requests by itself, on a proxy that receives any.
fn services(proxy: &Written<'_>) -> Vec<Rule<Service>> {
    if proxy.mode() != Mode::Http || !proxy.has_frontend() {
        return Vec::new();
    }
    let rules = proxy.draft.services.iter();
    rules.map(|rule| rule.value.clone()).collect()
}

/// Programs are started only if `global` says so.
fn allowed_programs(proxy: &Written<'_>, global: &Global, d: &mut Diagnostics) {
    let wanted = matches!(proxy.method, CheckMethod::External { .. });
    if wanted && !global.external_check && !proxy.draft.disabled {
        let message = format!(
            "`{}` checks by a program, which `global` does not allow",
            proxy.section.name()
        );
        d.error("external-check-not-allowed", proxy.section.span(), message)
            .suggest("add `external-check` to the `global` section");
    }
}

/// Where and how a proxy logs.
fn logging(proxy: &Written<'_>, global: &[LogTarget], d: &mut Diagnostics) -> Logging {
    let draft = &proxy.draft;
    let flags = draft.flags;
    let targets = targets(&draft.logs, global);
    if targets.is_empty() {
        warn_without_target(proxy, d);
    }
    let progress = progress(proxy, d);
    Logging {
        targets,
        tag: draft.log_tag.clone(),
        line: line(proxy, d),
        error_line: format(proxy, draft.error_line.as_ref(), d),
        as_soon_as_possible: flags.has(Flag::LogAsap) && progress.is_none(),
        progress,
        dont_log_normal: flags.has(Flag::DontLogNormal),
        separate_errors: flags.has(Flag::LogSeparateErrors),
        structured_data: format(proxy, draft.structured_data.as_ref(), d),
    }
}

/// Lines of sessions that go on, where they have a form of their own.
fn progress(proxy: &Written<'_>, d: &mut Diagnostics) -> Option<Progress> {
    let written = proxy.draft.progress.filter(|_| proxy.has_frontend())?;
    if proxy.draft.line.is_none() && !proxy.draft.disabled {
        d.warning(
            "progress-without-line",
            written.span,
            "`option pontoon-log-sessions` has no effect: nothing says how the lines look",
        )
        .suggest("add `option tcplog` or `log-format`");
        return None;
    }
    if proxy.draft.flags.has(Flag::LogAsap) {
        d.warning(
            "logasap-beside-progress",
            written.span,
            "`option logasap` has no effect beside `option pontoon-log-sessions`: the line at the end stays",
        )
        .suggest("remove `option logasap`");
    }
    Some(written.value)
}

/// HAProxy warns as well.
fn warn_without_target(proxy: &Written<'_>, d: &mut Diagnostics) {
    let Some(line) = proxy.draft.line.as_ref().filter(|_| proxy.has_frontend()) else {
        return;
    };
    if proxy.draft.disabled {
        return;
    }
    let span = if proxy.owns(line.span) {
        line.span
    } else {
        proxy.section.span()
    };
    let message = format!(
        "`{}` says how its lines look, but not where they go: nothing is logged",
        proxy.section.name()
    );
    d.warning("no-log-address", span, message)
        .suggest("add `log global` here and `log <address> <facility>` in `global`");
}

fn targets(logs: &[ProxyLog], global: &[LogTarget]) -> Vec<LogTarget> {
    let mut targets: Vec<LogTarget> = Vec::new();
    let mut add = |target: &LogTarget| {
        if !targets.contains(target) {
            targets.push(target.clone());
        }
    };
    for log in logs {
        match log {
            ProxyLog::Global => global.iter().for_each(&mut add),
            ProxyLog::Target(target) => add(target),
        }
    }
    targets
}

const fn splice(flags: Flags) -> Splice {
    Splice {
        request: flags.splice([Flag::SpliceRequest, Flag::NoSpliceRequest]),
        response: flags.splice([Flag::SpliceResponse, Flag::NoSpliceResponse]),
    }
}

fn line(proxy: &Written<'_>, d: &mut Diagnostics) -> Option<Arc<LogFormat>> {
    let written = proxy.draft.line.as_ref()?;
    if !proxy.has_frontend() {
        return None;
    }
    let http = proxy.mode() == Mode::Http;
    let builtin = match &written.value {
        Line::Custom(format) => {
            has_values(proxy, format, written.span, d);
            return Some(Arc::clone(format));
        }
        Line::Http if http => log_format::http_log(),
        Line::Clf if http => log_format::clf_log(),
        Line::Tcp => log_format::tcp_log(),
        Line::Http | Line::Clf => {
            d.warning(
                "httplog-on-tcp",
                written.span,
                "`option httplog` means `option tcplog` on a TCP proxy",
            )
            .suggest("write `option tcplog`");
            log_format::tcp_log()
        }
    };
    Some(Arc::new(builtin))
}

fn format(
    proxy: &Written<'_>,
    written: Option<&Format>,
    d: &mut Diagnostics,
) -> Option<Arc<LogFormat>> {
    let written = written.filter(|_| proxy.has_frontend())?;
    has_values(proxy, &written.format, written.span, d);
    Some(Arc::clone(&written.format))
}

/// HAProxy refuses as well what a TCP proxy knows nothing of.
fn has_values(proxy: &Written<'_>, format: &LogFormat, span: Span, d: &mut Diagnostics) {
    let Some(name) = format.http_variable() else {
        return;
    };
    if proxy.mode() == Mode::Tcp && !proxy.draft.disabled {
        let message = format!(
            "`%{name}` is of HTTP messages, and `{}` is a TCP proxy",
            proxy.section.name()
        );
        d.error("http-variable", span, message)
            .suggest("remove the variable, or write `option tcplog` in this section");
    }
}

/// Gives UNIX sockets what `unix-bind` says and they do not.
pub(super) fn unix_defaults(draft: &mut ProxyDraft, unix: &UnixDefaults) {
    for bind in &mut draft.binds {
        if let BindAddress::Endpoint(endpoint) = &mut bind.address {
            unix_default(endpoint, &mut bind.unix, unix);
        }
    }
}

/// As [`unix_defaults`], for the runtime sockets.
pub(super) fn unix_defaults_of_runtime(sockets: &mut [StatsSocket], unix: &UnixDefaults) {
    for socket in sockets {
        unix_default(&mut socket.endpoint, &mut socket.unix, unix);
    }
}

fn unix_default(endpoint: &mut Endpoint, own: &mut UnixPermissions, unix: &UnixDefaults) {
    let Endpoint::Unix(path) = endpoint else {
        return;
    };
    if let Some(prefix) = &unix.prefix {
        let mut whole = std::ffi::OsString::from(prefix);
        whole.push(path.as_os_str());
        *path = Arc::new(whole.into());
    }
    own.mode = own.mode.or(unix.permissions.mode);
    own.uid = own.uid.or(unix.permissions.uid);
    own.gid = own.gid.or(unix.permissions.gid);
}
