//! Which floating IPs are meant: those of the files that were named, or of the running node's.

use std::net::IpAddr;

use pontoon_config::keepalived::{
    Unknown,
    model::{FloatingIp, Instance, Provider},
};

use super::Words;
use crate::{
    cli::ask::AskError,
    election::{
        configuration::Files,
        status::{FloatingIpStatus, InstanceStatus, Status},
    },
    node::status::NodeStatus,
};

/// One of them.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) instance: Instance,
    pub(super) file: FloatingIp,
    /// What the running node says of its instance, if there is one.
    pub(super) running: Option<InstanceStatus>,
}

/// Why nothing is meant.
#[derive(Debug, thiserror::Error)]
pub(super) enum SubjectError {
    #[error("{0}; without a running node, name its keepalived.conf")]
    NoNode(AskError),
    #[error("the node has no election: it runs no keepalived.conf")]
    NoElection,
    #[error(
        "the node's election does not answer; see `pontoon status`, or name its keepalived.conf"
    )]
    Silent,
    #[error("the node's election speaks of things that this version does not know: {0}")]
    Strange(#[from] serde_json::Error),
    #[error("{}", .0.join("\n"))]
    Files(Vec<String>),
    #[error("there is no floating_ip in {0}")]
    None(String),
    #[error("there is no floating_ip {0} in {1}; there is {2}")]
    NoSuch(IpAddr, String, String),
}

impl Subject {
    /// `34.249.49.35 (aws, VI_1)`.
    pub(super) fn name(&self) -> String {
        let provider = match self.file.provider {
            Provider::Aws(_) => "aws",
            Provider::Hetzner(_) => "hetzner",
            Provider::DigitalOcean(_) => "digitalocean",
        };
        let (address, instance) = (self.file.address, &self.instance.name);
        format!("{address} ({provider}, {instance})")
    }

    /// What the running node knows of it.
    pub(super) fn status(&self) -> Option<&FloatingIpStatus> {
        let running = self.running.as_ref()?;
        let mut known = running.floating_ips.iter();
        known.find(|it| it.address == self.file.address)
    }
}

impl Words {
    /// Names of files.
    fn files(&self) -> Vec<String> {
        let files = self.words.iter().filter(|word| address(word).is_none());
        files.cloned().collect()
    }

    /// The addresses that are meant; none: all.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        self.words.iter().filter_map(|word| address(word)).collect()
    }

    /// All that is meant, and the running node's part in it.
    ///
    /// # Errors
    /// No file is named and no node runs; a file is wrong; it has no such address.
    pub(super) fn subjects(&self) -> Result<Vec<Subject>, SubjectError> {
        let named = self.files();
        let running = match self.whom.status() {
            Ok(node) => election_of(&node),
            Err(error) => Err(SubjectError::NoNode(error)),
        };
        let (names, running) = if named.is_empty() {
            let running = running?;
            let names = running.files.iter();
            let names = names.map(|name| name.display().to_string()).collect();
            (names, Some(running))
        } else {
            (named, running.ok())
        };
        let all = read(&names, running.as_ref())?;
        self.choose(all, &names.join(" "))
    }

    fn choose(&self, all: Vec<Subject>, place: &str) -> Result<Vec<Subject>, SubjectError> {
        if all.is_empty() {
            return Err(SubjectError::None(place.to_owned()));
        }
        let wanted = self.addresses();
        let known: Vec<IpAddr> = all.iter().map(|subject| subject.file.address).collect();
        if let Some(stray) = wanted.iter().find(|address| !known.contains(address)) {
            let known: Vec<_> = known.iter().map(ToString::to_string).collect();
            let known = known.join(", ");
            return Err(SubjectError::NoSuch(*stray, place.to_owned(), known));
        }
        let is_wanted =
            |subject: &Subject| wanted.is_empty() || wanted.contains(&subject.file.address);
        Ok(all.into_iter().filter(is_wanted).collect())
    }
}

fn address(word: &str) -> Option<IpAddr> {
    word.parse().ok()
}

fn election_of(node: &NodeStatus) -> Result<Status, SubjectError> {
    if node.election.is_none() {
        return Err(SubjectError::NoElection);
    }
    let told = node.vrrp.clone().ok_or(SubjectError::Silent)?;
    Ok(serde_json::from_value(told)?)
}

fn read(names: &[String], running: Option<&Status>) -> Result<Vec<Subject>, SubjectError> {
    let files = Files {
        names: names.to_vec(),
        config_id: None,
        unknown_words: Unknown::Warning,
        all_files: false,
    };
    let outcome = files.read();
    let Some(model) = outcome.model else {
        let mistakes = outcome.findings.into_iter().filter(|it| it.is_mistake());
        return Err(SubjectError::Files(mistakes.map(|it| it.text).collect()));
    };
    let subjects = model.instances.iter().flat_map(|instance| {
        instance.floating_ips.iter().map(move |file| Subject {
            instance: instance.clone(),
            file: file.clone(),
            running: running.and_then(|status| part_in(status, instance, file)),
        })
    });
    Ok(subjects.collect())
}

/// What a node says of an instance, if it has this one with this address.
fn part_in(status: &Status, instance: &Instance, file: &FloatingIp) -> Option<InstanceStatus> {
    let mut instances = status.instances.iter();
    let found = instances.find(|it| *it.name == *instance.name)?;
    let has = found.floating_ips.iter();
    let has = has.map(|it| it.address).any(|it| it == file.address);
    has.then(|| found.clone())
}
