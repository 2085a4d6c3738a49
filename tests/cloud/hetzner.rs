//! Stories at Hetzner Cloud.

use std::{net::IpAddr, time::Duration};

use pontoon::cloud::fence::Fence;
use pontoon_engine::floating_ip::event::{FailureKind, Holder, Whereabouts};
use pontoon_lab::{
    cloud::{Down, Estate, Lost, Server},
    temp::TempDir,
    wait,
};

use super::stage::{self, Node, fails, is, tells};
use crate::harness::{Failure, Outcome, Test};

const TOKEN: &str = "token-of-the-project";
const ADDRESS: &str = "203.0.113.9";
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

struct Scene {
    estate: Estate,
    api: Server,
    metadata: Server,
}

impl Scene {
    fn set() -> Result<Self, Failure> {
        let estate = Estate::new();
        estate.token(TOKEN, true);
        for (number, last) in [(42, 207), (43, 190), (44, 99)] {
            estate.server(number, IpAddr::from([10, 0, 1, last]));
        }
        let api = estate.serve_hetzner(stage::listener()?);
        let metadata = estate.serve_metadata(stage::listener()?, Some(42));
        Ok(Self {
            estate,
            api,
            metadata,
        })
    }

    fn with_address() -> Result<Self, Failure> {
        let scene = Self::set()?;
        scene.estate.address(ID, ADDRESS);
        Ok(scene)
    }

    fn node(&self) -> Result<Node, Failure> {
        self.node_with(ADDRESS, "", TOKEN)
    }

    fn node_with(&self, address: &str, lines: &str, token: &str) -> Result<Node, Failure> {
        let api = self.api.address().ok_or("no API")?;
        let metadata = self.metadata.address().ok_or("no metadata")?;
        let lines = format!(
            "provider hetzner\n endpoint http://{api}\n metadata_endpoint http://{metadata}\n \
             peer 10.0.1.190 43\n api_timeout 2\n {lines}"
        );
        Node::new(address, &lines, [("HCLOUD_TOKEN", token)])
    }

    fn calls(&self) -> Vec<String> {
        let calls = self.estate.calls();
        let told = calls
            .iter()
            .map(|call| format!("{} {}", call.action, call.outcome));
        told.collect()
    }
}

fn with(number: u64, peer: Option<[u8; 4]>) -> Whereabouts {
    Whereabouts::With(Holder {
        name: format!("server {number}"),
        peer: peer.map(IpAddr::from),
    })
}

fn brought_here() -> Outcome {
    let scene = Scene::with_address()?;
    let mut node = scene.node()?;
    is("at first", node.describe(), Ok(Whereabouts::Nowhere))?;
    scene.estate.move_to(ID, Some(44));
    is("stranger", node.describe(), Ok(with(44, None)))?;
    scene.estate.move_to(ID, Some(43));
    let peer = Some([10, 0, 1, 190]);
    is("peer", node.describe(), Ok(with(43, peer)))?;
    is("call", node.associate(), Ok(()))?;
    is("holder", scene.estate.holder(ID), Some(42))?;
    is("at last", node.describe(), Ok(Whereabouts::Here))?;
    let asked = scene.estate.metadata_calls().len();
    is("questions about this server's number", asked, 1)?;
    let listed = scene
        .calls()
        .iter()
        .filter(|call| *call == "GET /v1/floating_ips ok")
        .count();
    is("lists read", listed, 1)
}

fn later_page() -> Outcome {
    let scene = Scene::set()?;
    for number in 0..120 {
        scene.estate.address(number, &format!("192.0.2.{number}"));
    }
    scene.estate.move_to(113, Some(43));
    let mut node = scene.node_with("192.0.2.113", "", TOKEN)?;
    let peer = Some([10, 0, 1, 190]);
    is("seen", node.describe(), Ok(with(43, peer)))?;
    let mut stranger = scene.node_with("192.0.2.200", "", TOKEN)?;
    fails(
        stranger.describe(),
        FailureKind::Refused,
        &["no Floating IP 192.0.2.200", "right project"],
    )
}

fn version_6() -> Outcome {
    let scene = Scene::set()?;
    scene.estate.address(7, "2001:db8:7::/64");
    let mut node = scene.node_with("2001:db8:7::1", "", TOKEN)?;
    is("call without a question first", node.associate(), Ok(()))?;
    is("seen", node.describe(), Ok(Whereabouts::Here))
}

fn token_file() -> Outcome {
    let scene = Scene::with_address()?;
    let folder = TempDir::new("hetzner")?;
    let path = folder.write("token", "outdated\n")?;
    let line = format!("token_file {}", path.display());
    let mut node = scene.node_with(ADDRESS, &line, "not this one")?;
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
    let scene = Scene::with_address()?;
    scene.estate.token("reader", false);
    let mut reader = scene.node_with(ADDRESS, "", "reader")?;
    is("reading", reader.describe(), Ok(Whereabouts::Nowhere))?;
    let words = ["token of HCLOUD_TOKEN may not do this", "Read & Write"];
    fails(reader.associate(), FailureKind::Refused, &words)?;

    let mut nobody = scene.node_with(ADDRESS, "", "")?;
    let words = ["no token for Hetzner Cloud", "token_file", "HCLOUD_TOKEN"];
    fails(nobody.describe(), FailureKind::Refused, &words)?;

    let mut node = scene.node()?;
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
    let scene = Scene::with_address()?;
    scene.estate.address(4712, "203.0.113.10");
    let mut node = scene.node_with(ADDRESS, "floating_ip_id 4712", TOKEN)?;
    let words = [
        "Floating IP 4712 is 203.0.113.10, not 203.0.113.9",
        "floating_ip_id",
    ];
    fails(node.describe(), FailureKind::Refused, &words)?;
    let mut node = scene.node_with(ADDRESS, "floating_ip_id 4799", TOKEN)?;
    fails(
        node.describe(),
        FailureKind::Refused,
        &["'4799' not found", "one project"],
    )?;
    let mut node = scene.node_with(ADDRESS, "server_id 77", TOKEN)?;
    let words = ["server with ID '77' not found", "server_id"];
    fails(node.associate(), FailureKind::Refused, &words)?;
    is("metadata asked", scene.estate.metadata_calls().len(), 0)
}

fn locked() -> Outcome {
    let scene = Scene::with_address()?;
    scene.estate.action_takes(Duration::from_millis(300));
    let mut node = scene.node()?;
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
    let scene = Scene::with_address()?;
    let fence = Fence::default();
    let mut node = scene.node()?.permitted(fence.permit());
    is("while it holds", node.describe(), Ok(Whereabouts::Nowhere))?;
    let calls = scene.calls().len();
    fence.close();
    fails(
        node.associate(),
        FailureKind::Refused,
        &["mastership has ended"],
    )?;
    fails(
        node.describe(),
        FailureKind::Refused,
        &["mastership has ended"],
    )?;
    is("calls", scene.calls().len(), calls)
}

fn lost() -> Outcome {
    let scene = Scene::with_address()?;
    let mut node = scene.node()?;
    is("at first", node.describe(), Ok(Whereabouts::Nowhere))?;
    let action = format!("POST /v1/floating_ips/{ID}/actions/assign");
    for how in [Lost::Dies, Lost::Hangs] {
        scene.estate.move_to(ID, Some(43));
        scene.estate.faults().lose_answers_of(&action, 1, how);
        fails(
            node.associate(),
            FailureKind::Unanswered,
            &["has not answered"],
        )?;
        is(
            "it is here all the same",
            node.describe(),
            Ok(Whereabouts::Here),
        )?;
    }
    Ok(())
}

fn preflight() -> Outcome {
    let scene = Scene::with_address()?;
    scene.estate.move_to(ID, Some(43));
    let lines = scene.node()?.preflight().join("\n");
    tells(
        &lines,
        &[
            "metadata: this is server 42\n",
            "token: there is one in HCLOUD_TOKEN\n",
            "address: it is with server 43",
        ],
    )?;
    is("nothing was moved", scene.estate.holder(ID), Some(43))?;

    scene.estate.revoke(TOKEN);
    scene.estate.metadata_faults().down(Some(Down::Reset));
    let lines = scene.node()?.preflight().join("\n");
    tells(
        &lines,
        &[
            "PROBLEM metadata: the metadata service",
            "say server_id",
            "PROBLEM address: Hetzner Cloud says 401",
        ],
    )
}
