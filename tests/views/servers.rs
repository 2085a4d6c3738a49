//! Why servers are as they are, and what is done with them.

use pontoon_lab::wait;

use crate::{
    harness::{Outcome, Test},
    views::Scene,
};

pub(super) fn register(tests: &mut Vec<Test>) {
    let name = "views::why_a_server_is_down_is_told_with_its_checks";
    tests.push(Test::new(name, why));
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
