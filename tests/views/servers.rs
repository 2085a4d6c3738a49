//! Why servers are as they are, and what is done with them.

use std::io::{Read as _, Write as _};

use pontoon_lab::wait;

use crate::{
    harness::{Outcome, Test},
    views::Scene,
};

pub(super) fn register(tests: &mut Vec<Test>) {
    let tests_of = [
        (
            "views::why_a_server_is_down_is_told_with_its_checks",
            why as fn() -> Outcome,
        ),
        ("views::a_server_is_drained_and_comes_back", drain),
        ("views::a_server_in_maintenance_says_so", maintenance),
    ];
    for (name, run) in tests_of {
        tests.push(Test::new(name, run));
    }
}

fn why() -> Outcome {
    let scene = Scene::start()?;
    let told = scene.told(&["why", "be/dead"])?;
    for part in [
        "  because    its last check: L4CON (Layer4 connection problem), ",
        "  counted    up after 2 more passes in a row (rise 2); ",
        "  check      ",
        " failed: L4CON (Layer4 connection problem)",
        "servers, timeline\n",
        "Server be/dead is DOWN, reason: Layer4 connection problem",
    ] {
        assert!(told.contains(part), "{part:?} is missing in:\n{told}");
    }
    let told = scene.told(&["why", "be/other"])?;
    assert!(
        told.contains("be/dead is not up, and this one goes by it"),
        "{told}"
    );

    let everything = scene.told(&["why"])?;
    assert!(everything.contains("be/dead: DOWN"), "{everything}");
    assert!(
        !everything.contains("be/alive:"),
        "it is well: {everything}"
    );

    let server = wait::until("five checks to be told", wait::PATIENCE, || {
        let json = scene.told(&["why", "be/alive", "--format", "json"]).ok()?;
        let json: serde_json::Value = serde_json::from_str(&json).ok()?;
        let server = json["proxy"]["servers"][0].clone();
        (server["checks"].as_array()?.len() == 5).then_some(server)
    })?;
    assert_eq!(server["status"], "UP");
    assert_eq!(server["checks"][0]["passed"], true);

    assert!(
        scene
            .refused(&["why", "be/nobody"])?
            .contains("No such server")
    );
    assert!(scene.refused(&["why", "master"])?.contains("no election"));
    let status = scene.told(&["status", "--format", "json"])?;
    assert!(status.starts_with('{'), "{status}");
    Ok(())
}

fn drain() -> Outcome {
    let scene = Scene::start()?;
    let mut session = scene.connect()?;
    session.write_all(b"a")?;
    session.read_exact(&mut [0])?;
    let output = scene.pontoon(&["drain", "server", "be/alive", "--wait", "200ms"])?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "a session is left: {said}");
    assert!(said.starts_with("be/alive: DRAIN, 1 session\n"), "{said}");
    assert!(said.contains("be/alive: DRAIN, 1 session after "), "{said}");
    // It goes on; new ones find no server.
    session.write_all(b"b")?;
    session.read_exact(&mut [0])?;
    let mut refused = scene.connect()?;
    assert_eq!(refused.read(&mut [0]).unwrap_or(0), 0);
    drop(session);
    let said = scene.told(&["drain", "server", "be/alive", "--wait", "20s"])?;
    assert!(
        said.contains("be/alive: DRAIN, no session after "),
        "{said}"
    );
    assert!(scene.told(&["why"])?.contains("it is drained: "));

    let said = scene.told(&["ready", "server", "be/alive"])?;
    assert_eq!(said, "be/alive: UP, no session\n");
    let mut session = scene.connect()?;
    session.write_all(b"c")?;
    session.read_exact(&mut [0])?;
    Ok(())
}

fn maintenance() -> Outcome {
    let scene = Scene::start()?;
    let said = scene.told(&["maint", "server", "be/alive"])?;
    assert_eq!(said, "be/alive: MAINT, no session\n");
    let told = scene.told(&["why", "be/alive"])?;
    assert!(told.contains("it is in maintenance"), "{told}");
    assert!(
        told.contains("  wanted     maint, by an administrator"),
        "{told}"
    );
    assert!(
        told.contains("Server be/alive is going DOWN for maintenance"),
        "{told}"
    );
    scene.told(&["ready", "server", "be/alive"])?;
    scene.until_told(&["why", "be/alive"], "be/alive: UP")?;
    assert!(
        scene
            .refused(&["drain", "server", "be/nobody"])?
            .contains("No such server")
    );
    assert!(
        scene
            .refused(&["drain", "server", "alive"])?
            .contains("is no BACKEND/SERVER")
    );
    let sneaky = "be/alive state maint; set server be/alive";
    assert!(
        scene
            .refused(&["drain", "server", sneaky])?
            .contains("is no BACKEND/SERVER")
    );
    Ok(())
}
