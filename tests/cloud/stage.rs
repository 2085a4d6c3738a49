//! What all stories need: a client made from a configuration file, and a runtime to run it on.

use std::net::TcpListener;

use pontoon::{
    cloud::{
        client::{Client, Finding, Outcome as Found},
        environment::Environment,
        fence::Permit,
    },
    surroundings::System,
};
use pontoon_config::{
    keepalived::{Settings, Unknown, load, model::FloatingIp},
    source::SourceFile,
};
use pontoon_engine::floating_ip::event::{Failure as Failed, FailureKind, Whereabouts};

use crate::harness::{Failure, Outcome};

/// A free port of loopback.
pub(super) fn listener() -> Result<TcpListener, Failure> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?)
}

/// A client for the address in a block of `floating_ip`, on a node with one peer.
pub(super) struct Node {
    client: Client,
    runtime: tokio::runtime::Runtime,
    permit: Permit,
}

impl Node {
    /// From the lines inside of the block.
    pub(super) fn new<const N: usize>(
        address: &str,
        lines: &str,
        variables: [(&str, &str); N],
    ) -> Result<Self, Failure> {
        let file = block(address, lines)?;
        let environment = Environment::from(variables);
        let client = Client::in_environment(&file, &environment);
        let client = client.map_err(|error| Failure::from(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            client,
            runtime,
            permit: Permit::by_hand(),
        })
    }

    /// Calls only as long as this permit holds.
    pub(super) fn permitted(mut self, permit: Permit) -> Self {
        self.permit = permit;
        self
    }

    pub(super) fn describe(&mut self) -> Result<Whereabouts, Failed> {
        let call = self.client.describe(&self.permit);
        self.runtime.block_on(call)
    }

    pub(super) fn associate(&mut self) -> Result<(), Failed> {
        let call = self.client.associate(&self.permit);
        self.runtime.block_on(call)
    }

    /// The lines of a preflight: `address: …`, a problem with `PROBLEM` in front.
    pub(super) fn preflight(&mut self) -> Vec<String> {
        let findings = self.runtime.block_on(self.client.preflight());
        findings.iter().map(line).collect()
    }
}

fn line(finding: &Finding) -> String {
    match &finding.outcome {
        Found::Fine(text) => format!("{}: {text}", finding.what),
        Found::Problem { text, advice } => format!("PROBLEM {}: {text}: {advice}", finding.what),
    }
}

/// What a file with such a block means.
fn block(address: &str, lines: &str) -> Result<FloatingIp, Failure> {
    let text = format!(
        "vrrp_instance VI_1 {{\n interface lo\n virtual_router_id 51\n priority 101\n \
         advert_int 1\n unicast_src_ip 10.0.1.207\n unicast_peer {{\n 10.0.1.190\n }}\n \
         floating_ip {address} {{\n{lines}\n }}\n}}\n"
    );
    let file = SourceFile {
        name: "keepalived.conf".to_owned(),
        text,
    };
    let settings = Settings {
        config_id: "node1".to_owned(),
        unknown_words: Unknown::Error,
    };
    let loaded = load(vec![file], &settings, &System);
    let problems = || Failure::from(format!("{:?}", loaded.diagnostics));
    let model = loaded.model.as_ref().ok_or_else(problems)?;
    let instance = model.instances.first().ok_or("no instance")?;
    let address = instance.floating_ips.first().ok_or("no floating_ip")?;
    Ok(address.clone())
}

/// That something is as it should be.
pub(super) fn is<T: PartialEq + std::fmt::Debug>(what: &str, seen: T, wanted: T) -> Outcome {
    if seen == wanted {
        return Ok(());
    }
    Err(format!("{what}: {seen:?} instead of {wanted:?}").into())
}

/// That a call failed in this way, with all of these words in its line.
pub(super) fn fails<T: std::fmt::Debug>(
    result: Result<T, Failed>,
    kind: FailureKind,
    words: &[&str],
) -> Outcome {
    let Err(failure) = result else {
        return Err(format!("went well: {result:?}").into());
    };
    is("kind of failure", failure.kind, kind)?;
    tells(&failure.text, words)
}

/// That nothing leaves any more, since the permit of this node holds no longer.
pub(super) fn stops_at_the_fence(node: &mut Node) -> Outcome {
    let words = ["mastership has ended"];
    fails(node.associate(), FailureKind::Refused, &words)?;
    fails(node.describe(), FailureKind::Refused, &words)
}

/// That a line has all of these words.
pub(super) fn tells(line: &str, words: &[&str]) -> Outcome {
    match words.iter().find(|word| !line.contains(**word)) {
        None => Ok(()),
        Some(word) => Err(format!("{word:?} is not in {line:?}").into()),
    }
}
