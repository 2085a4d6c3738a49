//! FRRouting's `vrrpd`, a VRRP router of quite another family than Keepalived.

use rustix::process::Signal;

use crate::{
    host::{Host, Inmate},
    problem::{Problem, Result},
    wait,
};

/// Where Debian keeps the daemons.
pub const VRRPD: &str = "/usr/lib/frr/vrrpd";
const ZEBRA: &str = "/usr/lib/frr/zebra";
const CONFIGURATION: &str = "/etc/frr/frr.conf";
const SHARED_INTERFACE: &str = "vrrp4";

/// One IPv4 virtual router on a host's `eth0`, version 3, multicast.
#[derive(Debug, Clone, Copy)]
pub struct Router<'a> {
    /// Its number.
    pub id: u8,
    /// Its priority.
    pub priority: u8,
    /// Between adverts, in milliseconds.
    pub interval: u32,
    /// What it shares, without and with the prefix's length: FRR wants it on a macvlan interface
    /// with the virtual router's hardware address, which takes it along.
    pub shared: (&'a str, u8),
}

/// A running `vrrpd` with the `zebra` it asks about interfaces.
#[derive(Debug)]
pub struct Frr {
    vrrpd: Inmate,
    _zebra: Inmate,
}

impl Frr {
    /// Starts it on a host.
    ///
    /// # Errors
    /// There is no macvlan, or a daemon does not come up.
    pub fn start(host: &Host, router: Router<'_>) -> Result<Self> {
        prepare(host, router)?;
        let files = ["-f", CONFIGURATION, "--log", "stdout"];
        let zebra = host.start(&[&[ZEBRA], &files[..]].concat())?;
        wait::until("zebra to come up", wait::PATIENCE, || {
            host.has("/run/frr/zserv.api").then_some(())
        })?;
        let vrrpd = host.start(&[&[VRRPD], &files[..]].concat())?;
        let frr = Self {
            vrrpd,
            _zebra: zebra,
        };
        let up = wait::until("vrrpd to come up", wait::PATIENCE, || status(host));
        up.map(|_| frr)
    }

    /// Asks it to stop and waits until it has.
    ///
    /// # Errors
    /// It goes on.
    pub fn stop(mut self) -> Result<()> {
        self.vrrpd.signal(Signal::TERM)?;
        self.vrrpd.wait(wait::PATIENCE).map(drop)
    }
}

/// What the router is: `Master`, `Backup` or `Initialize`; `None` if it does not answer.
#[must_use]
pub fn status(host: &Host) -> Option<String> {
    let text = host
        .run(&["vtysh", "-d", "vrrpd", "-c", "show vrrp"])
        .ok()?;
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Status (v4)"))?;
    Some(line.trim().to_owned())
}

fn prepare(host: &Host, router: Router<'_>) -> Result<()> {
    let Router {
        id,
        priority,
        interval,
        shared: (address, prefix),
    } = router;
    let hardware = format!("00:00:5e:00:01:{id:02x}");
    let (link, with_prefix) = (SHARED_INTERFACE, format!("{address}/{prefix}"));
    let macvlan = [
        "ip", "link", "add", link, "link", "eth0", "type", "macvlan", "mode", "bridge",
    ];
    let refused = |problem| Problem::Unexpected(format!("no macvlan for FRR: {problem}"));
    host.run(&macvlan).map_err(refused)?;
    host.run(&["ip", "link", "set", link, "address", &hardware, "up"])?;
    host.run(&["ip", "addr", "add", &with_prefix, "dev", link])?;
    // Or eth0 answers for the address with its own hardware address, even as a backup.
    host.run(&["sysctl", "-qw", "net.ipv4.conf.eth0.arp_ignore=1"])?;
    host.run(&["mkdir", "-p", "/run/frr"])?;
    host.run(&["chown", "frr:frr", "/run/frr"])?;
    host.write(
        CONFIGURATION,
        format!(
            "log stdout\ninterface eth0\n vrrp {id} version 3\n vrrp {id} priority {priority}\n \
             vrrp {id} advertisement-interval {interval}\n vrrp {id} ip {address}\n"
        ),
    )?;
    host.run(&["chmod", "644", CONFIGURATION]).map(drop)
}
