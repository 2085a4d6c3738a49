//! What a reload would do to the proxy.

use std::collections::BTreeMap;

use pontoon_config::{
    difference,
    haproxy::model::{BindAddress, Model, Proxy},
};
use serde::Serialize;

use super::{
    Of,
    effects::{Fate, Things},
    version,
};
use crate::node::runtime;

/// Listeners, proxies, servers, sessions.
#[derive(Debug, Serialize)]
pub(super) struct ProxyEffects {
    /// Addresses, and whose they are.
    pub(super) listeners: Fate,
    /// By name, and what they are.
    pub(super) proxies: Fate,
    /// By `backend/server`, and their addresses.
    pub(super) servers: Fate,
    /// Of what goes, and how many sessions it has now: those end where they are, in the old process.
    pub(super) orphans: BTreeMap<String, u64>,
    /// Whether the sessions could be counted.
    pub(super) sessions_known: bool,
}

/// From the old to the new files; the sessions are those of this process.
pub(super) fn compare(
    old: Option<&version::Of<Model>>,
    new: Option<&version::Of<Model>>,
    process: Option<u32>,
) -> Of<ProxyEffects> {
    let fate = |things: fn(&Model) -> Things| {
        let things = |side: Option<&version::Of<Model>>| side.map(|it| things(&it.model));
        Fate::of(
            things(old).unwrap_or_default(),
            things(new).unwrap_or_default(),
        )
    };
    let (proxies, servers) = (fate(proxies), fate(servers));
    let sessions = process.and_then(sessions);
    let sessions_known = sessions.is_some();
    let gone = |counts: &BTreeMap<String, u64>| orphans(&fate(sides), &servers, counts);
    let outline = |side: Option<&version::Of<Model>>| {
        side.map(|side| side.outline.clone()).unwrap_or_default()
    };
    Of {
        lines: difference::between(&outline(old), &outline(new)),
        effects: ProxyEffects {
            listeners: fate(listeners),
            orphans: sessions.as_ref().map(gone).unwrap_or_default(),
            proxies,
            servers,
            sessions_known,
        },
    }
}

fn live(model: &Model) -> impl Iterator<Item = &Proxy> {
    model.proxies.iter().filter(|proxy| !proxy.disabled)
}

fn listeners(model: &Model) -> Things {
    let mut things = Things::new();
    for proxy in live(model) {
        for bind in proxy.frontend.iter().flat_map(|side| &side.binds) {
            let address = match &bind.address {
                BindAddress::Endpoint(endpoint) => endpoint.to_string(),
                BindAddress::Inherited(number) => format!("fd@{number}"),
            };
            things.insert(address, proxy.name.to_string());
        }
    }
    things
}

fn proxies(model: &Model) -> Things {
    let mut things = Things::new();
    for proxy in live(model) {
        let kind = match (&proxy.frontend, &proxy.backend) {
            (Some(_), Some(_)) => "listen",
            (Some(_), None) => "frontend",
            (None, _) => "backend",
        };
        // A frontend and a backend may share a name.
        things.insert(format!("{kind} {}", proxy.name), String::new());
    }
    things
}

/// Both sides of each proxy, as the statistics name them.
fn sides(model: &Model) -> Things {
    let mut things = Things::new();
    for proxy in live(model) {
        let mut insert = |side: &str| {
            things.insert(format!("{}/{side}", proxy.name), String::new());
        };
        if proxy.frontend.is_some() {
            insert("FRONTEND");
        }
        if proxy.backend.is_some() {
            insert("BACKEND");
        }
    }
    things
}

fn servers(model: &Model) -> Things {
    let mut things = Things::new();
    for proxy in live(model) {
        for server in proxy.backend.iter().flat_map(|side| &side.servers) {
            let address = server.address.as_ref();
            let address = address.map_or_else(|| "no address".into(), |it| it.0.to_string());
            things.insert(format!("{}/{}", proxy.name, server.settings.name), address);
        }
    }
    things
}

/// Sessions of what goes, of each once: a server that goes with its backend is not told again.
fn orphans(
    sides: &Fate,
    servers: &Fate,
    sessions: &BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let of_gone_backend = |server: &str| {
        let backend = server.rsplit_once('/').map(|(backend, _)| backend);
        backend.is_some_and(|name| sides.removed.contains_key(&format!("{name}/BACKEND")))
    };
    let servers = servers.removed.keys();
    let servers = servers.filter(|server| !of_gone_backend(server));
    let gone = sides.removed.keys().chain(servers);
    let counted = gone.filter_map(|name| Some((name.clone(), *sessions.get(name)?)));
    counted.filter(|(_, count)| *count > 0).collect()
}

/// How many sessions each side and server has now, by `proxy/FRONTEND`, `proxy/server`, ….
fn sessions(process: u32) -> Option<BTreeMap<String, u64>> {
    let table = runtime::ask(process, "show stat").ok()?;
    let mut lines = table.lines();
    let header = lines.next()?.strip_prefix("# ")?;
    let column = header.split(',').position(|name| name == "scur")?;
    let counts = lines.filter_map(|line| {
        let fields: Vec<_> = line.split(',').collect();
        let count = fields.get(column)?.parse().ok()?;
        Some((format!("{}/{}", fields.first()?, fields.get(1)?), count))
    });
    Some(counts.collect())
}
