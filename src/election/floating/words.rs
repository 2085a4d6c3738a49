//! What is said of a floating IP: lines for the log, words for the status.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use pontoon_config::keepalived::model::{FloatingIp, Provider};
use pontoon_engine::floating_ip::{
    action::{Alarm, Report},
    event::{Failure, Holder, Whereabouts},
    view::{self, Phase, View},
};

use super::{
    address::CallKind,
    preparation::{Change, Preparation},
};
use crate::counted::counted;
use crate::election::{
    log::Level,
    status::{
        AlarmStatus, CallStatus, CallTimes, FailureStatus, FloatingIpCounters, FloatingIpStatus,
        SeenStatus,
    },
};

/// A line to write.
pub(super) type Line = (Level, String);

/// Speaks of one address.
pub(super) struct Words<'a> {
    pub(super) instance: &'a str,
    pub(super) address: IpAddr,
}

impl Words<'_> {
    /// What a report says.
    pub(super) fn report(&self, report: &Report) -> Line {
        let (level, text) = match report {
            Report::Here { after, calls } => {
                let after = time(*after);
                let calls = counted(*calls, "call");
                let text = format!("is here after {after} and {calls}");
                (Level::Notice, text)
            }
            Report::Moving { from } => {
                let text = format!("is {}: bringing it here", place(from));
                (Level::Notice, text)
            }
            Report::TakenBack { holder } => {
                let who = holder.as_ref().map_or_else(|| "nobody".to_owned(), name);
                let text = format!("was here and is now with {who}: taking it back");
                (Level::Warning, text)
            }
            Report::Failed {
                failure,
                retry_in,
                attempt,
            } => {
                let text = format!(
                    "call failed: {} (next call in {}; failures in a row: {attempt})",
                    failure.text,
                    time(*retry_in)
                );
                (Level::Warning, text)
            }
            Report::Alarm(it) => {
                let level = match it {
                    Alarm::NotHere { .. } | Alarm::Yielded { .. } => Level::Error,
                    Alarm::Unverified { .. } => Level::Warning,
                };
                (level, format!("ALARM: {}", alarm(it)))
            }
            Report::AlarmOver(it) => (Level::Notice, format!("alarm over: {}", over(it))),
        };
        self.line(level, &text)
    }

    /// What the file says of the provider cannot be used.
    pub(super) fn unusable(&self, failure: &Failure) -> Line {
        self.line(
            Level::Error,
            &format!("cannot be asked for: {}", failure.text),
        )
    }

    /// What is new about this node's ability to take it.
    pub(super) fn readiness(&self, change: &Change) -> Line {
        match change {
            Change::NotReady(reason) => {
                let text = format!("could not be taken by this node: {reason}");
                self.line(Level::Warning, &text)
            }
            Change::Ready => self.line(Level::Notice, "could be taken by this node again"),
        }
    }

    /// With the names of the instance and the address before it.
    fn line(&self, level: Level, text: &str) -> Line {
        let Words { instance, address } = self;
        (level, format!("({instance}) floating IP {address} {text}"))
    }
}

/// `812 ms`, `4.2 s`.
fn time(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

fn place(whereabouts: &Whereabouts) -> String {
    match whereabouts {
        Whereabouts::Here => "here".to_owned(),
        Whereabouts::Nowhere => "with nobody".to_owned(),
        Whereabouts::With(holder) => format!("with {}", name(holder)),
    }
}

fn name(holder: &Holder) -> String {
    match holder.peer {
        Some(peer) => format!("{} (peer {peer})", holder.name),
        None => format!("{} (no configured peer)", holder.name),
    }
}

fn alarm(alarm: &Alarm) -> String {
    match alarm {
        Alarm::NotHere { failure } => format!(
            "this node is master and the address is not here{}",
            because(failure.as_ref())
        ),
        Alarm::Yielded { holder } => format!(
            "left to {}: its word counts more, or it has taken the address twice. Two masters that do \
             not hear each other? Let IP protocol 112 pass in both directions; then `pontoon \
             floating-ip associate` on the master brings it there, if it has not come by itself",
            name(holder)
        ),
        Alarm::Unverified { failure } => format!(
            "whether it is still here cannot be verified{}",
            because(Some(failure))
        ),
    }
}

fn because(failure: Option<&Failure>) -> String {
    failure.map_or_else(String::new, |failure| format!("; {}", failure.text))
}

const fn over(alarm: &Alarm) -> &'static str {
    match alarm {
        Alarm::NotHere { .. } => "it is not missed here any more",
        Alarm::Yielded { .. } => "it is not left to a rival any more",
        Alarm::Unverified { .. } => "the provider answers again",
    }
}

/// How a provider is called in the file.
pub(super) const fn provider(provider: &Provider) -> &'static str {
    match provider {
        Provider::Aws(_) => "aws",
        Provider::Hetzner(_) => "hetzner",
        Provider::DigitalOcean(_) => "digitalocean",
    }
}

/// What the status of an address is made of.
pub(super) struct Facts<'a> {
    pub(super) file: &'a FloatingIp,
    pub(super) view: &'a View,
    pub(super) failed: Option<&'a (String, Instant)>,
    pub(super) call: Option<(CallKind, Instant)>,
    pub(super) preparation: &'a Preparation,
    pub(super) times: CallTimes,
    pub(super) now: Instant,
}

/// The status of this moment.
pub(super) fn status(facts: Facts<'_>) -> FloatingIpStatus {
    let Facts {
        file,
        view,
        failed,
        call,
        preparation,
        times,
        now,
    } = facts;
    let ago = |at: Instant| seconds(now.saturating_duration_since(at));
    let failure = |(text, at): &(String, Instant)| FailureStatus {
        text: text.clone(),
        ago: ago(*at),
    };
    FloatingIpStatus {
        address: file.address,
        provider: provider(&file.provider).to_owned(),
        phase: phase(view.phase).to_owned(),
        seen: view.seen.as_ref().map(|(place, at)| seen(place, ago(*at))),
        alarm: view.alarm.as_ref().map(alarm_status),
        call: call.map(|(kind, since)| CallStatus {
            what: call_name(kind).to_owned(),
            running_for: ago(since),
        }),
        next_call_in: view
            .next_call
            .map(|at| seconds(at.saturating_duration_since(now))),
        last_failure: failed.map(failure),
        not_ready: preparation.trouble().map(failure),
        ready_ago: preparation.succeeded().map(ago),
        counters: figures(&view.counters),
        calls: times,
    }
}

fn seen(place: &Whereabouts, ago: f64) -> SeenStatus {
    let (name, holder) = match place {
        Whereabouts::Here => ("here", None),
        Whereabouts::Nowhere => ("nowhere", None),
        Whereabouts::With(holder) => ("elsewhere", Some(holder)),
    };
    SeenStatus {
        place: name.to_owned(),
        holder: holder.map(|holder| holder.name.clone()),
        peer: holder.and_then(|holder| holder.peer),
        ago,
    }
}

fn alarm_status(it: &Alarm) -> AlarmStatus {
    let kind = match it {
        Alarm::NotHere { .. } => "not_here",
        Alarm::Yielded { .. } => "yielded",
        Alarm::Unverified { .. } => "unverified",
    };
    AlarmStatus {
        kind: kind.to_owned(),
        text: alarm(it),
    }
}

const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Idle => "idle",
        Phase::Looking => "looking",
        Phase::Moving => "moving",
        Phase::Here => "here",
        Phase::Waiting => "waiting",
        Phase::Yielded => "yielded",
    }
}

const fn call_name(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Describe => "describe",
        CallKind::Associate => "associate",
    }
}

const fn figures(counters: &view::Counters) -> FloatingIpCounters {
    FloatingIpCounters {
        describes: counters.describes,
        associates: counters.associates,
        failures: counters.failures,
        throttled: counters.throttled,
        arrivals: counters.arrivals,
        losses: counters.losses,
        yields: counters.yields,
    }
}

/// In thousandths: more would only pretend to be exact.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use pontoon_engine::floating_ip::event::FailureKind;

    use super::*;

    fn told(report: &Report) -> (Level, String) {
        let words = Words {
            instance: "VI_1",
            address: [34, 249, 49, 35].into(),
        };
        words.report(report)
    }

    fn peer() -> Holder {
        Holder {
            name: "i-0b 10.0.1.190".into(),
            peer: Some([10, 0, 1, 190].into()),
        }
    }

    #[test]
    fn a_move_is_told_from_where_and_how_long_it_took() {
        let from = Whereabouts::With(peer());
        let (level, text) = told(&Report::Moving { from });
        let wanted = "(VI_1) floating IP 34.249.49.35 is with i-0b 10.0.1.190 (peer 10.0.1.190): \
                      bringing it here";
        assert_eq!((level, text.as_str()), (Level::Notice, wanted));
        let here = Report::Here {
            after: Duration::from_millis(812),
            calls: 3,
        };
        let wanted = "(VI_1) floating IP 34.249.49.35 is here after 812 ms and 3 calls";
        assert_eq!(told(&here).1, wanted);
    }

    #[test]
    fn alarms_stand_out_and_failures_say_when_the_next_call_is() {
        let failure = Failure {
            kind: FailureKind::Refused,
            text: "forbidden: allow ec2:AssociateAddress".into(),
        };
        let failed = Report::Failed {
            failure: failure.clone(),
            retry_in: Duration::from_millis(4200),
            attempt: 3,
        };
        let (level, text) = told(&failed);
        assert_eq!(level, Level::Warning);
        let wanted =
            "forbidden: allow ec2:AssociateAddress (next call in 4.2 s; failures in a row: 3)";
        assert!(text.ends_with(wanted), "{text}");
        let alarm = Alarm::NotHere {
            failure: Some(failure),
        };
        let (level, text) = told(&Report::Alarm(alarm));
        assert_eq!(level, Level::Error);
        let wanted = "ALARM: this node is master and the address is not here; forbidden: allow \
                      ec2:AssociateAddress";
        assert!(text.ends_with(wanted), "{text}");
    }

    #[test]
    fn who_yields_says_to_whom_and_why() {
        let (level, text) = told(&Report::Alarm(Alarm::Yielded { holder: peer() }));
        assert_eq!(level, Level::Error);
        assert!(text.contains("ALARM: left to i-0b 10.0.1.190"), "{text}");
        assert!(text.contains("do not hear each other"), "{text}");
    }

    /// One of every line that there is.
    fn all() -> Vec<String> {
        let failure = || Failure {
            kind: FailureKind::Refused,
            text: "no answer".into(),
        };
        let stranger = Holder {
            name: "i-0c".into(),
            peer: None,
        };
        let alarms = [
            Alarm::NotHere {
                failure: Some(failure()),
            },
            Alarm::Unverified { failure: failure() },
            Alarm::Yielded { holder: peer() },
        ];
        let over = alarms.clone().map(Report::AlarmOver);
        let mut reports = vec![
            Report::Here {
                after: Duration::from_millis(812),
                calls: 3,
            },
            Report::Moving {
                from: Whereabouts::With(peer()),
            },
            Report::Moving {
                from: Whereabouts::Nowhere,
            },
            Report::TakenBack {
                holder: Some(stranger),
            },
            Report::TakenBack { holder: None },
            Report::Failed {
                failure: failure(),
                retry_in: Duration::from_millis(4200),
                attempt: 3,
            },
        ];
        reports.extend(alarms.map(Report::Alarm));
        reports.extend(over);
        let words = Words {
            instance: "VI_1",
            address: [34, 249, 49, 35].into(),
        };
        let lines = reports.iter().map(|report| words.report(report).1);
        let lines = lines.chain([words.unusable(&failure()).1]);
        let changes = [Change::NotReady("no answer".into()), Change::Ready];
        let readiness = changes.each_ref().map(|it| words.readiness(it).1);
        lines.chain(readiness).collect()
    }

    /// Whether a row of the runbook is about this line; `…` stands for anything.
    fn is_about(row: &str, line: &str) -> bool {
        let mut rest = line;
        row.split('…').all(|part| {
            let found = rest.split_once(part.trim());
            rest = found.map_or("", |(_, rest)| rest);
            found.is_some()
        })
    }

    #[test]
    fn the_runbook_has_every_line_and_no_other() {
        let runbook = include_str!("../../../examples/exasol-aws/README.md");
        let (_, table) = runbook.split_once("## What the log says").unwrap();
        let rows = table.lines().filter_map(|row| row.strip_prefix("| `"));
        let rows: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
        let lines = all();
        for line in &lines {
            assert!(
                rows.iter().any(|row| is_about(row, line)),
                "missing: {line}"
            );
        }
        for row in rows {
            assert!(
                lines.iter().any(|it| is_about(row, it)),
                "never said: {row}"
            );
        }
    }

    #[test]
    fn a_node_that_is_not_ready_says_why_and_when_it_is_again() {
        let words = Words {
            instance: "VI_1",
            address: [34, 249, 49, 35].into(),
        };
        let reason = "the instance has no role: attach one".to_owned();
        let (level, text) = words.readiness(&Change::NotReady(reason));
        assert_eq!(level, Level::Warning);
        let wanted = "(VI_1) floating IP 34.249.49.35 could not be taken by this node: the instance has \
                      no role: attach one";
        assert_eq!(text, wanted);
        let (level, text) = words.readiness(&Change::Ready);
        assert_eq!(level, Level::Notice);
        assert!(
            text.ends_with("could be taken by this node again"),
            "{text}"
        );
    }
}
