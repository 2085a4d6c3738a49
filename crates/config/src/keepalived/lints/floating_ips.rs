//! Floating IPs that will not move as their file seems to say, or that others can move.

use std::net::IpAddr;

use crate::keepalived::{
    blocks::Written,
    context::Context,
    floating_ip::{FloatingDraft, Kind, Url},
    instance::{At, InstanceDraft},
};

/// Looks at all floating IPs.
pub(super) fn run(written: &Written, ctx: &mut Context<'_>) {
    for instance in &written.instances {
        for draft in &instance.floating_ips {
            private(draft, ctx);
            silent_peers(draft, instance, ctx);
            unknown_peers(draft, instance, ctx);
            on_the_interface(draft, instance, ctx);
            clear_text(draft, ctx);
            secrets(draft, ctx);
        }
    }
}

/// Clients outside reach a public address only.
fn private(draft: &FloatingDraft, ctx: &mut Context<'_>) {
    let IpAddr::V4(address) = draft.address.value else {
        return;
    };
    if address.is_private() || address.is_loopback() || address.is_link_local() {
        let message = format!("`{address}` is not a public address");
        ctx.d
            .warning("private-address", draft.address.span, message)
            .suggest(
                "`floating_ip` takes the address that clients use; `private_ip` the one behind it",
            );
    }
}

/// The nodes must hear each other before anything else.
fn silent_peers(draft: &FloatingDraft, instance: &InstanceDraft, ctx: &mut Context<'_>) {
    if instance.peers.is_empty() {
        let message = "there is no `unicast_peer`: a cloud's network carries no multicast, so that both nodes become master, and who has the address cannot be told from a stranger";
        ctx.d
            .warning("floating-multicast", draft.address.span, message)
            .suggest("`unicast_src_ip <own address>` and `unicast_peer { <the other's> }`");
    }
}

/// With whom an address is can only be told of peers whose place at the provider is known.
fn unknown_peers(draft: &FloatingDraft, instance: &InstanceDraft, ctx: &mut Context<'_>) {
    let said = |address: IpAddr| draft.peers.iter().any(|it| it.address.value == address);
    for peer in &draft.peers {
        let address = peer.address.value;
        if !instance.peers.is_empty() && !instance.peers.iter().any(|it| it.address == address) {
            let message = format!("`{address}` is no `unicast_peer`: it is never heard");
            ctx.d
                .warning("unheard-peer", peer.address.span, message)
                .suggest("`peer` begins with the address that stands in `unicast_peer`");
        }
    }
    let elsewhere = match (draft.kind(), draft.private_ip, instance.source) {
        (Kind::Aws, Some(own), source) => source.map(|at| at.value) != Some(own.value.into()),
        (Kind::Aws, None, _) => false,
        (Kind::Hetzner | Kind::DigitalOcean, ..) => true,
    };
    let mut unsaid = instance.peers.iter().filter(|it| !said(it.address));
    if let (true, Some(peer)) = (elsewhere, unsaid.next()) {
        let (peer, what) = (peer.address, place(draft.kind()));
        let message = format!(
            "the address is not recognized when `{peer}` has it: two masters would not notice each other"
        );
        ctx.d
            .note("unrecognized-peer", draft.address.span, message)
            .suggest(format!("`peer {peer} {what}`"));
    }
}

const fn place(kind: Kind) -> &'static str {
    match kind {
        Kind::Aws => "<its private address>",
        Kind::Hetzner | Kind::DigitalOcean => "<its server_id>",
    }
}

/// Some clouds translate the address, others leave it as it is.
fn on_the_interface(draft: &FloatingDraft, instance: &InstanceDraft, ctx: &mut Context<'_>) {
    let address = draft.address.value;
    let mut held = instance.addresses.iter().chain(&instance.excluded);
    let held = held.find(|it| it.address.address == address);
    match (draft.kind(), held) {
        (Kind::Hetzner, None) => {
            let message = format!(
                "packets to `{address}` arrive with that address: nobody answers unless the interface has it"
            );
            ctx.d
                .note("not-on-interface", draft.address.span, message)
                .suggest(format!(
                    "`virtual_ipaddress {{ {address} }}`, or on `lo` for good"
                ));
        }
        (Kind::Aws | Kind::DigitalOcean, Some(entry)) => {
            let message = format!(
                "packets to `{address}` arrive with a private address: it has no use on an interface"
            );
            ctx.d
                .note("needless-address", entry.span, message)
                .suggest("remove it here");
        }
        _ => {}
    }
}

/// Credentials and answers that travel in the clear.
fn clear_text(draft: &FloatingDraft, ctx: &mut Context<'_>) {
    let endpoints = [
        ("endpoint", &draft.endpoint),
        ("metadata_endpoint", &draft.metadata_endpoint),
    ];
    for (keyword, endpoint) in endpoints {
        let Some(At { value, span }) = endpoint else {
            continue;
        };
        if Url::parse(value).is_ok_and(|url| !url.secure && !url.is_near()) {
            let message = format!("the `{keyword}` is far away and not encrypted");
            ctx.d
                .warning("clear-endpoint", *span, message)
                .suggest("`https://…`; a private CA is named by `ca_file`");
        }
    }
}

/// Credentials that others can have.
fn secrets(draft: &FloatingDraft, ctx: &mut Context<'_>) {
    if let Some(span) = draft.imds_v1 {
        let message =
            "metadata without a token can be had through any program that fetches URLs for others";
        ctx.d
            .warning("imds-v1", span, message)
            .suggest("switch version 1 of the metadata off for the instance, and remove this line");
    }
    let Some(file) = &draft.token_file else {
        return;
    };
    let path = file.value.to_string_lossy();
    let mode = ctx.surroundings.permissions(&path);
    if mode.is_some_and(|mode| mode & 0o007 != 0) {
        let message = format!("everybody on this machine may read or change {path}");
        ctx.d
            .warning("readable-token", file.span, message)
            .suggest(format!("chmod 600 {path}, and a new token"));
    }
}
