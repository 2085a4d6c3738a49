//! What an instance is told about itself, and when it is not.

use pontoon_engine::floating_ip::event::{FailureKind, Whereabouts};
use pontoon_lab::cloud::{Down, Tokens};

use super::{KEYS, Scene};
use crate::{
    cloud::stage::{fails, is, tells},
    harness::{Outcome, Test},
};

pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| super::add(tests, name, run);
    add("metadata_without_tokens_needs_leave", version_1);
    add("metadata_token_that_was_forgotten_is_replaced", forgotten);
    add("metadata_that_is_down_does_not_hurt_what_is_known", down);
    add("metadata_that_is_disabled_is_named", disabled);
}

fn version_1() -> Outcome {
    let scene = Scene::set()?;
    scene.cloud.metadata_tokens(Tokens::Unknown);
    let mut strict = scene.node()?;
    fails(
        strict.describe(),
        FailureKind::Refused,
        &["instance metadata gives no token"],
    )?;
    let mut lenient = scene.node_with("imds_v1 allow", KEYS)?;
    is("allowed", lenient.describe(), Ok(Whereabouts::Nowhere))?;
    tells(&lenient.preflight().join("\n"), &["version 1"])?;
    scene.cloud.metadata_tokens(Tokens::Required);
    let mut lenient = scene.node_with("imds_v1 allow", KEYS)?;
    is(
        "version 2 first",
        lenient.describe(),
        Ok(Whereabouts::Nowhere),
    )?;
    tells(&lenient.preflight().join("\n"), &["version 2"])
}

fn forgotten() -> Outcome {
    let scene = Scene::set()?;
    scene.cloud.instance_role(
        "pontoon-node",
        &super::RIGHTS,
        std::time::Duration::from_secs(60),
    );
    let mut node = scene.node_with("", [])?;
    is("at first", node.describe(), Ok(Whereabouts::Nowhere))?;
    scene.cloud.forget_metadata_tokens();
    scene.cloud.expire_role_keys();
    is(
        "with a new token",
        node.describe(),
        Ok(Whereabouts::Nowhere),
    )?;
    let calls = scene.cloud.metadata_calls();
    let tokens = calls
        .iter()
        .filter(|call| call.action == "PUT /latest/api/token");
    is("tokens", tokens.count(), 2)
}

fn down() -> Outcome {
    let scene = Scene::set()?;
    let mut node = scene.node()?;
    is("at first", node.describe(), Ok(Whereabouts::Nowhere))?;
    scene.cloud.metadata_faults().down(Some(Down::Reset));
    is("call", node.associate(), Ok(()))?;
    is("seen", node.describe(), Ok(Whereabouts::Here))?;
    let mut fresh = scene.node()?;
    let failed = fresh.describe();
    is("a new node is helpless", failed.is_err(), true)?;
    let text = failed.err().map(|failure| failure.text).unwrap_or_default();
    tells(&text, &["instance metadata"])
}

fn disabled() -> Outcome {
    let scene = Scene::set()?;
    scene.cloud.metadata_tokens(Tokens::Disabled);
    let words = ["status 403", "switched off for this instance"];
    fails(scene.node()?.describe(), FailureKind::Refused, &words)
}
