//! The way to the API: TLS with an authority of one's own, and proxies.

mod proxy;

use pontoon_engine::floating_ip::event::{FailureKind, Whereabouts};
use pontoon_lab::{authority::Authority, cloud::Server};

use self::proxy::Proxy;
use super::{ADDRESS, KEYS, Scene};
use crate::{
    cloud::stage::{self, Node, fails, is},
    harness::{Failure, Outcome, Test},
};

const HOST: &str = "ec2.eu-west-1.amazonaws.com";

pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| super::add(tests, name, run);
    add("tls_is_trusted_by_the_files_authority_alone", tls);
    add("proxy_gives_a_tunnel_to_the_usual_endpoint", tunnel);
    add("proxy_reads_what_goes_in_clear", clear);
    add("proxy_is_left_out_where_the_environment_says", left_out);
    add("proxy_that_refuses_is_named", refusing);
}

/// The scene with an API over TLS as well, under the names that it has.
struct Secure {
    scene: Scene,
    authority: Authority,
    api: Server,
}

impl Secure {
    fn set() -> Result<Self, Failure> {
        let scene = Scene::set()?;
        let authority = Authority::new()?;
        let tls = authority.vouch_for(&[HOST, "localhost"])?;
        let api = scene.cloud.serve_ec2_tls(stage::listener()?, tls);
        Ok(Self {
            scene,
            authority,
            api,
        })
    }

    fn node<const N: usize>(
        &self,
        lines: &str,
        variables: [(&str, &str); N],
    ) -> Result<Node, Failure> {
        let lines = format!("api_timeout 2\n {}{lines}", self.scene.nearby()?);
        Node::new(&ADDRESS.to_string(), &lines, variables)
    }

    fn port(&self) -> Result<u16, Failure> {
        Ok(self.api.address().ok_or("no API")?.port())
    }

    fn trusting(&self) -> String {
        format!("ca_file {}\n ", self.authority.file().display())
    }
}

fn tls() -> Outcome {
    let secure = Secure::set()?;
    let port = secure.port()?;
    let local = format!("endpoint https://localhost:{port}\n ");
    let mut node = secure.node(&(local.clone() + &secure.trusting()), KEYS)?;
    is("trusted", node.describe(), Ok(Whereabouts::Nowhere))?;

    let other = Authority::new()?;
    let lines = format!("{local}ca_file {}", other.file().display());
    let failed = secure.node(&lines, KEYS)?.describe();
    fails(failed, FailureKind::Refused, &["ca_file"])?;
    let failed = secure.node(&local, KEYS)?.describe();
    fails(failed, FailureKind::Refused, &["ca-certificates"])?;

    let number = format!("endpoint https://127.0.0.1:{port}\n ");
    let failed = secure
        .node(&(number + &secure.trusting()), KEYS)?
        .describe();
    fails(failed, FailureKind::Refused, &["127.0.0.1"])?;
    is(
        "calls that came through",
        secure.scene.cloud.calls().len(),
        1,
    )
}

fn tunnel() -> Outcome {
    let secure = Secure::set()?;
    let target = secure.api.address().ok_or("no API")?;
    let proxy = Proxy::start(target, Some("Basic dXNlcjpwYXNz"))?;
    let url = format!("http://user:pass@{}", proxy.address());
    let [first, second] = KEYS;
    let mut node = secure.node(&secure.trusting(), [first, second, ("HTTPS_PROXY", &url)])?;
    is("through it", node.describe(), Ok(Whereabouts::Nowhere))?;
    is("call", node.associate(), Ok(()))?;
    is("seen", node.describe(), Ok(Whereabouts::Here))?;
    let line = format!("CONNECT {HOST}:443 HTTP/1.1");
    is("asked", proxy.asked(), vec![line; 3])?;
    let line = format!("{}proxy http://{}", secure.trusting(), proxy.address());
    let failed = secure.node(&line, KEYS)?.describe();
    fails(failed, FailureKind::Unwell, &["407", "NO_PROXY"])
}

fn clear() -> Outcome {
    let scene = Scene::set()?;
    let target = scene.api.address().ok_or("no API")?;
    let proxy = Proxy::start(target, None)?;
    let line = format!("proxy http://{}", proxy.address());
    let mut node = scene.node_with(&line, KEYS)?;
    is("through it", node.describe(), Ok(Whereabouts::Nowhere))?;
    is(
        "asked",
        proxy.asked(),
        vec![format!("POST http://{target}/ HTTP/1.1")],
    )
}

fn left_out() -> Outcome {
    let scene = Scene::set()?;
    let proxy = Proxy::start(scene.api.address().ok_or("no API")?, None)?;
    let url = format!("http://{}", proxy.address());
    let [first, second] = KEYS;
    let variables = [
        first,
        second,
        ("http_proxy", url.as_str()),
        ("NO_PROXY", "127.0.0.1"),
    ];
    let mut node = scene.node_with("", variables)?;
    is("past it", node.describe(), Ok(Whereabouts::Nowhere))?;
    let variables = [
        first,
        second,
        ("http_proxy", url.as_str()),
        ("NO_PROXY", "example.com"),
    ];
    let mut node = scene.node_with("proxy none", variables)?;
    is("past it, too", node.describe(), Ok(Whereabouts::Nowhere))?;
    is("asked", proxy.asked(), Vec::<String>::new())
}

fn refusing() -> Outcome {
    let secure = Secure::set()?;
    let nobody = stage::listener()?.local_addr()?;
    let line = format!("{}proxy http://{nobody}", secure.trusting());
    let failed = secure.node(&line, KEYS)?.describe();
    fails(failed, FailureKind::Unwell, &[&nobody.ip().to_string()])
}
