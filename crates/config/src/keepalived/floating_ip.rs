//! `floating_ip`: a cloud's address that follows the master. Pontoon's own.

mod form;
mod provider;

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

use self::form::Form;
pub(super) use self::form::{Url, ipv4, is_region, number};
pub(super) use self::provider::{Kind, Owned};
use super::{
    context::Context,
    instance::{At, InstanceDraft},
    keyword::{self, Block, Keyword},
    model::HttpProxy,
    statement::Line,
    value,
};
use crate::source::Span;

/// A `floating_ip` as written.
#[derive(Debug)]
pub(super) struct FloatingDraft {
    /// The address.
    pub(super) address: At<IpAddr>,
    /// `provider`.
    pub(super) provider: Option<At<Kind>>,
    /// Keywords that not every provider has.
    pub(super) owned: Vec<Owned>,
    /// `verify_interval`.
    pub(super) verify_interval: Option<Duration>,
    /// `api_timeout`.
    pub(super) api_timeout: Option<Duration>,
    /// `endpoint`.
    pub(super) endpoint: Option<At<String>>,
    /// `proxy`.
    pub(super) proxy: Option<HttpProxy>,
    /// `ca_file`.
    pub(super) ca_file: Option<PathBuf>,
    /// `metadata_endpoint`.
    pub(super) metadata_endpoint: Option<At<String>>,
    /// `region`.
    pub(super) region: Option<String>,
    /// `allocation_id`.
    pub(super) allocation_id: Option<String>,
    /// `instance_id`.
    pub(super) instance_id: Option<String>,
    /// `network_interface`.
    pub(super) network_interface: Option<String>,
    /// `private_ip`.
    pub(super) private_ip: Option<At<Ipv4Addr>>,
    /// `profile`.
    pub(super) profile: Option<String>,
    /// `imds_v1 allow`.
    pub(super) imds_v1: Option<Span>,
    /// `server_id`.
    pub(super) server_id: Option<u64>,
    /// `floating_ip_id`.
    pub(super) floating_ip_id: Option<u64>,
    /// `token_file`.
    pub(super) token_file: Option<At<PathBuf>>,
    /// `peer`.
    pub(super) peers: Vec<PeerDraft>,
}

/// A `peer` line: what stands second depends on the provider.
#[derive(Debug)]
pub(super) struct PeerDraft {
    /// As in `unicast_peer`.
    pub(super) address: At<IpAddr>,
    /// Its private address, or its number.
    pub(super) place: Option<crate::source::Word>,
}

/// The keyword of instances.
pub(super) const KEYWORDS: &[Keyword<InstanceDraft>] = &[Keyword::list(
    "floating_ip",
    "<address> [{ … }]",
    "Pontoon's own: a cloud's address that is brought to the master.",
    |draft, line, ctx| {
        // A block that keepalived does not know leaves nothing to be as lenient about as it is.
        let found = ctx.strictly(|ctx| read(line, ctx));
        draft.floating_ips.extend(found);
    },
)];

fn read(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<FloatingDraft> {
    let body = line.body_if_any().unwrap_or_default();
    let word = line.required("the address that clients use", ctx)?;
    let value = value::address(word, ctx)?;
    let mut draft = FloatingDraft::new(At {
        value,
        span: word.span,
    });
    keyword::read(body, &mut draft, ctx);
    Some(draft)
}

const AWS: &[Kind] = &[Kind::Aws];
const BY_NUMBER: &[Kind] = &[Kind::Hetzner, Kind::DigitalOcean];
const HETZNER: &[Kind] = &[Kind::Hetzner];

impl Block for FloatingDraft {
    const NAME: &'static str = "floating_ip";
    const TABLES: &'static [&'static [Keyword<Self>]] = &[ANY, OF_AWS, OF_SERVERS];
}

const ANY: &[Keyword<FloatingDraft>] = &[
    Keyword::supported(
        "provider",
        "aws|hetzner|digitalocean",
        "Whose address it is (aws).",
        |draft, line, ctx| draft.provider = provider::after(line, ctx),
    ),
    Keyword::supported(
        "verify_interval",
        "<seconds>",
        "Between two looks of the master at where it is (10; 1 to 3600).",
        |draft, line, ctx| draft.verify_interval = seconds(line, 1000, 3600, ctx),
    ),
    Keyword::supported(
        "api_timeout",
        "<seconds>",
        "What one call of the provider may take, with everything (5; 0.1 to 60).",
        |draft, line, ctx| draft.api_timeout = seconds(line, 100, 60, ctx),
    ),
    Keyword::supported(
        "endpoint",
        "<URL>",
        "The provider's API instead of its usual place: private endpoints, tests.",
        |draft, line, ctx| draft.endpoint = form::url_after(line, ctx),
    ),
    Keyword::supported(
        "metadata_endpoint",
        "<URL>",
        "The metadata service instead of `http://169.254.169.254`.",
        |draft, line, ctx| draft.metadata_endpoint = form::url_after(line, ctx),
    ),
    Keyword::supported(
        "proxy",
        "none|<URL>",
        "The HTTP proxy on the way to the API (what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say).",
        |draft, line, ctx| draft.proxy = form::proxy_after(line, ctx),
    ),
    Keyword::supported(
        "ca_file",
        "<path>",
        "Certificates that vouch for the API, instead of those the machine trusts.",
        |draft, line, ctx| draft.ca_file = value::absolute_path_after(line, ctx),
    ),
    Keyword::list(
        "peer",
        "<address> [<private_ip>|<server_id>]",
        "A peer of `unicast_peer`, and where the address is when that one has it: its private address (AWS), its server's or Droplet's number.",
        |draft, line, ctx| draft.peers.extend(peer(line, ctx)),
    ),
];

const OF_AWS: &[Keyword<FloatingDraft>] = &[
    Keyword::supported(
        "region",
        "<region>",
        "AWS: where the address is (the instance's own).",
        |draft, line, ctx| draft.region = draft.named(AWS, Form::Region, line, ctx),
    ),
    Keyword::supported(
        "allocation_id",
        "eipalloc-…",
        "AWS: the number of the address (looked up by the address).",
        |draft, line, ctx| draft.allocation_id = draft.named(AWS, Form::Allocation, line, ctx),
    ),
    Keyword::supported(
        "instance_id",
        "i-…",
        "AWS: this instance (the metadata say).",
        |draft, line, ctx| draft.instance_id = draft.named(AWS, Form::Instance, line, ctx),
    ),
    Keyword::supported(
        "network_interface",
        "eni-…",
        "AWS: the interface the address goes to (the one that has `private_ip`).",
        |draft, line, ctx| draft.network_interface = draft.named(AWS, Form::Interface, line, ctx),
    ),
    Keyword::supported(
        "private_ip",
        "<address>",
        "AWS: the private address that it is associated with; each Elastic IP needs one of its own (`unicast_src_ip`, or the interface's first).",
        |draft, line, ctx| {
            draft.of(AWS, line);
            draft.private_ip = private_ip(line, ctx);
        },
    ),
    Keyword::supported(
        "profile",
        "<name>",
        "AWS: the profile in the shared configuration files (AWS_PROFILE, or `default`).",
        |draft, line, ctx| draft.profile = draft.named(AWS, Form::Profile, line, ctx),
    ),
    Keyword::supported(
        "imds_v1",
        "allow|refuse",
        "AWS: metadata without a token, where there is none to be had (refuse).",
        |draft, line, ctx| {
            draft.of(AWS, line);
            draft.imds_v1 = imds_v1(line, ctx);
        },
    ),
];

const OF_SERVERS: &[Keyword<FloatingDraft>] = &[
    Keyword::supported(
        "server_id",
        "<number>",
        "Hetzner, DigitalOcean: this server or Droplet (the metadata say).",
        |draft, line, ctx| {
            draft.of(BY_NUMBER, line);
            draft.server_id = form::number_after(line, ctx);
        },
    ),
    Keyword::supported(
        "floating_ip_id",
        "<number>",
        "Hetzner: the number of the address (looked up by the address).",
        |draft, line, ctx| {
            draft.of(HETZNER, line);
            draft.floating_ip_id = form::number_after(line, ctx);
        },
    ),
    Keyword::supported(
        "token_file",
        "<path>",
        "Hetzner, DigitalOcean: a file with the API token (HCLOUD_TOKEN, DIGITALOCEAN_TOKEN).",
        |draft, line, ctx| {
            draft.of(BY_NUMBER, line);
            let span = line.span();
            let path = value::absolute_path_after(line, ctx);
            draft.token_file = path.map(|value| At { value, span });
        },
    ),
];

impl FloatingDraft {
    /// Nothing is said yet.
    const fn new(address: At<IpAddr>) -> Self {
        Self {
            address,
            provider: None,
            owned: Vec::new(),
            verify_interval: None,
            api_timeout: None,
            endpoint: None,
            proxy: None,
            ca_file: None,
            metadata_endpoint: None,
            region: None,
            allocation_id: None,
            instance_id: None,
            network_interface: None,
            private_ip: None,
            profile: None,
            imds_v1: None,
            server_id: None,
            floating_ip_id: None,
            token_file: None,
            peers: Vec::new(),
        }
    }

    /// Whose it is.
    pub(super) fn kind(&self) -> Kind {
        self.provider.map_or(Kind::Aws, |at| at.value)
    }

    /// Notes whose keyword this is: the provider may be named below it.
    fn of(&mut self, providers: &'static [Kind], line: &Line<'_>) {
        self.owned.push(Owned {
            keyword: line.keyword(),
            span: line.span(),
            providers,
        });
    }

    fn named(
        &mut self,
        providers: &'static [Kind],
        form: Form,
        line: &mut Line<'_>,
        ctx: &mut Context<'_>,
    ) -> Option<String> {
        self.of(providers, line);
        form.after(line, ctx)
    }
}

fn seconds(
    line: &mut Line<'_>,
    least_millis: u64,
    most: u64,
    ctx: &mut Context<'_>,
) -> Option<Duration> {
    let word = line.required("a number of seconds", ctx)?;
    let least = Duration::from_millis(least_millis);
    value::seconds(word, least, Duration::from_secs(most), ctx)
}

fn private_ip(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<At<Ipv4Addr>> {
    let word = line.required("an IPv4 address", ctx)?;
    let value = form::ipv4(word, ctx)?;
    let span = word.span;
    Some(At { value, span })
}

fn imds_v1(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<Span> {
    let word = line.required("`allow` or `refuse`", ctx)?;
    match word.text.as_str() {
        "allow" => return Some(word.span),
        "refuse" => {}
        other => {
            let message = format!("`{other}` is neither `allow` nor `refuse`");
            ctx.fault("bad-switch", word.span, message)
                .suggest("`refuse`, unless the instance's metadata have no version 2");
        }
    }
    None
}

fn peer(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<PeerDraft> {
    let word = line.required("the address of a peer", ctx)?;
    let place = line.args.next().cloned();
    let value = value::address(word, ctx)?;
    let span = word.span;
    let address = At { value, span };
    Some(PeerDraft { address, place })
}
