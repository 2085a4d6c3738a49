//! What the file names: interfaces, and instances that are the same in two files.

use std::collections::BTreeSet;

use pontoon_config::keepalived::model::{Instance, Model, Tracks};

use super::{NetworkError, table::Table};

/// For each old instance its new index.
pub(super) type Successors = Vec<Option<usize>>;

/// Every interface that the file names, once.
pub(super) fn all(model: &Model) -> BTreeSet<String> {
    let named = named(model).into_iter();
    named.map(|(name, _)| name.to_owned()).collect()
}

/// Everything that the file names must be there, unless it may come later.
pub(super) fn check(model: &Model, table: &Table) -> Result<(), NetworkError> {
    missing(model, |name| table.link(name).is_some()).map_or(Ok(()), Err)
}

/// The first interface that the file names and that is not there.
pub(super) fn missing(model: &Model, is_there: impl Fn(&str) -> bool) -> Option<NetworkError> {
    if model.global.dynamic_interfaces {
        return None;
    }
    let mut named = named(model).into_iter();
    let (name, wanted_by) = named.find(|(name, _)| !is_there(name))?;
    Some(NetworkError::NoInterface {
        name: name.to_owned(),
        wanted_by,
    })
}

/// Interfaces, and what names them.
fn named(model: &Model) -> Vec<(&str, String)> {
    let mut named = Vec::new();
    for instance in &model.instances {
        let wanted_by = format!("vrrp_instance {}", instance.name);
        named.extend(of_instance(instance).map(|name| (name, wanted_by.clone())));
    }
    for group in &model.groups {
        let wanted_by = format!("vrrp_sync_group {}", group.name);
        named.extend(tracked(&group.tracks).map(|name| (name, wanted_by.clone())));
    }
    let fixed = model.static_addresses.iter();
    let fixed = fixed.filter_map(|address| address.interface.as_deref());
    named.extend(fixed.map(|name| (name, "static_ipaddress".to_owned())));
    named
}

fn of_instance(instance: &Instance) -> impl Iterator<Item = &str> {
    let addresses = instance.addresses.iter().chain(&instance.excluded);
    let addresses = addresses.filter_map(|address| address.interface.as_deref());
    let routes = instance.routes.iter();
    let routes = routes.filter_map(|route| route.interface.as_deref());
    std::iter::once(instance.interface.as_str())
        .filter(|name| !name.is_empty())
        .chain(tracked(&instance.tracks))
        .chain(addresses)
        .chain(routes)
}

fn tracked(tracks: &Tracks) -> impl Iterator<Item = &str> {
    tracks.interfaces.iter().map(|one| one.name.as_str())
}

/// Where the instances of one file are in another.
pub(super) fn successors(before: &Model, after: &Model) -> Successors {
    let find = |old: &Instance| {
        let mut new = after.instances.iter();
        new.position(|new| new.name == old.name)
    };
    before.instances.iter().map(find).collect()
}

/// What belongs to the instances, in their new order; the new ones begin empty.
pub(super) fn carry_over<T: Clone + Default>(
    before: &[T],
    successors: &Successors,
    count: usize,
) -> Vec<T> {
    let mut after = vec![T::default(); count];
    for (old, new) in before.iter().zip(successors) {
        if let Some(place) = new.and_then(|new| after.get_mut(new)) {
            *place = old.clone();
        }
    }
    after
}
