//! What happens to sessions when servers go down or come back.

use pontoon_lab::{
    balancer::{Kind, free_address},
    client::End,
    server::{Behaviour, Server},
    wait,
};

use super::stage::{Scene, both, expect, named, rest, who};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    both(
        tests,
        "sessions_of_a_server_marked_down_end",
        sessions_of_a_server_marked_down_end,
    );
    both(
        tests,
        "sessions_of_a_server_marked_down_stay_unless_told",
        sessions_of_a_server_marked_down_stay_unless_told,
    );
    both(
        tests,
        "sessions_of_backups_end_when_a_server_comes_back",
        sessions_of_backups_end_when_a_server_comes_back,
    );
}

/// A server whose health somebody else decides, so that its sessions live on when it is "down".
fn watched(options: &str, checked: std::net::SocketAddr, server: &Server) -> String {
    let ip = server.address();
    let port = checked.port();
    format!("server s1 {ip} check inter 30ms fall 1 rise 1 port {port} {options}")
}

fn sessions_of_a_server_marked_down_end(kind: Kind) -> Outcome {
    let (server, health) = (named("1")?, Server::start(Behaviour::Close)?);
    let scene = Scene::set(
        kind,
        &format!(
            "frontend fe\n bind {{front}}\n default_backend be\nbackend be\n {}\n",
            watched(
                "on-marked-down shutdown-sessions",
                health.address(),
                &server
            )
        ),
    )?;
    scene.wait_for_value("be/s1", "check_status", "L4OK")?;
    let (mut client, _) = scene.stay()?;
    drop(health);
    let seen = rest(&mut client)?;
    expect("how the client sees it", seen.end, End::Closed)?;
    expect("the flags", scene.line_of("be/s1")?.flags.as_str(), "D-")
}

fn sessions_of_a_server_marked_down_stay_unless_told(kind: Kind) -> Outcome {
    let (server, health) = (named("1")?, Server::start(Behaviour::Close)?);
    let scene = Scene::set(
        kind,
        &format!(
            "frontend fe\n bind {{front}}\n default_backend be\nbackend be\n {}\n",
            watched("", health.address(), &server)
        ),
    )?;
    scene.wait_for_value("be/s1", "check_status", "L4OK")?;
    let (mut client, _) = scene.stay()?;
    drop(health);
    scene.wait_for_value("be/s1", "status", "DOWN")?;
    expect("who answers", who(&mut client)?.as_str(), "1")?;
    client.finish()?;
    expect("the flags", scene.line_of("be/s1")?.flags.as_str(), "--")
}

fn sessions_of_backups_end_when_a_server_comes_back(kind: Kind) -> Outcome {
    let (server, backup, health) = (named("1")?, named("b")?, free_address()?);
    let scene = Scene::set(
        kind,
        &format!(
            "frontend fe\n bind {{front}}\n default_backend be\nbackend be\n {}\n \
             server b {} backup\n",
            watched("on-marked-up shutdown-backup-sessions", health, &server),
            backup.address()
        ),
    )?;
    scene.wait_for_value("be/s1", "status", "DOWN")?;
    let (mut client, name) = scene.stay()?;
    expect("who answers", name.as_str(), "b")?;
    let _health = Server::on(health, Behaviour::Close)?;
    let seen = client.receive_all(wait::PATIENCE)?;
    expect("how the client sees it", seen.end, End::Closed)?;
    expect("the flags", scene.line_of("be/b")?.flags.as_str(), "U-")?;
    expect("who answers then", scene.ask()?.as_str(), "1")
}
