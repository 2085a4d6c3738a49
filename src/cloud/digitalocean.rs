//! DigitalOcean: a Reserved IP is assigned to a droplet by its number.

use std::{net::IpAddr, time::Duration};

use pontoon_config::keepalived::model::{FloatingIp, ServerCloud};
use pontoon_engine::floating_ip::event::Whereabouts;
use serde::Deserialize;

use super::{
    account::{self, Account, Brand, Refusal},
    client::Finding,
    environment::Environment,
    fence::Permit,
    http::{Answer, Call},
    problem::{OpenError, Problem},
};

const NAME: &str = "api.digitalocean.com";
const BRAND: Brand = Brand {
    name: "DigitalOcean",
    endpoint: "https://api.digitalocean.com",
    variables: &["DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"],
    number: "/metadata/v1/id",
    server: "droplet",
    token: "make one with the scopes reserved_ip:read, reserved_ip:update and droplet:read (API, Tokens)",
};

/// One address at DigitalOcean.
#[derive(Debug)]
pub(super) struct DigitalOcean {
    account: Account,
}

/// The answer about an address.
#[derive(Debug, Deserialize)]
struct One {
    reserved_ip: Known,
}

#[derive(Debug, Deserialize)]
struct Known {
    droplet: Option<Droplet>,
}

#[derive(Debug, Deserialize)]
struct Droplet {
    id: u64,
}

impl DigitalOcean {
    pub(super) fn new(
        file: &FloatingIp,
        own: &ServerCloud,
        environment: &Environment,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            account: Account::new(&BRAND, file, own, environment)?,
        })
    }

    pub(super) async fn describe(&mut self, call: &Call<'_>) -> Result<Whereabouts, Problem> {
        let path = self.path()?;
        let answer = self.account.get(&path, call).await?;
        let One { reserved_ip } = self.agreed(answer)?.json(NAME)?;
        let holder = reserved_ip.droplet.map(|droplet| droplet.id);
        self.account.whereabouts(holder, call).await
    }

    pub(super) async fn associate(&mut self, call: &Call<'_>) -> Result<(), Problem> {
        let path = format!("{}/actions", self.path()?);
        let droplet = self.account.number(call).await?;
        let body = serde_json::json!({ "type": "assign", "droplet_id": droplet });
        let answer = self.account.post(&path, &body, call).await?;
        self.agreed(answer).map(drop)
    }

    pub(super) async fn prepare(&mut self, call: &Call<'_>) -> Result<(), Problem> {
        self.account.prepare(call).await
    }

    pub(super) async fn preflight(&mut self, limit: Duration) -> Vec<Finding> {
        let mut findings = self.account.look(limit).await;
        let permit = Permit::by_hand();
        let seen = self.describe(&Call::within(limit, &permit)).await;
        findings.push(account::found(seen));
        findings
    }

    fn path(&self) -> Result<String, Problem> {
        match self.account.address {
            IpAddr::V4(address) => Ok(format!("/v2/reserved_ips/{address}")),
            IpAddr::V6(address) => Err(Problem::refused(
                format!("{address}: Reserved IPs of DigitalOcean are IPv4 here"),
                "use an IPv4 address in floating_ip",
            )),
        }
    }

    fn agreed(&self, answer: Answer) -> Result<Answer, Problem> {
        if answer.status.is_success() {
            return Ok(answer);
        }
        let refusal: Refusal = answer.json(NAME).unwrap_or_default();
        let text = format!("{} says {}", BRAND.name, refusal.message);
        Err(match answer.status.as_u16() {
            404 => Problem::refused(
                format!(
                    "this token's team has no Reserved IP {}",
                    self.account.address
                ),
                "is the token of the right team, and the address reserved?",
            ),
            422 if refusal.message.contains("pending") => {
                Problem::unwell(text, "something else is being done to the address")
            }
            422 => Problem::refused(text, "are server_id and the address of one datacenter?"),
            _ => self.account.refused(&answer, &refusal),
        })
    }
}

/// For [`crate::fuzzing`].
pub(super) fn fuzz(answer: &Answer) -> bool {
    let one = answer.json(NAME);
    let understood = one.is_ok();
    if let Ok(One { reserved_ip }) = one {
        let holder = reserved_ip.droplet.map(|droplet| droplet.id);
        assert!(holder.is_none_or(|id| answer.text().contains(&id.to_string())));
    }
    let refusal: Refusal = answer.json(NAME).unwrap_or_default();
    assert!(refusal.message.len() <= answer.body.len());
    understood || !refusal.message.is_empty()
}
