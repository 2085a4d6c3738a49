//! Knobs of the data threads: what they change is seen from outside.

use std::{fs, io, time::Duration};

use pontoon_lab::balancer::Kind;

use super::stage::{Scene, named};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new(
        "proxy::a_thread_that_spins_does_not_sleep_between_messages",
        spinning,
    ));
    tests.push(Test::new(
        "proxy::a_thread_that_spins_sleeps_once_nothing_happens",
        idle_after_spinning,
    ));
}

const MESSAGES: u64 = 500;

/// A scene whose thread spins for so long.
fn scene(spin_us: u32) -> Result<(Scene, pontoon_lab::server::Server), Failure> {
    let server = named("1")?;
    let text = format!(
        "global\n tune.pontoon.spin-us {spin_us}\nlisten fe\n bind {{front}}\n server s1 {}",
        server.address()
    );
    Ok((Scene::set(Kind::Pontoon, &text)?, server))
}

/// How often the data thread has slept so far.
fn sleeps(scene: &Scene) -> io::Result<u64> {
    let status = data_thread(scene, "status")?;
    let count = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count
        .and_then(|count| count.trim().parse().ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// What the data thread has had of a processor so far.
fn running_time(scene: &Scene) -> io::Result<Duration> {
    let schedule = data_thread(scene, "schedstat")?;
    let nanos = schedule.split(' ').next().and_then(|it| it.parse().ok());
    nanos
        .map(Duration::from_nanos)
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn data_thread(scene: &Scene, file: &str) -> io::Result<String> {
    for task in fs::read_dir(format!("/proc/{}/task", scene.pid()))? {
        let task = task?.path();
        if fs::read_to_string(task.join("comm"))?.trim() == "data-0" {
            return fs::read_to_string(task.join(file));
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// How often the thread sleeps while messages go to and fro in one session.
fn sleeps_of_messages(spin_us: u32) -> Result<u64, Failure> {
    let (scene, _server) = scene(spin_us)?;
    let (mut client, _) = scene.stay()?;
    let before = sleeps(&scene)?;
    for _ in 0..MESSAGES {
        super::stage::who(&mut client)?;
    }
    Ok(sleeps(&scene)? - before)
}

fn spinning() -> Outcome {
    let (never, spinning) = (sleeps_of_messages(0)?, sleeps_of_messages(10_000)?);
    // A message may be there already when the thread looks, and on a machine with much to do may
    // take longer than any spinning.
    if spinning * 4 <= never && never >= MESSAGES / 4 {
        return Ok(());
    }
    Err(Failure::from(format!(
        "{MESSAGES} messages: {never} sleeps without spinning, {spinning} with"
    )))
}

fn idle_after_spinning() -> Outcome {
    const SILENCE: Duration = Duration::from_millis(500);
    let (scene, _server) = scene(10_000)?;
    let (_client, _) = scene.stay()?;
    let before = running_time(&scene)?;
    std::thread::sleep(SILENCE);
    let spent = running_time(&scene)? - before;
    // The rest of the session's own spinning, and the beats of an idle thread.
    if spent < SILENCE / 5 {
        return Ok(());
    }
    Err(Failure::from(format!(
        "{spent:?} of the processor in {SILENCE:?} of silence"
    )))
}
