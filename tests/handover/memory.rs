//! What the next process knows from the last one: nothing begins anew.

use pontoon_lab::{
    balancer::free_address,
    client::Client,
    server::{Behaviour, Server},
};

use super::{ANSWER, Case, Chain};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    let all: [Case; 3] = [
        ("a_server_that_is_down_stays_down", down_stays_down),
        ("rotation_goes_on", rotation),
        ("counters_go_on", counters),
    ];
    for (name, run) in all {
        tests.push(Test::new(format!("handover::{name}"), run));
    }
}

/// Whom a new session comes to.
fn who(chain: &Chain) -> Result<String, Failure> {
    let mut client = Client::connect(chain.front)?;
    client.send(b"who?")?;
    let seen = client.receive(2, ANSWER)?;
    Ok(String::from_utf8_lossy(&seen.bytes).trim().to_owned())
}

fn down_stays_down() -> Outcome {
    let up = Server::start(Behaviour::Answer("u".into()))?;
    let section = format!(
        "listen px\n bind {{front}}\n default-server check inter 100ms fall 2 rise 1000\n \
         server up {} rise 1\n server down {}\n",
        up.address(),
        free_address()?
    );
    let mut chain = Chain::start(&section)?;
    chain.wait_for_value("px/down", "status", "DOWN")?;
    let changed = chain.value("px/down", "lastchg")?;
    for _ in 0..3 {
        chain.reload(&section)?.is_clean()?;
        // From the first moment, and without a word about it.
        if chain.value("px/down", "status")? != "DOWN" {
            return Err(Failure::from("it came up by a reload"));
        }
    }
    let told = |line: &str| line.contains("px/down is ");
    let count = chain
        .syslog
        .lines()
        .iter()
        .filter(|line| told(line))
        .count();
    if count != 1 {
        return Err(Failure::from(format!("{count} lines about it")));
    }
    let since = chain.value("px/down", "lastchg")?;
    match (changed.parse::<u64>(), since.parse::<u64>()) {
        (Ok(before), Ok(after)) if after >= before => Ok(()),
        _ => Err(Failure::from(format!(
            "down for {changed} s, then {since} s"
        ))),
    }
}

fn rotation() -> Outcome {
    let names = ["a", "b", "c"];
    let servers = names
        .iter()
        .map(|name| Server::start(Behaviour::Answer((*name).into())))
        .collect::<Result<Vec<_>, _>>()?;
    let lines: String = names
        .iter()
        .zip(&servers)
        .map(|(name, server)| format!(" server {name} {}\n", server.address()))
        .collect();
    let section = format!("listen px\n bind {{front}}\n balance roundrobin\n{lines}");
    let mut chain = Chain::start(&section)?;
    let mut order = String::new();
    for _ in 0..7 {
        order += &who(&chain)?;
        chain.reload(&section)?.is_clean()?;
    }
    if order == "abcabca" {
        return Ok(());
    }
    Err(Failure::from(order))
}

fn counters() -> Outcome {
    let server = Server::start(Behaviour::Answer("s".into()))?;
    let section = format!(
        "listen px\n bind {{front}}\n server s1 {}\n",
        server.address()
    );
    let mut chain = Chain::start(&section)?;
    for total in 1..=4 {
        who(&chain)?;
        for row in ["px/FRONTEND", "px/s1", "px/BACKEND"] {
            chain.wait_for_value(row, "scur", "0")?;
            chain.wait_for_value(row, "stot", &total.to_string())?;
            chain.wait_for_value(row, "bin", &(4 * total).to_string())?;
        }
        chain.reload(&section)?.is_clean()?;
    }
    Ok(())
}
