//! Chaos: everybody does what he wants, and afterwards nothing is lost, left over or wrong.
//!
//! A failing test prints its seed; `PONTOON_SEED=…` throws the same dice again.

mod books;
mod client;
pub(crate) mod dice;
mod hostile;
mod idle;
mod orders;
mod scene;
mod server;
mod shortage;
mod talk;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pontoon_lab::{crowd::raise_file_limit, needs};
use tokio::{sync::Semaphore, task::JoinSet};

use self::{
    client::Route,
    dice::Dice,
    orders::Administrator,
    scene::Scene,
    server::{Complaints, Server},
    talk::{Manner, Service, Talk},
};
use crate::harness::{Failure, Outcome, Test};

/// How long the storm lasts.
const STORM: Duration = Duration::from_secs(3);
const STORM_IN_FULL: Duration = Duration::from_secs(60);
/// Sessions at once.
const AT_ONCE: usize = 150;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    for threads in [1, 2, 4] {
        let name = format!("chaos::nothing_is_lost_or_left_over_with_{threads}_threads");
        tests.push(Test::new(name, move || seeded(|dice| storm(threads, dice))));
    }
    tests.push(Test::new("chaos::soft_stop_in_the_middle", || {
        seeded(orders::stops_in_the_middle)
    }));
    tests.push(Test::new("chaos::hostile_words_do_no_harm", || {
        seeded(hostile::words_do_no_harm)
    }));
    shortage::register(tests);
}

/// Runs a test with dice that a seed repeats, and names the seed if it fails.
pub(crate) fn seeded(test: impl FnOnce(Dice) -> Outcome) -> Outcome {
    let given = std::env::var("PONTOON_SEED").ok();
    let given = given.and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(fresh_seed);
    test(Dice::new(seed)).map_err(|failure| failure.with(&format!("PONTOON_SEED={seed}")))
}

fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(Instant::now()) >> 32
}

fn storm(threads: u16, dice: Dice) -> Outcome {
    raise_file_limit()?;
    let scene = Scene::set(threads)?;
    let complaints = Complaints::default();
    let before = runtime()?.block_on(play(&scene, dice, &complaints))?;
    let told = complaints.told();
    if !told.is_empty() {
        return Err(Failure::from(told));
    }
    let rows = books::quiet(scene.page)?;
    books::agree(&scene, &rows)?;
    books::undisturbed(&scene.balancer.program.output())?;
    let pid = scene.balancer.program.pid();
    books::came_back(pid, before)?;
    idle::expect(pid)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// All servers there are: those that stay, and those that come and go.
async fn servers(
    scene: &Scene,
    dice: &Dice,
    complaints: &Complaints,
) -> Result<(Vec<Server>, tokio::task::JoinHandle<()>), Failure> {
    let mut steady = Vec::new();
    for &address in &scene.steady {
        steady.push(Server::start(address, false, complaints.clone()).await?);
    }
    for &address in &scene.told {
        steady.push(Server::start(address, true, complaints.clone()).await?);
    }
    let flapping = flap(scene.fickle.clone(), dice.clone(), complaints.clone());
    Ok((steady, tokio::spawn(flapping)))
}

/// Servers, clients and the dice; returns what the process used after the first few sessions.
async fn play(
    scene: &Scene,
    mut dice: Dice,
    complaints: &Complaints,
) -> Result<pontoon_lab::crowd::Usage, Failure> {
    let (_steady, flapping) = servers(scene, &dice, complaints).await?;
    clients(scene, &mut dice, complaints, Duration::from_millis(500)).await;
    let before = pontoon_lab::crowd::usage(scene.balancer.program.pid())?;
    let length = if needs::full() { STORM_IN_FULL } else { STORM };
    let administrator = Administrator::start(scene.page, Dice::new(dice.roll()));
    clients(scene, &mut dice, complaints, length).await;
    administrator.leave()?;
    slots_are_free(scene, complaints).await;
    flapping.abort();
    Ok(before)
}

/// Clients of all manners, so many at once, for so long.
async fn clients(scene: &Scene, dice: &mut Dice, complaints: &Complaints, length: Duration) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut visits = JoinSet::new();
    let end = Instant::now() + length;
    while Instant::now() < end {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            break;
        };
        let route = road(scene, dice);
        let talk = if route.calm {
            Talk::calm(dice)
        } else {
            Talk::wild(dice)
        };
        let (dice, complaints) = (Dice::new(dice.roll()), complaints.clone());
        visits.spawn(async move {
            if let Err(complaint) = client::visit(route, talk, dice).await {
                complaints.add(complaint);
            }
            drop(place);
        });
        while visits.try_join_next().is_some() {}
    }
    while visits.join_next().await.is_some() {}
}

/// Where the next client goes; seldom where few are let in, or all would stand there.
fn road(scene: &Scene, dice: &mut Dice) -> Route {
    let route = dice.pick(&scene.routes);
    match route.name {
        "limited" if dice.chance(80) => dice.pick(&scene.routes),
        _ => route,
    }
}

/// Servers come and go; the last address never gets one.
async fn flap(addresses: Vec<std::net::SocketAddr>, mut dice: Dice, complaints: Complaints) {
    let [alive @ .., _] = &addresses[..] else {
        return;
    };
    let mut servers: Vec<Option<Server>> = alive.iter().map(|_| None).collect();
    loop {
        let which = dice.below(u32::try_from(alive.len()).unwrap_or(1)) as usize;
        servers[which] = match servers[which].take() {
            Some(_killed) => None,
            // The port may be busy for a moment; the next turn tries again.
            None => Server::start(alive[which], false, complaints.clone())
                .await
                .ok(),
        };
        tokio::time::sleep(Duration::from_millis(u64::from(dice.below(400)))).await;
    }
}

/// As many sessions as `maxconn` allows are served at once: no slot has been lost.
async fn slots_are_free(scene: &Scene, complaints: &Complaints) {
    const EXPECTED: [(&str, usize); 3] = [("queue", 5), ("leaving", 3), ("limited", 4)];
    let mut held = JoinSet::new();
    for (name, slots) in EXPECTED {
        let Some(&route) = scene.routes.iter().find(|route| route.name == name) else {
            continue;
        };
        for seed in (1..).take(slots) {
            held.spawn(hold(
                Route {
                    calm: true,
                    ..route
                },
                seed,
            ));
        }
    }
    while let Some(Ok(result)) = held.join_next().await {
        if let Err(complaint) = result {
            complaints.add(format!("a slot is lost: {complaint}"));
        }
    }
}

/// A session that is served and stays for a moment.
async fn hold(route: Route, seed: u32) -> Result<(), String> {
    let talk = Talk {
        seed,
        up: 100,
        down: 100,
        manner: Manner::Brisk,
        service: Service::Both,
    };
    client::hold(route, talk, Duration::from_millis(250)).await
}
