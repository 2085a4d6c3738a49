//! Numbers, and references from server to server.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use pontoon_engine::{
    address::Endpoint,
    units::{ProxyId, ServerId},
};

use super::{ServerDraft, TrackName};
use crate::{
    diagnostic::Diagnostics,
    haproxy::{
        check::{CheckMethod, ConnectStep, HttpStep, StepAction},
        model::{Proxy, Server, ServerPort},
    },
};

/// A server that tracks another, not yet looked up.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    /// Who tracks.
    pub server: ServerId,
    /// Whom.
    pub target: TrackName,
}

/// The servers of one proxy, with their indices and numbers, and who tracks whom.
///
/// Errors: `duplicate-server`, `duplicate-id`, `no-check-port`.
pub(crate) fn finish(
    drafts: Vec<ServerDraft>,
    method: &CheckMethod,
    d: &mut Diagnostics,
) -> (Vec<Server>, Vec<Track>) {
    check_unique(&drafts, d);
    let taken: BTreeSet<u32> = drafts.iter().map(|draft| draft.server.number).collect();
    let mut free = (1..).filter(|number| !taken.contains(number));
    let mut servers = Vec::with_capacity(drafts.len());
    let mut tracks = Vec::new();
    for (index, draft) in drafts.into_iter().enumerate() {
        check_port(&draft, method, d);
        note_unused_tls(&draft, method, d);
        let mut server = draft.server;
        server.id = ServerId(u32::try_from(index).unwrap_or(u32::MAX));
        if server.number == 0 {
            server.number = free.next().unwrap_or(u32::MAX);
        }
        tracks.extend(draft.track.map(|target| Track {
            server: server.id,
            target,
        }));
        servers.push(server);
    }
    (servers, tracks)
}

fn check_unique(drafts: &[ServerDraft], d: &mut Diagnostics) {
    let mut names: HashMap<&str, u32> = HashMap::new();
    let mut ids: HashMap<u32, &str> = HashMap::new();
    for draft in drafts {
        let server = &draft.server;
        let name = &*server.settings.name;
        if let Some(line) = names.insert(name, server.declared.line) {
            let message = format!("a server named `{name}` stands on line {line} already");
            d.error("duplicate-server", draft.span, message)
                .suggest("give each server of a proxy a name of its own");
        }
        let Some(span) = draft.id else { continue };
        if let Some(other) = ids.insert(server.number, name) {
            let message = format!("the server `{other}` has the id {} already", server.number);
            d.error("duplicate-id", span, message);
        }
    }
}

fn check_port(draft: &ServerDraft, method: &CheckMethod, d: &mut Diagnostics) {
    let server = &draft.server;
    let Some(check) = &server.check else { return };
    let is_local = server
        .address
        .as_ref()
        .is_some_and(|address| !matches!(address.0, Endpoint::Ip(_)));
    let has_port = check.port.is_some() || server.port == ServerPort::Fixed;
    if has_port || is_local || first_connect(method).is_some_and(|step| step.port.is_some()) {
        return;
    }
    d.error(
        "no-check-port",
        draft.span,
        format!(
            "the server `{}` is checked, but neither it nor its check has a port",
            server.settings.name
        ),
    )
    .suggest("add `port` and a number");
}

fn note_unused_tls(draft: &ServerDraft, method: &CheckMethod, d: &mut Diagnostics) {
    let check = draft.server.check.as_ref();
    let is_used = check.is_some_and(|check| check.tls.is_some() || encrypts(method));
    if let Some(span) = draft.tls.filter(|_| !is_used) {
        d.note(
            "without-effect",
            span,
            "TLS parameters have no effect on a server without `check-ssl`",
        );
    }
}

/// Whether a step of a script does.
fn encrypts(method: &CheckMethod) -> bool {
    let is_tls = |step: &ConnectStep| step.tls.is_some();
    match method {
        CheckMethod::Script(steps) => steps
            .iter()
            .any(|it| matches!(&it.action, StepAction::Connect(step) if is_tls(step))),
        CheckMethod::Http(check) => check
            .steps
            .iter()
            .any(|it| matches!(it, HttpStep::Connect(step) if is_tls(step))),
        _ => false,
    }
}

fn first_connect(method: &CheckMethod) -> Option<&ConnectStep> {
    match method {
        CheckMethod::Script(steps) => match steps.first()?.action {
            StepAction::Connect(ref step) => Some(step),
            _ => None,
        },
        CheckMethod::Http(check) => match check.steps.first()? {
            HttpStep::Connect(step) => Some(step),
            _ => None,
        },
        _ => None,
    }
}

/// Looks up whom servers track, in all proxies at once.
///
/// Errors: `unknown-proxy`, `unknown-server`, `untracked-health`, `tracking-loop`.
pub(crate) fn link_tracks(proxies: &mut [Proxy], tracks: &[(ProxyId, Track)], d: &mut Diagnostics) {
    let names = Names::of(proxies);
    let mut links = HashMap::new();
    for (proxy, track) in tracks {
        if let Some(target) = names.find(proxies, *proxy, &track.target, d) {
            links.insert((*proxy, track.server), target);
        }
    }
    let mut chains = Chains::new(&links);
    for (proxy, track) in tracks {
        let from = (*proxy, track.server);
        let (Some(target), Some(end)) = (links.get(&from), chains.end(from, &track.target, d))
        else {
            continue;
        };
        if is_checked(proxies, end, &track.target, d)
            && let Some(server) = server_mut(proxies, from)
        {
            server.track = Some(*target);
        }
    }
}

type Place = (ProxyId, ServerId);

/// Servers by name, so that looking up takes constant time.
struct Names {
    proxies: HashMap<Arc<str>, ProxyId>,
    servers: HashMap<(ProxyId, Arc<str>), ServerId>,
}

impl Names {
    fn of(proxies: &[Proxy]) -> Self {
        let mut names = Self {
            proxies: HashMap::new(),
            servers: HashMap::new(),
        };
        for proxy in proxies {
            let Some(backend) = &proxy.backend else {
                continue;
            };
            names.proxies.insert(Arc::clone(&proxy.name), proxy.id);
            for server in &backend.servers {
                let name = Arc::clone(&server.settings.name);
                names.servers.insert((proxy.id, name), server.id);
            }
        }
        names
    }

    fn find(
        &self,
        proxies: &[Proxy],
        own: ProxyId,
        target: &TrackName,
        d: &mut Diagnostics,
    ) -> Option<Place> {
        let proxy = match &target.proxy {
            None => own,
            Some(name) => match self.proxies.get(name.as_str()) {
                Some(id) => *id,
                None => return unknown_proxy(proxies, name, target, d),
            },
        };
        let key = (proxy, Arc::from(target.server.as_str()));
        let found = self.servers.get(&key);
        if found.is_none() {
            unknown_server(proxies, proxy, target, d);
        }
        Some((proxy, *found?))
    }
}

fn unknown_proxy(
    proxies: &[Proxy],
    name: &str,
    target: &TrackName,
    d: &mut Diagnostics,
) -> Option<Place> {
    let backends = proxies.iter().filter(|proxy| proxy.backend.is_some());
    let near = crate::similar::nearest(name, backends.map(|proxy| &*proxy.name));
    let message = format!("there is no backend or listen section `{name}` to track in");
    let diagnostic = d.error("unknown-proxy", target.span, message);
    if let Some(near) = near {
        diagnostic.suggest(format!("did you mean `{near}/{}`?", target.server));
    }
    None
}

fn unknown_server(proxies: &[Proxy], proxy: ProxyId, target: &TrackName, d: &mut Diagnostics) {
    let Some(proxy) = proxies.get(proxy.index()) else {
        return;
    };
    let servers = proxy.backend.iter().flat_map(|it| &it.servers);
    let names = servers.map(|it| &*it.settings.name);
    let near = crate::similar::nearest(&target.server, names);
    let message = format!(
        "`{}` has no server `{}` to track",
        proxy.name, target.server
    );
    let diagnostic = d.error("unknown-server", target.span, message);
    if let Some(near) = near {
        diagnostic.suggest(format!("did you mean `{near}`?"));
    }
}

/// Where chains of tracking servers end; each link is followed once.
struct Chains<'a> {
    links: &'a HashMap<Place, Place>,
    /// `None`: in a loop, or leading into one.
    ends: HashMap<Place, Option<Place>>,
}

impl<'a> Chains<'a> {
    fn new(links: &'a HashMap<Place, Place>) -> Self {
        Self {
            links,
            ends: HashMap::new(),
        }
    }

    /// The end of the chain that begins here. Each loop is reported once.
    fn end(&mut self, from: Place, target: &TrackName, d: &mut Diagnostics) -> Option<Place> {
        let mut path = Vec::new();
        let mut on_path = HashSet::new();
        let mut at = from;
        let end = loop {
            if let Some(known) = self.ends.get(&at) {
                break *known;
            }
            if !on_path.insert(at) {
                let message = format!("tracking `{}` leads back to where it began", target.server);
                d.error("tracking-loop", target.span, message);
                break None;
            }
            path.push(at);
            match self.links.get(&at) {
                Some(next) => at = *next,
                None => break Some(at),
            }
        };
        self.ends.extend(path.into_iter().map(|place| (place, end)));
        end
    }
}

/// At the end of a chain stands a server with a check or an agent.
fn is_checked(proxies: &[Proxy], end: Place, target: &TrackName, d: &mut Diagnostics) -> bool {
    let Some(end) = server(proxies, end) else {
        return false;
    };
    let is_checked = end.settings.health.is_some() || end.agent.is_some();
    // A link that could not be found was reported already.
    if !is_checked && !end.settings.tracks {
        let name = &end.settings.name;
        let message = format!(
            "the server `{name}` cannot be tracked: it has neither `check` nor `agent-check`"
        );
        d.error("untracked-health", target.span, message)
            .suggest("add `check` to it");
    }
    is_checked
}

fn server(proxies: &[Proxy], (proxy, server): Place) -> Option<&Server> {
    let backend = proxies.get(proxy.index())?.backend.as_ref()?;
    backend.servers.get(server.index())
}

fn server_mut(proxies: &mut [Proxy], (proxy, server): Place) -> Option<&mut Server> {
    let backend = proxies.get_mut(proxy.index())?.backend.as_mut()?;
    backend.servers.get_mut(server.index())
}
