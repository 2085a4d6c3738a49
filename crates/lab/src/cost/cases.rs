//! What is measured: the paths that every session takes, and what must not make them longer.

use super::{Case, Scene, Work};

/// Sessions that say nothing, where there are any.
const IDLE: usize = 1000;

/// All cases.
#[must_use]
pub fn all() -> Vec<Case> {
    let mut cases = connections();
    cases.extend(messages());
    cases.extend(background());
    cases
}

fn connections() -> Vec<Case> {
    let logged = with(|scene| scene.log = true);
    let servers = with(|scene| scene.servers = 999);
    let proxies = with(|scene| scene.proxies = 500);
    let case = |name, scene: &Scene, work| case(name, scene, work, (100, 300));
    vec![
        case("connection, client closes", &plain(), Work::ClientCloses),
        case("connection, server closes", &plain(), Work::ServerCloses),
        case("connection, logged", &logged, Work::ClientCloses),
        case("connection, 1000 servers", &servers, Work::ClientCloses),
        case("connection, 500 proxies", &proxies, Work::ClientCloses),
        case("connection, 1000 idle", &crowded(), Work::ClientCloses),
    ]
}

fn messages() -> Vec<Case> {
    let case = |name, scene: &Scene, work| case(name, scene, work, (200, 1200));
    vec![
        case("message, 64 B", &plain(), Work::Message(64)),
        case("message, 16 KiB", &plain(), Work::Message(16 << 10)),
        case("message, 1000 idle", &crowded(), Work::Message(64)),
        case("MiB up", &plain(), Work::Up),
        case("MiB down", &plain(), Work::Down),
    ]
}

fn background() -> Vec<Case> {
    // Long enough for a first message under an instrument.
    let brief = with(|scene| scene.listen = " timeout client 50ms".into());
    let (page, csv) = (Work::Scrape("/stats"), Work::Scrape("/stats;csv"));
    let (seconds, scrapes) = ((1, 5), (5, 45));
    vec![
        case("second, no session", &plain(), Work::Second, seconds),
        case("second, 1000 idle", &crowded(), Work::Second, seconds),
        case("session, timed out", &brief, Work::Expiry, (20, 120)),
        case("page, no session", &plain(), page, scrapes),
        case("page, 1000 idle", &crowded(), page, scrapes),
        case("csv, no session", &plain(), csv, scrapes),
        case("csv, 1000 idle", &crowded(), csv, scrapes),
    ]
}

fn case(name: &'static str, scene: &Scene, work: Work, amounts: (u32, u32)) -> Case {
    Case {
        name,
        scene: scene.clone(),
        work,
        amounts,
    }
}

fn plain() -> Scene {
    Scene::default()
}

fn crowded() -> Scene {
    with(|scene| scene.idle = IDLE)
}

fn with(change: impl FnOnce(&mut Scene)) -> Scene {
    let mut scene = plain();
    change(&mut scene);
    scene
}
