//! Hetzner Cloud: a Floating IP is assigned to a server by the numbers of both.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;
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

const NAME: &str = "api.hetzner.cloud";
const BRAND: Brand = Brand {
    name: "Hetzner Cloud",
    endpoint: "https://api.hetzner.cloud",
    variables: &["HCLOUD_TOKEN"],
    number: "/hetzner/v1/metadata/instance-id",
    server: "server",
    token: "make one with Read & Write in the project of the address (Console, Security, API tokens)",
};

/// One address at Hetzner Cloud.
#[derive(Debug)]
pub(super) struct Hetzner {
    account: Account,
    /// The address's number, once it is known.
    id: Option<u64>,
}

/// The answer about one address.
#[derive(Debug, Deserialize)]
struct One {
    floating_ip: Known,
}

/// The answer about many.
#[derive(Debug, Deserialize)]
struct Many {
    floating_ips: Vec<Known>,
    meta: Meta,
}

#[derive(Debug, Deserialize)]
struct Meta {
    pagination: Pagination,
}

#[derive(Debug, Deserialize)]
struct Pagination {
    next_page: Option<u32>,
}

/// What is known about an address.
#[derive(Debug, Deserialize)]
struct Known {
    id: u64,
    /// An IPv4 address, or an IPv6 network.
    ip: String,
    server: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct Failed {
    #[serde(default)]
    error: Refusal,
}

impl Hetzner {
    pub(super) fn new(
        file: &FloatingIp,
        own: &ServerCloud,
        environment: &Environment,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            account: Account::new(&BRAND, file, own, environment)?,
            id: own.floating_ip_id,
        })
    }

    pub(super) async fn describe(&mut self, call: &Call<'_>) -> Result<Whereabouts, Problem> {
        let known = self.find(call).await?;
        self.account.whereabouts(known.server, call).await
    }

    pub(super) async fn associate(&mut self, call: &Call<'_>) -> Result<(), Problem> {
        let server = self.account.number(call).await?;
        let id = match self.id {
            Some(id) => id,
            None => self.find(call).await?.id,
        };
        let path = format!("/v1/floating_ips/{id}/actions/assign");
        let body = serde_json::json!({ "server": server });
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

    /// The address: by its number, which is looked up first if nobody has said it.
    async fn find(&mut self, call: &Call<'_>) -> Result<Known, Problem> {
        let Some(id) = self.id else {
            let known = self.look_up(call).await?;
            self.id = Some(known.id);
            return Ok(known);
        };
        let path = format!("/v1/floating_ips/{id}");
        let answer = self.account.get(&path, call).await?;
        let One { floating_ip: known } = self.agreed(answer)?.json(NAME)?;
        if !is(self.account.address, &known.ip) {
            let text = format!(
                "Floating IP {id} is {}, not {}",
                known.ip, self.account.address
            );
            return Err(Problem::refused(text, "mend or remove floating_ip_id"));
        }
        Ok(known)
    }

    async fn look_up(&self, call: &Call<'_>) -> Result<Known, Problem> {
        let mut page = Some(1);
        while let Some(number) = page {
            let path = format!("/v1/floating_ips?page={number}&per_page=50");
            let answer = self.account.get(&path, call).await?;
            let many: Many = self.agreed(answer)?.json(NAME)?;
            let mut known = many.floating_ips.into_iter();
            if let Some(found) = known.find(|each| is(self.account.address, &each.ip)) {
                return Ok(found);
            }
            page = many.meta.pagination.next_page.filter(|next| *next > number);
        }
        let text = format!(
            "this token's project has no Floating IP {}",
            self.account.address
        );
        Err(Problem::refused(text, "is the token of the right project?"))
    }

    fn agreed(&self, answer: Answer) -> Result<Answer, Problem> {
        if answer.status.is_success() {
            return Ok(answer);
        }
        let Failed { error } = answer.json(NAME).unwrap_or_default();
        if answer.status.as_u16() == 404 && !error.message.is_empty() {
            let text = format!("{} says {}", BRAND.name, error.message);
            let advice = "are floating_ip_id, server_id and the token of one project?";
            return Err(Problem::refused(text, advice));
        }
        Err(self.account.refused(&answer, &error))
    }
}

/// Whether `address` is what Hetzner calls `known`.
fn is(address: IpAddr, known: &str) -> bool {
    let network = known.parse::<IpNet>().ok();
    let one = known.parse::<IpAddr>().ok().map(IpNet::from);
    network
        .or(one)
        .is_some_and(|network| network.contains(&address))
}

/// For [`crate::fuzzing`].
pub(super) fn fuzz(answer: &Answer) -> bool {
    let address = IpAddr::from([192, 0, 2, 1]);
    let one = answer.json::<One>(NAME).map(|one| vec![one.floating_ip]);
    let many = || answer.json::<Many>(NAME).map(|many| many.floating_ips);
    let known = one.or_else(|_| many()).unwrap_or_default();
    for known in &known {
        // An address is told by itself or by its network, never by nothing.
        assert!(
            !is(address, &known.ip) || known.ip.contains(['.', ':']),
            "{known:?}"
        );
    }
    let Failed { error } = answer.json(NAME).unwrap_or_default();
    assert!(error.message.len() <= answer.body.len());
    !known.is_empty() || !error.message.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_by_itself_or_by_its_network() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(is(address("192.0.2.7"), "192.0.2.7"));
        assert!(!is(address("192.0.2.7"), "192.0.2.70"));
        assert!(is(address("2001:db8::1"), "2001:db8::/64"));
        assert!(!is(address("2001:db8:1::1"), "2001:db8::/64"));
        assert!(!is(address("192.0.2.7"), "nothing"));
    }
}
