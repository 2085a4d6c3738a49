//! What a `keepalived.conf` means: valid by construction, names resolved to indices.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use pontoon_engine::vrrp::{
    Priority, Version, Vrid,
    packet::{GROUP_V4, GROUP_V6},
    settings::{Announcements, Preempt},
};

use crate::source::Location;

/// A whole configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// What concerns the process.
    pub global: Global,
    /// `vrrp_script`.
    pub scripts: Vec<TrackScript>,
    /// `vrrp_track_file`.
    pub files: Vec<TrackFile>,
    /// `vrrp_track_process`.
    pub processes: Vec<TrackProcess>,
    /// `vrrp_instance`.
    pub instances: Vec<Instance>,
    /// `vrrp_sync_group`.
    pub groups: Vec<Group>,
    /// `static_ipaddress`: put up at start, taken away at the end.
    pub static_addresses: Vec<Address>,
}

/// `global_defs`, as far as it is not folded into the instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Global {
    /// `router_id`; the host's name if nothing is said is up to the reader.
    pub router_id: Option<String>,
    /// `enable_script_security`.
    pub script_security: bool,
    /// `script_user`; `None`: `keepalived_script` if that user exists, else the daemon's.
    pub script_user: Option<Account>,
    /// `vrrp_mcast_group4` (224.0.0.18).
    pub group4: Ipv4Addr,
    /// `vrrp_mcast_group6` (ff02::12).
    pub group6: Ipv6Addr,
    /// `vrrp_startup_delay`.
    pub startup_delay: Duration,
    /// `vrrp_garp_interval`: between two gratuitous ARPs on an interface.
    pub garp_interval: Duration,
    /// `vrrp_gna_interval`: between two neighbour advertisements on an interface.
    pub gna_interval: Duration,
    /// `dynamic_interfaces`: an interface that is missing may come later.
    pub dynamic_interfaces: bool,
    /// `notify_fifo`, `vrrp_notify_fifo`: where every notification is written, too.
    pub notify_fifos: Vec<Fifo>,
    /// `notify_priority_changes`: FIFOs hear of priorities, too.
    pub notify_priority_changes: bool,
    /// `umask`: the permissions that files made by us and by scripts do not have.
    pub umask: Option<u16>,
    /// `vrrp_priority`: the nice value of the process.
    pub nice: Option<i8>,
    /// `vrrp_rt_priority`: SCHED_RR, 1 to 99.
    pub realtime_priority: Option<u8>,
    /// `process_names`, `vrrp_process_name`: the name of the process.
    pub process_name: Option<String>,
    /// `proxy_stable_time` (Pontoon's own, 10 s).
    pub proxy_stable_time: Duration,
    /// `proxy_resign_without_servers` (Pontoon's own).
    pub proxy_resign_without_servers: bool,
    /// `proxy_pidfile` (Pontoon's own): where a proxy started by somebody else writes its number;
    /// `/run/haproxy.pid` if nothing is said.
    pub proxy_pidfile: PathBuf,
    /// `notify_timeout` (Pontoon's own, 60 s): after it a notify script's process group is killed.
    pub notify_timeout: Duration,
}

/// What holds if nothing is said.
impl Default for Global {
    fn default() -> Self {
        Self {
            router_id: None,
            script_security: false,
            script_user: None,
            group4: GROUP_V4,
            group6: GROUP_V6,
            startup_delay: Duration::ZERO,
            garp_interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
            dynamic_interfaces: false,
            notify_fifos: Vec::new(),
            notify_priority_changes: false,
            umask: None,
            nice: None,
            realtime_priority: None,
            process_name: None,
            proxy_stable_time: Duration::from_secs(10),
            proxy_resign_without_servers: false,
            proxy_pidfile: "/run/haproxy.pid".into(),
            notify_timeout: Duration::from_secs(60),
        }
    }
}

/// A user and a group, found on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user's name as written.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

/// A FIFO that hears notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fifo {
    /// Where it is; made if missing.
    pub path: PathBuf,
    /// Whom it is given to when it is made; `None`: its reader's user.
    pub owner: Option<Account>,
    /// What reads it (`notify_fifo_script`), started by us with the path as last argument.
    pub reader: Option<Command>,
}

/// A command as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The line, without the quotes around the whole of it.
    pub line: String,
    /// As whom; `None`: [`Global::script_user`] or its default.
    pub user: Option<Account>,
    /// Where it is written.
    pub location: Location,
}

/// `vrrp_script`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackScript {
    /// Its name.
    pub name: Arc<str>,
    /// What is run.
    pub command: Command,
    /// Between two starts (1 s).
    pub interval: Duration,
    /// After it the script is killed and has failed; the interval if nothing is said.
    pub timeout: Duration,
    /// Successes in a row until it is up (1).
    pub rise: u32,
    /// Failures in a row until it is down (1).
    pub fall: u32,
    /// -253 to 253; 0 faults.
    pub weight: i16,
    /// `reverse`.
    pub reverse: bool,
    /// `init_fail`: down until it has succeeded.
    pub init_fail: bool,
}

/// `vrrp_track_file`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackFile {
    /// Its name.
    pub name: Arc<str>,
    /// The file with a number in it.
    pub path: PathBuf,
    /// What the number is multiplied with (1); 0: any number but 0 faults.
    pub weight: i16,
    /// `reverse`.
    pub reverse: bool,
    /// `init_file`: written at start; `overwrite` also if it exists.
    pub init: Option<InitFile>,
}

/// What a tracked file begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InitFile {
    /// The number.
    pub value: i32,
    /// Even if it exists.
    pub overwrite: bool,
}

/// `vrrp_track_process`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackProcess {
    /// Its name.
    pub name: Arc<str>,
    /// The process's name, or with `full_command` its `argv[0]`.
    pub process: String,
    /// Its parameters, if they count (`param_match`).
    pub parameters: Option<Parameters>,
    /// `full_command`: compare the whole command line instead of the name.
    pub full_command: bool,
    /// -253 to 253; 0 faults.
    pub weight: i16,
    /// `reverse`.
    pub reverse: bool,
    /// At least so many (1).
    pub quorum: u32,
    /// At most so many.
    pub quorum_max: Option<u32>,
    /// `fork_delay`: how long to wait after the quorum was gained.
    pub gained_delay: Duration,
    /// `terminate_delay`: how long to wait after it was lost.
    pub lost_delay: Duration,
}

/// How a tracked process's parameters are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// The words.
    pub words: Vec<String>,
    /// How.
    pub matching: ParameterMatch,
}

/// `param_match`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterMatch {
    /// All words, equal.
    Exact,
    /// `partial`: the first words, equal; more may follow.
    Partial,
    /// `initial`: all words; the last one may be longer.
    Initial,
}

/// `vrrp_instance`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is written.
    pub location: Location,
    /// `interface` (or `default_interface`).
    pub interface: String,
    /// `virtual_router_id`.
    pub vrid: Vrid,
    /// `version`, or `vrrp_version` (2); 3 for IPv6.
    pub version: Version,
    /// Whether it speaks IPv6.
    pub ipv6: bool,
    /// `priority`; 100, or 255 with `state MASTER`, if nothing is said.
    pub priority: Priority,
    /// `advert_int` (1 s).
    pub interval: Duration,
    /// Whether `state MASTER` was written. It decides nothing but the default priority.
    pub wants_master: bool,
    /// `nopreempt`, `preempt_delay`.
    pub preempt: Preempt,
    /// `unicast_src_ip`, `mcast_src_ip`.
    pub source: Option<IpAddr>,
    /// `track_src_ip`: Fault while the interface lacks that address.
    pub track_source: bool,
    /// `unicast_peer`; `None`: multicast.
    pub unicast_peers: Option<BTreeSet<UnicastPeer>>,
    /// `check_unicast_src`, `vrrp_check_unicast_src`: others than the peers are not heard.
    pub check_unicast_source: bool,
    /// `unicast_ttl` (255; IPv6: as keepalived sends it).
    pub unicast_ttl: Option<u8>,
    /// `auth_pass`, at most eight bytes count.
    pub password: Option<[u8; 8]>,
    /// `virtual_ipaddress`: in the advertisements.
    pub addresses: Vec<Address>,
    /// `virtual_ipaddress_excluded`: held, not advertised.
    pub excluded: Vec<Address>,
    /// `virtual_routes`.
    pub routes: Vec<Route>,
    /// `promote_secondaries`.
    pub promote_secondaries: bool,
    /// `garp_*`.
    pub announcements: Announcements,
    /// `down_timer_adverts` (3).
    pub down_timer_adverts: u32,
    /// `lower_prio_no_advert`.
    pub lower_prio_no_advert: bool,
    /// `higher_prio_send_advert`.
    pub higher_prio_send_advert: bool,
    /// `skip_check_adv_addr`.
    pub skip_address_check: bool,
    /// `accept`, `no_accept`: what arrives for an address that is not our own is accepted.
    pub accept: bool,
    /// Whether the instance's own interface counts (`dont_track_primary` says no).
    pub track_primary: bool,
    /// Whether this node's proxy counts (`dont_track_proxy`, Pontoon's own, says no).
    pub track_proxy: bool,
    /// `floating_ip` (Pontoon's own): addresses of a cloud that follow the master.
    pub floating_ips: Vec<FloatingIp>,
    /// What it tracks.
    pub tracks: Tracks,
    /// What is run when its state changes.
    pub notify: Notify,
    /// `debug`, 0 to 4.
    pub debug: u8,
}

/// One of the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnicastPeer {
    /// Where it is.
    pub address: IpAddr,
    /// `min_ttl`: what arrives with less is dropped.
    pub min_ttl: Option<u8>,
    /// `max_ttl`: what arrives with more is dropped.
    pub max_ttl: Option<u8>,
}

/// An address to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// Its prefix length (32, 128).
    pub prefix: u8,
    /// `dev`; the instance's if nothing is said.
    pub interface: Option<String>,
    /// `label` (IPv4), at most 15 bytes.
    pub label: Option<String>,
    /// `brd`: an address, or `+` for that of the network, `-` for the lowest.
    pub broadcast: Option<Ipv4Addr>,
    /// `scope`, as in rtnetlink(7): 0 global, 200 site, 253 link, 254 host.
    pub scope: Option<u8>,
    /// `peer`: the other end of a point-to-point link.
    pub peer: Option<IpAddr>,
    /// `home` (IPv6).
    pub home: bool,
    /// `-nodad` (IPv6): not without "nodad", so the kernel first asks around whether somebody else
    /// has it, and it is not usable for a second or two.
    pub detect_duplicates: bool,
    /// `preferred_lft`, seconds; `None`: for ever. 0 for an IPv6 address with prefix 128 if nothing
    /// is said.
    pub preferred_lifetime: Option<u32>,
}

/// `floating_ip` (Pontoon's own): an address of a cloud that is brought to the master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FloatingIp {
    /// The address that clients use.
    pub address: IpAddr,
    /// Where it is written.
    pub location: Location,
    /// Whose it is, and what only that provider needs.
    pub provider: Provider,
    /// `verify_interval` (10 s): between two looks at where it is.
    pub verify_interval: Duration,
    /// `api_timeout` (5 s): what one call may take.
    pub api_timeout: Duration,
    /// `endpoint`: the provider's API, instead of its usual place. `http://` or `https://`.
    pub endpoint: Option<String>,
    /// `proxy`: through which HTTP proxy the API is reached.
    pub proxy: HttpProxy,
    /// `ca_file`: who may vouch for the API, instead of those the machine trusts.
    pub ca_file: Option<PathBuf>,
}

/// The way to a provider's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpProxy {
    /// What `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
    Environment,
    /// `proxy none`.
    None,
    /// `proxy http://…`.
    Url(String),
}

/// `provider`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// `aws`: an Elastic IP.
    Aws(Aws),
    /// `hetzner`: a Floating IP of Hetzner Cloud.
    Hetzner(ServerCloud),
    /// `digitalocean`: a Reserved IP.
    DigitalOcean(ServerCloud),
}

/// What is needed to move an Elastic IP. What is missing is found out from the instance metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aws {
    /// `region`.
    pub region: Option<String>,
    /// `allocation_id`; looked up by the address if nothing is said.
    pub allocation_id: Option<String>,
    /// `instance_id`: only to be told apart in messages when `network_interface` is given, too.
    pub instance_id: Option<String>,
    /// `network_interface`: the one that has `private_ip` if nothing is said.
    pub network_interface: Option<String>,
    /// `private_ip`, or the instance's `unicast_src_ip`; the interface's first if neither is said.
    pub private_ip: Option<Ipv4Addr>,
    /// `profile`: of the shared configuration files.
    pub profile: Option<String>,
    /// `imds_v1 allow`: metadata without a token, if it cannot be had with one.
    pub imds_v1: bool,
    /// `metadata_endpoint`: instead of `http://169.254.169.254`.
    pub metadata_endpoint: Option<String>,
    /// Whom the address may be found with: those of `unicast_peer`, and what `peer` lines say of
    /// them, `peer <address> <private_ip>`.
    pub peers: Vec<PeerHost>,
}

/// A peer and the private address that an Elastic IP is associated with there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerHost {
    /// As in `unicast_peer`: by this it is known in the election.
    pub address: IpAddr,
    /// Where the address arrives; the same one if nothing is said.
    pub private_ip: Ipv4Addr,
}

/// What is needed where an address is assigned to a server by its number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerCloud {
    /// `server_id`; asked of the metadata service if nothing is said.
    pub server_id: Option<u64>,
    /// `floating_ip_id` (Hetzner); looked up by the address if nothing is said.
    pub floating_ip_id: Option<u64>,
    /// `token_file`: instead of `HCLOUD_TOKEN`, `DIGITALOCEAN_TOKEN`.
    pub token_file: Option<PathBuf>,
    /// `metadata_endpoint`: instead of `http://169.254.169.254`.
    pub metadata_endpoint: Option<String>,
    /// `peer <address> <server_id>`: whom the address may be found with.
    pub peers: Vec<PeerServer>,
}

/// A peer and its number at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerServer {
    /// As in `unicast_peer`.
    pub address: IpAddr,
    /// Its number.
    pub server_id: u64,
}

/// A route to hold with the addresses: `[src ADDRESS] [to] NETWORK [via GATEWAY] [dev NAME] …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The network; prefix 0 is the default route.
    pub destination: ipnet::IpNet,
    /// `via`.
    pub gateway: Option<IpAddr>,
    /// `dev`.
    pub interface: Option<String>,
    /// `src`.
    pub source: Option<IpAddr>,
    /// `metric`.
    pub metric: Option<u32>,
    /// `table` (254).
    pub table: Option<u32>,
    /// `scope`.
    pub scope: Option<u8>,
}

/// What an instance or a group tracks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tracks {
    /// `track_interface`.
    pub interfaces: Vec<TrackedInterface>,
    /// `track_script`.
    pub scripts: Vec<Tracked>,
    /// `track_file`.
    pub files: Vec<Tracked>,
    /// `track_process`.
    pub processes: Vec<Tracked>,
}

/// An interface that is tracked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedInterface {
    /// Its name.
    pub name: String,
    /// -253 to 253; 0 faults.
    pub weight: i16,
    /// `reverse`.
    pub reverse: bool,
}

/// A script, file or process that is tracked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tracked {
    /// Its index in the model.
    pub index: usize,
    /// Its own weight, or the one written here.
    pub weight: i16,
    /// `reverse`, its own or written here.
    pub reverse: bool,
}

/// `vrrp_sync_group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: Arc<str>,
    /// Indices of its members.
    pub members: Vec<usize>,
    /// What it tracks.
    pub tracks: Tracks,
    /// What is run when its state changes.
    pub notify: Notify,
}

/// `notify_deleted`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deletion {
    /// What is run before `notify`, if anything.
    pub script: Option<Command>,
}

/// What is run when a state changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notify {
    /// `notify_master`.
    pub master: Option<Command>,
    /// `notify_backup`.
    pub backup: Option<Command>,
    /// `notify_fault`.
    pub fault: Option<Command>,
    /// `notify_stop`.
    pub stop: Option<Command>,
    /// `notify`: run after the others, with type, name, state and priority added.
    pub any: Option<Command>,
    /// `notify_deleted`: of an instance that a reload removes DELETED is told, not FAULT.
    pub deleted: Option<Deletion>,
    /// `notify_master_rx_lower_pri`: a master has heard a lower priority.
    pub lower_priority: Option<Command>,
    /// `notify_priority_changes`: the FIFOs hear of its priorities; `None`:
    /// [`Global::notify_priority_changes`].
    pub priority_changes: Option<bool>,
}
