//! What keepalived writes into files when a signal asks for it (keepalived(8), SIGNALS), with the
//! same keys: scripts cut their values from there.

mod data;
mod json;
mod statistics;

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    net::IpAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::Arc,
    time::{Instant, SystemTime},
};

use pontoon_config::keepalived::model::{Address, Instance, Model, Route};
use pontoon_engine::vrrp::view::{Counters, InstanceView};

pub(super) use self::{data::data, json::json, statistics::statistics};
use super::{network::Losses, track::ScriptView};
use crate::node::message::Held;

/// SIGUSR1.
pub(super) const DATA: &str = "/tmp/keepalived.data";
/// SIGUSR2.
pub(super) const STATISTICS: &str = "/tmp/keepalived.stats";
/// The third real-time signal.
pub(super) const JSON: &str = "/tmp/keepalived.json";

/// What a dump shows. Lists are in the order of the model's instances.
pub(super) struct Shown {
    pub(super) model: Arc<Model>,
    pub(super) views: Vec<InstanceView>,
    pub(super) scripts: Vec<ScriptView>,
    /// Where advertisements come from.
    pub(super) sources: Vec<Option<IpAddr>>,
    pub(super) losses: Vec<Losses>,
    /// What is on the interfaces because of us.
    pub(super) held: Vec<Held>,
    pub(super) now: Instant,
    /// The same moment on the wall.
    pub(super) clock: SystemTime,
}

impl Shown {
    fn instances(&self) -> impl Iterator<Item = (usize, &Instance, &InstanceView)> {
        let both = self.model.instances.iter().zip(&self.views).enumerate();
        both.map(|(index, (instance, view))| (index, instance, view))
    }

    /// A moment on the wall, in seconds since the epoch.
    fn clock_of(&self, at: Instant) -> f64 {
        let now = self.clock.duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs_f64();
        if at > self.now {
            now + (at - self.now).as_secs_f64()
        } else {
            now - (self.now - at).as_secs_f64()
        }
    }

    fn holds(&self, instance: &Instance, address: &Address) -> bool {
        let interface = address.interface.as_ref().unwrap_or(&instance.interface);
        self.held
            .iter()
            .any(|held| held.address == address.address && held.interface == *interface)
    }

    /// `10.9.0.100/24 dev eth0 scope global set`.
    fn address(&self, instance: &Instance, address: &Address) -> String {
        let mut text = address.address.to_string();
        let full = if address.address.is_ipv4() { 32 } else { 128 };
        if address.prefix != full {
            text += &format!("/{}", address.prefix);
        }
        if let Some(broadcast) = address.broadcast {
            text += &format!(" brd {broadcast}");
        }
        let interface = address.interface.as_ref().unwrap_or(&instance.interface);
        text += &format!(" dev {interface} scope {}", scope(address.scope));
        if let Some(label) = &address.label {
            text += &format!(" label {label}");
        }
        if self.holds(instance, address) {
            text += " set";
        }
        text
    }
}

/// As rtnetlink(7) numbers them.
fn scope(number: Option<u8>) -> String {
    match number.unwrap_or(0) {
        0 => "global".to_owned(),
        200 => "site".to_owned(),
        253 => "link".to_owned(),
        254 => "host".to_owned(),
        other => other.to_string(),
    }
}

fn route(route: &Route) -> String {
    let mut text = route.destination.to_string();
    if let Some(source) = route.source {
        text += &format!(" src {source}");
    }
    if let Some(gateway) = route.gateway {
        text += &format!(" via {gateway}");
    }
    if let Some(interface) = &route.interface {
        text += &format!(" dev {interface}");
    }
    if let Some(metric) = route.metric {
        text += &format!(" metric {metric}");
    }
    text
}

/// Takes away what was counted before statistics were cleared.
pub(super) fn subtract(counters: &mut Counters, before: &Counters) {
    let pairs = [
        (&mut counters.adverts_received, before.adverts_received),
        (&mut counters.adverts_sent, before.adverts_sent),
        (&mut counters.became_master, before.became_master),
        (&mut counters.released_master, before.released_master),
        (
            &mut counters.resignations_received,
            before.resignations_received,
        ),
        (&mut counters.resignations_sent, before.resignations_sent),
        (&mut counters.version_errors, before.version_errors),
        (&mut counters.hop_limit_errors, before.hop_limit_errors),
        (
            &mut counters.authentication_errors,
            before.authentication_errors,
        ),
        (&mut counters.interval_errors, before.interval_errors),
        (&mut counters.strangers, before.strangers),
        (
            &mut counters.address_list_mismatches,
            before.address_list_mismatches,
        ),
    ];
    for (now, before) in pairs {
        *now = now.saturating_sub(before);
    }
}

/// Writes a new file that only we may read: it holds passwords, and a link that somebody laid
/// there must lead nowhere.
///
/// # Errors
/// It cannot be written.
pub(super) fn write(path: &Path, content: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_nowhere() {
        let folder = std::env::temp_dir().join(format!("pontoon-dump-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (victim, dump) = (folder.join("victim"), folder.join("dump"));
        fs::write(&victim, "untouched").unwrap();
        std::os::unix::fs::symlink(&victim, &dump).unwrap();
        write(&dump, "new").unwrap();
        let texts = (fs::read_to_string(&victim), fs::read_to_string(&dump));
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(texts.0.unwrap(), "untouched");
        assert_eq!(texts.1.unwrap(), "new");
    }

    #[test]
    fn cleared_counters_begin_at_zero_again() {
        let mut counters = Counters {
            adverts_sent: 15,
            strangers: 3,
            ..Counters::default()
        };
        let before = Counters {
            adverts_sent: 10,
            strangers: 3,
            ..Counters::default()
        };
        subtract(&mut counters, &before);
        assert_eq!((counters.adverts_sent, counters.strangers), (5, 0));
    }
}
