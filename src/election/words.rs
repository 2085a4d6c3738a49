//! Reports of the machine in keepalived's words, as far as it has some: scripts and dashboards
//! look for them. What it does not say, the reason above all, stands behind.

use std::time::Duration;

use pontoon_engine::vrrp::{
    GroupId, InstanceId, Priority, Role, Version,
    action::{Hold, Oddity, Offence, Reason, Report},
    event::{Checksum, ProxyFault},
    readiness::Obstacle,
    settings::Settings,
};

use super::log::Level;

/// A line to write.
pub(super) type Line = (Level, String);

/// Speaks of instances, groups and trackers by their names.
pub(super) struct Words<'s> {
    pub(super) settings: &'s Settings,
}

impl Words<'_> {
    /// What a report says. `ours` tells the priority an instance has now.
    pub(super) fn report(
        &self,
        report: &Report,
        ours: impl Fn(InstanceId) -> Priority,
    ) -> Vec<Line> {
        match *report {
            Report::Transition {
                instance,
                from,
                to,
                reason,
            } => self.transition(instance, from, to, reason, ours(instance)),
            Report::GroupTransition { group, to } => {
                let group = self.group(group);
                let text = format!("VRRP_Group({group}) Syncing instances to {to} state");
                vec![(Level::Notice, text)]
            }
            Report::Priority { instance, from, to } => {
                let text = format!("Changing effective priority from {from} to {to}");
                vec![self.line(Level::Notice, instance, &text)]
            }
            _ => self.of_others(report, ours),
        }
    }

    /// What an instance tells of its peers.
    fn of_others(&self, report: &Report, ours: impl Fn(InstanceId) -> Priority) -> Vec<Line> {
        let (level, instance, text) = match *report {
            Report::PeerChecksum {
                instance,
                peer,
                checksum,
            } => {
                let way = checksum_name(checksum);
                let text = format!("{peer} computes its checksum over {way}");
                (Level::Info, instance, text)
            }
            Report::Rival {
                instance,
                peer,
                priority,
            } => {
                let ours = ours(instance);
                let text = format!(
                    "Received advert from {peer} with lower priority {priority}, ours {ours}, \
                     forcing new election"
                );
                (Level::Notice, instance, text)
            }
            Report::HandingOver { instance } => {
                let text = "Sent priority 0 on purpose; the addresses stay until another master is \
                            heard";
                (Level::Notice, instance, text.to_owned())
            }
            Report::NotTakenOver { instance, waited } => not_taken_over(instance, waited),
            Report::Holding { instance, why } => {
                let why = hold(why);
                let text = format!("The master stays although its priority is lower: {why}");
                (Level::Notice, instance, text)
            }
            Report::Dropped {
                instance,
                peer,
                offence,
            } => {
                let what = self.offence(instance, offence);
                let text = format!("{what} (from {peer}; told once)");
                (Level::Warning, instance, text)
            }
            Report::Odd {
                instance,
                peer,
                oddity,
            } => (Level::Warning, instance, odd(peer, oddity)),
            Report::Transition { .. }
            | Report::GroupTransition { .. }
            | Report::Priority { .. } => {
                return Vec::new();
            }
        };
        vec![self.line(level, instance, &text)]
    }

    fn transition(
        &self,
        instance: InstanceId,
        from: Role,
        to: Role,
        reason: Reason,
        ours: Priority,
    ) -> Vec<Line> {
        let before = match reason {
            Reason::MasterSilent => {
                Some((Level::Debug, "Receive advertisement timeout".to_owned()))
            }
            Reason::MasterResigned => {
                let text = "Backup received priority 0 advertisement";
                Some((Level::Debug, text.to_owned()))
            }
            Reason::HigherPriority { peer, priority } if from == Role::Master => {
                let text = if priority == ours {
                    format!(
                        "Master received advert from {peer} with same priority {priority} but \
                         higher IP address than ours"
                    )
                } else {
                    format!(
                        "Master received advert from {peer} with higher priority {priority}, \
                         ours {ours}"
                    )
                };
                Some((Level::Notice, text))
            }
            _ => None,
        };
        let before = before.map(|(level, text)| self.line(level, instance, &text));
        let text = match (from, to, reason) {
            (Role::Init, Role::Backup, _) => "Entering BACKUP STATE (init)".to_owned(),
            (from, Role::Init, reason) => {
                format!("Leaving {from} STATE ({})", self.reason(reason))
            }
            (_, to, reason) => format!("Entering {to} STATE ({})", self.reason(reason)),
        };
        let level = match to {
            Role::Init => Level::Debug,
            Role::Backup | Role::Master | Role::Fault => Level::Notice,
        };
        before
            .into_iter()
            .chain([self.line(level, instance, &text)])
            .collect()
    }

    /// Why a role changed.
    pub(super) fn reason(&self, reason: Reason) -> String {
        let text = match reason {
            Reason::Ready => "ready",
            Reason::MasterSilent => "no advertisement was heard in time",
            Reason::MasterResigned => "the master resigned",
            Reason::Preempting => "the master's priority is lower",
            Reason::HigherPriority { peer, priority } => {
                return format!("{peer} is master with priority {priority}");
            }
            Reason::TrackerDown(tracker) => {
                let tracker = self.settings.trackers.get(tracker.0);
                let name = tracker.map_or("something tracked", |tracker| &tracker.name);
                return format!("{name} is down");
            }
            Reason::TrackersUp => "everything tracked is up",
            Reason::ProxyDown(fault) => proxy_fault(fault),
            Reason::NoUsableServer => "the proxy has no usable server",
            Reason::ProxyServes => "the proxy serves",
            Reason::NoSourceAddress => "there is no address to send from",
            Reason::Group(group) => return format!("with its group {}", self.group(group)),
            Reason::HandedOver { peer, priority } => {
                return format!("handed over on purpose to {peer}, priority {priority}");
            }
            Reason::TakenBack => "taken back on purpose",
            Reason::Stopping => "stopping",
            Reason::Owner => "it owns the addresses",
            Reason::Reloaded => "the configuration has changed",
        };
        text.to_owned()
    }

    fn offence(&self, instance: InstanceId, offence: Offence) -> String {
        match offence {
            Offence::Version => {
                let instance = self.settings.instances.get(instance.0);
                let (received, expected) = match instance.map(|instance| instance.version) {
                    Some(Version::V3) => (2, 3),
                    Some(Version::V2) | None => (3, 2),
                };
                format!("wrong version. Received {received} and expect {expected}")
            }
            Offence::HopLimit => "dropped an advert that came through a router: its TTL is not \
                                  the one expected"
                .to_owned(),
            Offence::Password => "received an invalid passwd!".to_owned(),
            Offence::Interval => "advertisement interval mismatch: dropped an advert whose \
                                  advert_int is not ours"
                .to_owned(),
            Offence::Stranger => {
                "dropped an advert of somebody who is not in unicast_peer".to_owned()
            }
            Offence::Ourselves => "dropped an advert that bears our own address: is it used \
                                   twice in this network?"
                .to_owned(),
        }
    }

    /// What would keep an instance from serving.
    pub(super) fn obstacle(&self, obstacle: Obstacle) -> String {
        match obstacle {
            Obstacle::Role(Role::Init, Reason::Ready) => "not everything is known yet".to_owned(),
            Obstacle::Role(_, reason) => self.reason(reason),
            Obstacle::Proxy(why) => hold(why),
        }
    }

    fn line(&self, level: Level, instance: InstanceId, text: &str) -> Line {
        (level, format!("({}) {text}", self.instance(instance)))
    }

    /// An instance's name.
    pub(super) fn instance(&self, id: InstanceId) -> &str {
        let instance = self.settings.instances.get(id.0);
        instance.map_or("?", |instance| &instance.name)
    }

    fn group(&self, id: GroupId) -> &str {
        let group = self.settings.groups.get(id.0);
        group.map_or("?", |group| &group.name)
    }
}

/// Of a mastership that was to be handed over.
fn not_taken_over(id: InstanceId, waited: Option<Duration>) -> (Level, InstanceId, String) {
    let Some(time) = waited else {
        let text = "Stays master: the switchover was called off";
        return (Level::Notice, id, text.to_owned());
    };
    let seconds = time.as_secs_f32();
    let text = format!("Stays master: nobody has taken over for {seconds} s");
    (Level::Warning, id, text)
}

/// Why a living master of lower priority is left alone.
pub(super) fn hold(why: Hold) -> String {
    match why {
        Hold::NoPreempt => "nopreempt".to_owned(),
        Hold::PreemptDelay(delay) => format!("preempt_delay {}", delay.as_secs_f32()),
        Hold::HandedOver => "it was handed over on purpose".to_owned(),
        Hold::NoUsableServer => "our proxy has no usable server yet".to_owned(),
        Hold::Unstable(time) => format!(
            "our proxy crashed; it is trusted again when it has run for {} s",
            time.as_secs_f32()
        ),
    }
}

const fn proxy_fault(fault: ProxyFault) -> &'static str {
    match fault {
        ProxyFault::Died => "the proxy died",
        ProxyFault::CannotStart => "the proxy cannot start",
        ProxyFault::Hung => "the proxy does not answer",
        ProxyFault::Stopped => "the proxy was stopped",
    }
}

/// What a checksum is computed over.
pub(super) const fn checksum_name(checksum: Checksum) -> &'static str {
    match checksum {
        Checksum::Message => "the message only",
        Checksum::PseudoHeader => "pseudo-header and message",
        Checksum::MulticastPseudoHeader => {
            "a pseudo-header with the multicast group and the message"
        }
    }
}

fn odd(peer: std::net::IpAddr, oddity: Oddity) -> String {
    match oddity {
        Oddity::Addresses => format!(
            "{peer} advertises other addresses than ours; accepted all the same (Keepalived up to \
             2.2.7 would drop our adverts: give all nodes one virtual_ipaddress list)"
        ),
        Oddity::Interval => {
            format!("advertisement interval updated by master {peer}: it is not ours")
        }
        Oddity::SecondOwner => {
            format!("{peer} has priority 255, too: only one may own the addresses")
        }
    }
}

#[cfg(test)]
mod tests {
    use pontoon_engine::vrrp::{
        TrackerId,
        settings::{ProxyPolicy, Tracker},
    };

    use super::*;

    fn settings() -> Settings {
        let tracker = Tracker {
            name: "script chk".into(),
            initially: None,
        };
        Settings {
            instances: Vec::new(),
            groups: Vec::new(),
            trackers: vec![tracker],
            startup_delay: std::time::Duration::ZERO,
            proxy: ProxyPolicy::default(),
        }
    }

    fn told(from: Role, to: Role, reason: Reason) -> Vec<String> {
        let settings = settings();
        let words = Words {
            settings: &settings,
        };
        let report = Report::Transition {
            instance: InstanceId(0),
            from,
            to,
            reason,
        };
        let lines = words.report(&report, |_| Priority(100)).into_iter();
        lines
            .map(|(_, text)| text.replace("(?)", "(VI_1)"))
            .collect()
    }

    #[test]
    fn what_scripts_look_for_comes_first() {
        assert_eq!(
            told(Role::Init, Role::Backup, Reason::Ready),
            ["(VI_1) Entering BACKUP STATE (init)"]
        );
        assert_eq!(
            told(Role::Backup, Role::Master, Reason::MasterSilent),
            [
                "(VI_1) Receive advertisement timeout",
                "(VI_1) Entering MASTER STATE (no advertisement was heard in time)"
            ]
        );
        assert_eq!(
            told(Role::Master, Role::Fault, Reason::TrackerDown(TrackerId(0))),
            ["(VI_1) Entering FAULT STATE (script chk is down)"]
        );
    }

    #[test]
    fn a_yielding_master_names_its_rival() {
        let rival = |priority| Reason::HigherPriority {
            peer: [10, 9, 0, 2].into(),
            priority: Priority(priority),
        };
        assert_eq!(
            told(Role::Master, Role::Backup, rival(150))[0],
            "(VI_1) Master received advert from 10.9.0.2 with higher priority 150, ours 100"
        );
        assert!(
            told(Role::Master, Role::Backup, rival(100))[0]
                .ends_with("with same priority 100 but higher IP address than ours")
        );
        assert_eq!(told(Role::Backup, Role::Backup, rival(150)).len(), 1);
    }
}
