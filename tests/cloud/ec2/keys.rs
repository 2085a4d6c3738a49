//! Where keys come from, and that new ones follow in time.

use std::{thread, time::Duration};

use pontoon_engine::floating_ip::event::{FailureKind, Whereabouts};
use pontoon_lab::temp::TempDir;

use super::{KEYS, RIGHTS, Scene};
use crate::{
    cloud::stage::{self, fails, is},
    harness::{Failure, Outcome, Test},
};

const HOUR: Duration = Duration::from_secs(3600);
const ROLE: &str = "arn:aws:iam::123456789012:role/pontoon";

pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| super::add(tests, name, run);
    add("keys_of_the_environment_may_have_a_session", session);
    add("keys_are_found_in_shared_files", shared_files);
    add("keys_are_given_for_a_web_identity", web_identity);
    add("keys_are_given_by_the_containers_endpoint", container);
    add("keys_are_given_by_the_instances_role", role);
    add("keys_come_from_the_first_place_that_has_some", order);
    add("keys_are_renewed_before_they_expire", renewed);
    add("keys_that_have_expired_unexpectedly_are_replaced", expired);
}

/// Whose keys the last call was signed with.
fn signed_by(scene: &Scene) -> Result<String, Failure> {
    let calls = scene.cloud.calls();
    let mut calls = calls
        .into_iter()
        .filter(|call| call.action == "DescribeAddresses");
    Ok(calls.next_back().ok_or("no call")?.by)
}

fn session() -> Outcome {
    let scene = Scene::set()?;
    scene
        .cloud
        .credentials("ASIAONE", "secret", Some("to/ken+=="), &RIGHTS);
    let variables = |token| {
        [
            ("AWS_ACCESS_KEY_ID", "ASIAONE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", token),
        ]
    };
    let mut node = scene.node_with("", variables("to/ken+=="))?;
    is("with it", node.describe(), Ok(Whereabouts::Nowhere))?;
    let mut node = scene.node_with("", variables("another"))?;
    fails(node.describe(), FailureKind::Refused, &["AuthFailure"])
}

fn shared_files() -> Outcome {
    let scene = Scene::set()?;
    scene
        .cloud
        .credentials("AKIAOTHER", "other secret", None, &RIGHTS);
    let folder = TempDir::new("aws")?;
    let keys = "[default]\naws_access_key_id = AKIATEST\naws_secret_access_key = secret/of+test\n\
                [pontoon]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = other secret\n";
    let credentials = folder.write("credentials", keys)?;
    let config = folder.write("config", "[profile pontoon]\nregion = eu-west-1\n")?;
    let variables = [
        ("AWS_SHARED_CREDENTIALS_FILE", path(&credentials)?),
        ("AWS_CONFIG_FILE", path(&config)?),
    ];
    let mut node = scene.node_with("", variables)?;
    is("default", node.describe(), Ok(Whereabouts::Nowhere))?;
    is("whose", signed_by(&scene)?.as_str(), "AKIATEST")?;
    let mut node = scene.node_with("profile pontoon", variables)?;
    is("profile", node.describe(), Ok(Whereabouts::Nowhere))?;
    is("whose", signed_by(&scene)?.as_str(), "AKIAOTHER")?;
    let mut node = scene.node_with("profile missing", variables)?;
    fails(
        node.describe(),
        FailureKind::Refused,
        &["no profile \"missing\"", "AWS_PROFILE"],
    )
}

fn path(path: &std::path::Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| "no text".into())
}

fn web_identity() -> Outcome {
    let scene = Scene::set()?;
    scene
        .cloud
        .web_identity(ROLE, "header.claims.signature", &RIGHTS, HOUR);
    let sts = scene.cloud.serve_sts(stage::listener()?);
    let sts = format!("http://{}", sts_address(&sts)?);
    let folder = TempDir::new("aws")?;
    let file = folder.write("token", "header.claims.forged\n")?;
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", path(&file)?),
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_ENDPOINT_URL_STS", &sts),
    ];
    let mut node = scene.node_with("region eu-west-1", variables)?;
    fails(
        node.describe(),
        FailureKind::Refused,
        &["InvalidIdentityToken"],
    )?;
    folder.write("token", "header.claims.signature\n")?;
    is(
        "with the right one",
        node.describe(),
        Ok(Whereabouts::Nowhere),
    )?;
    is("again", node.describe(), Ok(Whereabouts::Nowhere))?;
    is(
        "roles assumed",
        scene.calls("AssumeRoleWithWebIdentity", "ok"),
        1,
    )
}

fn sts_address(server: &pontoon_lab::cloud::Server) -> Result<std::net::SocketAddr, Failure> {
    server.address().ok_or_else(|| "no address".into())
}

fn container() -> Outcome {
    let scene = Scene::set()?;
    scene
        .cloud
        .container("/v1/credentials", Some("Bearer inside"), &RIGHTS, HOUR);
    let endpoint = scene.cloud.serve_container(stage::listener()?);
    let uri = format!("http://{}/v1/credentials", sts_address(&endpoint)?);
    let folder = TempDir::new("aws")?;
    let file = folder.write("token", "Bearer inside\n")?;
    let named = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path(&file)?),
    ];
    let mut node = scene.node_with("region eu-west-1", named)?;
    is("by a file", node.describe(), Ok(Whereabouts::Nowhere))?;
    let named = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer outside"),
    ];
    let mut node = scene.node_with("region eu-west-1", named)?;
    fails(
        node.describe(),
        FailureKind::Unwell,
        &["status 403", "role"],
    )
}

fn role() -> Outcome {
    let scene = Scene::set()?;
    let words = ["role"];
    fails(
        scene.node_with("", [])?.describe(),
        FailureKind::Refused,
        &words,
    )?;
    scene.cloud.instance_role("pontoon-node", &RIGHTS, HOUR);
    let mut node = scene.node_with("", [])?;
    is("with a role", node.describe(), Ok(Whereabouts::Nowhere))?;
    is("call", node.associate(), Ok(()))?;
    is("again", node.describe(), Ok(Whereabouts::Here))?;
    let keys = "GET /latest/meta-data/iam/security-credentials/pontoon-node";
    let asked = scene.cloud.metadata_calls();
    is(
        "keys asked for",
        asked.iter().filter(|call| call.action == keys).count(),
        1,
    )
}

fn order() -> Outcome {
    let scene = Scene::set()?;
    scene.cloud.instance_role("pontoon-node", &RIGHTS, HOUR);
    let [first, second] = KEYS;
    let mut node = scene.node_with("", [first, second])?;
    is("environment", node.describe(), Ok(Whereabouts::Nowhere))?;
    is("whose", signed_by(&scene)?.as_str(), "AKIATEST")?;
    let disabled = [("AWS_EC2_METADATA_DISABLED", "true")];
    let mut node = scene.node_with("region eu-west-1", disabled)?;
    let words = ["AWS_EC2_METADATA_DISABLED"];
    fails(node.describe(), FailureKind::Refused, &words)
}

/// A key that lives for 2 s is replaced at the latest when 1.5 s of it are gone.
fn renewed() -> Outcome {
    const LIFE: Duration = Duration::from_secs(2);
    let scene = Scene::set()?;
    scene.cloud.instance_role("pontoon-node", &RIGHTS, LIFE);
    let mut node = scene.node_with("", [])?;
    let start = std::time::Instant::now();
    let mut keys = Vec::new();
    while start.elapsed() < 2 * LIFE {
        is("all the time", node.describe(), Ok(Whereabouts::Nowhere))?;
        keys.push(signed_by(&scene)?);
        keys.dedup();
        thread::sleep(Duration::from_millis(100));
    }
    let refused = scene.calls("DescribeAddresses", "RequestExpired");
    is("refused", refused, 0)?;
    is("more than one key", keys.len() > 1, true)
}

fn expired() -> Outcome {
    let scene = Scene::set()?;
    scene.cloud.instance_role("pontoon-node", &RIGHTS, HOUR);
    let mut node = scene.node_with("", [])?;
    is("at first", node.describe(), Ok(Whereabouts::Nowhere))?;
    scene.cloud.expire_role_keys();
    is("in one call", node.associate(), Ok(()))?;
    is("seen", node.describe(), Ok(Whereabouts::Here))?;
    is(
        "refused on the way",
        scene.calls("AssociateAddress", "RequestExpired"),
        1,
    )
}
