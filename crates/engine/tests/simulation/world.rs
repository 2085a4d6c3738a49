//! Runs a scenario: true time, a queue of what happens next, and the orders carried out.

mod floating;
mod network;

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use pontoon_engine::vrrp::{
    InstanceId, Role, TrackerId,
    action::Action,
    event::{Event, Proxy, Reading},
    settings::Settings,
};

use self::{
    floating::{Floating, Upcoming},
    network::Packet,
};
use super::{
    clock::Clock,
    cloud::{Place, Provider},
    fact::{Fact, InstancePicture, NodePicture, Picture},
    properties::Property,
    queue::Queue,
    random::Random,
    scenario::{Incident, Quality, Scenario},
    subject::{Defect, Subject},
};

/// A property that did not hold.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) property: &'static str,
    pub(crate) at: Duration,
    pub(crate) what: String,
}

/// What a run has shown.
pub(crate) struct Outcome {
    /// The first of each property.
    pub(crate) violations: Vec<Violation>,
    /// How often each property had something to judge.
    pub(crate) judged: Vec<(&'static str, u64)>,
    /// Everything, if it was to be kept.
    pub(crate) timeline: Vec<(Duration, Fact)>,
}

/// What switchovers are about.
const FIRST: InstanceId = InstanceId(0);

/// So often may a machine want to be called again at once.
const PATIENCE: u32 = 50;

/// What is going to happen.
#[derive(Debug)]
enum Next {
    Incident(Incident),
    Arrives {
        node: usize,
        packet: Packet,
    },
    Wake {
        node: usize,
        generation: u32,
    },
    /// A tracker of a node's machine is read for the first time.
    Read {
        node: usize,
        life: u32,
        tracker: TrackerId,
    },
    Learn {
        neighbour: usize,
        router: usize,
        node: usize,
    },
    /// Between a node and the provider of its floating IP.
    Cloud(Upcoming),
    Heal,
}

/// A node: what is outside of its machine.
struct Host {
    clock: Clock,
    settings: Settings,
    machine: Option<Subject>,
    /// Counts its machines.
    life: u32,
    /// Counts its alarms; only the newest one rings.
    generation: u32,
    spins: u32,
    frozen: bool,
    /// What came while it was frozen.
    inbox: Vec<Event>,
    source: Option<IpAddr>,
    readings: Vec<Reading>,
    proxy: Proxy,
    floating: Option<Floating>,
}

/// Everything there is.
pub(crate) struct World {
    scenario: Arc<Scenario>,
    defect: Defect,
    random: Random,
    network: Quality,
    picture: Picture,
    hosts: Vec<Host>,
    provider: Option<Provider>,
    queue: Queue<Next>,
    properties: Vec<Box<dyn Property>>,
    violations: Vec<Violation>,
    keep: bool,
    timeline: Vec<(Duration, Fact)>,
}

impl World {
    pub(crate) fn new(
        scenario: &Arc<Scenario>,
        defect: Defect,
        properties: Vec<Box<dyn Property>>,
        keep: bool,
    ) -> Self {
        let begin = Instant::now();
        let hosts = (0..scenario.nodes.len()).map(|node| Host::new(scenario, node, begin));
        let mut world = Self {
            defect,
            random: Random::new(!scenario.seed),
            network: scenario.network,
            picture: first_picture(scenario),
            hosts: hosts.collect(),
            provider: scenario.cloud.as_ref().map(Provider::new),
            queue: Queue::new(),
            properties,
            violations: Vec::new(),
            keep,
            timeline: Vec::new(),
            scenario: Arc::clone(scenario),
        };
        for (at, incident) in &scenario.incidents {
            world.plan(*at, Next::Incident(incident.clone()));
        }
        world.plan(scenario.heals_at, Next::Heal);
        world
    }

    pub(crate) fn run(mut self) -> Outcome {
        while let Some((at, next)) = self.queue.next() {
            if at >= self.scenario.ends_at {
                break;
            }
            self.picture.at = at;
            self.happen(next);
        }
        self.picture.at = self.scenario.ends_at;
        self.end()
    }

    fn end(mut self) -> Outcome {
        for property in &mut self.properties {
            if let Err(what) = property.end(&self.picture) {
                note(&mut self.violations, property.name(), &self.picture, what);
            }
        }
        let judged = self.properties.iter().map(|p| (p.name(), p.judged()));
        Outcome {
            judged: judged.collect(),
            violations: self.violations,
            timeline: self.timeline,
        }
    }

    fn plan(&mut self, at: Duration, next: Next) {
        self.queue.plan(at, next);
    }

    fn plan_in(&mut self, wait: Duration, next: Next) {
        self.plan(self.picture.at + wait, next);
    }

    fn happen(&mut self, next: Next) {
        match next {
            Next::Incident(incident) => self.incident(incident),
            Next::Arrives { node, packet } => self.arrive(node, &packet),
            Next::Wake { node, generation } => self.wake(node, generation),
            Next::Read {
                node,
                life,
                tracker,
            } if self.hosts[node].life == life => {
                let reading = self.hosts[node].readings[tracker.0];
                self.tell(node, Event::Tracked { tracker, reading });
            }
            Next::Read { .. } => {}
            Next::Learn {
                neighbour,
                router,
                node,
            } => {
                self.picture.learned[neighbour][router] = Some(node);
                self.record(Fact::Learned {
                    neighbour,
                    router,
                    node,
                });
            }
            Next::Cloud(upcoming) => self.cloud(upcoming),
            Next::Heal => self.record(Fact::Healed),
        }
    }

    /// Lets every property judge.
    fn record(&mut self, fact: Fact) {
        for property in &mut self.properties {
            if let Err(what) = property.see(&self.picture, &fact) {
                note(&mut self.violations, property.name(), &self.picture, what);
            }
        }
        if self.keep {
            self.timeline.push((self.picture.at, fact));
        }
    }

    fn incident(&mut self, incident: Incident) {
        self.record(Fact::Incident(incident.clone()));
        match incident {
            Incident::Start(node) => self.start(node),
            Incident::Crash(node) => self.vanish(node),
            Incident::Stop(node) => {
                if self.hosts[node].machine.is_some() && !self.hosts[node].frozen {
                    self.tell(node, Event::Stop);
                    self.vanish(node);
                }
            }
            Incident::Freeze(node) => self.hosts[node].frozen = self.hosts[node].machine.is_some(),
            Incident::Thaw(node) => self.thaw(node),
            Incident::Track(node, tracker, reading) => {
                self.hosts[node].readings[tracker.0] = reading;
                self.tell(node, Event::Tracked { tracker, reading });
            }
            Incident::Source(node, there) => self.source(node, there),
            Incident::Proxy(node, proxy) => {
                self.hosts[node].proxy = proxy;
                self.tell(node, Event::Proxy(proxy));
            }
            Incident::HandOver(node) => self.tell(node, Event::HandOver { instance: FIRST }),
            Incident::TakeBack(node) => self.tell(node, Event::TakeBack { instance: FIRST }),
            Incident::Reload(node) => self.reload(node),
            Incident::Partition(sides) => {
                let cut = |a: bool| sides.iter().map(move |b| *b != a).collect();
                self.picture.cut = sides.iter().map(|a| cut(*a)).collect();
            }
            Incident::OneWay(from, to) => self.picture.cut[from][to] = true,
            Incident::Mend => self.picture.cut.iter_mut().for_each(|row| row.fill(false)),
            Incident::Network(quality) => self.network = quality,
            Incident::Weather(weather) => self.weather(weather),
            Incident::Meddle(place) => self.put(place),
        }
    }

    /// A node begins; what it tracks becomes known little by little.
    fn start(&mut self, node: usize) {
        if self.hosts[node].machine.is_some() {
            return;
        }
        let now = self.local(node);
        let host = &mut self.hosts[node];
        host.life += 1;
        host.settings
            .instances
            .iter_mut()
            .for_each(|i| i.source = host.source);
        let settings = host.settings.clone();
        host.machine = Some(match self.scenario.nodes[node].plain {
            true => Subject::plain(settings, now),
            false => Subject::new(settings, self.defect, now),
        });
        let (life, proxy) = (host.life, host.proxy);
        let readings = host.readings.len();
        self.picture.nodes[node].alive = true;
        self.begin_floating(node);
        self.record(Fact::Started(node));
        self.tell(node, Event::Proxy(proxy));
        for number in 0..readings {
            let tracker = TrackerId(number);
            let wait = self.random.up_to(self.scenario.beat / 20);
            self.plan_in(
                wait,
                Next::Read {
                    node,
                    life,
                    tracker,
                },
            );
        }
    }

    fn vanish(&mut self, node: usize) {
        if self.hosts[node].machine.take().is_none() {
            return;
        }
        self.hosts[node].life += 1;
        self.hosts[node].frozen = false;
        self.hosts[node].inbox.clear();
        self.hosts[node].floating = None;
        let picture = &mut self.picture.nodes[node];
        picture.alive = false;
        picture.floating = None;
        picture.instances.iter_mut().for_each(|i| {
            i.role = Role::Init;
            i.held = false;
        });
        self.record(Fact::Gone(node));
    }

    /// What came meanwhile and what is due comes in any order.
    fn thaw(&mut self, node: usize) {
        if !std::mem::take(&mut self.hosts[node].frozen) {
            return;
        }
        let timer_first = self.random.chance(50);
        if timer_first {
            self.tell(node, Event::Timeout);
        }
        for event in std::mem::take(&mut self.hosts[node].inbox) {
            self.tell(node, event);
        }
        self.tell(node, Event::Timeout);
        self.thaw_floating(node);
    }

    fn source(&mut self, node: usize, there: bool) {
        let source = there.then(|| self.scenario.address(node));
        if std::mem::replace(&mut self.hosts[node].source, source) == source {
            return;
        }
        for router in 0..self.scenario.routers {
            let instance = InstanceId(router);
            self.tell(node, Event::Source { instance, source });
        }
    }

    fn reload(&mut self, node: usize) {
        let now = self.local(node);
        let host = &mut self.hosts[node];
        if host.frozen {
            return;
        }
        host.settings
            .instances
            .iter_mut()
            .for_each(|i| i.source = host.source);
        if let Some(machine) = &mut host.machine {
            for last in machine.reload(host.settings.clone(), now) {
                self.obey(node, last);
            }
            self.drain(node);
            self.settle(node);
            self.follow(node);
        }
    }

    fn wake(&mut self, node: usize, generation: u32) {
        if self.hosts[node].generation == generation {
            self.tell(node, Event::Timeout);
        }
    }

    fn tell(&mut self, node: usize, event: Event) {
        let now = self.local(node);
        let host = &mut self.hosts[node];
        if host.frozen {
            if event != Event::Timeout {
                host.inbox.push(event);
            }
            return;
        }
        let Some(machine) = &mut host.machine else {
            return;
        };
        machine.handle(event.clone(), now);
        // Only if being called does not help it wants it for ever.
        host.spins = match machine.poll_timeout() {
            Some(deadline) if deadline <= now && event == Event::Timeout => host.spins + 1,
            _ => 0,
        };
        if let Event::Proxy(proxy) = event {
            self.picture.nodes[node].proxy = proxy;
        }
        self.record(Fact::Told {
            node,
            event: event.clone(),
        });
        self.drain(node);
        self.settle(node);
        self.overhear(node, &event);
        self.follow(node);
    }

    /// Carries out what the machine orders.
    fn drain(&mut self, node: usize) {
        while let Some(action) = self.hosts[node]
            .machine
            .as_mut()
            .and_then(Subject::poll_action)
        {
            self.obey(node, action);
        }
    }

    fn obey(&mut self, node: usize, action: Action) {
        self.record(Fact::Ordered {
            node,
            action: action.clone(),
        });
        match action {
            Action::SendAdvert { instance, priority } => self.send(node, instance, priority),
            Action::Acquire(instance) => self.hold(node, instance, true),
            Action::Release(instance) => self.hold(node, instance, false),
            Action::Announce { instance, repeat } => self.announce(node, instance, repeat),
            Action::Notify { .. } | Action::Report(_) => {}
        }
    }

    fn hold(&mut self, node: usize, instance: InstanceId, held: bool) {
        self.picture.nodes[node].instances[instance.0].held = held;
    }

    /// Shows what has come of it, and sets the alarm.
    fn settle(&mut self, node: usize) {
        let host = &mut self.hosts[node];
        let Some(machine) = &host.machine else {
            return;
        };
        for (number, shown) in self.picture.nodes[node].instances.iter_mut().enumerate() {
            (shown.role, shown.priority) = machine.view(InstanceId(number));
        }
        host.generation += 1;
        let generation = host.generation;
        let deadline = machine.poll_timeout();
        if host.spins > PATIENCE {
            let what = format!("node {node} wants to be called again at once, for ever");
            note(&mut self.violations, "it rests", &self.picture, what);
        } else if let Some(deadline) = deadline {
            let due = host.clock.reaches(deadline).max(self.picture.at);
            let late = self.random.up_to(self.scenario.nodes[node].lateness);
            self.plan(due + late, Next::Wake { node, generation });
        }
        self.record(Fact::Settled { node });
    }

    fn local(&self, node: usize) -> Instant {
        self.hosts[node].clock.shows(self.picture.at)
    }
}

impl Host {
    fn new(scenario: &Scenario, node: usize, begin: Instant) -> Self {
        let plan = &scenario.nodes[node];
        Self {
            clock: Clock::new(begin, plan.clock),
            settings: scenario.settings(node),
            machine: None,
            life: 0,
            generation: 0,
            spins: 0,
            frozen: false,
            inbox: Vec::new(),
            source: Some(scenario.address(node)),
            readings: vec![Reading::Up; plan.effects.len()],
            proxy: plan.proxy,
            floating: None,
        }
    }
}

fn first_picture(scenario: &Scenario) -> Picture {
    let count = scenario.nodes.len();
    let nodes = scenario.nodes.iter().map(|plan| NodePicture {
        alive: false,
        proxy: plan.proxy,
        floating: None,
        instances: vec![
            InstancePicture {
                role: Role::Init,
                priority: plan.priority,
                held: false,
            };
            scenario.routers
        ],
    });
    Picture {
        at: Duration::ZERO,
        nodes: nodes.collect(),
        cut: vec![vec![false; count]; count],
        learned: vec![vec![None; scenario.routers]; scenario.neighbours.len()],
        place: Place::Nowhere,
    }
}

/// Notes the first violation of each property.
fn note(all: &mut Vec<Violation>, property: &'static str, picture: &Picture, what: String) {
    if all.iter().all(|violation| violation.property != property) {
        all.push(Violation {
            property,
            at: picture.at,
            what,
        });
    }
}
