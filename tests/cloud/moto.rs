//! Stories at moto, an EC2 that others have written: it checks signatures and IAM policies. It knows
//! nothing of an address that is with a secondary private address: that is told at the fake.

use std::net::{IpAddr, Ipv4Addr};

use pontoon_engine::floating_ip::event::{FailureKind, Holder, Whereabouts};
use pontoon_lab::{
    moto::{Account, Instance, Keys, Moto, NEED},
    temp::TempDir,
};

use super::stage::{Node, fails, is, tells};
use crate::harness::{Failure, Outcome, Test};

const PUBLIC: &str = "34.249.49.35";
const BOTH: [&str; 2] = ["ec2:DescribeAddresses", "ec2:AssociateAddress"];

pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| {
        tests.push(Test::new(format!("cloud::moto::{name}"), run).needs(NEED));
    };
    add("address_goes_to_whoever_asks_last", moves);
    add("every_way_to_name_a_node_is_understood", names);
    add("refusals_say_what_to_do", refusals);
    add("preflight_tells_what_is_missing", preflight);
}

/// Two nodes and a stranger in one network, and an address that nobody has; signatures are checked.
struct Scene {
    moto: Moto,
    keys: Keys,
    allocation: String,
    own: Instance,
    peer: Instance,
    stranger: Instance,
}

impl Scene {
    fn set() -> Result<Self, Failure> {
        let moto = Moto::start()?;
        let account = moto.account();
        let subnet = account.subnet()?;
        let instance = |last| account.instance(&subnet, Ipv4Addr::new(10, 0, 1, last));
        let (own, peer, stranger) = (instance(207)?, instance(190)?, instance(99)?);
        let scene = Self {
            allocation: account.allocate(Ipv4Addr::new(34, 249, 49, 35))?,
            keys: account.user("pontoon", &BOTH)?,
            own,
            peer,
            stranger,
            moto,
        };
        scene.account().guard()?;
        Ok(scene)
    }

    fn account(&self) -> &Account {
        self.moto.account()
    }

    /// The node itself, told what it is.
    fn node(&self, keys: &Keys) -> Result<Node, Failure> {
        self.node_at(&self.own, keys)
    }

    fn node_at(&self, instance: &Instance, keys: &Keys) -> Result<Node, Failure> {
        let lines = format!(
            "network_interface {}\n private_ip {}",
            instance.interface, instance.private
        );
        self.node_with(PUBLIC, &lines, keys)
    }

    fn node_with(&self, address: &str, lines: &str, keys: &Keys) -> Result<Node, Failure> {
        Node::new(
            address,
            &self.block(lines),
            [
                ("AWS_ACCESS_KEY_ID", keys.access.as_str()),
                ("AWS_SECRET_ACCESS_KEY", &keys.secret),
            ],
        )
    }

    /// What is in the block; the metadata is to be asked for nothing.
    fn block(&self, lines: &str) -> String {
        format!(
            "provider aws\n region eu-west-1\n endpoint http://{}\n api_timeout 20\n proxy none\n \
             metadata_endpoint http://127.0.0.1:1\n {lines}",
            self.account().address()
        )
    }

    /// A user of the owner, who asks while nothing is checked.
    fn further_user(&self, name: &str, actions: &[&str]) -> Result<Keys, Failure> {
        self.account().unguard()?;
        let keys = self.account().user(name, actions)?;
        self.account().guard()?;
        Ok(keys)
    }

    /// Where the address is, asked past our own client.
    fn holder(&self) -> Result<Option<Ipv4Addr>, Failure> {
        self.account().unguard()?;
        let holder = self.account().holder(Ipv4Addr::new(34, 249, 49, 35))?;
        self.account().guard()?;
        Ok(holder)
    }
}

/// moto leaves out the instance where an interface was named.
fn with(instance: &Instance, peer: bool) -> Whereabouts {
    Whereabouts::With(Holder {
        name: format!("{} {}", instance.interface, instance.private),
        peer: peer.then_some(IpAddr::V4(instance.private)),
    })
}

fn moves() -> Outcome {
    let scene = Scene::set()?;
    let mut node = scene.node(&scene.keys)?;
    let mut rival = scene.node_at(&scene.peer, &scene.keys)?;
    let mut stranger = scene.node_at(&scene.stranger, &scene.keys)?;
    is("at first", node.describe(), Ok(Whereabouts::Nowhere))?;
    is("association", node.associate(), Ok(()))?;
    is("here", node.describe(), Ok(Whereabouts::Here))?;
    is("holder", scene.holder()?, Some(scene.own.private))?;

    is("the peer's turn", rival.associate(), Ok(()))?;
    is("gone", node.describe(), Ok(with(&scene.peer, true)))?;
    is("reassociation", node.associate(), Ok(()))?;
    is("back", node.describe(), Ok(Whereabouts::Here))?;

    is("a stranger's turn", stranger.associate(), Ok(()))?;
    is("stolen", node.describe(), Ok(with(&scene.stranger, false)))?;
    is("once more", node.associate(), Ok(()))?;
    is("again, which is no error", node.associate(), Ok(()))?;
    is("at last", scene.holder()?, Some(scene.own.private))
}

fn names() -> Outcome {
    let scene = Scene::set()?;
    let Scene {
        own,
        allocation,
        keys,
        ..
    } = &scene;
    let Instance {
        id,
        interface,
        private,
    } = own;
    let by_allocation = format!("instance_id {id}\n allocation_id {allocation}");
    for (address, lines) in [
        (PUBLIC, format!("instance_id {id}")),
        (PUBLIC, format!("instance_id {id}\n private_ip {private}")),
        (PUBLIC, format!("network_interface {interface}")),
        (PUBLIC, by_allocation.clone()),
        ("0.0.0.0", by_allocation),
    ] {
        // From the peer, so that each way has to move it.
        let mut rival = scene.node_at(&scene.peer, keys)?;
        is("the peer's turn", rival.associate(), Ok(()))?;
        let mut node = scene.node_with(address, &lines, keys)?;
        is(&lines, node.associate(), Ok(()))?;
        is(&lines, node.describe(), Ok(Whereabouts::Here))?;
        is(&lines, scene.holder()?, Some(*private))?;
    }
    by_profile(&scene)
}

/// The keys are in a file, of one profile among others.
fn by_profile(scene: &Scene) -> Outcome {
    let folder = TempDir::new("aws")?;
    let Keys { access, secret } = &scene.keys;
    let file = folder.write(
        "credentials",
        format!(
            "[default]\naws_access_key_id = AKIAWRONG\naws_secret_access_key = wrong\n\
             [ha]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\n"
        ),
    )?;
    let file = file.display().to_string();
    let lines = scene.block(&format!(
        "profile ha\n network_interface {}",
        scene.own.interface
    ));
    let mut node = Node::new(
        PUBLIC,
        &lines,
        [("AWS_SHARED_CREDENTIALS_FILE", file.as_str())],
    )?;
    is("with a profile", node.describe(), Ok(Whereabouts::Here))
}

fn refusals() -> Outcome {
    let scene = Scene::set()?;
    let refused = FailureKind::Refused;
    let wrong = Keys {
        secret: "wrong".into(),
        ..scene.keys.clone()
    };
    let words = [
        "AuthFailure",
        "does not accept the keys of the environment",
        "look at key and secret",
    ];
    fails(scene.node(&wrong)?.describe(), refused, &words)?;
    let unknown = Keys {
        access: "AKIAUNKNOWN".into(),
        ..wrong
    };
    fails(
        scene.node(&unknown)?.describe(),
        refused,
        &["does not accept the keys"],
    )?;

    let reader = scene.further_user("reader", &BOTH[..1])?;
    let mut reading = scene.node(&reader)?;
    is(
        "reading is allowed",
        reading.describe(),
        Ok(Whereabouts::Nowhere),
    )?;
    let words = ["allow ec2:AssociateAddress in the IAM policy behind the environment"];
    fails(reading.associate(), refused, &words)?;
    is("nothing has moved", scene.holder()?, None)?;
    let nobody = scene.further_user("nobody", &["s3:ListBucket"])?;
    let words = ["allow ec2:DescribeAddresses in the IAM policy"];
    fails(scene.node(&nobody)?.describe(), refused, &words)?;
    unknown_names(&scene)
}

fn unknown_names(scene: &Scene) -> Outcome {
    let refused = FailureKind::Refused;
    let own = format!("network_interface {}", scene.own.interface);
    let mut elsewhere = scene.node_with("34.249.49.36", &own, &scene.keys)?;
    let words = [
        "InvalidAddress.NotFound",
        "no such Elastic IP in this region",
    ];
    fails(elsewhere.describe(), refused, &words)?;
    fails(elsewhere.associate(), refused, &words)?;

    let lines = format!("{own}\n allocation_id eipalloc-0123456789abcdef0");
    let words = ["InvalidAllocationID.NotFound", "correct allocation_id"];
    fails(
        scene.node_with(PUBLIC, &lines, &scene.keys)?.associate(),
        refused,
        &words,
    )?;
    let lines = format!("{own}\n allocation_id {}", scene.allocation);
    let mut confused = scene.node_with("34.249.49.36", &lines, &scene.keys)?;
    fails(
        confused.describe(),
        refused,
        &["is 34.249.49.35, not 34.249.49.36"],
    )?;

    let lines = "network_interface eni-0123456789abcdef0";
    let words = [
        "InvalidNetworkInterfaceID.NotFound",
        "correct network_interface",
    ];
    fails(
        scene.node_with(PUBLIC, lines, &scene.keys)?.associate(),
        refused,
        &words,
    )?;
    let lines = "instance_id i-0123456789abcdef0";
    let words = ["InvalidInstanceID.NotFound", "correct instance_id"];
    fails(
        scene.node_with(PUBLIC, lines, &scene.keys)?.associate(),
        refused,
        &words,
    )
}

fn preflight() -> Outcome {
    let scene = Scene::set()?;
    let Scene {
        own, allocation, ..
    } = &scene;
    let said = scene.node(&scene.keys)?.preflight().join("\n");
    let place = format!("this node: {} {}", own.interface, own.private);
    let address = format!("address: {PUBLIC} ({allocation}) is with nobody");
    let words = [
        "metadata: not needed",
        "region: eu-west-1",
        &place,
        "credentials: of the environment (AWS_ACCESS_KEY_ID)",
        "ec2:DescribeAddresses: allowed",
        &address,
        "ec2:AssociateAddress: allowed",
    ];
    tells(&said, &words)?;
    is("problems", said.contains("PROBLEM"), false)?;
    is("nothing has moved", scene.holder()?, None)?;

    let reader = scene.further_user("reader", &BOTH[..1])?;
    let said = scene.node(&reader)?.preflight().join("\n");
    let words = [
        "ec2:DescribeAddresses: allowed",
        "PROBLEM ec2:AssociateAddress:",
        "allow ec2:AssociateAddress",
    ];
    tells(&said, &words)
}
