//! What a reload would do to the election.

use pontoon_config::{
    difference,
    keepalived::model::{Address, Instance, Model},
};
use serde::Serialize;

use super::{
    Of,
    effects::{Fate, Things},
    version,
};

/// Instances and what they hold.
#[derive(Debug, Serialize)]
pub(super) struct ElectionEffects {
    /// By name, and their routers.
    pub(super) instances: Fate,
    /// Addresses on interfaces, and whose they are.
    pub(super) addresses: Fate,
    /// Addresses of a cloud, and whose they are.
    pub(super) floating_ips: Fate,
}

/// From the old to the new file.
pub(super) fn compare(
    old: Option<&version::Of<Model>>,
    new: Option<&version::Of<Model>>,
) -> Of<ElectionEffects> {
    let fate = |things: fn(&Model) -> Things| {
        let things = |side: Option<&version::Of<Model>>| side.map(|it| things(&it.model));
        Fate::of(
            things(old).unwrap_or_default(),
            things(new).unwrap_or_default(),
        )
    };
    let outline = |side: Option<&version::Of<Model>>| {
        side.map(|side| side.outline.clone()).unwrap_or_default()
    };
    Of {
        lines: difference::between(&outline(old), &outline(new)),
        effects: ElectionEffects {
            instances: fate(instances),
            addresses: fate(addresses),
            floating_ips: fate(floating_ips),
        },
    }
}

fn instances(model: &Model) -> Things {
    let router = |it: &Instance| {
        let (vrid, interface) = (it.vrid.get(), &it.interface);
        let priority = it.priority.0;
        format!("router {vrid} on {interface}, priority {priority}")
    };
    let instances = model.instances.iter();
    instances
        .map(|instance| (instance.name.to_string(), router(instance)))
        .collect()
}

fn addresses(model: &Model) -> Things {
    let mut things = Things::new();
    for instance in &model.instances {
        for address in instance.addresses.iter().chain(&instance.excluded) {
            let place = place(address, Some(&instance.interface));
            things.insert(place, instance.name.to_string());
        }
    }
    for address in &model.static_addresses {
        things.insert(place(address, None), "static".into());
    }
    things
}

fn place(address: &Address, interface: Option<&String>) -> String {
    let interface = address.interface.as_ref().or(interface);
    let text = format!("{}/{}", address.address, address.prefix);
    interface.map_or_else(|| text.clone(), |name| format!("{text} on {name}"))
}

fn floating_ips(model: &Model) -> Things {
    let mut things = Things::new();
    for instance in &model.instances {
        for floating in &instance.floating_ips {
            things.insert(floating.address.to_string(), instance.name.to_string());
        }
    }
    things
}
