//! `option …` switches: on, off with `no`, and back to nothing said with `default`.

use super::{Prefix, ProxyDraft};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::keyword::{Keyword, Sections},
    haproxy::value,
};

/// A switch with an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(in crate::haproxy) enum Flag {
    AbortOnClose,
    AllBackups,
    ClientKeepalive,
    DontLogNormal,
    DontLogNull,
    Keepalive,
    LogAsap,
    LogHealthChecks,
    LogSeparateErrors,
    NoLinger,
    ServerKeepalive,
    SocketStats,
    SpliceAuto,
    SpliceRequest,
    SpliceResponse,
    NoSpliceAuto,
    NoSpliceRequest,
    NoSpliceResponse,
}

/// The switches that are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::haproxy) struct Flags(u32);

impl Flags {
    /// Whether it is on.
    pub(in crate::haproxy) const fn has(self, flag: Flag) -> bool {
        self.0 & (1 << flag as u32) != 0
    }

    /// What is said of splicing by `option splice-auto`, and by the option of one direction: on if
    /// one is, off if one is switched off.
    pub(in crate::haproxy) const fn splice(self, [on, off]: [Flag; 2]) -> Option<bool> {
        if self.has(Flag::SpliceAuto) || self.has(on) {
            Some(true)
        } else if self.has(Flag::NoSpliceAuto) || self.has(off) {
            Some(false)
        } else {
            None
        }
    }

    fn set(&mut self, flag: Flag, on: bool) {
        let bit = 1 << flag as u32;
        self.0 = if on { self.0 | bit } else { self.0 & !bit };
    }
}

fn switch(draft: &mut ProxyDraft, flag: Flag, args: &mut Args<'_>, d: &mut Diagnostics) {
    // All switches are off where nothing is said, so that `no` and `default` are one.
    draft.flags.set(flag, draft.prefix == Prefix::None);
    value::end(args, d);
}

/// Splicing has a default of its own, so that saying no is more than saying nothing.
fn splice(draft: &mut ProxyDraft, [on, off]: [Flag; 2], args: &mut Args<'_>, d: &mut Diagnostics) {
    draft.flags.set(on, draft.prefix == Prefix::None);
    draft.flags.set(off, draft.prefix == Prefix::No);
    value::end(args, d);
}

const PROXY: Sections = Sections::PROXY;
const CLIENT: Sections = Sections::CLIENT;
const SERVER: Sections = Sections::SERVER;

const KERNEL: &str = "when acknowledgements go out is left to the kernel";

pub(super) const KEYWORDS: &[Keyword<ProxyDraft>] = &[
    Keyword::supported(
        "option abortonclose",
        SERVER,
        "",
        "Forget a waiting session when its client closes.",
        |draft, args, _, d| {
            switch(draft, Flag::AbortOnClose, args, d);
        },
    ),
    Keyword::supported(
        "option allbackups",
        SERVER,
        "",
        "Balance over all backup servers, not only the first.",
        |draft, args, _, d| {
            switch(draft, Flag::AllBackups, args, d);
        },
    ),
    Keyword::supported(
        "option clitcpka",
        CLIENT,
        "",
        "Send TCP keepalive probes to clients.",
        |draft, args, _, d| {
            switch(draft, Flag::ClientKeepalive, args, d);
        },
    ),
    Keyword::supported(
        "option srvtcpka",
        SERVER,
        "",
        "Send TCP keepalive probes to servers.",
        |draft, args, _, d| {
            switch(draft, Flag::ServerKeepalive, args, d);
        },
    ),
    Keyword::supported(
        "option tcpka",
        PROXY,
        "",
        "Send TCP keepalive probes to both sides.",
        |draft, args, _, d| {
            switch(draft, Flag::Keepalive, args, d);
        },
    ),
    Keyword::supported(
        "option dontlog-normal",
        CLIENT,
        "",
        "Log only sessions that went wrong.",
        |draft, args, _, d| {
            switch(draft, Flag::DontLogNormal, args, d);
        },
    ),
    Keyword::supported(
        "option dontlognull",
        CLIENT,
        "",
        "Do not log sessions in which nothing was sent.",
        |draft, args, _, d| {
            switch(draft, Flag::DontLogNull, args, d);
        },
    ),
    Keyword::supported(
        "option logasap",
        CLIENT,
        "",
        "Log a session as soon as its server is connected.",
        |draft, args, _, d| {
            switch(draft, Flag::LogAsap, args, d);
        },
    ),
    Keyword::supported(
        "option log-health-checks",
        SERVER,
        "",
        "Log each change of a check's result.",
        |draft, args, _, d| {
            switch(draft, Flag::LogHealthChecks, args, d);
        },
    ),
    Keyword::supported(
        "option log-separate-errors",
        CLIENT,
        "",
        "Log sessions that went wrong at level err.",
        |draft, args, _, d| {
            switch(draft, Flag::LogSeparateErrors, args, d);
        },
    ),
    Keyword::supported(
        "option nolinger",
        PROXY,
        "",
        "Close with a reset, so that no socket lingers.",
        |draft, args, _, d| {
            switch(draft, Flag::NoLinger, args, d);
        },
    ),
    Keyword::supported(
        "option socket-stats",
        CLIENT,
        "",
        "Count for each listening socket.",
        |draft, args, _, d| {
            switch(draft, Flag::SocketStats, args, d);
        },
    ),
    Keyword::supported(
        "option splice-auto",
        PROXY,
        "",
        "Splice bulk both ways, as is done unless `no` is said.",
        |draft, args, _, d| {
            splice(draft, [Flag::SpliceAuto, Flag::NoSpliceAuto], args, d);
        },
    ),
    Keyword::supported(
        "option splice-request",
        PROXY,
        "",
        "Splice bulk towards servers, as is done unless `no` is said.",
        |draft, args, _, d| {
            splice(draft, [Flag::SpliceRequest, Flag::NoSpliceRequest], args, d);
        },
    ),
    Keyword::supported(
        "option splice-response",
        PROXY,
        "",
        "Splice bulk towards clients, as is done unless `no` is said.",
        |draft, args, _, d| {
            splice(
                draft,
                [Flag::SpliceResponse, Flag::NoSpliceResponse],
                args,
                d,
            );
        },
    ),
    Keyword::inert(
        "option tcp-smart-accept",
        CLIENT,
        "",
        "Acknowledge a new connection together with its first data.",
        KERNEL,
    ),
    Keyword::inert(
        "option tcp-smart-connect",
        SERVER,
        "",
        "Send the first data together with the handshake's last packet.",
        KERNEL,
    ),
    Keyword::supported(
        "option redispatch",
        SERVER,
        "[<interval>]",
        "Try another server when connecting fails: at the last retry, or at every so many.",
        |draft, args, _, d| redispatch(draft, args, d),
    ),
    Keyword::supported(
        "redispatch",
        SERVER,
        "",
        "Old name of `option redispatch`.",
        |draft, args, _, d| {
            let span = args.keyword_span();
            d.warning(
                "obsolete",
                span,
                "`redispatch` is obsolete; HAProxy 2.6 refuses it",
            )
            .suggest("write `option redispatch`");
            redispatch(draft, args, d);
        },
    ),
    Keyword::inert(
        "option contstats",
        CLIENT,
        "",
        "Count bytes while sessions last.",
        "bytes are always counted while sessions last",
    ),
    Keyword::inert(
        "option prefer-last-server",
        SERVER,
        "",
        "Stay with the server of the previous request.",
        "in TCP mode a session has one server",
    ),
    Keyword::inert(
        "option persist",
        SERVER,
        "",
        "Follow cookies to servers that are down.",
        "there are no cookies in TCP mode",
    ),
];

fn redispatch(draft: &mut ProxyDraft, args: &mut Args<'_>, d: &mut Diagnostics) {
    if draft.prefix != Prefix::None {
        draft.redispatch = None;
        value::end(args, d);
        return;
    }
    let interval = match args.next() {
        Some(word) => value::integer(word, "an interval", -1000..=1000, d),
        // At the last retry.
        None => Some(-1),
    };
    // 0 disables it, as if nothing had been said.
    draft.redispatch = interval.filter(|interval| *interval != 0);
    value::end(args, d);
}
