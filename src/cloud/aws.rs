//! An Elastic IP: the EC2 Query API (version 2016-11-15), instance metadata, and the usual credentials.

mod answer;
mod complaint;
mod credentials;
pub(super) mod fuzzing;
mod keys;
mod metadata;
mod place;
mod preflight;
mod query;
mod signature;

use std::{net::IpAddr, time::Duration};

use hyper::Uri;
use jiff::Timestamp;
use pontoon_config::keepalived::model::{Aws, FloatingIp, PeerHost};
use pontoon_engine::floating_ip::event::{Holder, Whereabouts};

use self::{
    answer::Address,
    complaint::Complaint,
    credentials::{Credentials, Means},
    keys::Keys,
    metadata::Metadata,
    place::Place,
    query::{Caller, Service, Undone},
};
use super::{
    client::Finding,
    environment::Environment,
    http::{Call, Http, callable},
    problem::{OpenError, Problem},
};

/// Where the metadata service is, if nothing is said.
const METADATA: &str = "http://169.254.169.254";

/// One Elastic IP, seen from one node.
#[derive(Debug)]
pub(super) struct Ec2 {
    /// `0.0.0.0`: whichever `allocation_id` is.
    address: IpAddr,
    file: Aws,
    environment: Environment,
    http: Http,
    /// `endpoint`, or as the environment says.
    endpoint: Option<Uri>,
    /// Of STS, as the environment says.
    sts: Option<Uri>,
    metadata: Metadata,
    credentials: Credentials,
    found: Found,
}

/// What has been found out, until something speaks against it.
#[derive(Debug, Default)]
struct Found {
    region: Option<String>,
    place: Option<Place>,
    allocation: Option<String>,
}

impl Ec2 {
    pub(super) fn new(
        file: &FloatingIp,
        own: &Aws,
        environment: &Environment,
    ) -> Result<Self, OpenError> {
        let written = file
            .endpoint
            .as_deref()
            .map(|url| callable("endpoint", url));
        let endpoint = match written {
            Some(uri) => Some(uri?),
            None => of_environment("AWS_ENDPOINT_URL_EC2", environment)?,
        };
        let metadata = own.metadata_endpoint.as_deref();
        let metadata = metadata.or_else(|| environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT"));
        Ok(Self {
            address: file.address,
            file: own.clone(),
            environment: environment.clone(),
            http: Http::to_api(file, environment)?,
            endpoint,
            sts: of_environment("AWS_ENDPOINT_URL_STS", environment)?,
            metadata: Metadata::new(metadata.unwrap_or(METADATA), own.imds_v1)?,
            credentials: Credentials::new(environment.clone(), own.profile.clone()),
            found: Found::default(),
        })
    }

    pub(super) async fn describe(&mut self, call: &Call<'_>) -> Result<Whereabouts, Problem> {
        let address = self.address(call).await?;
        let place = self.place(call).await?;
        Ok(whereabouts(&address, &place, &self.file.peers))
    }

    pub(super) async fn associate(&mut self, call: &Call<'_>) -> Result<(), Problem> {
        self.ask_to_associate(&[], call).await?;
        Ok(())
    }

    /// What a first call needs, without one: who this node is, keys, and the way to EC2.
    pub(super) async fn prepare(&mut self, call: &Call<'_>) -> Result<Option<Duration>, Problem> {
        self.place(call).await?;
        let region = self.region(call).await?;
        let mut means = Means {
            metadata: &mut self.metadata,
            http: &self.http,
            sts: self.sts.as_ref(),
            region: &region,
        };
        let keys = self.credentials.freshen(&mut means, call).await?;
        self.http.reach(&self.endpoint(&region)?, call).await?;
        Ok(keys.fresh_for(Timestamp::now()))
    }

    pub(super) async fn preflight(&mut self, limit: Duration) -> Vec<Finding> {
        preflight::run(self, limit).await
    }

    /// `AssociateAddress`, with reassociation.
    async fn ask_to_associate(
        &mut self,
        further: &[(&str, &str)],
        call: &Call<'_>,
    ) -> Result<String, Undone> {
        let place = self.place(call).await?;
        let allocation = match self.allocation() {
            Some(allocation) => allocation,
            None => self.address(call).await?.allocation_id,
        };
        let private = place.private.map(|ip| ip.to_string());
        let mut parameters = vec![
            ("AllocationId", allocation.as_str()),
            place.parameter(),
            ("AllowReassociation", "true"),
        ];
        parameters.extend(private.as_deref().map(|ip| ("PrivateIpAddress", ip)));
        parameters.extend_from_slice(further);
        self.request("AssociateAddress", &parameters, call).await
    }

    /// The address as EC2 knows it.
    async fn address(&mut self, call: &Call<'_>) -> Result<Address, Problem> {
        let xml = self.ask_to_describe(&[], call).await?;
        let host = self.endpoint.as_ref().and_then(Uri::host).unwrap_or("EC2");
        let Some(addresses) = answer::addresses(&xml) else {
            let text = format!("the answer of {host} to ec2:DescribeAddresses is not understood");
            return Err(Problem::unanswered(text, "is endpoint right?"));
        };
        let ip = self.address;
        // Whoever names an allocation only takes the address it is.
        let wanted = |address: &Address| ip.is_unspecified() || address.public_ip.parse() == Ok(ip);
        if let Some(address) = addresses.iter().find(|address| wanted(address)) {
            self.found.allocation = Some(address.allocation_id.clone());
            return Ok(address.clone());
        }
        Err(match addresses.first() {
            Some(other) => Problem::refused(
                format!("{} is {}, not {ip}", other.allocation_id, other.public_ip),
                "correct allocation_id, or leave it out to have it looked up",
            ),
            None => Problem::refused(
                format!("the account has no Elastic IP {ip} in this region"),
                "look at floating_ip, region and whose account the credentials are of",
            ),
        })
    }

    /// `DescribeAddresses` of the one.
    async fn ask_to_describe(
        &mut self,
        further: &[(&str, &str)],
        call: &Call<'_>,
    ) -> Result<String, Undone> {
        let address = self.address.to_string();
        let allocation = self.file.allocation_id.clone();
        let mut parameters = vec![match &allocation {
            Some(allocation) => ("AllocationId.1", allocation.as_str()),
            None => ("PublicIp.1", address.as_str()),
        }];
        parameters.extend_from_slice(further);
        self.request("DescribeAddresses", &parameters, call).await
    }

    /// Calls EC2; keys that have expired in the meantime are replaced once.
    async fn request(
        &mut self,
        action: &str,
        parameters: &[(&str, &str)],
        call: &Call<'_>,
    ) -> Result<String, Undone> {
        let first = self.attempt(action, parameters, call).await;
        match &first {
            Err(Undone {
                complaint: Some(complaint),
                ..
            }) if complaint.is_expiry() => self.attempt(action, parameters, call).await,
            _ => first,
        }
    }

    async fn attempt(
        &mut self,
        action: &str,
        parameters: &[(&str, &str)],
        call: &Call<'_>,
    ) -> Result<String, Undone> {
        let region = self.region(call).await?;
        let keys = self.keys(&region, call).await?;
        let service = Service {
            http: &self.http,
            uri: &self.endpoint(&region)?,
            name: "ec2",
            region: &region,
            version: "2016-11-15",
        };
        let answer = service
            .call(action, parameters, Caller::With(&keys), call)
            .await;
        if let Err(Undone {
            complaint: Some(complaint),
            ..
        }) = &answer
        {
            if complaint.is_about_keys() {
                self.credentials.forget();
            }
            self.found.forget(complaint);
        }
        answer
    }

    async fn keys(&mut self, region: &str, call: &Call<'_>) -> Result<Keys, Problem> {
        let mut means = Means {
            metadata: &mut self.metadata,
            http: &self.http,
            sts: self.sts.as_ref(),
            region,
        };
        self.credentials.get(&mut means, call).await
    }

    fn endpoint(&self, region: &str) -> Result<Uri, Problem> {
        let usual = || query::usual_endpoint("ec2", region);
        let no_region = || Problem::refused(format!("{region:?} is no region"), "correct region");
        self.endpoint.clone().or_else(usual).ok_or_else(no_region)
    }

    /// `region`, or that of the endpoint, the environment, the profile, the instance.
    async fn region(&mut self, call: &Call<'_>) -> Result<String, Problem> {
        if let Some(region) = &self.found.region {
            return Ok(region.clone());
        }
        let region = match self.told_region()? {
            Some(region) => region,
            None => {
                self.metadata
                    .expect("meta-data/placement/region", call)
                    .await?
            }
        };
        self.found.region = Some(region.clone());
        Ok(region)
    }

    fn told_region(&self) -> Result<Option<String>, Problem> {
        let endpoint = || self.endpoint.as_ref().and_then(query::region_of);
        let variable = |name| self.environment.get(name);
        let told = (self.file.region.as_deref())
            .or_else(endpoint)
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"));
        match told {
            Some(region) => Ok(Some(region.to_owned())),
            None => self.credentials.region(),
        }
    }

    async fn place(&mut self, call: &Call<'_>) -> Result<Place, Problem> {
        if let Some(place) = &self.found.place {
            return Ok(place.clone());
        }
        let place = Place::find(&self.file, &mut self.metadata, call).await?;
        self.found.place = Some(place.clone());
        Ok(place)
    }

    fn allocation(&self) -> Option<String> {
        let told = self.file.allocation_id.as_ref();
        told.or(self.found.allocation.as_ref()).cloned()
    }
}

impl Found {
    /// What `complaint` shows to be wrong is looked up again next time.
    fn forget(&mut self, complaint: &Complaint) {
        if complaint.is_about_this_node() {
            self.place = None;
        }
        if complaint.is_about_allocation() {
            self.allocation = None;
        }
    }
}

fn of_environment(name: &'static str, environment: &Environment) -> Result<Option<Uri>, OpenError> {
    let url = environment
        .get(name)
        .or_else(|| environment.get("AWS_ENDPOINT_URL"));
    url.map(|url| callable(name, url)).transpose()
}

/// Where an address is, seen from here.
fn whereabouts(address: &Address, here: &Place, peers: &[PeerHost]) -> Whereabouts {
    if here.has(address) {
        return Whereabouts::Here;
    }
    if !address.associated() {
        return Whereabouts::Nowhere;
    }
    let private = address.private();
    Whereabouts::With(Holder {
        name: address.holder(),
        peer: (peers.iter())
            .find(|peer| private == Some(peer.private_ip))
            .map(|peer| peer.address),
    })
}

#[cfg(test)]
mod tests {
    use super::{place::Target, *};

    fn here() -> Place {
        Place {
            target: Target::Interface("eni-1".into()),
            private: "10.0.1.207".parse().ok(),
        }
    }

    fn with(interface: &str, private: &str) -> Address {
        Address {
            association_id: "eipassoc-1".into(),
            network_interface_id: interface.into(),
            private_ip_address: private.into(),
            ..Address::default()
        }
    }

    fn peer_of(whereabouts: Whereabouts) -> Option<IpAddr> {
        match whereabouts {
            Whereabouts::With(holder) => holder.peer,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn here_is_this_interface_and_this_private_address() {
        let peers = [PeerHost {
            address: "192.0.2.190".parse().unwrap(),
            private_ip: "10.0.1.190".parse().unwrap(),
        }];
        let seen = |interface, private| whereabouts(&with(interface, private), &here(), &peers);
        assert_eq!(seen("eni-1", "10.0.1.207"), Whereabouts::Here);
        assert_eq!(peer_of(seen("eni-2", "10.0.1.190")), Some(peers[0].address));
        assert_eq!(peer_of(seen("eni-3", "10.0.1.11")), None, "a stranger");
        assert_eq!(
            peer_of(seen("eni-1", "10.0.1.208")),
            None,
            "our own other address"
        );
        assert_eq!(
            peer_of(seen("eni-9", "10.0.1.207")),
            None,
            "the same in another network"
        );
        let nobody = Address::default();
        assert_eq!(whereabouts(&nobody, &here(), &peers), Whereabouts::Nowhere);
    }

    #[test]
    fn an_instance_is_enough_where_it_has_one_interface() {
        let place = Place {
            target: Target::Instance("i-1".into()),
            private: None,
        };
        let address = Address {
            instance_id: "i-1".into(),
            ..with("eni-1", "10.0.1.207")
        };
        assert_eq!(whereabouts(&address, &place, &[]), Whereabouts::Here);
        assert_eq!(place.parameter(), ("InstanceId", "i-1"));
    }
}
