//! `vrrp_instance`.

mod addresses;
mod election;
mod network;

pub(super) use network::AuthDraft;
mod unsupported;

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use pontoon_engine::vrrp::{Priority, Version, Vrid};

use super::{
    address::AddressDraft,
    context::Context,
    floating_ip::{self, FloatingDraft},
    global::garp::{self, Announces, GarpDraft},
    keyword::{Block, Keyword},
    model::{Notify, Route, UnicastPeer},
    notify::{self, Notifies},
    track::{self, Tracks, TracksDraft},
};
use crate::source::{Span, Word};

/// Something written, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At<T> {
    /// What.
    pub(super) value: T,
    /// Where.
    pub(super) span: Span,
}

/// A `vrrp_instance` as written.
#[derive(Debug)]
pub(super) struct InstanceDraft {
    /// Its name.
    pub(super) name: Word,
    /// `state`: whether it is MASTER.
    pub(super) wants_master: Option<At<bool>>,
    /// `interface`.
    pub(super) interface: Option<At<String>>,
    /// `virtual_router_id`.
    pub(super) vrid: Option<At<Vrid>>,
    /// An `interface` that cannot be.
    pub(super) bad_interface: bool,
    /// A `virtual_router_id` that cannot be.
    pub(super) bad_vrid: bool,
    /// `priority`.
    pub(super) priority: Option<At<Priority>>,
    /// `advert_int`.
    pub(super) interval: Option<At<Duration>>,
    /// `version`.
    pub(super) version: Option<At<Version>>,
    /// Whether it speaks IPv6, once that is known.
    pub(super) ipv6: Option<bool>,
    /// `nopreempt`.
    pub(super) nopreempt: Option<Span>,
    /// `preempt_delay`.
    pub(super) preempt_delay: Option<At<Duration>>,
    /// `unicast_src_ip`, `mcast_src_ip`.
    pub(super) source: Option<At<IpAddr>>,
    /// `track_src_ip`.
    pub(super) track_source: bool,
    /// Words that only make sense with unicast.
    pub(super) unicast: Option<Span>,
    /// `unicast_peer`.
    pub(super) peers: BTreeSet<UnicastPeer>,
    /// Where each of them stands.
    pub(super) peer_spans: Vec<At<IpAddr>>,
    /// `unicast_fault_no_peer`.
    pub(super) fault_without_peer: bool,
    /// `check_unicast_src`.
    pub(super) check_unicast_source: bool,
    /// `unicast_ttl`.
    pub(super) unicast_ttl: Option<u8>,
    /// `auth_type`: whether it is PASS.
    pub(super) auth_type: Option<At<bool>>,
    /// `auth_pass`.
    pub(super) auth_pass: Option<At<[u8; 8]>>,
    /// `virtual_ipaddress`.
    pub(super) addresses: Vec<AddressDraft>,
    /// `virtual_ipaddress_excluded`.
    pub(super) excluded: Vec<AddressDraft>,
    /// `virtual_routes`.
    pub(super) routes: Vec<Route>,
    /// `promote_secondaries`.
    pub(super) promote_secondaries: bool,
    /// `garp_*`.
    pub(super) garp: GarpDraft,
    /// `down_timer_adverts`.
    pub(super) down_timer_adverts: Option<u32>,
    /// `lower_prio_no_advert`.
    pub(super) lower_prio_no_advert: Option<At<bool>>,
    /// `higher_prio_send_advert`.
    pub(super) higher_prio_send_advert: Option<At<bool>>,
    /// `skip_check_adv_addr`.
    pub(super) skip_address_check: Option<bool>,
    /// `strict_mode`.
    pub(super) strict: Option<bool>,
    /// `accept` or `no_accept`.
    pub(super) accept: Option<At<bool>>,
    /// `dont_track_primary`.
    pub(super) dont_track_primary: bool,
    /// `dont_track_proxy`.
    pub(super) dont_track_proxy: bool,
    /// `floating_ip`.
    pub(super) floating_ips: Vec<FloatingDraft>,
    /// What it tracks.
    pub(super) tracks: TracksDraft,
    /// What is run.
    pub(super) notify: Notify,
    /// `debug`.
    pub(super) debug: u8,
}

impl Notifies for InstanceDraft {
    fn notify(&mut self) -> &mut Notify {
        &mut self.notify
    }
}

impl Tracks for InstanceDraft {
    fn tracks(&mut self) -> &mut TracksDraft {
        &mut self.tracks
    }
}

impl Announces for InstanceDraft {
    fn garp(&mut self) -> &mut GarpDraft {
        &mut self.garp
    }
}

impl Block for InstanceDraft {
    const NAME: &'static str = "vrrp_instance";
    const TABLES: &'static [&'static [Keyword<Self>]] = &[
        election::KEYWORDS,
        network::KEYWORDS,
        addresses::KEYWORDS,
        floating_ip::KEYWORDS,
        &GARP,
        &TRACKS,
        &NOTIFY,
        unsupported::KEYWORDS,
    ];
}

const GARP: [Keyword<InstanceDraft>; 6] = garp::instance();
const TRACKS: [Keyword<InstanceDraft>; 5] = track::keywords();
const NOTIFY: [Keyword<InstanceDraft>; 9] = notify::keywords();

impl InstanceDraft {
    /// Nothing is said yet.
    pub(super) fn new(name: Word) -> Self {
        Self {
            name,
            wants_master: None,
            interface: None,
            vrid: None,
            bad_interface: false,
            bad_vrid: false,
            priority: None,
            interval: None,
            version: None,
            ipv6: None,
            nopreempt: None,
            preempt_delay: None,
            source: None,
            track_source: false,
            unicast: None,
            peers: BTreeSet::new(),
            peer_spans: Vec::new(),
            fault_without_peer: false,
            check_unicast_source: false,
            unicast_ttl: None,
            auth_type: None,
            auth_pass: None,
            addresses: Vec::new(),
            excluded: Vec::new(),
            routes: Vec::new(),
            promote_secondaries: false,
            garp: GarpDraft::default(),
            down_timer_adverts: None,
            lower_prio_no_advert: None,
            higher_prio_send_advert: None,
            skip_address_check: None,
            strict: None,
            accept: None,
            dont_track_primary: false,
            dont_track_proxy: false,
            floating_ips: Vec::new(),
            tracks: TracksDraft::default(),
            notify: Notify::default(),
            debug: 0,
        }
    }

    /// Whether an address is of the instance's family, which its first address decides.
    fn is_of_family(&mut self, address: IpAddr, span: Span, ctx: &mut Context<'_>) -> bool {
        let ipv6 = *self.ipv6.get_or_insert(address.is_ipv6());
        let fits = ipv6 == address.is_ipv6();
        if !fits {
            let family = if ipv6 { "IPv6" } else { "IPv4" };
            let message = format!("`{address}` is not of this instance's family, {family}");
            ctx.fault("mixed-families", span, message).suggest(
                "put it into `virtual_ipaddress_excluded`, or into an instance of its own",
            );
        }
        fits
    }
}
