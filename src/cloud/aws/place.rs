//! What this node is at AWS: told by the file, or found out.

use std::net::Ipv4Addr;

use pontoon_config::keepalived::model::Aws;

use super::{answer::Address, metadata::Metadata};
use crate::cloud::{http::Call, problem::Problem};

/// Where an Elastic IP is brought to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) target: Target,
    /// Which of its private addresses; its first if nothing is said.
    pub(super) private: Option<Ipv4Addr>,
}

/// What AWS knows a node by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Always unambiguous.
    Interface(String),
    /// Only where it has one interface.
    Instance(String),
}

impl Place {
    /// As the file says; what it leaves open is asked of the metadata service.
    pub(super) async fn find(
        file: &Aws,
        metadata: &mut Metadata,
        call: &Call<'_>,
    ) -> Result<Self, Problem> {
        let target = match (&file.network_interface, &file.instance_id, file.private_ip) {
            (Some(interface), _, _) => Target::Interface(interface.clone()),
            (None, Some(instance), _) => Target::Instance(instance.clone()),
            (None, None, None) => Target::Interface(first_interface(metadata, call).await?),
            (None, None, Some(ip)) => Target::Interface(interface_with(ip, metadata, call).await?),
        };
        Ok(Self {
            target,
            private: file.private_ip,
        })
    }

    /// Whether an address is here.
    pub(super) fn has(&self, address: &Address) -> bool {
        let same = match &self.target {
            Target::Interface(interface) => *interface == address.network_interface_id,
            Target::Instance(instance) => *instance == address.instance_id,
        };
        same && self.private.is_none_or(|ip| address.private() == Some(ip))
    }

    /// The target in the parameters of `AssociateAddress`.
    pub(super) fn parameter(&self) -> (&'static str, &str) {
        match &self.target {
            Target::Interface(interface) => ("NetworkInterfaceId", interface),
            Target::Instance(instance) => ("InstanceId", instance),
        }
    }

    /// In one line, for messages: `eni-0abc 10.0.1.207`.
    pub(super) fn name(&self) -> String {
        let (_, target) = self.parameter();
        match self.private {
            Some(ip) => format!("{target} {ip}"),
            None => target.to_owned(),
        }
    }
}

async fn first_interface(metadata: &mut Metadata, call: &Call<'_>) -> Result<String, Problem> {
    let mac = metadata.expect("meta-data/mac", call).await?;
    let path = format!("meta-data/network/interfaces/macs/{mac}/interface-id");
    metadata.expect(&path, call).await
}

/// The interface that has a private address, as its first or as a further one.
async fn interface_with(
    ip: Ipv4Addr,
    metadata: &mut Metadata,
    call: &Call<'_>,
) -> Result<String, Problem> {
    const MACS: &str = "meta-data/network/interfaces/macs";
    let macs = metadata.expect(&format!("{MACS}/"), call).await?;
    let mut others = Vec::new();
    for mac in macs.lines().map(|mac| mac.trim().trim_end_matches('/')) {
        let private = metadata
            .get(&format!("{MACS}/{mac}/local-ipv4s"), call)
            .await?;
        let private = private.unwrap_or_default();
        if private.split_whitespace().any(|one| one.parse() == Ok(ip)) {
            return metadata
                .expect(&format!("{MACS}/{mac}/interface-id"), call)
                .await;
        }
        others.extend(private.split_whitespace().map(str::to_owned));
    }
    Err(Problem::refused(
        format!(
            "no interface of this instance has the private address {ip}, they have {}",
            others.join(", ")
        ),
        "correct private_ip (or unicast_src_ip), or assign it to an interface at AWS, too",
    ))
}
