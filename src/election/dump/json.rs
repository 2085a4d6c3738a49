//! `/tmp/keepalived.json`, with keepalived's names, in its order.

use pontoon_config::keepalived::model::{Address, Command, Instance, Notify};
use pontoon_engine::vrrp::{Role, Version, settings::Preempt, view::InstanceView};
use serde::Serialize;
use serde_json::Number;

use super::{Shown, route};

/// The state of all instances.
pub(in crate::election) fn json(shown: &Shown) -> String {
    let instances = shown.instances();
    let entries: Vec<Entry> = instances
        .map(|(index, instance, view)| Entry {
            data: Data::new(shown, instance, view),
            stats: Stats::new(shown, index, view),
        })
        .collect();
    // Plain structs can always be written.
    serde_json::to_string(&entries).unwrap_or_default()
}

#[derive(Serialize)]
struct Entry {
    data: Data,
    stats: Stats,
}

/// In groups that make sense to a reader; the file has one flat list.
#[derive(Serialize)]
struct Data {
    #[serde(flatten)]
    identity: Identity,
    #[serde(flatten)]
    announcements: Announcing,
    #[serde(flatten)]
    protocol: Protocol,
    #[serde(flatten)]
    scripts: Scripts,
    #[serde(flatten)]
    lists: Lists,
    auth_type: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_data: Option<String>,
}

#[derive(Serialize)]
struct Identity {
    iname: String,
    dont_track_primary: u8,
    skip_check_adv_addr: u8,
    strict_mode: u8,
    vmac_ifname: &'static str,
    ifp_ifname: String,
    master_priority: u8,
    last_transition: f64,
}

#[derive(Serialize)]
struct Announcing {
    garp_delay: u64,
    garp_refresh: u64,
    garp_rep: u32,
    garp_refresh_rep: u32,
    garp_lower_prio_delay: u64,
    garp_lower_prio_rep: u32,
    lower_prio_no_advert: u8,
    higher_prio_send_advert: u8,
}

#[derive(Serialize)]
struct Protocol {
    vrid: u8,
    base_priority: u8,
    effective_priority: u8,
    vipset: bool,
    promote_secondaries: bool,
    adver_int: Number,
    master_adver_int: Number,
    accept: u8,
    nopreempt: bool,
    preempt_delay: u64,
    state: u8,
    wantstate: u8,
    version: u8,
    smtp_alert: bool,
    notify_deleted: bool,
}

#[derive(Serialize)]
struct Scripts {
    #[serde(skip_serializing_if = "Option::is_none")]
    script_backup: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_master: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_fault: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_stop: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_master_rx_lower_pri: Option<String>,
}

#[derive(Serialize)]
struct Lists {
    vips: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evips: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vroutes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    track_ifp: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    track_script: Vec<String>,
}

#[derive(Serialize)]
struct Stats {
    advert_rcvd: u64,
    advert_sent: u64,
    become_master: u64,
    release_master: u64,
    packet_len_err: u64,
    advert_interval_err: u64,
    ip_ttl_err: u64,
    invalid_type_rcvd: u64,
    addr_list_err: u64,
    invalid_authtype: u64,
    authtype_mismatch: u64,
    auth_failure: u64,
    pri_zero_rcvd: u64,
    pri_zero_sent: u64,
}

impl Data {
    fn new(shown: &Shown, instance: &Instance, view: &InstanceView) -> Self {
        Self {
            identity: Identity::new(shown, instance, view),
            announcements: Announcing::new(instance),
            protocol: Protocol::new(instance, view),
            scripts: Scripts::new(&instance.notify),
            lists: Lists::new(shown, instance),
            auth_type: u8::from(instance.password.is_some()),
            auth_data: instance.password.map(|password| {
                let text = String::from_utf8_lossy(&password).into_owned();
                text.trim_end_matches('\0').to_owned()
            }),
        }
    }
}

impl Identity {
    fn new(shown: &Shown, instance: &Instance, view: &InstanceView) -> Self {
        Self {
            iname: instance.name.to_string(),
            dont_track_primary: u8::from(!instance.track_primary),
            skip_check_adv_addr: u8::from(instance.skip_address_check),
            strict_mode: 0,
            vmac_ifname: "",
            ifp_ifname: instance.interface.clone(),
            master_priority: view.peers.first().map_or(0, |peer| peer.priority.0),
            last_transition: microseconds(shown.clock_of(view.since)),
        }
    }
}

impl Announcing {
    fn new(instance: &Instance) -> Self {
        let it = &instance.announcements;
        Self {
            garp_delay: it.again_after.as_secs(),
            garp_refresh: it.refresh.unwrap_or_default().as_secs(),
            garp_rep: it.repeat,
            garp_refresh_rep: it.refresh_repeat,
            garp_lower_prio_delay: it.lower_prio_again_after.as_secs(),
            garp_lower_prio_rep: it.lower_prio_repeat,
            lower_prio_no_advert: u8::from(instance.lower_prio_no_advert),
            higher_prio_send_advert: u8::from(instance.higher_prio_send_advert),
        }
    }
}

impl Protocol {
    fn new(instance: &Instance, view: &InstanceView) -> Self {
        let master_interval = match (view.role, view.peers.first()) {
            (Role::Backup, Some(master)) => master.interval,
            _ => instance.interval,
        };
        let preempt_delay = match instance.preempt {
            Preempt::After(delay) => delay.as_secs(),
            Preempt::AtOnce | Preempt::Never => 0,
        };
        Self {
            vrid: instance.vrid.get(),
            base_priority: view.base_priority.0,
            effective_priority: view.priority.0,
            vipset: view.role == Role::Master,
            promote_secondaries: instance.promote_secondaries,
            adver_int: seconds(instance.interval),
            master_adver_int: seconds(master_interval),
            accept: u8::from(instance.accept),
            nopreempt: instance.preempt == Preempt::Never,
            preempt_delay,
            state: number(view.role),
            wantstate: number(view.role),
            version: match instance.version {
                Version::V2 => 2,
                Version::V3 => 3,
            },
            smtp_alert: false,
            notify_deleted: instance.notify.deleted.is_some(),
        }
    }
}

impl Scripts {
    fn new(notify: &Notify) -> Self {
        let line = |command: &Option<Command>| command.as_ref().map(|it| it.line.clone());
        Self {
            script_backup: line(&notify.backup),
            script_master: line(&notify.master),
            script_fault: line(&notify.fault),
            script_stop: line(&notify.stop),
            script: line(&notify.any),
            script_master_rx_lower_pri: line(&notify.lower_priority),
        }
    }
}

impl Lists {
    fn new(shown: &Shown, instance: &Instance) -> Self {
        let interfaces = instance.tracks.interfaces.iter();
        Self {
            vips: addresses(shown, instance, &instance.addresses),
            evips: addresses(shown, instance, &instance.excluded),
            vroutes: instance.routes.iter().map(route).collect(),
            track_ifp: interfaces.map(|it| it.name.clone()).collect(),
            track_script: scripts(shown, instance),
        }
    }
}

fn addresses(shown: &Shown, instance: &Instance, list: &[Address]) -> Vec<String> {
    let addresses = list.iter();
    addresses.map(|it| shown.address(instance, it)).collect()
}

fn scripts(shown: &Shown, instance: &Instance) -> Vec<String> {
    let tracked = instance.tracks.scripts.iter();
    let scripts = tracked.filter_map(|it| shown.model.scripts.get(it.index));
    scripts.map(|script| script.command.line.clone()).collect()
}

impl Stats {
    fn new(shown: &Shown, index: usize, view: &InstanceView) -> Self {
        let it = &view.counters;
        let losses = shown.losses.get(index).copied().unwrap_or_default();
        Self {
            advert_rcvd: it.adverts_received,
            advert_sent: it.adverts_sent,
            become_master: it.became_master,
            release_master: it.released_master,
            packet_len_err: losses.unreadable,
            advert_interval_err: it.interval_errors,
            ip_ttl_err: it.hop_limit_errors + losses.hop_limit,
            invalid_type_rcvd: 0,
            addr_list_err: it.address_list_mismatches,
            invalid_authtype: 0,
            authtype_mismatch: 0,
            auth_failure: it.authentication_errors,
            pri_zero_rcvd: it.resignations_received,
            pri_zero_sent: it.resignations_sent,
        }
    }
}

/// As keepalived numbers them.
const fn number(role: Role) -> u8 {
    match role {
        Role::Init => 0,
        Role::Backup => 1,
        Role::Master => 2,
        Role::Fault => 3,
    }
}

/// `1`, or `0.5`.
fn seconds(duration: std::time::Duration) -> Number {
    if duration.subsec_nanos() == 0 {
        return duration.as_secs().into();
    }
    Number::from_f64(duration.as_secs_f64()).unwrap_or_else(|| 0.into())
}

fn microseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
