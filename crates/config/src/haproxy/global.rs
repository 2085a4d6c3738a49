//! The `global` section (HAProxy configuration manual, chapter 3).

mod cpu_map;
mod logging;
mod own;
mod process;
mod tls;
mod tuning;
mod unsupported;

use std::collections::HashSet;

use super::{
    Context,
    model::{Global, UnixPermissions},
};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::keyword::{Draft, Keyword},
    source::Span,
};

/// The section as written.
#[derive(Debug, Default)]
pub(super) struct GlobalDraft {
    /// What has its final form already.
    pub(super) global: Global,
    /// `unix-bind`.
    pub(super) unix: UnixDefaults,
    /// The keywords of [`ONCE`] so far.
    seen: HashSet<&'static str>,
    /// Whether the line at hand began with `no`.
    pub(super) negated: bool,
    /// `cpu-map` lines, applied once the number of threads is known.
    pub(super) cpu_maps: Vec<cpu_map::CpuMap>,
    /// Where `chroot` stands.
    pub(super) chroot_span: Option<Span>,
    /// Where `user` or `uid` stands.
    pub(super) user_span: Option<Span>,
    /// Where `external-check` stands.
    pub(super) external_check_span: Option<Span>,
    /// `stats socket` lines open to administrators over TCP.
    pub(super) open_sockets: Vec<Span>,
}

/// `unix-bind`: what `bind` lines with UNIX sockets do not say themselves.
#[derive(Debug, Clone, Default)]
pub(super) struct UnixDefaults {
    /// `prefix`.
    pub(super) prefix: Option<String>,
    /// The rest.
    pub(super) permissions: UnixPermissions,
}

impl Draft for GlobalDraft {
    type Context<'a> = Context<'a>;
}

/// All keywords of the section.
pub(crate) const TABLES: &[&[Keyword<GlobalDraft>]] = &[
    process::KEYWORDS,
    logging::KEYWORDS,
    tuning::KEYWORDS,
    own::KEYWORDS,
    tls::KEYWORDS,
    unsupported::KEYWORDS,
];

/// Keywords that may have `no` before them.
pub(crate) const NEGATABLE: &[&str] = &[
    "busy-polling",
    "insecure-fork-wanted",
    "insecure-setuid-wanted",
    "numa-cpu-mapping",
    "pp2-never-send-local",
    "set-dumpable",
    "strict-limits",
    "tune.fd.edge-triggered",
    "tune.idle-pool.shared",
    "tune.sched.low-latency",
];

/// Keywords of which the last one counts; a second one is surely not meant.
const ONCE: &[&str] = &[
    "chroot",
    "gid",
    "group",
    "hard-stop-after",
    "log-tag",
    "maxconn",
    "nbthread",
    "node",
    "pidfile",
    "tune.bufsize",
    "tune.pontoon.agent",
    "tune.pontoon.engine",
    "tune.pontoon.metrics",
    "tune.pontoon.spin-us",
    "uid",
    "ulimit-n",
    "user",
];

impl GlobalDraft {
    /// Warns when a keyword replaces what was said before.
    pub(super) fn note_repetition(&mut self, name: &'static str, span: Span, d: &mut Diagnostics) {
        if ONCE.contains(&name) && !self.seen.insert(name) {
            let message = format!("`{name}` is set twice; this one counts");
            d.warning("repeated", span, message);
        }
    }

    /// The section as meant.
    pub(super) fn finish(mut self) -> Global {
        self.global.cpu_map = cpu_map::apply(&self.cpu_maps, self.global.threads);
        self.global
    }
}

/// A switch: nothing follows it.
fn switch(args: &mut Args<'_>, d: &mut Diagnostics, set: impl FnOnce()) {
    super::value::end(args, d);
    set();
}
