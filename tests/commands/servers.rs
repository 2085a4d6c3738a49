//! Which servers new sessions come to, and that old ones stay where they are.

use std::{net::SocketAddr, process::Command};

use pontoon_lab::{
    needs::Need,
    server::{Behaviour, Server},
};

use super::{Stage, both, expect};
use crate::{
    harness::{Outcome, Test},
    stats,
};

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(both(
        "commands::a_server_that_is_taken_out_keeps_its_sessions_and_gets_no_new_ones",
        TWO,
        out_and_in,
    ));
    tests.push(both(
        "commands::the_page_takes_servers_out_as_well",
        CHECKED,
        by_the_page,
    ));
    let by_curl = both(
        "commands::the_page_takes_servers_out_for_curl",
        CHECKED,
        by_curl,
    );
    tests.push(by_curl.needs(Need::Program("curl")));
    tests.push(both(
        "commands::sessions_are_shared_by_the_weights_that_were_set",
        TWO,
        weights,
    ));
    tests.push(both(
        "commands::new_sessions_go_to_the_address_that_was_set",
        TWO,
        addresses,
    ));
}

const TWO: &str = " default_backend be\nbackend be\n balance roundrobin\n \
    server s1 {s1} weight 10\n server s2 {s2} weight 10\n";

/// With one check at the start, and the next an hour later.
const CHECKED: &str = " default_backend be\nbackend be\n balance roundrobin\n \
    server s1 {s1} check inter 1h\n server s2 {s2} check inter 1h\n";

/// Takes `s1` out, what `show stat` says then, and takes it in again.
const WAYS: [(&str, &str, &str); 5] = [
    (
        "set server be/s1 state drain",
        "DRAIN",
        "set server be/s1 state ready",
    ),
    (
        "set server be/s1 state maint",
        "MAINT",
        "set server be/s1 state ready",
    ),
    ("disable server be/s1", "MAINT", "enable server be/s1"),
    ("set weight be/s1 0", "no check", "set weight be/s1 100%"),
    (
        "set server be/s1 weight 0%",
        "no check",
        "set server be/s1 weight 10",
    ),
];

fn out_and_in(stage: &Stage) -> Outcome {
    for (out, status, back) in WAYS {
        let mut old = stage.session_on("s1")?;
        stage.order(out)?;
        let seen = stage.stat("be", "s1", "status")?;
        expect(out, &seen.as_str(), &status)?;
        stage.expect_only(&["s2"])?;
        old.goes_on()?;
        stage.order(back)?;
        expect(
            back,
            &stage.stat("be", "s1", "status")?.as_str(),
            &"no check",
        )?;
        stage.expect_only(&["s1", "s2"])?;
        old.goes_on()?;
    }
    Ok(())
}

/// What the page's form does, what `show stat` says then, and where new sessions go.
const ACTIONS: [(&str, &str, &[&str]); 8] = [
    ("drain", "DRAIN", &["s2"]),
    ("ready", "UP", &["s1", "s2"]),
    ("maint", "MAINT", &["s2"]),
    ("ready", "UP 1/3", &["s1", "s2"]),
    ("hdown", "DOWN", &["s2"]),
    ("hrunn", "UP", &["s1", "s2"]),
    ("hnolb", "NOLB", &["s2"]),
    ("hrunn", "UP", &["s1", "s2"]),
];

fn by_the_page(stage: &Stage) -> Outcome {
    stage.until("be", "s1", "check_status", "L4OK")?;
    let mut old = stage.session_on("s1")?;
    for (action, status, servers) in ACTIONS {
        let form = format!("s=s1&action={action}&b=be");
        let answer = stats::request(stage.page, "POST", "/", &form)?;
        expect(
            action,
            &answer.header("location").as_deref(),
            &Some("/;st=DONE"),
        )?;
        stage.until("be", "s1", "status", status)?;
        stage.expect_only(servers)?;
        old.goes_on()?;
    }
    let answer = stats::request(stage.page, "POST", "/", "s=s1&action=shutdown&b=be")?;
    expect(
        "shutdown",
        &answer.header("location").as_deref(),
        &Some("/;st=DONE"),
    )?;
    old.is_ended()
}

/// As a shell does it.
fn by_curl(stage: &Stage) -> Outcome {
    stage.until("be", "s1", "check_status", "L4OK")?;
    let mut curl = Command::new("curl");
    curl.args(["-s", "-S", "--max-time", "10", "-u", "admin:secret"]);
    curl.args(["-d", "b=be&s=s1&action=drain"]);
    let output = curl.arg(format!("http://{}/", stage.page)).output()?;
    assert!(output.status.success(), "{output:?}");
    stage.until("be", "s1", "status", "DRAIN")?;
    stage.expect_only(&["s2"])
}

fn weights(stage: &Stage) -> Outcome {
    for (order, told, first, second) in [
        ("set weight be/s1 30", "30 (initial 10)", 30, 10),
        ("set weight be/s1 50%", "5 (initial 10)", 13, 27),
        ("set server be/s1 weight 70", "70 (initial 10)", 35, 5),
        ("set server be/s1 weight 100%", "10 (initial 10)", 20, 20),
    ] {
        stage.order(order)?;
        let weight = stage.ask("get weight be/s1")?;
        expect(order, &weight.trim(), &told)?;
        let shares = stage.shares(40)?;
        let near = |name: &str, wanted: usize| {
            shares
                .get(name)
                .is_some_and(|share| share.abs_diff(wanted) <= 1)
        };
        if !(near("s1", first) && near("s2", second)) {
            return Err(format!("{order:?}: {shares:?}, not {first} to {second}").into());
        }
    }
    Ok(())
}

fn addresses(stage: &Stage) -> Outcome {
    stage.order("set server be/s2 state maint")?;
    let mut first = stage.session()?;
    let third = stage.servers[2].address();
    let order = |address: SocketAddr| {
        format!(
            "set server be/s1 addr {} port {}",
            address.ip(),
            address.port()
        )
    };
    stage.ask(&order(third))?;
    expect("addr", &stage.stat("be", "s1", "addr")?, &third.to_string())?;
    stage.expect_only(&["s3"])?;
    let mut second = stage.session()?;
    // Another address of this host, and the same port.
    let elsewhere = SocketAddr::from(([127, 0, 0, 2], third.port()));
    let _fourth = Server::on(elsewhere, Behaviour::Answer("s4".into()))?;
    stage.ask("set server be/s1 addr 127.0.0.2")?;
    expect(
        "addr",
        &stage.stat("be", "s1", "addr")?,
        &elsewhere.to_string(),
    )?;
    stage.expect_only(&["s4"])?;
    first.goes_on()?;
    second.goes_on()?;
    stage.ask(&order(stage.servers[0].address()))?;
    stage.expect_only(&["s1"])
}
