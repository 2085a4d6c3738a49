//! `global_defs`.

pub(super) mod garp;
mod process;
mod unsupported;
pub(super) mod vrrp;

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    path::PathBuf,
    time::Duration,
};

use pontoon_engine::vrrp::Version;

use self::garp::{Announces, GarpDraft};
use super::{
    keyword::{Block, Keyword},
    model::{Account, Command, Fifo, Global},
};

/// `global_defs` as written, all of them.
#[derive(Debug, Default)]
pub(super) struct GlobalDraft {
    router_id: Option<String>,
    /// `enable_script_security`.
    pub(super) script_security: bool,
    script_user: Option<Account>,
    group4: Option<Ipv4Addr>,
    group6: Option<Ipv6Addr>,
    startup_delay: Option<Duration>,
    garp: GarpDraft,
    min_garp: bool,
    garp_interval: Option<Duration>,
    gna_interval: Option<Duration>,
    dynamic_interfaces: bool,
    fifos: [FifoDraft; 2],
    notify_priority_changes: bool,
    umask: Option<u16>,
    nice: Option<i8>,
    realtime_priority: Option<u8>,
    process_name: Option<String>,
    /// `default_interface`: of static addresses.
    pub(super) default_interface: Option<String>,
    /// `vrrp_version`.
    pub(super) version: Option<Version>,
    /// `vrrp_strict`.
    pub(super) strict: bool,
    /// `vrrp_skip_check_adv_addr`.
    pub(super) skip_address_check: bool,
    /// `vrrp_check_unicast_src`.
    pub(super) check_unicast_source: bool,
    /// `vrrp_down_timer_adverts`.
    pub(super) down_timer_adverts: Option<u32>,
    /// `vrrp_lower_prio_no_advert`.
    pub(super) lower_prio_no_advert: Option<bool>,
    /// `vrrp_higher_prio_send_advert`.
    pub(super) higher_prio_send_advert: Option<bool>,
    proxy_stable_time: Option<Duration>,
    proxy_resign_without_servers: bool,
    proxy_pidfile: Option<PathBuf>,
    notify_timeout: Option<Duration>,
}

/// A FIFO and its reader, which stand on two lines.
#[derive(Debug, Default)]
struct FifoDraft {
    path: Option<PathBuf>,
    owner: Option<Account>,
    reader: Option<Command>,
}

impl Announces for GlobalDraft {
    fn garp(&mut self) -> &mut GarpDraft {
        &mut self.garp
    }
}

const GARP: [Keyword<GlobalDraft>; 6] = garp::global();

impl Block for GlobalDraft {
    const NAME: &'static str = "global_defs";
    const TABLES: &'static [&'static [Keyword<Self>]] = &[
        process::KEYWORDS,
        process::PONTOON,
        vrrp::KEYWORDS,
        &GARP,
        garp::KEYWORDS,
        unsupported::MAIL,
        unsupported::FILES,
        unsupported::SCHEDULING,
        unsupported::KERNEL,
        unsupported::AGENTS,
        unsupported::LVS,
    ];
}

impl GlobalDraft {
    /// A `garp_group`'s pauses hold for every interface: the longest one wins.
    pub(super) fn pause_at_least(&mut self, garp: Option<Duration>, gna: Option<Duration>) {
        self.garp_interval = self.garp_interval.max(garp);
        self.gna_interval = self.gna_interval.max(gna);
    }

    /// What it means.
    pub(super) fn finish(&self) -> Global {
        let fifo = |draft: &FifoDraft| {
            let path = draft.path.clone()?;
            Some(Fifo {
                path,
                owner: draft.owner.clone(),
                reader: draft.reader.clone(),
            })
        };
        let usual = Global::default();
        Global {
            router_id: self.router_id.clone(),
            script_security: self.script_security,
            script_user: self.script_user.clone(),
            group4: self.group4.unwrap_or(usual.group4),
            group6: self.group6.unwrap_or(usual.group6),
            startup_delay: self.startup_delay.unwrap_or(usual.startup_delay),
            garp_interval: self.garp_interval.unwrap_or(usual.garp_interval),
            gna_interval: self.gna_interval.unwrap_or(usual.gna_interval),
            dynamic_interfaces: self.dynamic_interfaces,
            notify_fifos: self.fifos.iter().filter_map(fifo).collect(),
            notify_priority_changes: self.notify_priority_changes,
            umask: self.umask,
            nice: self.nice,
            realtime_priority: self.realtime_priority,
            process_name: self.process_name.clone(),
            proxy_stable_time: self.proxy_stable_time.unwrap_or(usual.proxy_stable_time),
            proxy_resign_without_servers: self.proxy_resign_without_servers,
            proxy_pidfile: self.proxy_pidfile.clone().unwrap_or(usual.proxy_pidfile),
            notify_timeout: self.notify_timeout.unwrap_or(usual.notify_timeout),
        }
    }
}
