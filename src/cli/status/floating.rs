//! Floating IPs, for people.

use super::{age::duration, report::line};
use crate::election::status::{FloatingIpStatus, SeenStatus};

/// Those of an instance: a line each, and more if something is wrong.
pub(in crate::cli) fn all(addresses: &[FloatingIpStatus]) -> String {
    addresses.iter().map(one).collect()
}

fn one(it: &FloatingIpStatus) -> String {
    let mut out = line("floating", &summary(it));
    if let Some(alarm) = &it.alarm {
        out += &line("ALARM", &alarm.text);
    }
    if let Some(trouble) = &it.not_ready {
        let text = format!("this node could not take it: {}", trouble.text);
        out += &line("NOT READY", &text);
    }
    if let Some(failure) = &it.last_failure {
        let text = format!("{} ago: {}", duration(failure.ago), failure.text);
        out += &line("failed", &text);
    }
    let counters = &it.counters;
    let text = format!(
        "{} describe, {} associate, {} failed ({} throttled); arrived {}, lost {}, yielded {}",
        counters.describes,
        counters.associates,
        counters.failures,
        counters.throttled,
        counters.arrivals,
        counters.losses,
        counters.yields
    );
    out + &line("calls", &text)
}

/// `34.249.49.35 (aws): here, seen 3 s ago; next call in 7 s`.
fn summary(it: &FloatingIpStatus) -> String {
    let mut out = format!("{} ({}): {}", it.address, it.provider, phase(&it.phase));
    if let Some(it) = &it.seen {
        out += &format!("; {} {} ago", seen(it), duration(it.ago));
    }
    if let Some(call) = &it.call {
        let running = duration(call.running_for);
        out += &format!("; {} has been running for {running}", call.what);
    } else if let Some(seconds) = it.next_call_in {
        out += &format!("; next call in {}", duration(seconds));
    } else if let (None, Some(seconds)) = (&it.not_ready, it.ready_ago) {
        out += &format!("; ready {} ago", duration(seconds));
    }
    out
}

fn phase(phase: &str) -> &str {
    match phase {
        "idle" => "left alone, not master",
        "looking" => "looking where it is",
        "moving" => "bringing it here",
        "waiting" => "waiting after a failure",
        "yielded" => "left to a peer",
        other => other,
    }
}

/// `seen here`, `seen with i-0b 10.0.1.190 (peer 10.0.1.190)`.
fn seen(it: &SeenStatus) -> String {
    match (it.place.as_str(), &it.holder, it.peer) {
        ("elsewhere", Some(holder), Some(peer)) => format!("seen with {holder} (peer {peer})"),
        ("elsewhere", Some(holder), None) => format!("seen with {holder} (no configured peer)"),
        ("nowhere", ..) => "seen with nobody".to_owned(),
        (place, ..) => format!("seen {place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::election::status::{
        AlarmStatus, CallStatus, CallTimes, FailureStatus, FloatingIpCounters,
    };

    fn here() -> FloatingIpStatus {
        FloatingIpStatus {
            address: [34, 249, 49, 35].into(),
            provider: "aws".into(),
            phase: "here".into(),
            seen: Some(SeenStatus {
                place: "here".into(),
                holder: None,
                peer: None,
                ago: 3.0,
            }),
            alarm: None,
            call: None,
            next_call_in: Some(7.0),
            last_failure: None,
            not_ready: None,
            ready_ago: Some(3.0),
            counters: FloatingIpCounters {
                describes: 12,
                associates: 1,
                arrivals: 1,
                ..FloatingIpCounters::default()
            },
            calls: CallTimes::default(),
        }
    }

    #[test]
    fn an_address_that_is_here_takes_two_lines() {
        let expected = concat!(
            "  floating   34.249.49.35 (aws): here; seen here 3 s ago; next call in 7 s\n",
            "  calls      12 describe, 1 associate, 0 failed (0 throttled); arrived 1, lost 0, \
             yielded 0\n"
        );
        assert_eq!(all(&[here()]), expected);
    }

    #[test]
    fn what_is_wrong_stands_below() {
        let mut it = here();
        it.phase = "waiting".into();
        it.seen = Some(SeenStatus {
            place: "elsewhere".into(),
            holder: Some("i-0b 10.0.1.190".into()),
            peer: Some([10, 0, 1, 190].into()),
            ago: 62.0,
        });
        it.alarm = Some(AlarmStatus {
            kind: "not_here".into(),
            text: "this node is master and the address is not here".into(),
        });
        it.last_failure = Some(FailureStatus {
            text: "forbidden".into(),
            ago: 0.4,
        });
        it.not_ready = Some(FailureStatus {
            text: "the instance has no role".into(),
            ago: 2.0,
        });
        it.call = Some(CallStatus {
            what: "associate".into(),
            running_for: 0.2,
        });
        let text = all(&[it]);
        for part in [
            "waiting after a failure; seen with i-0b 10.0.1.190 (peer 10.0.1.190) 1 min 2 s ago; \
             associate has been running for 0.2 s\n",
            "  ALARM      this node is master and the address is not here\n",
            "  NOT READY  this node could not take it: the instance has no role\n",
            "  failed     0.4 s ago: forbidden\n",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_backup_says_that_it_is_ready() {
        let mut it = here();
        it.phase = "idle".into();
        (it.seen, it.next_call_in) = (None, None);
        let text = all(&[it]);
        let wanted = "34.249.49.35 (aws): left alone, not master; ready 3 s ago\n";
        assert!(text.contains(wanted), "{text}");
    }
}
