//! `option exasol-check` as an operator sees it: in the log.

use pontoon_lab::exasol::Mood;

use super::scene::Scene;
use crate::harness::{Outcome, Test};

/// Adds these tests.
pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new(
        "exasol::the_check_follows_the_database",
        the_check_follows_the_database,
    ));
    tests.push(Test::new(
        "exasol::the_check_goes_where_the_server_line_says",
        the_check_goes_where_the_server_line_says,
    ));
}

fn the_check_follows_the_database() -> Outcome {
    let scene = Scene::set(|places| {
        let [a, b, c] = [places.nodes[0], places.nodes[1], places.nodes[2]];
        let fingerprint = &places.fingerprint;
        places.around(&format!(
            "option exasol-check fingerprint {fingerprint}\n\
             default-server check inter 200ms rise 2 fall 2\n\
             server starting {a}\n server silent {b}\n server renewed {c}"
        ))
    })?;
    let expected = scene.cluster.node(2).fingerprint();
    scene.cluster.node(0).set_mood(Mood::StartingUp);
    scene.cluster.node(1).set_mood(Mood::Silent);
    scene.cluster.node(2).renew_certificate()?;
    let found = scene.cluster.node(2).fingerprint();
    scene.expect(
        "be/starting is DOWN, reason: Layer7 wrong status, code: 0, \
         info: \"08004: Connection exception - database is starting up\"",
        1,
    )?;
    scene.expect("be/silent is DOWN, reason: Layer6 timeout", 1)?;
    scene.expect(
        &format!(
            "be/renewed is DOWN, reason: Layer6 invalid response, \
             info: \"certificate has fingerprint {found}, expected {expected}\""
        ),
        1,
    )?;
    for node in [0, 1] {
        scene.cluster.node(node).set_mood(Mood::Serving);
    }
    for server in ["starting", "silent"] {
        let up = format!(
            "be/{server} is UP, reason: Layer7 check passed, code: 0, info: \"login is possible\""
        );
        scene.expect(&up, 1)?;
    }
    Ok(())
}

/// `port`, `clear`, and `check-ssl` with and without trust.
fn the_check_goes_where_the_server_line_says() -> Outcome {
    let scene = Scene::set(|places| {
        let node = places.nodes[0];
        let port = node.port();
        let check = "check inter 200ms rise 1 fall 1";
        let more = format!(
            "option log-health-checks\n option exasol-check\n\
             server elsewhere 127.0.0.1:1 port {port} {check}\n\
             server distrusted {node} check-ssl {check}\n\
             server trusted {node} check-ssl verify none {check}\n\
             backend clear\n option log-health-checks\n option exasol-check clear\n\
             server plain {node} {check}\n\
             server wrapped {node} check-ssl verify none {check}"
        );
        places.around(&more)
    })?;
    let passed = "succeeded, reason: Layer7 check passed";
    for server in ["be/elsewhere", "be/trusted", "clear/plain", "clear/wrapped"] {
        scene.expect(&format!("Health check for server {server} {passed}"), 1)?;
    }
    let failed = "failed, reason: Layer6 invalid response, info: \"SSL handshake failure\"";
    scene.expect(
        &format!("Health check for server be/distrusted {failed}"),
        1,
    )
}
