//! Stories at Hetzner Cloud.

use std::time::Duration;

use pontoon::cloud::fence::Fence;
use pontoon_engine::floating_ip::event::{FailureKind, Whereabouts};
use pontoon_lab::{
    cloud::{Down, Estate},
    temp::TempDir,
    wait,
};

use super::{
    numbers::{self, ADDRESS, OWN, PEER, STRANGER, Scene},
    stage::{Node, fails, is, stops_at_the_fence, tells},
};
use crate::harness::{Failure, Outcome, Test};

const TOKEN: &str = "token-of-the-project";
const ID: u64 = 4711;

pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| {
        tests.push(Test::new(format!("cloud::hetzner::{name}"), run));
    };
    add("no_call_starts_once_the_fence_is_closed", fenced);
    add("address_is_found_and_brought_here", brought_here);
    add("address_is_found_on_a_later_page", later_page);
    add("network_of_version_6_is_found", version_6);
    add("token_is_read_anew_for_each_call", token_file);
    add("refusals_say_what_to_do", refusals);
    add("numbers_of_others_are_refused", wrong_numbers);
    add("address_is_locked_while_it_moves", locked);
    add("lost_answer_may_have_moved_it", lost);
    add("preflight_tells_all", preflight);
}

fn set() -> Result<Scene, Failure> {
    Scene::set(TOKEN, Estate::serve_hetzner)
}

fn with_address() -> Result<Scene, Failure> {
    let scene = set()?;
    scene.estate.address(ID, ADDRESS);
    Ok(scene)
}

fn node(scene: &Scene) -> Result<Node, Failure> {
    node_with(scene, ADDRESS, "", TOKEN)
}

fn node_with(scene: &Scene, address: &str, lines: &str, token: &str) -> Result<Node, Failure> {
    let lines = scene.lines("hetzner", lines)?;
    Node::new(address, &lines, [("HCLOUD_TOKEN", token)])
}

fn with(number: u64) -> Whereabouts {
    numbers::with("server", number)
}

fn calls(scene: &Scene) -> Vec<String> {
    let calls = scene.estate.calls();
    let told = calls
        .iter()
        .map(|call| format!("{} {}", call.action, call.outcome));
    told.collect()
}

fn brought_here() -> Outcome {
    let scene = with_address()?;
    let mut node = node(&scene)?;
    is("at first", node.describe(), Ok(Whereabouts::Nowhere))?;
    scene.estate.move_to(ID, Some(STRANGER));
    is("stranger", node.describe(), Ok(with(STRANGER)))?;
    scene.estate.move_to(ID, Some(PEER));
    is("peer", node.describe(), Ok(with(PEER)))?;
    is("call", node.associate(), Ok(()))?;
    is("holder", scene.estate.holder(ID), Some(OWN))?;
    is("at last", node.describe(), Ok(Whereabouts::Here))?;
    let asked = scene.estate.metadata_calls().len();
    is("questions about this server's number", asked, 1)?;
    let listed = calls(&scene)
        .iter()
        .filter(|call| *call == "GET /v1/floating_ips ok")
        .count();
    is("lists read", listed, 1)
}

fn later_page() -> Outcome {
    let scene = set()?;
    for number in 0..120 {
        scene.estate.address(number, &format!("192.0.2.{number}"));
    }
    scene.estate.move_to(113, Some(PEER));
    let mut node = node_with(&scene, "192.0.2.113", "", TOKEN)?;
    is("seen", node.describe(), Ok(with(PEER)))?;
    let mut stranger = node_with(&scene, "192.0.2.200", "", TOKEN)?;
    fails(
        stranger.describe(),
        FailureKind::Refused,
        &["no Floating IP 192.0.2.200", "right project"],
    )
}

fn version_6() -> Outcome {
    let scene = set()?;
    scene.estate.address(7, "2001:db8:7::/64");
    let mut node = node_with(&scene, "2001:db8:7::1", "", TOKEN)?;
    is("call without a question first", node.associate(), Ok(()))?;
    is("seen", node.describe(), Ok(Whereabouts::Here))
}

fn token_file() -> Outcome {
    let scene = with_address()?;
    let folder = TempDir::new("hetzner")?;
    let path = folder.write("token", "outdated\n")?;
    let line = format!("token_file {}", path.display());
    let mut node = node_with(&scene, ADDRESS, &line, "not this one")?;
    let words = [
        "401 unauthorized",
        "does not know the token",
        "token: make one with Read & Write",
    ];
    fails(node.describe(), FailureKind::Refused, &words)?;
    folder.write("token", format!("{TOKEN}\n"))?;
    is("with a new one", node.describe(), Ok(Whereabouts::Nowhere))?;
    std::fs::remove_file(&path)?;
    let words = ["cannot be read", "token_file must be there"];
    fails(node.describe(), FailureKind::Refused, &words)
}

fn refusals() -> Outcome {
    let scene = with_address()?;
    scene.estate.token("reader", false);
    let mut reader = node_with(&scene, ADDRESS, "", "reader")?;
    is("reading", reader.describe(), Ok(Whereabouts::Nowhere))?;
    let words = ["token of HCLOUD_TOKEN may not do this", "Read & Write"];
    fails(reader.associate(), FailureKind::Refused, &words)?;

    let mut nobody = node_with(&scene, ADDRESS, "", "")?;
    let words = ["no token for Hetzner Cloud", "token_file", "HCLOUD_TOKEN"];
    fails(nobody.describe(), FailureKind::Refused, &words)?;

    let mut node = node(&scene)?;
    scene.estate.faults().throttle(1);
    let throttled = FailureKind::Throttled { after: None };
    fails(node.describe(), throttled, &["429 rate_limit_exceeded"])?;
    scene.estate.faults().sick(1);
    fails(node.describe(), FailureKind::Unwell, &["503 unavailable"])?;
    scene.estate.faults().down(Some(Down::Silent));
    let words = ["has not answered within 2s"];
    fails(node.describe(), FailureKind::Unanswered, &words)?;
    scene.estate.faults().none();
    is("well again", node.describe(), Ok(Whereabouts::Nowhere))
}

fn wrong_numbers() -> Outcome {
    let scene = with_address()?;
    scene.estate.address(4712, "203.0.113.10");
    let mut node = node_with(&scene, ADDRESS, "floating_ip_id 4712", TOKEN)?;
    let words = [
        "Floating IP 4712 is 203.0.113.10, not 203.0.113.9",
        "floating_ip_id",
    ];
    fails(node.describe(), FailureKind::Refused, &words)?;
    let mut node = node_with(&scene, ADDRESS, "floating_ip_id 4799", TOKEN)?;
    fails(
        node.describe(),
        FailureKind::Refused,
        &["'4799' not found", "one project"],
    )?;
    let mut node = node_with(&scene, ADDRESS, "server_id 77", TOKEN)?;
    let words = ["server with ID '77' not found", "server_id"];
    fails(node.associate(), FailureKind::Refused, &words)?;
    is("metadata asked", scene.estate.metadata_calls().len(), 0)
}

fn locked() -> Outcome {
    let scene = with_address()?;
    scene.estate.action_takes(Duration::from_millis(300));
    let mut node = node(&scene)?;
    is("call", node.associate(), Ok(()))?;
    is(
        "agreed, not seen",
        node.describe(),
        Ok(Whereabouts::Nowhere),
    )?;
    fails(node.associate(), FailureKind::Unwell, &["423 locked"])?;
    wait::until("the address here", wait::PATIENCE, || {
        (node.describe() == Ok(Whereabouts::Here)).then_some(())
    })?;
    scene.estate.move_to(ID, None);
    scene.estate.doom_actions(1);
    is("call to no effect", node.associate(), Ok(()))?;
    wait::until("the lock's end", wait::PATIENCE, || node.associate().ok())?;
    wait::until("the address here again", wait::PATIENCE, || {
        (node.describe() == Ok(Whereabouts::Here)).then_some(())
    })?;
    Ok(())
}

fn fenced() -> Outcome {
    let scene = with_address()?;
    let fence = Fence::default();
    let mut node = node(&scene)?.permitted(fence.permit());
    is("while it holds", node.describe(), Ok(Whereabouts::Nowhere))?;
    let before = calls(&scene).len();
    fence.close();
    stops_at_the_fence(&mut node)?;
    is("calls", calls(&scene).len(), before)
}

fn lost() -> Outcome {
    let scene = with_address()?;
    let mut node = node(&scene)?;
    is("at first", node.describe(), Ok(Whereabouts::Nowhere))?;
    let action = format!("POST /v1/floating_ips/{ID}/actions/assign");
    numbers::lost(&scene, &mut node, ID, &action)
}

fn preflight() -> Outcome {
    let scene = with_address()?;
    scene.estate.move_to(ID, Some(PEER));
    let lines = node(&scene)?.preflight().join("\n");
    tells(
        &lines,
        &[
            "metadata: this is server 42\n",
            "token: there is one in HCLOUD_TOKEN\n",
            "address: it is with server 43",
        ],
    )?;
    is("nothing was moved", scene.estate.holder(ID), Some(PEER))?;

    scene.estate.revoke(TOKEN);
    scene.estate.metadata_faults().down(Some(Down::Reset));
    let lines = node(&scene)?.preflight().join("\n");
    tells(
        &lines,
        &[
            "PROBLEM metadata: the metadata service",
            "say server_id",
            "PROBLEM address: Hetzner Cloud says 401",
        ],
    )
}
