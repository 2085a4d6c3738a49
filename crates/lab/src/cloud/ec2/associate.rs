//! `AssociateAddress`.

use std::net::Ipv4Addr;

use super::{
    super::{
        Instance,
        http::Response,
        signature::Signer,
        world::{Target, World},
        xml,
    },
    Ec2, Parameters, Refusal, agreed, missing,
};

/// Brings an address to a machine.
pub(super) fn associate(
    ec2: &Ec2,
    signer: &Signer,
    mut parameters: Parameters,
) -> Result<Response, Refusal> {
    let dry_run = parameters.take_bool("DryRun")?.unwrap_or(false);
    let order = Order::read(&mut parameters)?;
    parameters.end()?;
    Ec2::authorise(signer, "AssociateAddress", dry_run)?;
    let id = ec2.0.moving(|world| order.carry_out(world))?;
    let content = xml::text("return", "true") + &xml::text("associationId", &id);
    Ok(agreed("AssociateAddress", &content))
}

struct Order {
    allocation: String,
    instance: Option<String>,
    interface: Option<String>,
    private: Option<String>,
    reassociate: bool,
}

impl Order {
    fn read(parameters: &mut Parameters) -> Result<Self, Refusal> {
        let order = Self {
            allocation: parameters
                .take("AllocationId")
                .ok_or_else(|| missing("AllocationId"))?,
            instance: parameters.take("InstanceId"),
            interface: parameters.take("NetworkInterfaceId"),
            private: parameters.take("PrivateIpAddress"),
            reassociate: parameters.take_bool("AllowReassociation")?.unwrap_or(true),
        };
        if parameters.take("PublicIp").is_some() {
            let message =
                "You may specify public IP or allocation id, but not both in the same call";
            return Err(Refusal::bad("InvalidParameterCombination", message));
        }
        if order.instance.is_some() && order.interface.is_some() {
            let message = "You may specify a network interface or an instance, but not both";
            return Err(Refusal::bad("InvalidParameterCombination", message));
        }
        Ok(order)
    }

    fn carry_out(&self, world: &mut World) -> Result<String, Refusal> {
        let unknown = || {
            let message = format!("The allocation ID '{}' does not exist", self.allocation);
            Refusal::bad("InvalidAllocationID.NotFound", message)
        };
        let held = world.address(&self.allocation).ok_or_else(unknown)?;
        let held = held.association().map(|held| held.id.clone());
        let target = self.target(world)?;
        if let Some(held) = held.filter(|_| !self.reassociate) {
            let message = format!(
                "resource {} is already associated with associate-id {held}",
                self.allocation
            );
            return Err(Refusal::bad("Resource.AlreadyAssociated", message));
        }
        world
            .associate(&self.allocation, &target)
            .ok_or_else(unknown)
    }

    fn target(&self, world: &World) -> Result<Target, Refusal> {
        let interface = self.interface(world)?;
        Ok(Target {
            instance: interface.id.clone(),
            interface: interface.interface.clone(),
            private: self.private(interface)?,
        })
    }

    fn interface<'a>(&self, world: &'a World) -> Result<&'a Instance, Refusal> {
        if let Some(id) = &self.interface {
            let message = format!("The networkInterface ID '{id}' does not exist");
            let unknown = || Refusal::bad("InvalidNetworkInterfaceID.NotFound", message);
            return world.interface(id).ok_or_else(unknown);
        }
        let Some(id) = &self.instance else {
            let message = "Either an instance ID or a network interface ID must be specified";
            return Err(Refusal::bad("MissingParameter", message));
        };
        match world.interfaces(id)[..] {
            [one] => Ok(one),
            [] => {
                let message = format!("The instance ID '{id}' does not exist");
                Err(Refusal::bad("InvalidInstanceID.NotFound", message))
            }
            _ => {
                let message = format!(
                    "There are multiple interfaces attached to instance '{id}'. Please specify an \
                     interface ID for the operation instead."
                );
                Err(Refusal::bad("InvalidInstanceID", message))
            }
        }
    }

    fn private(&self, interface: &Instance) -> Result<Ipv4Addr, Refusal> {
        let invalid = |text: &str| {
            let message = format!("Invalid value '{text}' for PrivateIpAddress");
            Refusal::bad("InvalidParameterValue", message)
        };
        let Some(text) = &self.private else {
            let primary = interface.private_ips.first().copied();
            return primary.ok_or_else(|| invalid("none"));
        };
        let mut owned = interface.private_ips.iter().copied();
        owned
            .find(|each| each.to_string() == *text)
            .ok_or_else(|| invalid(text))
    }
}
