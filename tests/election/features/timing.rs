//! When a node takes over, and when it does not.

use std::time::{Duration, Instant};

use pontoon_lab::{capture::Capture, wait};

use super::{
    add,
    duo::{Duo, FAST, one},
};
use crate::harness::{Outcome, Test, measured};

pub(super) fn register(tests: &mut Vec<Test>) {
    add(
        tests,
        &[
            ("with_nopreempt_a_living_master_stays", nopreempt),
            ("with_preempt_delay_it_stays_for_a_while", preempt_delay),
            ("a_startup_delay_is_waited_for", startup_delay),
            ("centiseconds_count", centiseconds),
            ("a_master_refreshes_its_announcements", refreshes),
        ],
    );
}

/// The second one is master when the first one starts.
fn late(first: &str) -> Result<Duo, crate::harness::Failure> {
    let mut duo = Duo::new([first, &format!("{FAST}{}", one(100, ""))])?;
    duo.start(1)?;
    duo.master(1)?;
    duo.start(0)?;
    duo.says(0, "(VI_1) Entering BACKUP STATE")?;
    Ok(duo)
}

fn nopreempt() -> Outcome {
    let mut duo = late(&format!("{FAST}{}", one(150, "state BACKUP\n nopreempt")))?;
    duo.says(
        0,
        "The master stays although its priority is lower: nopreempt",
    )?;
    // Whoever wanted to preempt would have done so within three intervals.
    let until = Instant::now() + Duration::from_secs(1);
    let went = wait::until("a change", Duration::from_secs(1), || {
        (duo.holds(0, "10.0.1.100") || !duo.holds(1, "10.0.1.100")).then_some(())
    });
    assert!(went.is_err() && Instant::now() >= until);
    duo.stop(1)?;
    duo.until("the first one to be master", || duo.holds(0, "10.0.1.100"))
}

fn preempt_delay() -> Outcome {
    let duo = late(&format!("{FAST}{}", one(150, "preempt_delay 2")))?;
    duo.says(
        0,
        "The master stays although its priority is lower: preempt_delay 2",
    )?;
    let began = Instant::now();
    duo.master(0)?;
    let took = began.elapsed();
    measured(&format!("preempt_delay 2: preempted after {took:?}"));
    assert!(took > Duration::from_millis(1500), "{took:?}");
    Ok(())
}

/// Even a first node that nobody contradicts only listens until then.
fn startup_delay() -> Outcome {
    let delayed = FAST.replace("script_user", "vrrp_startup_delay 2\n script_user");
    let mut duo = Duo::new([&format!("{delayed}{}", one(150, "")), FAST])?;
    let began = Instant::now();
    duo.start(0)?;
    duo.until("the first one to be master", || duo.holds(0, "10.0.1.100"))?;
    let took = began.elapsed();
    assert!(took > Duration::from_secs(2), "{took:?}");
    assert!(took < Duration::from_secs(6), "{took:?}");
    Ok(())
}

/// 0.05 s: 5 on the wire, and a silent master is replaced after 150 ms and a skew.
fn centiseconds() -> Outcome {
    let quick = |priority| {
        format!(
            "{FAST}{}",
            one(priority, "").replace("advert_int 0.1", "advert_int 0.05")
        )
    };
    let duo = Duo::settled([&quick(150), &quick(100)])?;
    let capture = Capture::start(duo.host(1).namespace(), "eth0", "ip proto 112")?;
    capture.wait_for("vrrp.prio == 150", 20)?;
    duo.network.silence(duo.host(0).namespace())?;
    let began = Instant::now();
    duo.until("the second one to be master", || duo.holds(1, "10.0.1.100"))?;
    let took = began.elapsed();
    measured(&format!(
        "0.05 s: a silent master is replaced after {took:?}"
    ));
    assert!(took < Duration::from_secs(1), "{took:?}");
    duo.network.heal()?;
    duo.master(0)?;
    let trace = capture.finish()?;
    let adverts = trace.frames("vrrp.prio == 150", &["vrrp.short_adver_int"])?;
    for advert in &adverts {
        assert_eq!(
            advert.get("vrrp.short_adver_int").map(String::as_str),
            Some("5")
        );
    }
    Ok(())
}

fn refreshes() -> Outcome {
    let words = "garp_master_repeat 1\n garp_master_delay 0\n garp_master_refresh 1\n \
                 garp_master_refresh_repeat 3";
    let duo = Duo::settled([
        &format!("{FAST}{}", one(150, words)),
        &format!("{FAST}{}", one(100, "")),
    ])?;
    let capture = Capture::start(duo.host(1).namespace(), "eth0", "arp")?;
    let gratuitous = "arp.isgratuitous == 1 && arp.src.proto_ipv4 == 10.0.1.100";
    capture.wait_for(gratuitous, 6)?;
    let trace = capture.finish()?;
    let times = trace.frames(gratuitous, &["frame.time_relative"])?;
    let times: Vec<f64> = times
        .iter()
        .filter_map(|frame| frame.get("frame.time_relative")?.parse().ok())
        .collect();
    // Three at a time, a second apart.
    assert!(times[2] - times[0] < 0.5, "{times:?}");
    assert!((0.5..2.0).contains(&(times[3] - times[0])), "{times:?}");
    Ok(())
}
