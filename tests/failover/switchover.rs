//! `pontoon switchover`: what a client sees of it, and what real peers say to it.

use std::{
    net::IpAddr,
    process::Output,
    thread,
    time::{Duration, Instant},
};

use pontoon_lab::{
    capture::Capture,
    frr::{self, Frr, Router},
    host::Host,
    needs::Need,
    netns::{Network, inside},
    node::{Node, Programs},
    pair::{Pair, SHARED},
    probe::{Outage, Probe},
    problem::Trying as _,
    wait,
};

use super::{
    on_hosts, pontoon as pairs,
    setup::{Place, ROUTER, Setup},
    street::Street,
};
use crate::harness::{Failure, Outcome, Test, pontoon};

/// The program, as it is installed on hosts.
const PONTOON: &str = "/usr/sbin/pontoon";
/// What a client may miss, on a busy machine.
const BOUND: Duration = Duration::from_millis(500);
/// For so long a lower priority must be left alone: many times the interval.
const WATCHED: Duration = Duration::from_millis(1500);

type Run = fn() -> Outcome;

/// Adds them.
pub(super) fn register(tests: &mut Vec<Test>) {
    let own: [(&str, Run); 5] = [
        ("switchover_moves_the_address_and_leaves_it_there", moves),
        ("switchover_is_over_when_the_new_master_is_lost", comes_back),
        ("switchover_is_refused_if_nobody_is_ready", nobody_ready),
        ("switchover_of_a_group_moves_all_of_it", group),
        (
            "switchover_waits_for_sessions_as_long_as_it_is_told",
            drains,
        ),
    ];
    for (name, run) in own {
        tests.push(on_hosts(name, run).needs(Need::User("haproxy")));
    }
    for setup in [
        Setup::v2(false, true),
        Setup::v3(true, false, true),
        Setup::v3(false, true, true),
    ] {
        let name = format!("switchover_beside_keepalived_{setup}");
        let test = on_hosts(&name, move || beside_keepalived(setup));
        tests.push(
            test.needs(Need::Program("keepalived"))
                .needs(Need::Program("ping"))
                .needs(Need::Program("tcpdump"))
                .needs(Need::Program("tshark")),
        );
    }
    for setup in [Setup::v2(false, true), Setup::v3(true, true, true)] {
        let name = format!("switchover_between_elections_{setup}");
        let test = on_hosts(&name, move || between_elections(setup));
        tests.push(
            test.needs(Need::Program("ping"))
                .needs(Need::Program("tcpdump")),
        );
    }
    let test = on_hosts("switchover_beside_frr", beside_frr);
    tests.push(
        test.needs(Need::File(frr::VRRPD))
            .needs(Need::Program("vtysh"))
            .needs(Need::Program("tcpdump")),
    );
}

/// `pontoon switchover` on this host.
fn switchover(host: &Host, more: &[&str]) -> Result<Output, Failure> {
    let mut command = host.command(PONTOON);
    command.arg("switchover").args(more);
    Ok(command.output()?)
}

fn done(host: &Host, more: &[&str]) -> Result<String, Failure> {
    let output = switchover(host, more)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("switchover {more:?}: {said}{why}").into())
}

fn refused(host: &Host, more: &[&str], wanted: &str) -> Outcome {
    let output = switchover(host, more)?;
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() || !why.contains(wanted) {
        return Err(format!("wanted a refusal with '{wanted}': {output:?}").into());
    }
    Ok(())
}

/// The client's longest outage since then, which must be short.
fn short_outage(pair: &Pair, probe: Probe, began: Instant) -> Outcome {
    pair.await_service(&probe)?;
    let mut attempts = probe.finish()?;
    attempts.retain(|attempt| attempt.began + Duration::from_millis(250) >= began);
    let outage = Outage::longest(&attempts);
    if !outage.recovered || outage.length > BOUND {
        return Err(pairs::complain(pair, &format!("the client saw {outage:?}")));
    }
    Ok(())
}

/// Does something while it watches that the address is on one node at least at any time.
fn never_alone<T>(
    pair: &Pair,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure>
where
    T: Send,
{
    thread::scope(|scope| {
        let working = scope.spawn(work);
        let mut alone = None;
        while !working.is_finished() {
            // One is looked at after the other: it may move in between.
            if pair.holders() == 0 && pair.holders() == 0 {
                alone.get_or_insert(Instant::now());
            }
        }
        let result = working
            .join()
            .map_err(|_| Failure::from("it panicked".to_owned()))?;
        match alone {
            Some(_) => Err(pairs::complain(pair, "the address was nowhere")),
            None => result,
        }
    })
}

fn stays(pair: &Pair, holder: usize) -> Outcome {
    let until = Instant::now() + WATCHED;
    while Instant::now() < until {
        if !pair.holds(holder) || pair.holds(1 - holder) {
            return Err(pairs::complain(pair, "the address went to and fro"));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn moves() -> Outcome {
    let mut pair = pairs::build(true)?;
    let probe = pair.start()?;
    let began = Instant::now();
    let host = &pair.nodes[0].host;
    let checked = done(host, &["--check"])?;
    assert_eq!(checked, "VI_1: 10.0.1.190 is ready to take over\n");
    let said = never_alone(&pair, || done(host, &[]))?;
    assert!(
        said.starts_with("VI_1: handed over to 10.0.1.190 within "),
        "{said}"
    );
    pairs::settles(&pair, 1)?;
    stays(&pair, 1)?;
    let why = host.run(&[PONTOON, "why", "master"])?;
    let because = "10.0.1.190 is master and left alone though its priority, 100, is lower than ours, \
                   101: it was handed over on purpose";
    assert!(why.contains(because), "{why}");
    assert!(
        why.contains("(VI_1) Switchover: handed over by its operator"),
        "{why}"
    );
    let status = host.run(&[PONTOON, "status"])?;
    assert!(status.contains("BACKUP"), "{status}");
    assert!(
        status.contains("  switchover handed over on purpose"),
        "{status}"
    );
    refused(host, &[], "this node is master of none")?;

    let said = never_alone(&pair, || done(host, &["--back"]))?;
    assert_eq!(said, "VI_1: taken back\n");
    pairs::settles(&pair, 0)?;
    refused(host, &["--back"], "nothing has been handed over")?;
    short_outage(&pair, probe, began)
}

fn comes_back() -> Outcome {
    let mut pair = pairs::build(true)?;
    let probe = pair.start()?;
    let began = Instant::now();
    done(&pair.nodes[0].host, &["--instance", "VI_1"])?;
    pairs::settles(&pair, 1)?;
    // The proxy of the new master dies: it resigns.
    pair.nodes[1].kill_proxy()?;
    pairs::settles(&pair, 0)?;
    let status = pair.nodes[0].host.run(&[PONTOON, "status"])?;
    assert!(!status.contains("switchover"), "it is over: {status}");
    short_outage(&pair, probe, began)
}

fn nobody_ready() -> Outcome {
    let mut pair = pairs::build(true)?;
    let probe = pair.start()?;
    let began = Instant::now();
    refused(
        &pair.nodes[0].host,
        &["--instance", "VI_9"],
        "no vrrp_instance VI_9",
    )?;
    refused(&pair.nodes[1].host, &[], "this node is master of none")?;
    // The standby's proxy is gone for good: nobody starts it again while its supervisor sleeps.
    pair.nodes[1]
        .host
        .signal_all("pontoon", pontoon_sys::process::Signal::STOP)?;
    pair.nodes[1].kill_proxy()?;
    let host = &pair.nodes[0].host;
    let faulty = wait::until("the standby to be unfit", wait::PATIENCE, || {
        refused(
            host,
            &["--check"],
            "10.0.1.190 cannot take over, it is in FAULT: the proxy ",
        )
        .ok()
    });
    faulty.map_err(|problem| pairs::complain(&pair, &problem.to_string()))?;
    // Nobody at all.
    pair.nodes[1]
        .host
        .signal_all("pontoon", pontoon_sys::process::Signal::CONT)?;
    pair.nodes[1].stop()?;
    let host = &pair.nodes[0].host;
    refused(host, &[], "no peer says that it is ready")?;
    // With force it is tried, and the address stays where it was.
    never_alone(&pair, || {
        refused(
            host,
            &["--force"],
            "VI_1: nobody took over; it is master here as before",
        )
    })?;
    pairs::settles(&pair, 0)?;
    short_outage(&pair, probe, began)
}

fn group() -> Outcome {
    let [first, second] = [0, 1].map(|which| {
        let one = pairs::keepalived_conf(which);
        let (_, instance) = one.split_once("\n\n").unwrap_or_default();
        let other = instance
            .replace("VI_1", "VI_2")
            .replace("router_id 51", "router_id 52")
            .replace(&SHARED.to_string(), "10.0.1.101");
        format!("{one}\n{other}\nvrrp_sync_group VG_1 {{\n group {{\n VI_1\n VI_2\n }}\n}}\n")
    });
    let mut pair = Pair::build(Programs::Together(pontoon()), [&first, &second])?;
    let probe = pair.start()?;
    let began = Instant::now();
    let said = done(&pair.nodes[0].host, &["--group", "VG_1"])?;
    for name in ["VI_1", "VI_2"] {
        let wanted = format!("{name}: handed over to 10.0.1.190 within ");
        assert!(said.contains(&wanted), "{said}");
    }
    pairs::settles(&pair, 1)?;
    let other: IpAddr = [10, 0, 1, 101].into();
    pair.nodes[1].wait_until_holds(other)?;
    pair.nodes[0].wait_until_free_of(other)?;
    short_outage(&pair, probe, began)
}

/// A session is held all the time; then none is left.
fn drains() -> Outcome {
    let mut pair = pairs::build(true)?;
    pair.start()?.finish()?;
    let held = inside(pair.client(), || {
        std::net::TcpStream::connect((SHARED, 8563)).trying("connect")
    })?;
    let began = Instant::now();
    let said = done(&pair.nodes[0].host, &["--drain", "700ms"])?;
    let expected = "VI_1: 10.0.1.190 is ready to take over\n1 session is left after 0.7 s\n";
    assert!(said.starts_with(expected), "{said}");
    assert!(began.elapsed() >= Duration::from_millis(700));
    pairs::settles(&pair, 1)?;
    done(&pair.nodes[0].host, &["--back"])?;
    pairs::settles(&pair, 0)?;
    drop(held);
    let said = done(&pair.nodes[0].host, &["--drain", "60s"])?;
    assert!(said.contains("no session is left after "), "{said}");
    pairs::settles(&pair, 1)
}

/// It does not answer, takes over if it has to, and says nothing to what it does not know.
fn beside_keepalived(setup: Setup) -> Outcome {
    let programs = [Programs::Apart(pontoon()), Programs::Debian];
    let mut street = Street::build(setup, programs)?;
    street.second.start_election()?;
    street.only_master(Place::Second)?;
    street.first.start_election()?;
    street.only_master(Place::First)?;
    let before = street.second.output();
    let name = ["--name", "keepalived"];
    refused(&street.first.host, &name, "Keepalived does not answer")?;
    street.only_master(Place::First)?;
    let heard = street.second.output();
    assert_eq!(heard, before, "it complains of our question");

    done(&street.first.host, &["--name", "keepalived", "--force"])?;
    street.only_master(Place::Second)?;
    done(&street.first.host, &["--name", "keepalived", "--back"])?;
    street.only_master(Place::First)?;
    street.leave()?;
    Ok(())
}

/// Two drop-ins ask each other as they advertise: by group or by address, with their password.
fn between_elections(setup: Setup) -> Outcome {
    let programs = [Programs::Apart(pontoon()), Programs::Apart(pontoon())];
    let mut street = Street::build(setup, programs)?;
    street.second.start_election()?;
    street.only_master(Place::Second)?;
    street.first.start_election()?;
    street.only_master(Place::First)?;
    let said = done(&street.first.host, &["--name", "keepalived"])?;
    let peer = Place::Second.addresses()[usize::from(setup.ipv6)];
    let wanted = match setup.unicast || !setup.ipv6 {
        true => format!("VI_1: handed over to {peer} within "),
        false => "VI_1: handed over to fe80:".to_owned(),
    };
    assert!(said.starts_with(&wanted), "{said}");
    street.only_master(Place::Second)?;
    done(&street.first.host, &["--name", "keepalived", "--back"])?;
    street.only_master(Place::First)?;
    street.leave()?;
    Ok(())
}

fn beside_frr() -> Outcome {
    let setup = Setup::v3(false, false, false);
    let [ours, theirs] = [Place::First, Place::Second];
    let mut network = Network::new()?;
    let space = network.host("o", &[&format!("{}/24", ours.addresses()[0])])?;
    let mut node = Node::boot(&space, Programs::Apart(pontoon()))?;
    node.configure("", &setup.keepalived_conf(ours))?;
    let space = network.host("f", &[&format!("{}/24", theirs.addresses()[0])])?;
    let peer = Host::boot(&space, &[])?;
    let capture = Capture::start(&space, "eth0", "ip proto 112")?;
    let router = Router {
        id: ROUTER,
        priority: theirs.priority(),
        interval: 1000,
        shared: ("10.0.1.100", 24),
    };
    let _running = Frr::start(&peer, router)?;
    let becomes = |node: &Node, wanted: &str| -> Outcome {
        let became = wait::until(wanted, wait::PATIENCE, || {
            (frr::status(&peer)? == wanted).then_some(())
        });
        became.map_err(|problem| node.complain(&problem).to_string().into())
    };
    becomes(&node, "Master")?;
    node.start_election()?;
    becomes(&node, "Backup")?;
    refused(
        &node.host,
        &["--name", "keepalived"],
        "no peer says that it is ready",
    )?;
    becomes(&node, "Backup")?;
    done(&node.host, &["--name", "keepalived", "--force"])?;
    becomes(&node, "Master")?;
    node.wait_until_free_of(setup.shared())?;
    done(&node.host, &["--name", "keepalived", "--back"])?;
    becomes(&node, "Backup")?;
    drop(capture.finish()?);
    Ok(())
}
