//! Hosts on a bridge, and networks of elections on them.

use std::{fs, net::IpAddr, path::PathBuf, process::Command, sync::Arc, time::Duration};

use pontoon::election::{
    log::{Log, Outlets},
    network::{Network, NetworkError, NetworkEvent},
};
use pontoon_config::{
    keepalived::model::{Address, Global, Instance, Model, Notify, Tracks, UnicastPeer},
    source::Location,
};
use pontoon_engine::vrrp::{
    InstanceId, Priority, Version, Vrid,
    event::Advert,
    settings::{Announcements, Preempt},
};
use pontoon_lab::{
    netns,
    problem::Problem,
    temp::TempDir,
    wait::{self, PATIENCE},
};
use tokio::runtime::Runtime;

use crate::harness::{Failure, Outcome};

/// The only instance of most files.
pub(super) const VI: InstanceId = InstanceId(0);

/// Two hosts on one bridge.
pub(super) struct Stage {
    pub(super) bridge: netns::Network,
    pub(super) a: String,
    pub(super) b: String,
    runtime: Runtime,
    folder: TempDir,
}

/// An election's network on a host.
pub(super) struct Node<'a> {
    pub(super) network: Network,
    stage: &'a Stage,
    host: String,
    log: PathBuf,
}

impl Stage {
    /// `a` is 10.0.1.1 and fd00::1, `b` is 10.0.1.2 and fd00::2.
    pub(super) fn new() -> Result<Self, Failure> {
        let mut bridge = netns::Network::new()?;
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let a = bridge.host("a", &["10.0.1.1/24", "fd00::1/64"])?;
        let b = bridge.host("b", &["10.0.1.2/24", "fd00::2/64"])?;
        // A new interface swallows what is sent before the kernel has looked at its carrier.
        ping(&a, "10.0.1.2")?;
        Ok(Self {
            a,
            b,
            bridge,
            runtime: runtime.enable_all().build()?,
            folder: TempDir::new("network")?,
        })
    }

    /// A network on a host, for this file.
    pub(super) fn node(&self, host: &str, model: Model) -> Result<Node<'_>, Failure> {
        let node = self.try_node(host, model)?;
        node.map_err(|error| error.to_string().into())
    }

    /// The same, if it may fail.
    pub(super) fn try_node(
        &self,
        host: &str,
        model: Model,
    ) -> Result<Result<Node<'_>, NetworkError>, Failure> {
        let path = self.folder.path().join(format!("{host}.log"));
        let outlets = Outlets {
            syslog: None,
            console: None,
            file: Some(path.clone()),
            detail: true,
        };
        let log = Log::open(&outlets, "test").map_err(|error| error.to_string())?;
        let opened = netns::inside(host, || {
            let _inside = self.runtime.enter();
            Ok(Network::open(Arc::new(model), log))
        })?;
        Ok(opened.map(|network| Node {
            network,
            stage: self,
            host: host.to_owned(),
            log: path,
        }))
    }
}

impl Node<'_> {
    /// Drives the network until it tells what is wanted.
    pub(super) fn hears<T: Send>(
        &mut self,
        what: &str,
        wanted: impl FnMut(NetworkEvent) -> Option<T> + Send,
    ) -> Result<T, Failure> {
        let found = self.hears_within(PATIENCE, wanted)?;
        found.ok_or_else(|| format!("waited in vain for {what}").into())
    }

    /// The same, but silence is no failure.
    pub(super) fn hears_within<T: Send>(
        &mut self,
        time: Duration,
        mut wanted: impl FnMut(NetworkEvent) -> Option<T> + Send,
    ) -> Result<Option<T>, Failure> {
        self.drive(time, async |network: &mut Network| {
            loop {
                if let Some(found) = wanted(network.next().await) {
                    return found;
                }
            }
        })
    }

    /// Drives the network, whatever it tells, until something is true.
    pub(super) fn works_until(
        &mut self,
        what: &str,
        mut condition: impl FnMut() -> bool,
    ) -> Outcome {
        let done = wait::until(what, PATIENCE, || {
            let worked = self.works_for(Duration::from_millis(5));
            (worked.is_err() || condition()).then_some(worked)
        });
        done?
    }

    /// Drives the network for a while.
    pub(super) fn works_for(&mut self, time: Duration) -> Outcome {
        self.drive(time, async |network: &mut Network| {
            loop {
                network.next().await;
            }
        })
        .map(|_always: Option<()>| ())
    }

    /// Does something with it on its host, but not for longer than this.
    fn drive<T: Send>(
        &mut self,
        time: Duration,
        work: impl AsyncFnOnce(&mut Network) -> T + Send,
    ) -> Result<Option<T>, Failure> {
        let (network, runtime) = (&mut self.network, &self.stage.runtime);
        let done = netns::inside(&self.host, || {
            let work = async { tokio::time::timeout(time, work(network)).await };
            Ok(runtime.block_on(work).ok())
        });
        Ok(done?)
    }

    /// Acts inside the runtime, on its host.
    pub(super) fn acts<T: Send>(
        &mut self,
        act: impl FnOnce(&mut Network) -> T + Send,
    ) -> Result<T, Failure> {
        let (network, runtime) = (&mut self.network, &self.stage.runtime);
        let done = netns::inside(&self.host, || {
            let _inside = runtime.enter();
            Ok(act(network))
        });
        Ok(done?)
    }

    /// The lines of its log that contain this; waits for the writing thread to have written
    /// `count` of them.
    pub(super) fn says(&self, text: &str, count: usize) -> Result<(), Failure> {
        let lines = || {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            log.lines().filter(|line| line.contains(text)).count()
        };
        let waited = wait::until(text, PATIENCE, || (lines() >= count).then_some(()));
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        waited.map_err(|error| format!("{error} in the log:\n{log}"))?;
        same(lines(), count, &log)
    }
}

/// Compares, with words.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(is: T, should_be: T, what: &str) -> Outcome {
    if is == should_be {
        return Ok(());
    }
    Err(format!("{is:?} instead of {should_be:?}: {what}").into())
}

/// `ip`, on a host.
pub(super) fn ip(host: &str, line: &str) -> Outcome {
    let output = Command::new("ip")
        .args(["-n", host])
        .args(line.split(' '))
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Problem::Unexpected(format!("ip {line}: {said}")).into())
}

/// The addresses on a host's `eth0`, without those it began with.
pub(super) fn extra_addresses(host: &str) -> Result<Vec<String>, Failure> {
    let all = netns::addresses(host, "eth0")?.into_iter();
    let own = ["10.0.1.1/24", "10.0.1.2/24", "fd00::1/64", "fd00::2/64"];
    let extra = all.filter(|one| !own.contains(&one.as_str()) && !one.ends_with("/64"));
    Ok(extra.collect())
}

/// One pings the other, so that each knows where the other is.
pub(super) fn ping(from: &str, to: &str) -> Outcome {
    let mut command = netns::command(from, "ping");
    let output = command.args(["-c1", "-w10", to]).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    same(output.status.success(), true, &said)
}

/// A file with these instances.
pub(super) fn model(instances: Vec<Instance>) -> Model {
    Model {
        global: Global::default(),
        scripts: Vec::new(),
        files: Vec::new(),
        processes: Vec::new(),
        instances,
        groups: Vec::new(),
        static_addresses: Vec::new(),
    }
}

/// `VI_1`, VRID 51, on `eth0`, with these addresses (`10.0.1.9/24`).
pub(super) fn instance(addresses: &[&str]) -> Instance {
    let addresses: Vec<Address> = addresses.iter().map(|text| address(text)).collect();
    let ipv6 = addresses.iter().any(|one| one.address.is_ipv6());
    Instance {
        name: "VI_1".into(),
        location: Location {
            file: "test".into(),
            line: 1,
        },
        interface: "eth0".into(),
        vrid: Vrid::new(51).expect("not 0"),
        version: if ipv6 { Version::V3 } else { Version::V2 },
        ipv6,
        priority: Priority::DEFAULT,
        interval: Duration::from_secs(1),
        wants_master: false,
        preempt: Preempt::AtOnce,
        source: None,
        track_source: false,
        unicast_peers: None,
        check_unicast_source: false,
        unicast_ttl: None,
        password: None,
        addresses,
        excluded: Vec::new(),
        routes: Vec::new(),
        promote_secondaries: false,
        announcements: Announcements {
            repeat: 5,
            again_after: Duration::from_secs(5),
            refresh: None,
            refresh_repeat: 1,
            lower_prio_repeat: 5,
            lower_prio_again_after: Duration::from_secs(5),
        },
        down_timer_adverts: 3,
        lower_prio_no_advert: false,
        higher_prio_send_advert: false,
        skip_address_check: false,
        accept: true,
        track_primary: true,
        track_proxy: true,
        floating_ips: Vec::new(),
        tracks: Tracks::default(),
        notify: Notify::default(),
        debug: 0,
    }
}

/// The same, to these peers.
pub(super) fn unicast(addresses: &[&str], peers: &[&str]) -> Instance {
    let peers = peers.iter().map(|address| UnicastPeer {
        address: at(address),
        min_ttl: None,
        max_ttl: None,
    });
    Instance {
        unicast_peers: Some(peers.collect()),
        ..instance(addresses)
    }
}

/// An address.
pub(super) fn at(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// An address as written.
pub(super) fn address(text: &str) -> Address {
    let (address, prefix) = text.split_once('/').expect("a prefix");
    Address {
        address: at(address),
        prefix: prefix.parse().expect("a number"),
        interface: None,
        label: None,
        broadcast: None,
        scope: None,
        peer: None,
        home: false,
        detect_duplicates: false,
        preferred_lifetime: None,
    }
}

/// What an instance sends.
pub(super) fn advert(instance: &Instance) -> Advert {
    Advert {
        version: instance.version,
        vrid: instance.vrid,
        priority: instance.priority,
        interval: instance.interval,
        addresses: instance.addresses.iter().map(|one| one.address).collect(),
        password: instance.password,
    }
}
