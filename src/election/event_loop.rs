//! The loop: what happens goes into the machine; what it orders is carried out, in that order.

mod orders;
mod reload;
mod renewal;
mod report;
mod switchover;

use std::{
    collections::HashMap,
    future::{pending, ready},
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use pontoon_config::keepalived::model::Model;
use pontoon_engine::vrrp::{
    InstanceId, Priority, Role,
    election::Election,
    event::{Event, Proxy, Reading},
    settings::Settings,
    view::Counters,
};
use tokio::time::{Interval, MissedTickBehavior};

use super::{
    Options,
    floating::{Answered, Floating, Standing},
    history::{Events, History},
    log::{Level, Log},
    network::{Network, NetworkEvent},
    notify::Notifier,
    process::signals::{Function, Watch},
    proxy::{News, ProxyWatch},
    resume::Left,
    sandbox,
    script::launched,
    settings::{Facts, Plan, Subject, Table},
    switchover::{Asking, Sparing},
    track::{Tracked, Trackers},
};
use crate::node::{
    channel::ElectionEnd,
    message::{ALIVE_INTERVAL, FromElection, ToElection},
};

use self::renewal::{Remembered, Renewal};

/// How long scripts may take that were started because of the stop; our supervisor has a little
/// more patience with us.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long checks that run may take to end when they are told to.
const LAST_CHECKS: Duration = Duration::from_millis(500);

/// So many packets are heard before a time that has come is believed.
const HEARD_FIRST: usize = 64;

/// A running election.
pub(super) struct EventLoop {
    log: Log,
    options: Options,
    model: Arc<Model>,
    table: Table,
    /// Of the instances whose indices count now.
    settings: Settings,
    /// The last priorities of instances that a reload has just removed, while their last orders
    /// are carried out: the machine knows them no more.
    outgoing: Option<Vec<Priority>>,
    election: Election,
    network: Network,
    trackers: Trackers,
    notifier: Notifier,
    /// The cloud's addresses that follow the masters.
    floating: Floating,
    proxy: ProxyWatch,
    /// The last news of the proxy.
    proxy_state: Proxy,
    /// The way to our supervisor, if there is one.
    supervisor: Option<ElectionEnd>,
    signals: Watch,
    /// What a reload that was announced is going to apply.
    prepared: Option<Arc<Model>>,
    /// Another program is to take over.
    renewal: Option<Renewal>,
    /// What the program before has left, until it has been taken in.
    left: Option<Left>,
    history: History,
    /// Whatever else is worth knowing afterwards.
    events: Events,
    /// Peers are being asked whether they would take over.
    asking: Option<Asking>,
    /// How often peers are answered that ask us.
    sparing: Sparing,
    /// What the counters of an instance were when statistics were cleared.
    cleared: HashMap<Arc<str>, Counters>,
    started: Instant,
    /// When the supervisor is next told that we live.
    alive: Interval,
    stopping: bool,
    why: End,
}

/// Why it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It was to.
    Asked,
    /// It cannot start scripts any more.
    LauncherLost,
}

/// What it begins with.
pub(super) struct Parts {
    pub(super) log: Log,
    pub(super) options: Options,
    pub(super) model: Arc<Model>,
    pub(super) network: Network,
    pub(super) trackers: Trackers,
    pub(super) notifier: Notifier,
    pub(super) supervisor: Option<ElectionEnd>,
    pub(super) signals: Watch,
    /// Of the program before.
    pub(super) left: Option<Left>,
}

/// Something happened.
enum Happened {
    Network(NetworkEvent),
    Tracked(Tracked),
    Proxy(News),
    /// A provider has answered.
    Provider(Answered),
    /// `None`: the supervisor is gone.
    Told(Option<ToElection>),
    Signal(Function),
    /// These are the process groups of the notify scripts that run now.
    Scripts(Vec<i32>),
    /// A time the machine waits for has come.
    Timeout,
    /// Whether another program can take over.
    Judged(bool),
    /// The supervisor is to hear that we live.
    Alive,
    /// The launcher is gone.
    LauncherLost,
}

impl EventLoop {
    /// To be called inside of the runtime.
    pub(super) fn new(parts: Parts) -> Self {
        let Parts {
            log,
            options,
            model,
            network,
            trackers,
            notifier,
            supervisor,
            signals,
            mut left,
        } = parts;
        let now = Instant::now();
        let facts = Surveyed {
            network: &network,
            trackers: &trackers,
        };
        let Plan { settings, table } = Plan::new(&model, &facts);
        let pidfile = model.global.proxy_pidfile.clone();
        let (followed, said) = renewal::last_said(left.as_ref());
        let proxy = match (&left, &supervisor) {
            (Some(_), _) => ProxyWatch::resumed(followed, said, pidfile, log.clone()),
            (None, Some(_)) => ProxyWatch::supervised(pidfile, log.clone()),
            (None, None) => ProxyWatch::twin(pidfile, log.clone()),
        };
        let remembered = left.as_mut().map(Remembered::take).unwrap_or_default();
        Self {
            election: renewal::machine(settings.clone(), left.as_ref(), now),
            settings,
            outgoing: None,
            proxy_state: said.unwrap_or(Proxy::Absent),
            renewal: None,
            left,
            prepared: None,
            history: remembered.history,
            events: remembered.events,
            asking: None,
            sparing: Sparing::default(),
            cleared: remembered.cleared,
            started: remembered.started.unwrap_or(now),
            floating: Floating::new(&model, log.clone()),
            alive: signs_of_life(),
            stopping: false,
            why: End::Asked,
            log,
            options,
            model,
            table,
            network,
            trackers,
            notifier,
            proxy,
            supervisor,
            signals,
        }
    }

    /// Runs until a stop is asked for.
    pub(super) async fn run(mut self) -> End {
        self.begin().await;
        while !self.stopping {
            let happened = self.next().await;
            self.take(happened);
            self.renew_if_due();
        }
        let why = self.why;
        self.end().await;
        why
    }

    /// Gives up the rights that only the start has needed.
    pub(super) fn put_up_sandbox(&self) {
        sandbox::put_up(&self.model, self.left.is_some(), &self.log);
    }

    /// What is known already goes in before the first `Timeout`, at which everything begins.
    async fn begin(&mut self) {
        if let Some(left) = self.left.take() {
            return self.go_on(&left);
        }
        self.network.clean();
        if self.options.dump_configuration {
            self.log_configuration();
        }
        if self.supervisor.is_some() {
            // Until the supervisor has said otherwise.
            self.proxy_changed(Proxy::Starting);
        }
        self.tell(&FromElection::Ready);
        self.take_what_trackers_know();
        while let Some(happened) = self.next_at_once().await {
            self.take(happened);
        }
    }

    /// What has happened already.
    async fn next_at_once(&mut self) -> Option<Happened> {
        tokio::select! {
            biased;
            told = heard(&mut self.supervisor) => Some(Happened::Told(told)),
            news = self.proxy.next() => Some(Happened::Proxy(news)),
            tracked = self.trackers.next() => Some(Happened::Tracked(tracked)),
            () = ready(()) => None,
        }
    }

    async fn next(&mut self) -> Happened {
        // Signals, timers and scripts have their turn even if there is always something to do.
        tokio::task::coop::consume_budget().await;
        let due = [
            self.election.poll_timeout(),
            self.floating.poll_timeout(),
            self.asking_timeout(),
        ];
        let due = due.into_iter().flatten().min();
        tokio::select! {
            event = self.network.next() => return Happened::Network(event),
            tracked = self.trackers.next() => return Happened::Tracked(tracked),
            news = self.proxy.next() => return Happened::Proxy(news),
            answered = self.floating.next() => {
                // Whether we are still master comes before what a master does next.
                self.hear_what_waits().await;
                return Happened::Provider(answered);
            }
            told = heard(&mut self.supervisor) => return Happened::Told(told),
            function = self.signals.next() => return Happened::Signal(function),
            able = renewal::verdict(&mut self.renewal) => return Happened::Judged(able),
            groups = self.notifier.running() => return Happened::Scripts(groups),
            _ = self.alive.tick() => return Happened::Alive,
            () = launched::lost() => return Happened::LauncherLost,
            () = until(due) => {}
        }
        self.hear_what_waits().await;
        Happened::Timeout
    }

    /// After a standstill (a paused machine, a slow disk) a backup's time is over, though the
    /// advertisements that prove the master alive may have arrived: they are heard first. Not more
    /// of them than this: whoever floods us must not keep a master from saying that it lives.
    async fn hear_what_waits(&mut self) {
        // Meanwhile the event loop finds out what has arrived.
        tokio::task::yield_now().await;
        for _ in 0..HEARD_FIRST {
            tokio::select! {
                biased;
                event = self.network.next() => self.network_event(event),
                () = ready(()) => return,
            }
        }
    }

    fn take(&mut self, happened: Happened) {
        match happened {
            Happened::Network(event) => self.network_event(event),
            Happened::Tracked(tracked) => self.tracked(tracked),
            Happened::Proxy(News::Proxy(state)) => self.proxy_news(state),
            Happened::Proxy(News::Hung { pid, silent_for }) => {
                self.tell(&FromElection::ProxyHung { pid, silent_for });
            }
            Happened::Told(Some(told)) => self.told(&told),
            Happened::Told(None) => {
                let text = "The supervisor is gone: the addresses are given back";
                self.log.line(Level::Error, text);
                self.stop();
            }
            Happened::Signal(function) => self.obey(function),
            Happened::Scripts(groups) => self.tell(&FromElection::Scripts(groups)),
            Happened::Judged(able) => self.renewal_judged(able),
            Happened::Provider(answered) => self.floating.answered(answered, Instant::now()),
            Happened::Timeout => {
                // First who is master, then what a master does.
                self.handle(Event::Timeout);
                self.floating.timeout(Instant::now());
                self.ask_again();
            }
            Happened::LauncherLost => {
                self.why = End::LauncherLost;
                self.stop();
            }
            Happened::Alive => {
                if let Some(supervisor) = &mut self.supervisor {
                    supervisor.live();
                }
            }
        }
    }

    fn network_event(&mut self, event: NetworkEvent) {
        match event {
            NetworkEvent::Heard { instance, heard } => {
                self.handle(Event::Heard { instance, heard });
            }
            NetworkEvent::Source { instance, source } => {
                self.handle(Event::Source { instance, source });
            }
            NetworkEvent::Interface { name, up } => self.interface(name, up),
            NetworkEvent::Asked(asked) => self.asked(*asked),
        }
    }

    fn interface(&mut self, name: String, up: bool) {
        let (word, reading) = if up {
            ("up", Reading::Up)
        } else {
            ("down", Reading::Down)
        };
        let text = format!("Netlink reports {name} {word}");
        if let Some(tracker) = self.table.id(&Subject::Interface(name)) {
            self.log.line(Level::Notice, text);
            self.handle(Event::Tracked { tracker, reading });
        }
    }

    fn tracked(&mut self, tracked: Tracked) {
        let (subject, up) = match tracked {
            Tracked::Script { index, up } => (Subject::Script(index), up),
            Tracked::Process { index, up } => (Subject::Process(index), up),
            Tracked::File { index, number } => {
                for (tracker, reading) in self.table.of_file(index, number) {
                    self.handle(Event::Tracked { tracker, reading });
                }
                return;
            }
        };
        if let Some(tracker) = self.table.id(&subject) {
            let reading = if up { Reading::Up } else { Reading::Down };
            self.handle(Event::Tracked { tracker, reading });
        }
    }

    fn take_what_trackers_know(&mut self) {
        for tracked in self.trackers.known() {
            self.tracked(tracked);
        }
    }

    /// Before an end is believed that only the proxy itself has told, the supervisor is heard: it has
    /// announced a successor before it started one.
    fn proxy_news(&mut self, state: Proxy) {
        if matches!(state, Proxy::Down(_)) {
            while let Some(told) = self.supervisor.as_mut().and_then(ElectionEnd::next_at_once) {
                self.told(&told);
            }
            if self.proxy.is_replaced() {
                return;
            }
        }
        self.proxy_changed(state);
    }

    fn proxy_changed(&mut self, state: Proxy) {
        if std::mem::replace(&mut self.proxy_state, state) != state
            && let Some(words) = report::proxy_words(state)
        {
            self.events.add(format!("The proxy {words}"));
        }
        self.handle(Event::Proxy(state));
    }

    fn told(&mut self, told: &ToElection) {
        match told {
            ToElection::StatusWanted { id } => self.answer(*id),
            ToElection::FloatingIpWanted { id, address } => {
                let result = self.floating.assert(*address, Instant::now());
                self.tell(&FromElection::FloatingIpAsserted { id: *id, result });
            }
            ToElection::Prepare { id } => {
                let result = self.prepare();
                self.tell(&FromElection::Prepared { id: *id, result });
            }
            ToElection::Abandon => self.abandon_reload(),
            ToElection::Reload { id } => {
                let result = self.reload();
                self.tell(&FromElection::Reloaded { id: *id, result });
            }
            ToElection::Renew { program } => self.renewal_wanted(program),
            ToElection::SwitchoverWanted { id, whose, wish } => {
                self.switchover_wanted(*id, whose, *wish);
            }
            ToElection::NoProxy
            | ToElection::ProxyStarting
            | ToElection::ProxyReplacing
            | ToElection::ProxyReady { .. }
            | ToElection::ProxyEnded { .. }
            | ToElection::ProxyCannotStart { .. } => self.proxy.told(told),
        }
    }

    fn obey(&mut self, function: Function) {
        match function {
            Function::Stop => {
                self.log.line(Level::Info, "Stopping");
                self.stop();
            }
            // The log has told.
            Function::Reload => drop(self.reload()),
            Function::Data | Function::Statistics | Function::ClearStatistics | Function::Json => {
                self.dump(function)
            }
        }
    }

    fn stop(&mut self) {
        self.stopping = true;
        self.handle(Event::Stop);
    }

    /// One event, and all that comes of it.
    fn handle(&mut self, event: Event) {
        self.election.handle(event, Instant::now());
        self.carry_out();
        self.inform_floating();
    }

    /// The floating IPs hear what has become of their instances.
    pub(super) fn inform_floating(&mut self) {
        for id in self.floating.instances() {
            let view = self.election.instance(id);
            let standing = Standing {
                master: view.role == Role::Master,
                priority: view.priority,
                peers: &view.peers,
                source: self.network.source(id),
            };
            self.floating.follow(id, &standing, Instant::now());
        }
    }

    async fn end(mut self) {
        if !self.options.keep_addresses {
            self.network.close();
        }
        // Whatever is on the interfaces now is meant to stay there.
        self.tell(&FromElection::Holding(Vec::new()));
        self.tell(&FromElection::Farewells(Vec::new()));
        // What is left of them then ends with us.
        let _late = tokio::time::timeout(LAST_CHECKS, self.trackers.stop()).await;
        self.notifier.finish(PATIENCE).await;
        if let Some(supervisor) = &mut self.supervisor {
            // What they have left behind may stay.
            supervisor.send(&FromElection::Scripts(Vec::new()));
        }
        self.log.line(Level::Info, "Stopped");
        self.log.flush();
    }

    fn tell(&mut self, message: &FromElection) {
        if let Some(supervisor) = &mut self.supervisor {
            supervisor.send(message);
        }
    }

    /// What an instance advertises now.
    fn priority(&self, id: InstanceId) -> Priority {
        match &self.outgoing {
            Some(last) => last.get(id.0).copied().unwrap_or(Priority::DEFAULT),
            None => self.election.instance(id).priority,
        }
    }

    fn instances(&self) -> impl Iterator<Item = InstanceId> + use<> {
        (0..self.model.instances.len()).map(InstanceId)
    }
}

/// What is known when the settings are made.
struct Surveyed<'a> {
    network: &'a Network,
    trackers: &'a Trackers,
}

impl Facts for Surveyed<'_> {
    fn interface_up(&self, name: &str) -> bool {
        self.network.interface_up(name)
    }

    fn source(&self, instance: InstanceId) -> Option<IpAddr> {
        self.network.source(instance)
    }

    fn runs(&self, script: usize) -> bool {
        !self.trackers.is_disabled(script)
    }
}

/// The supervisor's next word; for ever none if there is no supervisor.
async fn heard(supervisor: &mut Option<ElectionEnd>) -> Option<ToElection> {
    match supervisor {
        Some(supervisor) => supervisor.next().await,
        None => pending().await,
    }
}

/// They come from the loop itself: one that does not turn is not alive.
fn signs_of_life() -> Interval {
    let mut interval = tokio::time::interval(ALIVE_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => pending().await,
    }
}
