//! Found, brought here, refused.

use pontoon::cloud::fence::Fence;
use pontoon_engine::floating_ip::event::{FailureKind, Whereabouts};

use super::{
    ADDRESS, ALLOCATION, ASIDE, HERE, HERE_TOO, KEYS, PEER, RIGHTS, STRANGER, Scene, is_with,
};
use crate::{
    cloud::stage::{Node, fails, is, stops_at_the_fence, tells},
    harness::{Failure, Outcome, Test},
};

pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| super::add(tests, name, run);
    add("address_is_found_and_brought_here", brought_here);
    add("secondary_private_address_is_told_apart", secondary);
    add("interface_is_the_one_with_the_private_address", aside);
    add("what_the_file_says_is_not_asked", told);
    add("refusals_say_what_to_do", refusals);
    add("missing_right_is_named", rights);
    add("no_call_starts_once_the_fence_is_closed", fenced);
    add("preflight_tells_all_and_moves_nothing", preflight);
}

fn brought_here() -> Outcome {
    let scene = Scene::set()?;
    let mut node = scene.node()?;
    is("at first", node.describe(), Ok(Whereabouts::Nowhere))?;
    scene.move_to(Some(STRANGER));
    is_with(&seen(&mut node)?, STRANGER, None)?;
    scene.move_to(Some(PEER));
    is_with(&seen(&mut node)?, PEER, Some(PEER))?;
    is("call", node.associate(), Ok(()))?;
    is("holder", scene.holder(), Some(HERE))?;
    is("at last", node.describe(), Ok(Whereabouts::Here))?;
    let questions = scene.cloud.metadata_calls().len();
    is("once more", node.associate(), Ok(()))?;
    is(
        "questions about this node",
        scene.cloud.metadata_calls().len(),
        questions,
    )?;
    let calls = scene.cloud.calls();
    let good = calls
        .iter()
        .all(|call| call.outcome == "ok" && call.by == "AKIATEST");
    is("all calls signed and well", (good, calls.len()), (true, 6))
}

fn seen(node: &mut Node) -> Result<Whereabouts, Failure> {
    node.describe()
        .map_err(|failure| Failure::from(failure.text))
}

fn secondary() -> Outcome {
    let scene = Scene::set()?;
    let mut node = scene.node_with(&format!("private_ip {HERE_TOO}"), KEYS)?;
    scene.move_to(Some(HERE));
    is_with(&seen(&mut node)?, HERE, None)?;
    is("call", node.associate(), Ok(()))?;
    is("holder", scene.holder(), Some(HERE_TOO))?;
    is("at last", node.describe(), Ok(Whereabouts::Here))
}

fn aside() -> Outcome {
    let scene = Scene::set()?;
    let mut node = scene.node_with(&format!("private_ip {ASIDE}"), KEYS)?;
    is("call without a question first", node.associate(), Ok(()))?;
    is("holder", scene.holder(), Some(ASIDE))?;
    let mut node = scene.node_with("private_ip 10.0.9.9", KEYS)?;
    let words = [
        "no interface of this instance has the private address 10.0.9.9",
        "private_ip",
    ];
    fails(node.associate(), FailureKind::Refused, &words)
}

fn told() -> Outcome {
    let scene = Scene::set()?;
    let lines = format!(
        "region eu-west-1\n network_interface eni-0aaaaaaaaaaaaaaa1\n allocation_id {ALLOCATION}\n"
    );
    let mut node = scene.node_with(&lines, KEYS)?;
    is("call", node.associate(), Ok(()))?;
    is("seen", node.describe(), Ok(Whereabouts::Here))?;
    is("questions", scene.cloud.metadata_calls().len(), 0)?;
    let mut node = scene.node_with(
        "instance_id i-0bbbbbbbbbbbbbbbb\n private_ip 10.0.1.190",
        KEYS,
    )?;
    is(
        "by an instance with one interface",
        node.associate(),
        Ok(()),
    )?;
    is("holder", scene.holder(), Some(PEER))?;
    let mut node = scene.node_with("instance_id i-0aaaaaaaaaaaaaaaa", KEYS)?;
    let words = ["InvalidInstanceID", "network_interface"];
    fails(node.associate(), FailureKind::Refused, &words)
}

fn refusals() -> Outcome {
    let scene = Scene::set()?;
    let lines = "allocation_id eipalloc-0fedcba9876543210";
    let mut node = scene.node_with(lines, KEYS)?;
    let words = ["InvalidAllocationID.NotFound", "allocation_id"];
    fails(node.describe(), FailureKind::Refused, &words)?;

    let lines = "network_interface eni-0ddddddddddddddd1";
    let mut node = scene.node_with(lines, KEYS)?;
    let words = ["InvalidNetworkInterfaceID.NotFound", "network_interface"];
    fails(node.associate(), FailureKind::Refused, &words)?;

    scene
        .cloud
        .address([203, 0, 113, 1].into(), "eipalloc-0fedcba9876543210");
    let mut node = scene.node_with("allocation_id eipalloc-0fedcba9876543210", KEYS)?;
    let words = ["is 203.0.113.1, not 34.249.49.35", "allocation_id"];
    fails(node.describe(), FailureKind::Refused, &words)?;

    let api = scene.api.address().ok_or("no API")?;
    let lines = format!("endpoint http://{api}\n {}", scene.nearby()?);
    let mut node = Node::new("203.0.113.77", &lines, KEYS)?;
    let words = [
        "InvalidAddress.NotFound",
        "no such Elastic IP in this region",
    ];
    fails(node.describe(), FailureKind::Refused, &words)?;

    let wrong = [
        ("AWS_ACCESS_KEY_ID", "AKIATEST"),
        ("AWS_SECRET_ACCESS_KEY", "another"),
    ];
    let mut node = scene.node_with("", wrong)?;
    let words = ["AuthFailure", "look at key and secret"];
    fails(node.describe(), FailureKind::Refused, &words)?;

    let mut node = scene.node_with("region us-east-1", KEYS)?;
    fails(node.describe(), FailureKind::Refused, &["AuthFailure"])
}

fn rights() -> Outcome {
    let scene = Scene::set()?;
    scene
        .cloud
        .credentials("AKIAREADER", "secret", None, &RIGHTS[..1]);
    scene.cloud.credentials("AKIANOBODY", "secret", None, &[]);
    let mut node = scene.node_with(
        "",
        [
            ("AWS_ACCESS_KEY_ID", "AKIAREADER"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ],
    )?;
    is("reading", node.describe(), Ok(Whereabouts::Nowhere))?;
    let words = [
        "UnauthorizedOperation",
        "allow ec2:AssociateAddress in the IAM policy",
    ];
    fails(node.associate(), FailureKind::Refused, &words)?;
    let mut node = scene.node_with(
        "",
        [
            ("AWS_ACCESS_KEY_ID", "AKIANOBODY"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ],
    )?;
    fails(
        node.describe(),
        FailureKind::Refused,
        &["allow ec2:DescribeAddresses"],
    )
}

fn fenced() -> Outcome {
    let scene = Scene::set()?;
    let fence = Fence::default();
    let mut node = scene.node()?.permitted(fence.permit());
    is("while it holds", node.describe(), Ok(Whereabouts::Nowhere))?;
    fence.close();
    stops_at_the_fence(&mut node)?;
    is("calls", scene.cloud.calls().len(), 1)
}

fn preflight() -> Outcome {
    let scene = Scene::set()?;
    scene.move_to(Some(PEER));
    let lines = scene.node()?.preflight();
    is(
        "problems",
        lines.iter().find(|line| line.starts_with("PROBLEM")),
        None,
    )?;
    let lines = lines.join("\n");
    let address = ADDRESS.to_string();
    tells(
        &lines,
        &[
            "metadata: this is i-0aaaaaaaaaaaaaaaa",
            "version 2",
            "ec2:DescribeAddresses: allowed",
            "ec2:AssociateAddress: allowed",
            &address,
            "with the peer",
        ],
    )?;
    is("nothing was moved", scene.holder(), Some(PEER))?;
    let dry = scene
        .cloud
        .calls()
        .iter()
        .filter(|call| call.dry_run)
        .count();
    is("dry runs", dry, 2)?;

    scene
        .cloud
        .credentials("AKIAREADER", "secret", None, &RIGHTS[..1]);
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIAREADER"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let lines = scene.node_with("", keys)?.preflight().join("\n");
    let words = ["PROBLEM ec2:AssociateAddress", "allow ec2:AssociateAddress"];
    tells(&lines, &words)
}
