//! One floating IP: its reconciler, its way to the provider, and the call that is under way.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    net::IpAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use pontoon_config::keepalived::model::{FloatingIp, Instance, Provider};
use pontoon_engine::{
    floating_ip::{
        CallId,
        action::{Action, Report},
        event::{Event, Failure, FailureKind},
        reconciler::Reconciler,
        settings::Settings,
    },
    vrrp::{InstanceId, Priority},
};
use tokio::sync::Mutex;

use super::{
    Standing,
    preparation::{Change, Preparation, Readiness},
    words::{self, Line, Words},
};
use crate::{
    cloud::{
        client::Client,
        fence::{Fence, Permit},
    },
    election::{
        log::Log,
        status::{CallTimes, FloatingIpStatus},
    },
};

/// The first wait after a failure is at most so long, and none is longer than the second.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// So many calls may start at once, then one in so long a time: far below what AWS allows an
/// account (100 and 20 a second for most calls), which others use as well.
const RATE: (u32, Duration) = (10, Duration::from_secs(1));

/// Of which instance it is.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    instance: InstanceId,
    name: Arc<str>,
    /// Whether the file wants this node to be the master.
    preferred: bool,
}

impl Identity {
    pub(super) fn of(id: InstanceId, instance: &Instance) -> Self {
        Self {
            instance: id,
            name: Arc::clone(&instance.name),
            preferred: instance.wants_master || instance.priority == Priority::OWNER,
        }
    }
}

/// One of them.
pub(super) struct Address {
    identity: Identity,
    file: FloatingIp,
    source: Option<IpAddr>,
    reconciler: Reconciler,
    gate: Gate,
    fence: Fence,
    call: Option<Call>,
    preparation: Preparation,
    told: Told,
    /// The last call that failed, and when.
    failed: Option<(String, Instant)>,
    /// How long calls took.
    times: CallTimes,
}

/// What the reconciler has been told.
#[derive(Debug, Default)]
struct Told {
    /// With which priority it is master.
    master: Option<Priority>,
    /// When each configured peer was last heard.
    peers: HashMap<IpAddr, Instant>,
}

/// A call under way.
struct Call {
    id: CallId,
    kind: CallKind,
    since: Instant,
    future: Pin<Box<dyn Future<Output = Event>>>,
}

/// Something has ended.
#[derive(Debug)]
pub(super) enum News {
    /// A call.
    Answer(Event),
    /// The preparation of calls to come.
    Readiness(Readiness),
}

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallKind {
    Describe,
    Associate,
}

/// The way to the provider: opened when it is needed, and again if that failed.
pub(super) type Gate = Rc<Mutex<Option<Client>>>;

impl Address {
    pub(super) fn new(identity: Identity, file: &FloatingIp) -> Self {
        let settings = settings(file, &identity, None);
        Self {
            identity,
            file: file.clone(),
            source: None,
            reconciler: Reconciler::new(settings, RandomState::new().build_hasher().finish()),
            gate: Gate::default(),
            fence: Fence::default(),
            call: None,
            preparation: Preparation::new(Instant::now()),
            told: Told::default(),
            failed: None,
            times: CallTimes::default(),
        }
    }

    /// Whether it is the same address at the same place, whatever else is said of it.
    pub(super) fn is_reached_as(&self, identity: &Identity, file: &FloatingIp) -> bool {
        self.identity.name == identity.name && {
            let FloatingIp {
                address,
                provider,
                endpoint,
                proxy,
                ca_file,
                api_timeout,
                location: _,
                verify_interval: _,
            } = &self.file;
            *address == file.address
                && *provider == file.provider
                && *endpoint == file.endpoint
                && *proxy == file.proxy
                && *ca_file == file.ca_file
                && *api_timeout == file.api_timeout
        }
    }

    /// It goes on under a new file.
    pub(super) fn kept(mut self, identity: Identity, file: &FloatingIp) -> Self {
        self.identity = identity;
        self.file = file.clone();
        self.settle(Instant::now());
        self
    }

    /// Why the provider cannot be reached at all, if so: the file names a CA that cannot be read, or
    /// the like. It is tried again at each call.
    pub(super) fn unusable(&mut self) -> Option<Line> {
        let gate = Rc::clone(&self.gate);
        let Ok(mut gate) = gate.try_lock() else {
            return None;
        };
        let failure = open(&mut gate, &self.file).err()?;
        self.preparation.fails(failure.text.clone(), Instant::now());
        Some(self.words().unusable(&failure))
    }

    pub(super) const fn instance(&self) -> InstanceId {
        self.identity.instance
    }

    pub(super) fn instance_name(&self) -> &str {
        &self.identity.name
    }

    pub(super) const fn ip(&self) -> IpAddr {
        self.file.address
    }

    pub(super) const fn is_master(&self) -> bool {
        self.told.master.is_some()
    }

    /// Whether no call is under way.
    pub(super) const fn is_idle(&self) -> bool {
        self.call.is_none()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let times = [
            self.reconciler.poll_timeout(),
            self.preparation.poll_timeout(),
        ];
        times.into_iter().flatten().min()
    }

    /// What has become due.
    pub(super) fn timeout(&mut self, now: Instant) {
        let has_come = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if has_come(self.reconciler.poll_timeout()) {
            self.handle(Event::Timeout, now);
        }
        if has_come(self.preparation.poll_timeout()) {
            let (gate, permit) = (Rc::clone(&self.gate), self.fence.permit());
            self.preparation.begin(gate, self.file.clone(), permit);
        }
    }

    pub(super) fn handle(&mut self, event: Event, now: Instant) {
        self.reconciler.handle(event, now);
    }

    /// Tells what is new. Who is master no longer hears that before anything else; who becomes
    /// master hears of the others first.
    pub(super) fn follow(&mut self, standing: &Standing<'_>, now: Instant) {
        if self.source != standing.source {
            self.source = standing.source;
            self.settle(now);
        }
        if !standing.master && self.told.master.take().is_some() {
            self.handle(Event::NotMaster, now);
            self.preparation.resume(now);
        }
        self.tell_of_peers(standing, now);
        if !standing.master {
            return;
        }
        let priority = standing.priority;
        match self.told.master.replace(priority) {
            None => {
                self.preparation.suspend();
                self.handle(Event::Master { priority }, now);
            }
            Some(before) if before != priority => self.handle(Event::Priority(priority), now),
            Some(_) => {}
        }
    }

    fn tell_of_peers(&mut self, standing: &Standing<'_>, now: Instant) {
        for peer in standing.peers {
            let news = self.told.peers.get(&peer.address) != Some(&peer.heard_at);
            if news && is_configured(&self.file.provider, peer.address) {
                self.told.peers.insert(peer.address, peer.heard_at);
                let heard = Event::Peer {
                    address: peer.address,
                    priority: peer.priority,
                };
                self.handle(heard, now);
            }
        }
    }

    /// What the file and the network say goes into the reconciler.
    fn settle(&mut self, now: Instant) {
        let settings = settings(&self.file, &self.identity, self.source);
        self.reconciler.reload(settings, now);
    }

    /// Everything the reconciler has ordered, in its order.
    pub(super) fn carry_out(&mut self, now: Instant, log: &Log) {
        while let Some(action) = self.reconciler.poll_action() {
            match action {
                Action::Describe(id) => self.call(id, CallKind::Describe, now),
                Action::Associate(id) => self.call(id, CallKind::Associate, now),
                Action::Abandon(id) => self.abandon(id),
                Action::Report(report) => {
                    self.note(&report, now);
                    let (level, text) = self.words().report(&report);
                    log.line(level, text);
                }
            }
        }
    }

    fn note(&mut self, report: &Report, now: Instant) {
        if let Report::Failed { failure, .. } = report {
            self.failed = Some((failure.text.clone(), now));
        }
    }

    fn call(&mut self, id: CallId, kind: CallKind, now: Instant) {
        let permit = self.fence.permit();
        let (gate, file) = (Rc::clone(&self.gate), self.file.clone());
        self.call = Some(Call {
            id,
            kind,
            since: now,
            future: Box::pin(ask(gate, file, permit, id, kind)),
        });
    }

    fn abandon(&mut self, id: CallId) {
        self.fence.close();
        self.call.take_if(|call| call.id == id);
    }

    /// What has ended: the call under way, or the preparation of one.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<News> {
        if let Some(call) = &mut self.call
            && let Poll::Ready(event) = call.future.as_mut().poll(context)
        {
            self.times.ended += 1;
            self.times.seconds += call.since.elapsed().as_secs_f64();
            self.call = None;
            return Poll::Ready(News::Answer(event));
        }
        self.preparation.poll(context).map(News::Readiness)
    }

    /// Takes it.
    pub(super) fn take(&mut self, news: News, now: Instant, log: &Log) {
        let change = match news {
            News::Readiness(readiness) => self.preparation.ended(readiness, now),
            News::Answer(event) => {
                let well = is_success(&event);
                self.handle(event, now);
                well.then(|| self.preparation.works(now)).flatten()
            }
        };
        if let Some(change) = change {
            self.tell(&change, log);
        }
    }

    fn tell(&self, change: &Change, log: &Log) {
        let (level, text) = self.words().readiness(change);
        log.line(level, text);
    }

    fn words(&self) -> Words<'_> {
        Words {
            instance: &self.identity.name,
            address: self.file.address,
        }
    }

    pub(super) fn status(&self, now: Instant) -> FloatingIpStatus {
        let call = self.call.as_ref();
        words::status(words::Facts {
            file: &self.file,
            view: &self.reconciler.view(),
            failed: self.failed.as_ref(),
            call: call.map(|call| (call.kind, call.since)),
            preparation: &self.preparation,
            times: self.times,
            now,
        })
    }
}

impl Drop for Address {
    /// Whoever is still about to start a call for it must not.
    fn drop(&mut self) {
        self.fence.close();
    }
}

fn settings(file: &FloatingIp, identity: &Identity, source: Option<IpAddr>) -> Settings {
    let ((backoff_first, backoff_longest), (burst, refill)) = (BACKOFF, RATE);
    Settings {
        verify_interval: file.verify_interval,
        call_timeout: file.api_timeout,
        backoff_first,
        backoff_longest,
        burst,
        refill,
        source,
        preferred: identity.preferred,
    }
}

/// Whether the address may be found with this peer.
fn is_configured(provider: &Provider, peer: IpAddr) -> bool {
    match provider {
        Provider::Aws(aws) => aws.peers.iter().any(|known| known.address == peer),
        Provider::Hetzner(cloud) | Provider::DigitalOcean(cloud) => {
            cloud.peers.iter().any(|known| known.address == peer)
        }
    }
}

const fn is_success(event: &Event) -> bool {
    matches!(
        event,
        Event::Described { result: Ok(_), .. } | Event::Associated { result: Ok(()), .. }
    )
}

async fn ask(gate: Gate, file: FloatingIp, permit: Permit, id: CallId, kind: CallKind) -> Event {
    let mut gate = gate.lock().await;
    let client = open(&mut gate, &file);
    match kind {
        CallKind::Describe => Event::Described {
            call: id,
            result: match client {
                Ok(client) => client.describe(&permit).await,
                Err(failure) => Err(failure),
            },
        },
        CallKind::Associate => Event::Associated {
            call: id,
            result: match client {
                Ok(client) => client.associate(&permit).await,
                Err(failure) => Err(failure),
            },
        },
    }
}

/// The client, made if there is none yet.
pub(super) fn open<'a>(
    gate: &'a mut Option<Client>,
    file: &FloatingIp,
) -> Result<&'a mut Client, Failure> {
    if gate.is_none() {
        *gate = Some(Client::new(file).map_err(|error| Failure {
            kind: FailureKind::Refused,
            text: error.to_string(),
        })?);
    }
    gate.as_mut().ok_or_else(|| Failure {
        kind: FailureKind::Refused,
        text: "there is no client".to_owned(),
    })
}
