//! What a running proxy must still be able to do once it is set up, because its files ask for it.
//! Everything else is taken from it.

use pontoon_engine::{
    address::Endpoint,
    rules::{ConnectionAction, ContentAction, Rule, SourceAddress},
};

use super::{
    check::CheckMethod,
    model::{Model, Proxy, Server},
};

/// Something a sandbox has to make room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// `option external-check`: programs are started, which inherit what is taken from us.
    Programs,
    /// `usesrc`: connections to servers come from the clients' addresses.
    ClientAddresses,
    /// `source` with ports below 1024, which only the mighty may use.
    LowPorts,
    /// `cc` of a server, which is chosen for each connection.
    CongestionControl,
    /// `silent-drop`, which takes a connection away from the kernel.
    SilentDrop,
    /// Servers by their path, whose sockets may be others' property.
    Paths,
}

/// Who needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    /// What is needed.
    pub need: Need,
    /// The index of the proxy.
    pub proxy: usize,
    /// The index of its server, if it is one server's.
    pub server: Option<usize>,
}

/// All of it, in the order of the files; servers that are added later are not asked.
#[must_use]
pub fn needs(model: &Model) -> Vec<Needed> {
    let started = model.proxies.iter().enumerate();
    let started = started.filter(|(_, proxy)| !proxy.disabled);
    let mut all = Vec::new();
    for (index, proxy) in started {
        all.extend(of_proxy(proxy).into_iter().map(|need| Needed {
            need,
            proxy: index,
            server: None,
        }));
        let servers = proxy.backend.iter().flat_map(|side| side.servers.iter());
        for (server, settings) in servers.enumerate() {
            all.extend(of_server(settings).into_iter().map(|need| Needed {
                need,
                proxy: index,
                server: Some(server),
            }));
        }
    }
    all
}

fn of_proxy(proxy: &Proxy) -> Vec<Need> {
    let mut needs = Vec::new();
    if let Some(side) = &proxy.backend {
        if matches!(*side.check, CheckMethod::External { .. }) {
            needs.push(Need::Programs);
        }
        needs.extend(side.source.as_ref().and_then(of_source));
    }
    if drops_silently(proxy) {
        needs.push(Need::SilentDrop);
    }
    needs
}

fn of_server(server: &Server) -> Vec<Need> {
    let mut needs = Vec::new();
    needs.extend(server.source.as_ref().and_then(of_source));
    if server.congestion_control.is_some() {
        needs.push(Need::CongestionControl);
    }
    if let Some(Endpoint::Unix(_)) = server.address.as_ref().map(|address| &address.0) {
        needs.push(Need::Paths);
    }
    needs
}

fn of_source(source: &SourceAddress) -> Option<Need> {
    const FIRST_FOR_ALL: u16 = 1024;
    if source.transparent.is_some() {
        return Some(Need::ClientAddresses);
    }
    let first = source.ports.map(|(first, _)| first);
    first
        .filter(|first| (1..FIRST_FOR_ALL).contains(first))
        .map(|_| Need::LowPorts)
}

fn drops_silently(proxy: &Proxy) -> bool {
    fn connections(rules: &[Rule<ConnectionAction>]) -> bool {
        rules
            .iter()
            .any(|rule| rule.action == ConnectionAction::SilentDrop)
    }
    fn contents(rules: &[Rule<ContentAction>]) -> bool {
        rules
            .iter()
            .any(|rule| rule.action == ContentAction::SilentDrop)
    }
    proxy.frontend.as_ref().is_some_and(|side| {
        connections(&side.connection_rules)
            || connections(&side.session_rules)
            || contents(&side.content_rules.rules)
    }) || proxy
        .backend
        .as_ref()
        .is_some_and(|side| contents(&side.content_rules.rules))
}
