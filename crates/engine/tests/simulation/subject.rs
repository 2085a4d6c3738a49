//! The machine under test, or one that is broken on purpose: each property has to notice.

use std::time::Instant;

use pontoon_engine::vrrp::{
    InstanceId, Priority, Role,
    action::{Action, NotifyState},
    election::Election,
    event::{Event, Heard, Proxy, ProxyFault, Servers},
    settings::Settings,
};

use super::plain::Plain;

/// How a machine may be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Not at all.
    None,
    /// It never takes addresses away.
    KeepsAddresses,
    /// It announces addresses once, on taking them, whoever claims them later.
    AnnouncesOnce,
    /// As master it hears nobody.
    DeafMaster,
    /// Until it is master for the first time it hears nobody.
    DeafAtFirst,
    /// It does not hear that a master resigns.
    DeafToResignations,
    /// Each notification waits for the next one, which overtakes it.
    NotifiesLate,
    /// It takes pending servers for usable ones.
    TrustsPendingServers,
    /// It takes a proxy without checks for one without usable servers.
    DistrustsUnchecked,
    /// It takes part only once a server is usable.
    WaitsForServers,
    /// It forgets that its proxy crashed.
    ForgetsCrashes,
    /// It forgets who belongs to a group.
    ForgetsGroups,
    /// It takes back at once what its operator has handed over.
    TakesBack,
    /// It hands over without caring whether anybody takes over.
    HandsOverBlindly,
    /// It wants to be called again at once, for ever.
    Restless,
    /// It calls the provider of its floating IP after its mastership.
    CallsAfterwards,
    /// It calls as often as it can.
    CallsTooOften,
    /// It does not look again once it has the floating IP.
    FiresOnce,
    /// It does not look more often after it has become master.
    LooksSeldom,
    /// It takes the floating IP back from a peer as from a stranger.
    Quarrels,
    /// It takes whatever the others advertise for the highest priority.
    Awed,
    /// It keeps it to itself that something is wrong with its floating IP.
    RaisesNoAlarm,
}

/// What a node runs.
enum Machine {
    Pontoon(Election),
    Another(Plain),
}

/// A machine, whole or broken.
pub(crate) struct Subject {
    machine: Machine,
    defect: Defect,
    told: Instant,
    acquiring: bool,
    was_master: bool,
    late: Option<Action>,
}

impl Subject {
    pub(crate) fn new(mut settings: Settings, defect: Defect, now: Instant) -> Self {
        if defect == Defect::ForgetsGroups {
            settings.groups.clear();
        }
        Self {
            machine: Machine::Pontoon(Election::new(settings, now)),
            defect,
            told: now,
            acquiring: false,
            was_master: false,
            late: None,
        }
    }

    /// Another program.
    pub(crate) fn plain(settings: Settings, now: Instant) -> Self {
        Self {
            machine: Machine::Another(Plain::new(settings.clone(), now)),
            ..Self::new(settings, Defect::None, now)
        }
    }

    pub(crate) fn handle(&mut self, event: Event, now: Instant) {
        self.told = now;
        self.acquiring = false;
        if let Some(event) = self.distort(event) {
            match &mut self.machine {
                Machine::Pontoon(election) => {
                    if self.defect == Defect::TakesBack {
                        let instance = InstanceId(0);
                        election.handle(Event::TakeBack { instance }, now);
                    }
                    election.handle(event, now);
                }
                Machine::Another(plain) => plain.handle(event, now),
            }
        }
    }

    pub(crate) fn reload(&mut self, settings: Settings, now: Instant) -> Vec<Action> {
        match &mut self.machine {
            Machine::Pontoon(election) => election.reload(settings, now),
            Machine::Another(_) => Vec::new(),
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.defect == Defect::Restless {
            return Some(self.told);
        }
        match &self.machine {
            Machine::Pontoon(election) => election.poll_timeout(),
            Machine::Another(plain) => plain.poll_timeout(),
        }
    }

    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        loop {
            let action = match &mut self.machine {
                Machine::Pontoon(election) => election.poll_action()?,
                Machine::Another(plain) => plain.poll_action()?,
            };
            if let Some(action) = self.spoil(action) {
                return Some(action);
            }
        }
    }

    /// Its role and its priority.
    pub(crate) fn view(&self, instance: InstanceId) -> (Role, Priority) {
        match &self.machine {
            Machine::Pontoon(election) => {
                let view = election.instance(instance);
                (view.role, view.priority)
            }
            Machine::Another(plain) => plain.view(instance),
        }
    }

    fn distort(&self, event: Event) -> Option<Event> {
        use Proxy::{Down, Serving};
        let event = match (self.defect, event) {
            (Defect::DeafToResignations, Event::Heard { heard, .. }) if resigns(&heard) => {
                return None;
            }
            (Defect::DeafAtFirst, Event::Heard { .. }) if !self.was_master => return None,
            (Defect::DeafMaster, Event::Heard { instance, .. })
                if self.view(instance).0 == Role::Master =>
            {
                return None;
            }
            (Defect::TrustsPendingServers, Event::Proxy(Serving(Servers::Pending))) => {
                Event::Proxy(Serving(Servers::Usable))
            }
            (Defect::DistrustsUnchecked, Event::Proxy(Serving(Servers::Unchecked))) => {
                Event::Proxy(Serving(Servers::Pending))
            }
            (Defect::WaitsForServers, Event::Proxy(Serving(Servers::Pending))) => {
                Event::Proxy(Down(ProxyFault::Stopped))
            }
            (Defect::ForgetsCrashes, Event::Proxy(Down(_))) => {
                Event::Proxy(Down(ProxyFault::Stopped))
            }
            (Defect::HandsOverBlindly, Event::HandOver { .. }) => Event::Stop,
            (_, event) => event,
        };
        Some(event)
    }

    fn spoil(&mut self, action: Action) -> Option<Action> {
        if let Action::Acquire(_) = action {
            self.acquiring = true;
            self.was_master = true;
        }
        match (self.defect, action) {
            (Defect::KeepsAddresses, Action::Release(_)) => None,
            (Defect::AnnouncesOnce, Action::Announce { .. }) if !self.acquiring => None,
            (Defect::NotifiesLate, action @ Action::Notify { state, .. }) => {
                self.overtake(action, state)
            }
            (_, action) => Some(action),
        }
    }

    /// The first of two notifications is told after the second, if at all.
    fn overtake(&mut self, action: Action, state: NotifyState) -> Option<Action> {
        match self.late.take() {
            None if state == NotifyState::Master => {
                self.late = Some(action);
                None
            }
            Some(late) => Some(late),
            None => Some(action),
        }
    }
}

fn resigns(heard: &Heard) -> bool {
    heard.advert.priority == Priority::RESIGN
}
