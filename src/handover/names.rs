//! What the old process's numbers of proxies and servers mean in the new one: names decide.

use std::collections::HashMap;

use pontoon_config::haproxy::model::{Frontend, Mode, Model, ServerSide};
use pontoon_engine::units::{ProxyId, ServerId};

use super::wire::{self, Bound, Lack};

/// By the old process's numbers.
#[derive(Debug, Default)]
pub(crate) struct Names(Vec<Meaning>);

/// What has become of a proxy.
#[derive(Debug)]
struct Meaning {
    frontend: Option<Front>,
    backend: Option<Back>,
}

#[derive(Debug)]
struct Front {
    id: ProxyId,
    /// Its listeners, by their old positions.
    listeners: Vec<Option<usize>>,
}

#[derive(Debug)]
struct Back {
    id: ProxyId,
    /// Its servers, by their old positions.
    servers: Vec<Option<ServerId>>,
}

/// The position of a listener that is no more: it belongs to none of those that are.
const NO_LISTENER: usize = usize::MAX;

impl Names {
    /// Of these old proxies, under this model.
    pub(crate) fn new(old: &[wire::Proxy], model: &Model) -> Self {
        let live = || {
            let proxies = model.proxies.iter();
            proxies.filter(|proxy| !proxy.disabled && proxy.mode == Mode::Tcp)
        };
        let fronts =
            live().filter_map(|proxy| Some((&*proxy.name, (proxy, proxy.frontend.as_ref()?))));
        let backs =
            live().filter_map(|proxy| Some((&*proxy.name, (proxy, proxy.backend.as_ref()?))));
        let (fronts, backs): (HashMap<_, _>, HashMap<_, _>) = (fronts.collect(), backs.collect());
        let meaning = |proxy: &wire::Proxy| Meaning {
            frontend: proxy.binds.as_ref().and_then(|binds| {
                let (now, side) = fronts.get(&*proxy.name)?;
                Some(Front::of(now.id, side, binds))
            }),
            backend: proxy.servers.as_ref().and_then(|servers| {
                let (now, side) = backs.get(&*proxy.name)?;
                Some(Back::of(now.id, side, servers))
            }),
        };
        Self(old.iter().map(meaning).collect())
    }

    /// What of these old proxies is not there any more.
    pub(crate) fn lack(&self, old: &[wire::Proxy]) -> Lack {
        let mut lack = Lack::default();
        for ((number, meaning), proxy) in (0..).zip(&self.0).zip(old) {
            if proxy.binds.is_some() && meaning.frontend.is_none() {
                lack.frontends.push(number);
            }
            match &meaning.backend {
                None if proxy.servers.is_some() => lack.backends.push(number),
                None => {}
                Some(back) => {
                    let gone = (0..).zip(&back.servers).filter(|(_, id)| id.is_none());
                    lack.servers
                        .extend(gone.map(|(server, _)| (number, server)));
                }
            }
        }
        lack
    }

    /// The proxy that accepts in place of this one.
    pub(crate) fn frontend(&self, old: u32) -> Option<ProxyId> {
        self.front(old).map(|front| front.id)
    }

    /// The listener in place of this one of that proxy.
    pub(crate) fn listener(&self, old: u32, position: usize) -> usize {
        let front = self.front(old);
        let listener = front.and_then(|front| front.listeners.get(position).copied());
        listener.flatten().unwrap_or(NO_LISTENER)
    }

    /// The proxy that serves in place of this one.
    pub(crate) fn backend(&self, old: u32) -> Option<ProxyId> {
        self.back(old).map(|back| back.id)
    }

    /// The server in place of this one of that proxy.
    pub(crate) fn server(&self, old: Option<u32>, server: u32) -> Option<ServerId> {
        let position = usize::try_from(server).ok()?;
        self.back(old?)?.servers.get(position).copied().flatten()
    }

    fn front(&self, old: u32) -> Option<&Front> {
        let meaning = self.0.get(usize::try_from(old).ok()?)?;
        meaning.frontend.as_ref()
    }

    fn back(&self, old: u32) -> Option<&Back> {
        let meaning = self.0.get(usize::try_from(old).ok()?)?;
        meaning.backend.as_ref()
    }
}

impl Front {
    fn of(id: ProxyId, side: &Frontend, old: &[Bound]) -> Self {
        let now: HashMap<_, _> = side.binds.iter().map(Bound::from).zip(0..).collect();
        let listeners = old.iter().map(|bound| now.get(bound).copied());
        Self {
            id,
            listeners: listeners.collect(),
        }
    }
}

impl Back {
    fn of(id: ProxyId, side: &ServerSide, old: &[String]) -> Self {
        let named = side.servers.iter();
        let now: HashMap<_, _> = named.map(|it| (&*it.settings.name, it.id)).collect();
        let servers = old.iter().map(|name| now.get(&**name).copied());
        Self {
            id,
            servers: servers.collect(),
        }
    }
}
