//! Stories at DigitalOcean.

use std::time::Duration;

use pontoon_engine::floating_ip::event::{FailureKind, Whereabouts};
use pontoon_lab::{
    cloud::{Down, Estate},
    wait,
};

use super::{
    numbers::{self, ADDRESS, OWN, PEER, STRANGER, Scene},
    stage::{Node, fails, is, tells},
};
use crate::harness::{Failure, Outcome, Test};

const TOKEN: &str = "token-of-the-team";
const ID: u64 = 1;

pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| {
        tests.push(Test::new(format!("cloud::digitalocean::{name}"), run));
    };
    add("address_is_found_and_brought_here", brought_here);
    add("refusals_say_what_to_do", refusals);
    add("address_is_locked_while_it_moves", locked);
    add("lost_answer_may_have_moved_it", lost);
    add("preflight_tells_all", preflight);
}

fn set() -> Result<Scene, Failure> {
    let scene = Scene::set(TOKEN, Estate::serve_digitalocean)?;
    scene.estate.address(ID, ADDRESS);
    Ok(scene)
}

fn node(scene: &Scene) -> Result<Node, Failure> {
    node_with(scene, ADDRESS, "", ("DIGITALOCEAN_TOKEN", TOKEN))
}

fn node_with(
    scene: &Scene,
    address: &str,
    lines: &str,
    variable: (&str, &str),
) -> Result<Node, Failure> {
    let lines = scene.lines("digitalocean", lines)?;
    Node::new(address, &lines, [variable])
}

fn with(number: u64) -> Whereabouts {
    numbers::with("droplet", number)
}

fn brought_here() -> Outcome {
    let scene = set()?;
    let mut node = node(&scene)?;
    is("at first", node.describe(), Ok(Whereabouts::Nowhere))?;
    scene.estate.move_to(ID, Some(STRANGER));
    is("stranger", node.describe(), Ok(with(STRANGER)))?;
    scene.estate.move_to(ID, Some(PEER));
    is("peer", node.describe(), Ok(with(PEER)))?;
    is("call", node.associate(), Ok(()))?;
    is("holder", scene.estate.holder(ID), Some(OWN))?;
    is("at last", node.describe(), Ok(Whereabouts::Here))?;
    is("questions", scene.estate.metadata_calls().len(), 1)
}

fn refusals() -> Outcome {
    let scene = set()?;
    scene.estate.token("reader", false);
    let mut reader = node_with(&scene, ADDRESS, "", ("DIGITALOCEAN_ACCESS_TOKEN", "reader"))?;
    is("reading", reader.describe(), Ok(Whereabouts::Nowhere))?;
    let words = [
        "token of DIGITALOCEAN_ACCESS_TOKEN may not do this",
        "reserved_ip:update",
    ];
    fails(reader.associate(), FailureKind::Refused, &words)?;

    let mut wrong = node_with(&scene, ADDRESS, "", ("DIGITALOCEAN_TOKEN", "wrong"))?;
    let words = [
        "401 unauthorized",
        "does not know the token of DIGITALOCEAN_TOKEN",
    ];
    fails(wrong.describe(), FailureKind::Refused, &words)?;

    let unknown = node_with(&scene, "203.0.113.77", "", ("DIGITALOCEAN_TOKEN", TOKEN));
    let words = ["no Reserved IP 203.0.113.77", "right team"];
    fails(unknown?.describe(), FailureKind::Refused, &words)?;

    let elsewhere = node_with(
        &scene,
        ADDRESS,
        "server_id 77",
        ("DIGITALOCEAN_TOKEN", TOKEN),
    );
    let words = ["Droplet does not exist", "server_id"];
    fails(elsewhere?.associate(), FailureKind::Refused, &words)?;

    let mut node = node(&scene)?;
    scene.estate.faults().throttle(1);
    let after = Some(Duration::from_secs(2));
    let throttled = FailureKind::Throttled { after };
    fails(node.describe(), throttled, &["429 too_many_requests"])?;
    scene.estate.faults().sick(1);
    let words = ["500 server_error"];
    fails(node.associate(), FailureKind::Unanswered, &words)?;
    scene.estate.faults().down(Some(Down::Reset));
    // Reset before or after the request has left: who can tell.
    let failed = node.describe().map_err(|failure| failure.kind);
    let kinds = [FailureKind::Unanswered, FailureKind::Unwell];
    is(
        "down",
        failed.is_err_and(|kind| kinds.contains(&kind)),
        true,
    )?;
    scene.estate.faults().none();
    is("well again", node.describe(), Ok(Whereabouts::Nowhere))
}

fn locked() -> Outcome {
    let scene = set()?;
    scene.estate.action_takes(Duration::from_millis(300));
    let mut node = node(&scene)?;
    is("call", node.associate(), Ok(()))?;
    is(
        "agreed, not seen",
        node.describe(),
        Ok(Whereabouts::Nowhere),
    )?;
    fails(node.associate(), FailureKind::Unwell, &["pending event"])?;
    wait::until("the address here", wait::PATIENCE, || {
        (node.describe() == Ok(Whereabouts::Here)).then_some(())
    })?;
    Ok(())
}

fn lost() -> Outcome {
    let scene = set()?;
    let mut node = node(&scene)?;
    let action = format!("POST /v2/reserved_ips/{ADDRESS}/actions");
    numbers::lost(&scene, &mut node, ID, &action)
}

fn preflight() -> Outcome {
    let scene = set()?;
    scene.estate.move_to(ID, Some(STRANGER));
    let lines = node(&scene)?.preflight().join("\n");
    tells(
        &lines,
        &[
            "metadata: this is droplet 42\n",
            "token: there is one in DIGITALOCEAN_TOKEN\n",
            "address: it is with droplet 44, which is none of the peers",
        ],
    )?;
    is("nothing was moved", scene.estate.holder(ID), Some(STRANGER))
}
