//! `pontoon_election_…` and `pontoon_floating_ip_…`: what the election of this node says.

use std::time::Duration;

use super::text::{Kind, Number, Text};
use crate::election::status::{
    Counters, FloatingIpCounters, FloatingIpStatus, InstanceStatus, Status,
};

const ROLES: [&str; 4] = ["INIT", "BACKUP", "MASTER", "FAULT"];
const PHASES: [&str; 6] = ["idle", "looking", "moving", "here", "waiting", "yielded"];

/// Writes it.
pub(super) fn write(status: &Status, text: &mut Text) {
    roles(&status.instances, text);
    for (name, help, of) in COUNTERS {
        let mut family = text.family(name, Kind::Counter, help);
        for instance in &status.instances {
            family.sample(
                &[("vrrp_instance", &*instance.name)],
                Number::Whole(of(&instance.counters)),
            );
        }
    }
    adverts(&status.instances, text);
    floating(&status.instances, text);
}

type Counted = (&'static str, &'static str, fn(&Counters) -> u64);

const COUNTERS: [Counted; 4] = [
    (
        "pontoon_election_became_master_total",
        "Times this node became master.",
        |counters| counters.became_master,
    ),
    (
        "pontoon_election_released_master_total",
        "Times this node ceased to be master.",
        |counters| counters.released_master,
    ),
    (
        "pontoon_election_resignations_sent_total",
        "Advertisements of priority 0 sent: this node resigned.",
        |counters| counters.resignations_sent,
    ),
    (
        "pontoon_election_resignations_received_total",
        "Advertisements of priority 0 received: another node resigned.",
        |counters| counters.resignations_received,
    ),
];

fn roles(instances: &[InstanceStatus], text: &mut Text) {
    let help = "1 for the role this node has in a virtual router, 0 for the others.";
    let mut family = text.family("pontoon_election_role", Kind::Gauge, help);
    for instance in instances {
        for role in ROLES {
            let labels = [("vrrp_instance", &*instance.name), ("role", role)];
            family.sample(&labels, Number::from(instance.role == role));
        }
    }
    let help = "Seconds since it has that role.";
    let mut family = text.family("pontoon_election_role_age_seconds", Kind::Gauge, help);
    for instance in instances {
        family.sample(
            &[("vrrp_instance", &*instance.name)],
            seconds(instance.role_for),
        );
    }
    let help = "The priority it advertises, or would.";
    let mut family = text.family("pontoon_election_priority", Kind::Gauge, help);
    for instance in instances {
        let priority = Number::Whole(instance.priority.effective.into());
        family.sample(&[("vrrp_instance", &*instance.name)], priority);
    }
    let help = "Nodes of the same virtual router that were heard.";
    let mut family = text.family("pontoon_election_peers", Kind::Gauge, help);
    for instance in instances {
        let peers = Number::Whole(instance.peers.len() as u64);
        family.sample(&[("vrrp_instance", &*instance.name)], peers);
    }
}

fn adverts(instances: &[InstanceStatus], text: &mut Text) {
    let help = "Advertisements: sent, received, or dropped as not for us.";
    let mut family = text.family("pontoon_election_advertisements_total", Kind::Counter, help);
    for InstanceStatus { name, counters, .. } in instances {
        for (what, count) in [
            ("sent", counters.adverts_sent),
            ("received", counters.adverts_received),
            ("dropped", counters.dropped),
        ] {
            family.sample(
                &[("vrrp_instance", &**name), ("direction", what)],
                Number::Whole(count),
            );
        }
    }
}

/// A floating IP, and whose it is.
type Floating<'s> = (&'s InstanceStatus, &'s FloatingIpStatus);

fn floating(instances: &[InstanceStatus], text: &mut Text) {
    let ips: Vec<Floating<'_>> = instances
        .iter()
        .flat_map(|instance| instance.floating_ips.iter().map(move |ip| (instance, ip)))
        .collect();
    let help = "1 for what is being done about a floating IP, 0 for the rest.";
    each(
        &ips,
        ("pontoon_floating_ip_phase", Kind::Gauge, help),
        text,
        |ip, write| {
            for phase in PHASES {
                write(Some(("phase", phase)), Number::from(ip.phase == phase));
            }
        },
    );
    let help = "Calls to the provider.";
    each(
        &ips,
        ("pontoon_floating_ip_calls_total", Kind::Counter, help),
        text,
        |ip, write| {
            let FloatingIpCounters {
                describes,
                associates,
                ..
            } = ip.counters;
            write(Some(("call", "describe")), Number::Whole(describes));
            write(Some(("call", "associate")), Number::Whole(associates));
        },
    );
    calls(&ips, text);
    for (name, help, of) in FLAGS {
        each(&ips, (name, Kind::Gauge, help), text, |ip, write| {
            write(None, Number::from(of(ip)))
        });
    }
    for (name, help, of) in FLOATING {
        each(&ips, (name, Kind::Counter, help), text, |ip, write| {
            write(None, Number::Whole(of(&ip.counters)));
        });
    }
}

/// How long calls took. There is no histogram: they are few, and an alarm tells of slow ones.
fn calls(ips: &[Floating<'_>], text: &mut Text) {
    let name = "pontoon_floating_ip_call_duration_seconds";
    let help = "Durations of the calls to the provider that have ended.";
    let mut family = text.family(name, Kind::Summary, help);
    for (instance, ip) in ips {
        let address = ip.address.to_string();
        let labels = labels(instance, ip, &address);
        family.summary(&labels, ip.calls.ended, seconds(ip.calls.seconds));
    }
}

fn labels<'l>(
    instance: &'l InstanceStatus,
    ip: &'l FloatingIpStatus,
    address: &'l str,
) -> [(&'static str, &'l str); 3] {
    [
        ("vrrp_instance", &instance.name),
        ("address", address),
        ("provider", &ip.provider),
    ]
}

/// One family with samples of each floating IP, each with one more label or none.
fn each(
    ips: &[Floating<'_>],
    (name, kind, help): (&str, Kind, &str),
    text: &mut Text,
    samples: impl Fn(&FloatingIpStatus, &mut dyn FnMut(Option<(&str, &str)>, Number)),
) {
    let mut family = text.family(name, kind, help);
    for (instance, ip) in ips {
        let address = ip.address.to_string();
        let labels = labels(instance, ip, &address);
        samples(ip, &mut |more, number| {
            let labels: Vec<_> = labels.into_iter().chain(more).collect();
            family.sample(&labels, number);
        });
    }
}

type Flag = (&'static str, &'static str, fn(&FloatingIpStatus) -> bool);

const FLAGS: [Flag; 3] = [
    (
        "pontoon_floating_ip_here",
        "1 if the provider last said that it is at this node.",
        |ip| ip.seen.as_ref().is_some_and(|seen| seen.place == "here"),
    ),
    (
        "pontoon_floating_ip_alarm",
        "1 if something is wrong with it that needs attention.",
        |ip| ip.alarm.is_some(),
    ),
    (
        "pontoon_floating_ip_ready",
        "0 if this node knows of something that would keep it from taking it.",
        |ip| ip.not_ready.is_none(),
    ),
];

type CountedOfFloating = (&'static str, &'static str, fn(&FloatingIpCounters) -> u64);

const FLOATING: [CountedOfFloating; 5] = [
    (
        "pontoon_floating_ip_call_failures_total",
        "Calls to the provider that failed.",
        |counters| counters.failures,
    ),
    (
        "pontoon_floating_ip_throttled_total",
        "Calls that the provider refused for being too many.",
        |counters| counters.throttled,
    ),
    (
        "pontoon_floating_ip_arrivals_total",
        "Times it came to this node.",
        |counters| counters.arrivals,
    ),
    (
        "pontoon_floating_ip_losses_total",
        "Times it was found elsewhere after it had been here.",
        |counters| counters.losses,
    ),
    (
        "pontoon_floating_ip_yields_total",
        "Times it was left to a peer.",
        |counters| counters.yields,
    ),
];

fn seconds(seconds: f64) -> Number {
    Duration::try_from_secs_f64(seconds).map_or(Number::None, Number::Seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A status as an election sends it, from an earlier version at that.
    const STATUS: &str = r#"{
        "router_id": "n1", "pid": 7, "running_for": 1.0, "proxy": null, "groups": [],
        "scripts": [], "transitions": [], "events": [],
        "instances": [{
            "name": "VI_1", "interface": "eth0", "vrid": 51, "version": 3, "role": "MASTER",
            "role_for": 2.5, "since": 1.0, "reason": "x", "hold": null, "master": null,
            "priority": {"base": 100, "trackers": [], "effective": 101},
            "master_down_in": null, "peers": [], "addresses": [],
            "floating_ips": [{
                "address": "203.0.113.7", "provider": "aws", "phase": "here",
                "seen": {"place": "here", "holder": null, "peer": null, "ago": 1.0},
                "alarm": null, "call": null, "next_call_in": null, "last_failure": null,
                "not_ready": null, "ready_ago": null, "calls": {"ended": 3, "seconds": 0.75},
                "counters": {"describes": 2, "associates": 1, "failures": 0, "throttled": 0,
                             "arrivals": 1, "losses": 0, "yields": 0}
            }],
            "counters": {"adverts_received": 4, "adverts_sent": 9, "became_master": 1,
                         "released_master": 0, "resignations_received": 0,
                         "resignations_sent": 0, "dropped": 0, "address_list_mismatches": 0}
        }]
    }"#;

    #[test]
    fn an_election_and_its_floating_ip_are_told() {
        let status: Status = serde_json::from_str(STATUS).unwrap();
        let mut text = Text::default();
        write(&status, &mut text);
        let text = text.finish();
        let ip = "vrrp_instance=\"VI_1\",address=\"203.0.113.7\",provider=\"aws\"";
        for line in [
            "pontoon_election_role{vrrp_instance=\"VI_1\",role=\"MASTER\"} 1",
            "pontoon_election_role{vrrp_instance=\"VI_1\",role=\"FAULT\"} 0",
            "pontoon_election_role_age_seconds{vrrp_instance=\"VI_1\"} 2.500000",
            "pontoon_election_priority{vrrp_instance=\"VI_1\"} 101",
            "pontoon_election_advertisements_total{vrrp_instance=\"VI_1\",direction=\"sent\"} 9",
            &format!("pontoon_floating_ip_phase{{{ip},phase=\"here\"}} 1"),
            &format!("pontoon_floating_ip_here{{{ip}}} 1"),
            &format!("pontoon_floating_ip_calls_total{{{ip},call=\"describe\"}} 2"),
            &format!("pontoon_floating_ip_call_duration_seconds_sum{{{ip}}} 0.750000"),
            &format!("pontoon_floating_ip_call_duration_seconds_count{{{ip}}} 3"),
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
    }
}
