//! Stories at DigitalOcean.

use std::{net::IpAddr, time::Duration};

use pontoon_engine::floating_ip::event::{FailureKind, Holder, Whereabouts};
use pontoon_lab::{
    cloud::{Down, Estate, Lost, Server},
    wait,
};

use super::stage::{self, Node, fails, is, tells};
use crate::harness::{Failure, Outcome, Test};

const TOKEN: &str = "token-of-the-team";
const ADDRESS: &str = "203.0.113.9";
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
        estate.address(ID, ADDRESS);
        let api = estate.serve_digitalocean(stage::listener()?);
        let metadata = estate.serve_metadata(stage::listener()?, Some(42));
        Ok(Self {
            estate,
            api,
            metadata,
        })
    }

    fn node(&self) -> Result<Node, Failure> {
        self.node_with(ADDRESS, "", ("DIGITALOCEAN_TOKEN", TOKEN))
    }

    fn node_with(
        &self,
        address: &str,
        lines: &str,
        variable: (&str, &str),
    ) -> Result<Node, Failure> {
        let api = self.api.address().ok_or("no API")?;
        let metadata = self.metadata.address().ok_or("no metadata")?;
        let lines = format!(
            "provider digitalocean\n endpoint http://{api}\n \
             metadata_endpoint http://{metadata}\n peer 10.0.1.190 43\n api_timeout 2\n {lines}"
        );
        Node::new(address, &lines, [variable])
    }
}

fn with(number: u64, peer: Option<[u8; 4]>) -> Whereabouts {
    Whereabouts::With(Holder {
        name: format!("droplet {number}"),
        peer: peer.map(IpAddr::from),
    })
}

fn brought_here() -> Outcome {
    let scene = Scene::set()?;
    let mut node = scene.node()?;
    is("at first", node.describe(), Ok(Whereabouts::Nowhere))?;
    scene.estate.move_to(ID, Some(44));
    is("stranger", node.describe(), Ok(with(44, None)))?;
    scene.estate.move_to(ID, Some(43));
    is("peer", node.describe(), Ok(with(43, Some([10, 0, 1, 190]))))?;
    is("call", node.associate(), Ok(()))?;
    is("holder", scene.estate.holder(ID), Some(42))?;
    is("at last", node.describe(), Ok(Whereabouts::Here))?;
    is("questions", scene.estate.metadata_calls().len(), 1)
}

fn refusals() -> Outcome {
    let scene = Scene::set()?;
    scene.estate.token("reader", false);
    let mut reader = scene.node_with(ADDRESS, "", ("DIGITALOCEAN_ACCESS_TOKEN", "reader"))?;
    is("reading", reader.describe(), Ok(Whereabouts::Nowhere))?;
    let words = [
        "token of DIGITALOCEAN_ACCESS_TOKEN may not do this",
        "reserved_ip:update",
    ];
    fails(reader.associate(), FailureKind::Refused, &words)?;

    let mut wrong = scene.node_with(ADDRESS, "", ("DIGITALOCEAN_TOKEN", "wrong"))?;
    let words = [
        "401 unauthorized",
        "does not know the token of DIGITALOCEAN_TOKEN",
    ];
    fails(wrong.describe(), FailureKind::Refused, &words)?;

    let unknown = scene.node_with("203.0.113.77", "", ("DIGITALOCEAN_TOKEN", TOKEN));
    let words = ["no Reserved IP 203.0.113.77", "right team"];
    fails(unknown?.describe(), FailureKind::Refused, &words)?;

    let elsewhere = scene.node_with(ADDRESS, "server_id 77", ("DIGITALOCEAN_TOKEN", TOKEN));
    let words = ["Droplet does not exist", "server_id"];
    fails(elsewhere?.associate(), FailureKind::Refused, &words)?;

    let mut node = scene.node()?;
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
    let scene = Scene::set()?;
    scene.estate.action_takes(Duration::from_millis(300));
    let mut node = scene.node()?;
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
    let scene = Scene::set()?;
    let mut node = scene.node()?;
    let action = format!("POST /v2/reserved_ips/{ADDRESS}/actions");
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
    let scene = Scene::set()?;
    scene.estate.move_to(ID, Some(44));
    let lines = scene.node()?.preflight().join("\n");
    tells(
        &lines,
        &[
            "metadata: this is droplet 42\n",
            "token: there is one in DIGITALOCEAN_TOKEN\n",
            "address: it is with droplet 44, which is none of the peers",
        ],
    )?;
    is("nothing was moved", scene.estate.holder(ID), Some(44))
}
