//! Floating IPs: whose keyword is whose, what the instance says already, what two of them cannot
//! share.

use std::{net::IpAddr, time::Duration};

use crate::keepalived::{
    blocks::Written,
    context::Context,
    floating_ip::{self, FloatingDraft, Kind, Owned, PeerDraft},
    instance::InstanceDraft,
    model::{Aws, FloatingIp, HttpProxy, Model, PeerHost, PeerServer, Provider, ServerCloud},
};

/// Gives each instance its floating IPs. Whatever is wrong with one is an error under either name.
pub(super) fn all(written: &Written, model: &mut Model, ctx: &mut Context<'_>) {
    ctx.strictly(|ctx| {
        for draft in &written.instances {
            let found: Vec<FloatingIp> = draft
                .floating_ips
                .iter()
                .map(|floating| resolve(floating, draft, ctx))
                .collect();
            let mut instances = model.instances.iter_mut();
            if let Some(instance) = instances.find(|it| *it.name == draft.name.text) {
                instance.floating_ips = found;
            }
        }
        shared(written, ctx);
    });
}

fn resolve(draft: &FloatingDraft, instance: &InstanceDraft, ctx: &mut Context<'_>) -> FloatingIp {
    foreign_keywords(draft, ctx);
    family(draft, ctx);
    let provider = match draft.kind() {
        Kind::Aws => Provider::Aws(aws(draft, instance, ctx)),
        Kind::Hetzner => Provider::Hetzner(servers(draft, ctx)),
        Kind::DigitalOcean => Provider::DigitalOcean(servers(draft, ctx)),
    };
    FloatingIp {
        address: draft.address.value,
        location: ctx.location(draft.address.span),
        provider,
        verify_interval: draft.verify_interval.unwrap_or(Duration::from_secs(10)),
        api_timeout: draft.api_timeout.unwrap_or(Duration::from_secs(5)),
        endpoint: draft.endpoint.as_ref().map(|at| at.value.clone()),
        proxy: draft.proxy.clone().unwrap_or(HttpProxy::Environment),
        ca_file: draft.ca_file.clone(),
    }
}

fn foreign_keywords(draft: &FloatingDraft, ctx: &mut Context<'_>) {
    let kind = draft.kind();
    let foreign = |owned: &&Owned| !owned.providers.contains(&kind);
    for owned in draft.owned.iter().filter(foreign) {
        let owners: Vec<_> = owned.providers.iter().map(|it| it.word()).collect();
        let owners = owners.join("` and `");
        let message = format!(
            "`{}` belongs to `provider {owners}`, not to `provider {}`",
            owned.keyword,
            kind.word()
        );
        let advice = if draft.provider.is_none() {
            format!(
                "add `provider {}`: without a word it is aws",
                owned.providers[0].word()
            )
        } else {
            "remove it, or name the other provider".to_owned()
        };
        ctx.fault("wrong-provider", owned.span, message)
            .suggest(advice);
    }
}

fn family(draft: &FloatingDraft, ctx: &mut Context<'_>) {
    if draft.address.value.is_ipv4() || draft.kind() == Kind::Hetzner {
        return;
    }
    let name = draft.kind().word();
    let message = format!("`provider {name}` moves IPv4 addresses only");
    ctx.fault("no-ipv6", draft.address.span, message)
        .suggest("the public IPv4 address that clients use");
}

fn aws(draft: &FloatingDraft, instance: &InstanceDraft, ctx: &mut Context<'_>) -> Aws {
    let source = instance.source.and_then(|at| match at.value {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    });
    let private_ip = draft.private_ip.map(|at| at.value).or(source);
    let peers = hosts(draft, instance, ctx);
    if let (Some(own), Some(peer)) = (draft.private_ip, draft.peers.first())
        && peers.iter().any(|it| it.private_ip == own.value)
    {
        let message = format!(
            "`{}` is both this node's private address and a peer's",
            own.value
        );
        ctx.fault("own-peer", peer.address.span, message)
            .suggest("`peer` names the private address of the other node");
    }
    Aws {
        region: draft.region.clone(),
        allocation_id: draft.allocation_id.clone(),
        instance_id: draft.instance_id.clone(),
        network_interface: draft.network_interface.clone(),
        private_ip,
        profile: draft.profile.clone(),
        imds_v1: draft.imds_v1.is_some(),
        metadata_endpoint: draft.metadata_endpoint.as_ref().map(|at| at.value.clone()),
        peers,
    }
}

/// Who may have an Elastic IP: what `peer` lines say, and the other peers of the instance.
fn hosts(draft: &FloatingDraft, instance: &InstanceDraft, ctx: &mut Context<'_>) -> Vec<PeerHost> {
    let mut hosts: Vec<PeerHost> = Vec::new();
    for peer in unique(draft, ctx) {
        let address = peer.address.value;
        let private_ip = match (&peer.place, address) {
            (Some(word), _) => floating_ip::ipv4(word, ctx),
            (None, IpAddr::V4(address)) => Some(address),
            (None, IpAddr::V6(_)) => {
                let message = format!("where `{address}` has the Elastic IP is not said");
                ctx.fault("missing-argument", peer.address.span, message)
                    .suggest(format!("`peer {address} <private IPv4 address>`"));
                None
            }
        };
        hosts.extend(private_ip.map(|private_ip| PeerHost {
            address,
            private_ip,
        }));
    }
    for peer in &instance.peers {
        if let IpAddr::V4(private_ip) = peer.address
            && !draft
                .peers
                .iter()
                .any(|it| it.address.value == peer.address)
        {
            let address = peer.address;
            hosts.push(PeerHost {
                address,
                private_ip,
            });
        }
    }
    hosts
}

fn servers(draft: &FloatingDraft, ctx: &mut Context<'_>) -> ServerCloud {
    let mut peers = Vec::new();
    for peer in unique(draft, ctx) {
        let address = peer.address.value;
        let Some(word) = &peer.place else {
            let message = format!("the number of `{address}` at the provider is missing");
            ctx.fault("missing-argument", peer.address.span, message)
                .suggest(format!("`peer {address} <server_id>`"));
            continue;
        };
        let server_id = floating_ip::number(word, ctx);
        if server_id.is_some() && server_id == draft.server_id {
            let message = format!("`{}` is both this server and a peer", word.text);
            ctx.fault("own-peer", word.span, message)
                .suggest("`peer` names the number of the other server");
        }
        peers.extend(server_id.map(|server_id| PeerServer { address, server_id }));
    }
    ServerCloud {
        server_id: draft.server_id,
        floating_ip_id: draft.floating_ip_id,
        token_file: draft.token_file.as_ref().map(|at| at.value.clone()),
        metadata_endpoint: draft.metadata_endpoint.as_ref().map(|at| at.value.clone()),
        peers,
    }
}

/// `peer` lines, each peer once.
fn unique<'d>(draft: &'d FloatingDraft, ctx: &mut Context<'_>) -> Vec<&'d PeerDraft> {
    let mut found: Vec<&PeerDraft> = Vec::new();
    for peer in &draft.peers {
        let address = peer.address.value;
        if found.iter().any(|other| other.address.value == address) {
            let message = format!("there are two lines `peer {address}`");
            ctx.fault("duplicate-peer", peer.address.span, message)
                .suggest("one says where the address is when this peer has it");
        } else {
            found.push(peer);
        }
    }
    found
}

/// One address written twice, or two that cannot be on one node at the same time: each node may
/// come to hold all of them.
fn shared(written: &Written, ctx: &mut Context<'_>) {
    let instances = written.instances.iter();
    let all: Vec<(&FloatingDraft, &InstanceDraft)> = instances
        .flat_map(|instance| instance.floating_ips.iter().map(move |it| (it, instance)))
        .collect();
    for (index, (draft, instance)) in all.iter().enumerate() {
        let (address, span) = (draft.address.value, draft.address.span);
        let mut before = all[..index].iter();
        if let Some((first, _)) = before.clone().find(|(it, _)| it.address.value == address) {
            let line = ctx.location(first.address.span).line;
            let message = format!("`floating_ip {address}` stands on line {line} already");
            ctx.fault("duplicate-floating-ip", span, message)
                .suggest("one instance moves an address");
            continue;
        }
        let displaced = before.find(|(it, owner)| displace(it, owner, draft, instance));
        if let Some((first, _)) = displaced {
            displacement(first, draft, ctx);
        }
    }
}

fn displace(
    one: &FloatingDraft,
    owner_of_one: &InstanceDraft,
    two: &FloatingDraft,
    owner_of_two: &InstanceDraft,
) -> bool {
    let place = |it: &FloatingDraft, owner: &InstanceDraft| {
        let private = it.private_ip.map(|at| IpAddr::V4(at.value));
        private.or_else(|| owner.source.map(|at| at.value))
    };
    match (one.kind(), two.kind()) {
        (Kind::Aws, Kind::Aws) => {
            let (first, second) = (place(one, owner_of_one), place(two, owner_of_two));
            let interfaces_differ = one.network_interface != two.network_interface;
            first == second && !(first.is_none() && interfaces_differ)
        }
        (Kind::DigitalOcean, Kind::DigitalOcean) => true,
        _ => false,
    }
}

fn displacement(first: &FloatingDraft, second: &FloatingDraft, ctx: &mut Context<'_>) {
    let (one, two, span) = (
        first.address.value,
        second.address.value,
        second.address.span,
    );
    if second.kind() == Kind::DigitalOcean {
        let message = format!("a Droplet has one Reserved IP, not both `{one}` and `{two}`");
        ctx.fault("displaced", span, message)
            .suggest("give each address a pair of nodes of its own");
        return;
    }
    let message = format!(
        "`{one}` and `{two}` go to the same private address, where each drives out the other"
    );
    ctx.fault("displaced", span, message).suggest(
        "`private_ip` names a secondary private address for one of them, `peer <address> <private_ip>` the peer's",
    );
}
