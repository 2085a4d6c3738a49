//! Who gets the next session.

use std::{collections::BTreeMap, net::SocketAddr};

use pontoon_lab::{
    balancer::{Kind, free_address},
    client::Client,
    needs::Need,
    server::{Behaviour, Server},
};

use super::stage::{Scene, both, client_from, expect, named, who};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    both(tests, "weights_are_kept_in_turn", weights_are_kept_in_turn);
    let same = Test::new(
        "proxy::the_turns_around_a_death_are_those_of_haproxy",
        turns_around_a_death_as_haproxy,
    );
    tests.push(same.needs(Need::Program("haproxy")));
    both(tests, "the_least_loaded_is_next", the_least_loaded_is_next);
    both(
        tests,
        "the_first_is_filled_first",
        the_first_is_filled_first,
    );
    both(tests, "a_source_stays_with_its_server", source_stays);
    both(
        tests,
        "a_source_stays_with_its_server_on_a_ring",
        source_stays_on_a_ring,
    );
    let same = Test::new(
        "proxy::a_source_gets_the_server_of_haproxy",
        source_as_haproxy,
    );
    tests.push(same.needs(Need::Program("haproxy")));
    both(tests, "random_spreads", random_spreads);
    both(
        tests,
        "disabled_servers_get_nothing",
        disabled_servers_get_nothing,
    );
    both(tests, "one_backup_steps_in", |kind| {
        backups_step_in(kind, "", &["b1", "b1", "b1"])
    });
    both(tests, "all_backups_step_in", |kind| {
        backups_step_in(kind, "option allbackups", &["b1", "b2", "b1"])
    });
    both(
        tests,
        "a_tracking_server_follows",
        a_tracking_server_follows,
    );
    both(tests, "a_server_starts_slowly", a_server_starts_slowly);
}

/// Three servers called 1 to 3.
struct Trio {
    scene: Scene,
    _servers: [Server; 3],
}

fn trio(kind: Kind, lines: &str, options: [&str; 3]) -> Result<Trio, Failure> {
    let servers = [named("1")?, named("2")?, named("3")?];
    let text: String = (0..3)
        .map(|n| {
            format!(
                " server s{} {} {}\n",
                n + 1,
                servers[n].address(),
                options[n]
            )
        })
        .collect();
    let scene = Scene::set(
        kind,
        &format!("listen fe\n bind {{front}}\n {lines}\n{text}"),
    )?;
    Ok(Trio {
        scene,
        _servers: servers,
    })
}

impl Trio {
    fn turns(&self, count: usize) -> Result<String, Failure> {
        (0..count).map(|_| self.scene.ask()).collect()
    }
}

fn weights_are_kept_in_turn(kind: Kind) -> Outcome {
    let trio = trio(
        kind,
        "balance roundrobin",
        ["weight 2", "weight 1", "weight 1"],
    )?;
    let turns = trio.turns(12)?;
    let count = |name| turns.matches(name).count();
    expect(&turns, [count("1"), count("2"), count("3")], [6, 3, 3])?;
    // Spread, not in a row.
    expect(&turns, turns.contains("111"), false)?;
    expect(&turns, &turns[..4], &turns[4..8])
}

/// How many servers there are, how many sessions come before one of them dies, and which that is.
const DEATHS: [(usize, usize, usize); 9] = [
    (2, 3, 1),
    (3, 0, 1),
    (3, 1, 2),
    (3, 5, 1),
    (3, 6, 2),
    (4, 4, 2),
    (4, 7, 1),
    (5, 5, 2),
    (5, 8, 1),
];

fn turns_around_a_death_as_haproxy() -> Outcome {
    let theirs = turns_around_a_death(Kind::Haproxy)?;
    let ours = turns_around_a_death(Kind::Pontoon)?;
    for ((theirs, ours), death) in theirs.iter().zip(&ours).zip(DEATHS) {
        expect(&format!("{death:?}"), ours, theirs)?;
    }
    expect("proxies", ours.len(), DEATHS.len())
}

/// Who gets the sessions before the death, while the server is dead and when it is back.
fn turns_around_a_death(kind: Kind) -> Result<Vec<String>, Failure> {
    let servers = ["1", "2", "3", "4", "5"].map(named);
    let servers = servers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let health = free_address()?;
    let mut text = String::new();
    let mut fronts = Vec::new();
    for (number, (count, _, dies)) in DEATHS.iter().enumerate() {
        let front = free_address()?;
        text += &format!("listen p{number}\n bind {front}\n balance roundrobin\n");
        for (server, place) in servers[..*count].iter().zip(1..) {
            text += &format!(" server s{place} {} weight 100", server.address());
            if place == *dies {
                let port = health.port();
                text += &format!(" check inter 30ms fall 1 rise 1 port {port}");
            }
            text += "\n";
        }
        fronts.push(front);
    }
    let alive = Server::on(health, Behaviour::Close)?;
    let scene = Scene::set(kind, &text)?;
    let become_all = |wanted: &str| {
        DEATHS.iter().enumerate().try_for_each(|(number, death)| {
            scene.wait_for_value(&format!("p{number}/s{}", death.2), "status", wanted)
        })
    };
    let ask = |front: &SocketAddr| {
        let mut client = Client::connect(*front)?;
        let name = who(&mut client)?;
        client.finish()?;
        Ok::<_, Failure>(name)
    };
    let mut turns = vec![String::new(); DEATHS.len()];
    let mut sessions = |counts: &[usize]| -> Outcome {
        for ((turns, front), count) in turns.iter_mut().zip(&fronts).zip(counts) {
            for _ in 0..*count {
                turns.push_str(&ask(front)?);
            }
            turns.push('|');
        }
        Ok(())
    };
    become_all("UP")?;
    sessions(&DEATHS.map(|death| death.1))?;
    drop(alive);
    become_all("DOWN")?;
    sessions(&[8; DEATHS.len()])?;
    let _alive = Server::on(health, Behaviour::Close)?;
    become_all("UP")?;
    sessions(&[11; DEATHS.len()])?;
    Ok(turns)
}

fn the_least_loaded_is_next(kind: Kind) -> Outcome {
    let trio = trio(kind, "balance leastconn", ["", "", ""])?;
    let mut held: BTreeMap<String, _> = BTreeMap::new();
    for _ in 0..3 {
        let (client, name) = trio.scene.stay()?;
        held.insert(name, client);
    }
    expect("servers in use", held.len(), 3)?;
    for free in ["2", "1", "3"] {
        let client = held.remove(free);
        drop(client);
        trio.scene
            .wait_for_value(&format!("fe/s{free}"), "scur", "0")?;
        let (client, name) = trio.scene.stay()?;
        expect("the next", name.as_str(), free)?;
        held.insert(name, client);
    }
    Ok(())
}

fn the_first_is_filled_first(kind: Kind) -> Outcome {
    let trio = trio(kind, "balance first", ["maxconn 2", "maxconn 1", ""])?;
    let mut held = Vec::new();
    let mut turns = String::new();
    for _ in 0..5 {
        let (client, name) = trio.scene.stay()?;
        held.push(client);
        turns.push_str(&name);
    }
    expect("the order", turns.as_str(), "11233")?;
    drop(held.remove(0));
    trio.scene.wait_for_value("fe/s1", "scur", "1")?;
    expect("the next", trio.scene.ask()?.as_str(), "1")
}

fn source_stays(kind: Kind) -> Outcome {
    let trio = trio(kind, "balance source", ["", "", ""])?;
    sources_stay(&trio)
}

fn source_stays_on_a_ring(kind: Kind) -> Outcome {
    let trio = trio(kind, "balance source\n hash-type consistent", ["", "", ""])?;
    sources_stay(&trio)
}

fn sources_stay(trio: &Trio) -> Outcome {
    let mut used = BTreeMap::new();
    for source in 1..=20 {
        let from = format!("127.0.0.{source}");
        let mut first = None;
        for _ in 0..5 {
            let name = who(&mut client_from(&from, trio.scene.front)?)?;
            let first = first.get_or_insert_with(|| name.clone());
            expect(&from, &name, first)?;
        }
        *used.entry(first).or_insert(0) += 1;
    }
    expect(&format!("servers in use: {used:?}"), used.len(), 3)
}

/// Servers' options, and lines of the proxy.
const SOURCES: [(&[&str], &str); 8] = [
    (&["", ""], ""),
    (&["", "", ""], "hash-type map-based crc32"),
    (&["", "", "", "", ""], "hash-type map-based wt6 avalanche"),
    (&["", "", "backup"], ""),
    (
        &["disabled", "", "", "", ""],
        "hash-type map-based sdbm avalanche",
    ),
    (&["disabled", "disabled", "backup", "backup"], ""),
    (
        &["disabled", "backup", "backup", "backup"],
        "option allbackups",
    ),
    (
        &["weight 10", "weight 20", "weight 35", "weight 0"],
        "hash-type map-based djb2",
    ),
];

fn source_as_haproxy() -> Outcome {
    let theirs = homes(Kind::Haproxy)?;
    let ours = homes(Kind::Pontoon)?;
    for ((theirs, ours), (servers, lines)) in theirs.iter().zip(&ours).zip(SOURCES) {
        expect(&format!("{servers:?} {lines}"), ours, theirs)?;
    }
    expect("proxies", ours.len(), SOURCES.len())
}

/// Where clients of many addresses come to, in each of the proxies. The addresses are told in PROXY headers.
fn homes(kind: Kind) -> Result<Vec<String>, Failure> {
    let servers = ["1", "2", "3", "4", "5"].map(named);
    let servers = servers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut text = String::new();
    let mut fronts = Vec::new();
    for (number, (options, lines)) in SOURCES.iter().enumerate() {
        let front = free_address()?;
        text +=
            &format!("listen p{number}\n bind {front} accept-proxy\n balance source\n {lines}\n");
        for (server, options) in servers.iter().zip(*options) {
            let address = server.address();
            text += &format!(" server s{} {address} {options}\n", address.port());
        }
        fronts.push(front);
    }
    let _scene = Scene::set(kind, &text)?;
    let near = (1..=12).map(|n| format!("TCP4 10.1.2.{n} 10.0.0.1"));
    let far = (1..=30).map(|n| format!("TCP4 {}.{}.{}.{n} 10.0.0.1", 10 + 7 * n, 8 * n, 255 - n));
    let six = (1u32..=30).map(|n| {
        let word = |k: u32| n.wrapping_mul(k).wrapping_mul(2_654_435_761) >> 16;
        format!(
            "TCP6 2001:db8:{:x}::{:x}:{:x} fd00::1",
            word(3),
            word(5),
            word(9)
        )
    });
    let sources: Vec<String> = near.chain(far).chain(six).collect();
    let home = |front: &SocketAddr| {
        let name = |source: &String| {
            let mut client = Client::connect(*front)?;
            client.send(format!("PROXY {source} 4000 80\r\n").as_bytes())?;
            let name = who(&mut client)?;
            client.finish()?;
            Ok(name)
        };
        sources.iter().map(name).collect()
    };
    fronts.iter().map(home).collect()
}

fn random_spreads(kind: Kind) -> Outcome {
    let trio = trio(kind, "balance random(1)", ["", "", "weight 2"])?;
    let turns = trio.turns(200)?;
    let count = |name| turns.matches(name).count();
    // 50, 50 and 100, give or take five standard deviations.
    let (one, two, three) = (count("1"), count("2"), count("3"));
    let fair = (20..=80).contains(&one) && (20..=80).contains(&two) && (65..=135).contains(&three);
    expect(&format!("{one}, {two} and {three}"), fair, true)
}

fn disabled_servers_get_nothing(kind: Kind) -> Outcome {
    let trio = trio(kind, "balance roundrobin", ["", "disabled", ""])?;
    expect("the turns", trio.turns(4)?.as_str(), "1313")?;
    let status = trio.scene.value("fe/s2", "status")?;
    expect("its status", status.as_str(), "MAINT")
}

fn backups_step_in(kind: Kind, lines: &str, wanted: &[&str]) -> Outcome {
    let (active, one, two) = (named("1")?, named("b1")?, named("b2")?);
    let health = free_address()?;
    let scene = Scene::set(
        kind,
        &format!(
            "listen fe\n bind {{front}}\n {lines}\n \
             server s1 {} check inter 30ms fall 1 rise 1 port {}\n \
             server b1 {} backup\n server b2 {} backup\n",
            active.address(),
            health.port(),
            one.address(),
            two.address()
        ),
    )?;
    scene.wait_for_value("fe/s1", "status", "DOWN")?;
    let turns: Vec<String> = wanted
        .iter()
        .map(|_| scene.ask())
        .collect::<Result<_, _>>()?;
    expect(
        "who steps in",
        turns,
        wanted.iter().map(|&name| name.to_owned()).collect(),
    )?;
    let _health = Server::on(health, Behaviour::Close)?;
    scene.wait_for_value("fe/s1", "status", "UP")?;
    expect("who answers then", scene.ask()?.as_str(), "1")
}

fn a_tracking_server_follows(kind: Kind) -> Outcome {
    let (one, two, health) = (named("1")?, named("2")?, free_address()?);
    let scene = Scene::set(
        kind,
        &format!(
            "listen fe\n bind {{front}}\n server s1 {} track other/s1\n server s2 {}\n\
             backend other\n server s1 {} check inter 30ms fall 1 rise 1\n",
            one.address(),
            two.address(),
            health
        ),
    )?;
    scene.wait_for_value("fe/s1", "status", "DOWN")?;
    expect("who answers", scene.ask()?.as_str(), "2")?;
    expect("who answers", scene.ask()?.as_str(), "2")?;
    let _health = Server::on(health, Behaviour::Close)?;
    scene.wait_for_value("fe/s1", "status", "UP")
}

fn a_server_starts_slowly(kind: Kind) -> Outcome {
    let (server, health) = (named("1")?, free_address()?);
    let scene = Scene::set(
        kind,
        &format!(
            "listen fe\n bind {{front}}\n server s1 {} weight 100 slowstart 60s \
             check inter 30ms fall 1 rise 1 port {}\n",
            server.address(),
            health.port()
        ),
    )?;
    scene.wait_for_value("fe/s1", "status", "DOWN")?;
    let _health = Server::on(health, Behaviour::Close)?;
    scene.wait_for_value("fe/s1", "status", "UP")?;
    let weight: u32 = scene.value("fe/s1", "weight")?.parse().unwrap_or(0);
    expect(
        &format!("a small weight ({weight})"),
        (1..=10).contains(&weight),
        true,
    )?;
    expect("who answers", scene.ask()?.as_str(), "1")
}
