//! `DescribeAddresses`.

use super::{
    super::{
        http::Response,
        lock,
        signature::Signer,
        world::{Address, Association},
        xml,
    },
    Ec2, Parameters, Refusal, agreed,
};

/// Lists addresses, as they were as long ago as the faults say.
pub(super) fn describe(
    ec2: &Ec2,
    signer: &Signer,
    mut parameters: Parameters,
) -> Result<Response, Refusal> {
    let dry_run = parameters.take_bool("DryRun")?.unwrap_or(false);
    let wanted = Wanted {
        public: parameters.take_list("PublicIp"),
        allocations: parameters.take_list("AllocationId"),
        filters: filters(&mut parameters)?,
    };
    parameters.end()?;
    Ec2::authorise(signer, "DescribeAddresses", dry_run)?;
    let lag = ec2.0.api_faults.lag();
    let world = lock(&ec2.0.world);
    let all: Vec<_> = world
        .addresses()
        .iter()
        .map(|address| (address, address.seen(lag)))
        .collect();
    wanted.all_exist(&all)?;
    let items: String = all
        .iter()
        .filter(|(address, held)| wanted.includes(address, *held))
        .map(|(address, held)| xml::element("item", &item(address, *held)))
        .collect();
    Ok(agreed(
        "DescribeAddresses",
        &xml::element("addressesSet", &items),
    ))
}

type Seen<'a> = (&'a Address, Option<&'a Association>);

struct Wanted {
    public: Vec<String>,
    allocations: Vec<String>,
    filters: Vec<(String, Vec<String>)>,
}

impl Wanted {
    /// What is asked for by name must be there; what is filtered for need not.
    fn all_exist(&self, all: &[Seen<'_>]) -> Result<(), Refusal> {
        for public in &self.public {
            if !all
                .iter()
                .any(|(each, _)| each.public.to_string() == *public)
            {
                let message = format!("Address '{public}' not found.");
                return Err(Refusal::bad("InvalidAddress.NotFound", message));
            }
        }
        for id in &self.allocations {
            if !all.iter().any(|(each, _)| each.allocation == *id) {
                let message = format!("The allocation ID '{id}' does not exist");
                return Err(Refusal::bad("InvalidAllocationID.NotFound", message));
            }
        }
        Ok(())
    }

    fn includes(&self, address: &Address, held: Option<&Association>) -> bool {
        let named = self.public.is_empty() && self.allocations.is_empty()
            || self.public.contains(&address.public.to_string())
            || self.allocations.contains(&address.allocation);
        let passes = |(name, values): &(String, Vec<String>)| {
            property(name, address, held).is_some_and(|value| values.contains(&value))
        };
        named && self.filters.iter().all(passes)
    }
}

fn filters(parameters: &mut Parameters) -> Result<Vec<(String, Vec<String>)>, Refusal> {
    const KNOWN: [&str; 7] = [
        "allocation-id",
        "association-id",
        "domain",
        "instance-id",
        "network-interface-id",
        "private-ip-address",
        "public-ip",
    ];
    let mut filters = Vec::new();
    for number in 1.. {
        let Some(name) = parameters.take(&format!("Filter.{number}.Name")) else {
            break;
        };
        if !KNOWN.contains(&name.as_str()) {
            let message = format!("The filter '{name}' is invalid");
            return Err(Refusal::bad("InvalidParameterValue", message));
        }
        let values = parameters.take_list(&format!("Filter.{number}.Value"));
        filters.push((name, values));
    }
    Ok(filters)
}

fn property(name: &str, address: &Address, held: Option<&Association>) -> Option<String> {
    match name {
        "allocation-id" => Some(address.allocation.clone()),
        "public-ip" => Some(address.public.to_string()),
        "domain" => Some("vpc".to_owned()),
        "association-id" => held.map(|held| held.id.clone()),
        "instance-id" => held.map(|held| held.instance.clone()),
        "network-interface-id" => held.map(|held| held.interface.clone()),
        "private-ip-address" => held.map(|held| held.private.to_string()),
        _ => None,
    }
}

fn item(address: &Address, held: Option<&Association>) -> String {
    let mut item = xml::text("publicIp", &address.public.to_string());
    item += &xml::text("allocationId", &address.allocation);
    item += &xml::text("domain", "vpc");
    if let Some(held) = held {
        item += &xml::text("instanceId", &held.instance);
        item += &xml::text("associationId", &held.id);
        item += &xml::text("networkInterfaceId", &held.interface);
        item += &xml::text("networkInterfaceOwnerId", "123456789012");
        item += &xml::text("privateIpAddress", &held.private.to_string());
    }
    item += &xml::text("publicIpv4Pool", "amazon");
    item + &xml::text("networkBorderGroup", "eu-west-1")
}
