//! Whose an address is, and whose keyword a keyword.

use crate::{
    keepalived::{context::Context, instance::At, statement::Line},
    source::Span,
};

/// The providers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::keepalived) enum Kind {
    /// Amazon.
    Aws,
    /// Hetzner Cloud.
    Hetzner,
    /// `DigitalOcean`.
    DigitalOcean,
}

/// A keyword that not every provider has.
#[derive(Debug)]
pub(in crate::keepalived) struct Owned {
    /// Which.
    pub(in crate::keepalived) keyword: String,
    /// Where it stands.
    pub(in crate::keepalived) span: Span,
    /// Whose it is.
    pub(in crate::keepalived) providers: &'static [Kind],
}

impl Kind {
    /// As in the file.
    pub(in crate::keepalived) const fn word(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Hetzner => "hetzner",
            Self::DigitalOcean => "digitalocean",
        }
    }
}

const ALL: [Kind; 3] = [Kind::Aws, Kind::Hetzner, Kind::DigitalOcean];

/// The provider that the next word names.
pub(super) fn after(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<At<Kind>> {
    let word = line.required("`aws`, `hetzner` or `digitalocean`", ctx)?;
    let span = word.span;
    if let Some(value) = ALL.into_iter().find(|kind| kind.word() == word.text) {
        return Some(At { value, span });
    }
    let advice = advice(&word.text).map(str::to_owned);
    let advice = advice.or_else(|| ctx.nearest(&word.text, ALL.map(Kind::word)));
    let advice = advice.unwrap_or_else(|| "`aws`, `hetzner` or `digitalocean`".to_owned());
    let message = format!("`{}` is no provider of floating IPs", word.text);
    ctx.fault("unknown-provider", span, message).suggest(advice);
    None
}

/// What is said to other names of providers.
fn advice(name: &str) -> Option<&'static str> {
    match name.to_ascii_lowercase().as_str() {
        "aws" | "amazon" | "ec2" => Some("`provider aws`"),
        "hetzner" | "hcloud" => Some("`provider hetzner`"),
        "digitalocean" | "digital_ocean" | "do" => Some("`provider digitalocean`"),
        "gcp" | "google" | "azure" | "openstack" | "oci" | "alibaba" | "vultr" | "linode" => {
            Some("there is no such provider yet: move the address in `notify_master`")
        }
        _ => None,
    }
}
