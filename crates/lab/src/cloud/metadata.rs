//! The instance metadata service, version 2, and the containers' credential endpoint.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Call, Instance, Shared,
    faults::Faults,
    http::{Request, Response},
    lock,
    server::{Answer, Service},
    vault::{Issued, NoKey},
    world::World,
};

const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aws-ec2-metadata-token";
const LONGEST: u64 = 21_600;

/// Whether metadata is told without a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tokens {
    /// Never: version 2 only.
    #[default]
    Required,
    /// With or without: versions 1 and 2.
    Optional,
    /// There are none: version 1 only.
    Unknown,
    /// Nothing is told at all.
    Disabled,
}

/// Which tokens are good, for whom and until when.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) tokens: Tokens,
    given: HashMap<String, (String, Instant)>,
    count: u64,
}

impl State {
    pub(super) fn forget(&mut self) {
        self.given.clear();
    }

    fn give(&mut self, instance: &str, ttl: Duration) -> String {
        self.count += 1;
        let token = format!("AQAEAtoken{:040}==", self.count);
        let entry = (instance.to_owned(), Instant::now() + ttl);
        self.given.insert(token.clone(), entry);
        token
    }

    /// All tokens that are good.
    pub(super) fn given(&self) -> impl Iterator<Item = &String> {
        self.given.keys()
    }

    fn knows(&self, token: &str, instance: &str) -> bool {
        let good = |(owner, end): &(String, Instant)| owner == instance && *end > Instant::now();
        self.given.get(token).is_some_and(good)
    }
}

/// The metadata service.
pub(super) struct Metadata {
    shared: Arc<Shared>,
    /// The instance that everybody is; `None`: whose source address it is.
    only: Option<String>,
}

impl Metadata {
    pub(super) fn by_source(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            only: None,
        }
    }

    pub(super) fn of(shared: &Arc<Shared>, instance: &str) -> Self {
        Self {
            shared: Arc::clone(shared),
            only: Some(instance.to_owned()),
        }
    }

    fn answer(&self, request: &Request, source: IpAddr) -> Response {
        if self.shared.metadata_faults.throttled() {
            return Response::text(503, "");
        }
        if self.shared.metadata_faults.is_sick() {
            return Response::text(500, "");
        }
        let tokens = lock(&self.shared.metadata).tokens;
        let Some(instance) = self.who(source) else {
            return Response::text(404, "");
        };
        match (tokens, request.method.as_str()) {
            (Tokens::Disabled, _) | (Tokens::Unknown, "PUT") => Response::text(403, ""),
            (_, "PUT") => self.token(request, &instance),
            (_, "GET") => self.told(request, &instance, tokens),
            _ => Response::text(405, ""),
        }
    }

    fn who(&self, source: IpAddr) -> Option<String> {
        if let Some(only) = &self.only {
            return Some(only.clone());
        }
        let IpAddr::V4(source) = source else {
            return None;
        };
        let world = lock(&self.shared.world);
        world.owner(source).map(|instance| instance.id.clone())
    }

    fn token(&self, request: &Request, instance: &str) -> Response {
        if request.path != "/latest/api/token" {
            return Response::text(404, "");
        }
        // A request that came through a proxy must not get a token.
        if request.has("x-forwarded-for") {
            return Response::text(403, "");
        }
        let ttl = request.header(TTL).and_then(|ttl| ttl.parse::<u64>().ok());
        let Some(ttl) = ttl.filter(|ttl| (1..=LONGEST).contains(ttl)) else {
            return Response::text(400, "");
        };
        let lifetime = Duration::from_secs(ttl);
        let token = lock(&self.shared.metadata).give(instance, lifetime);
        Response::text(200, token).with("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", ttl.to_string())
    }

    fn told(&self, request: &Request, instance: &str, tokens: Tokens) -> Response {
        let good = match request.header(TOKEN) {
            Some(token) => {
                tokens == Tokens::Unknown || lock(&self.shared.metadata).knows(token, instance)
            }
            None => tokens != Tokens::Required,
        };
        if !good {
            return Response::text(401, "");
        }
        let Some(path) = request.path.strip_prefix("/latest/") else {
            return Response::text(404, "");
        };
        let path = path.trim_end_matches('/');
        if let Some(path) = path.strip_prefix("meta-data/iam/security-credentials") {
            return self.role(path.trim_start_matches('/'));
        }
        let world = lock(&self.shared.world);
        let found = match path {
            "dynamic/instance-identity/document" => document(&world, instance),
            _ => path
                .strip_prefix("meta-data/")
                .and_then(|path| fact(&world, instance, path)),
        };
        found.map_or_else(|| Response::text(404, ""), |text| Response::text(200, text))
    }

    fn role(&self, name: &str) -> Response {
        let mut vault = lock(&self.shared.vault);
        if name.is_empty() {
            let name = vault.instance_role_name();
            return name.map_or_else(|| Response::text(404, ""), |name| Response::text(200, name));
        }
        vault.for_instance(name).map_or_else(
            || Response::text(404, ""),
            |issued| Response::text(200, instance_key(&issued)),
        )
    }
}

impl Service for Metadata {
    fn faults(&self) -> &Faults {
        &self.shared.metadata_faults
    }

    fn handle(&self, request: &Request, source: IpAddr) -> Answer {
        let response = self.answer(request, source);
        noted(&self.shared, request, source, response)
    }
}

/// Takes a request down.
fn noted(shared: &Shared, request: &Request, source: IpAddr, response: Response) -> Answer {
    let action = format!("{} {}", request.method, request.path);
    lock(&shared.metadata_calls).push(Call {
        at: Instant::now(),
        action: action.clone(),
        dry_run: false,
        by: String::new(),
        source,
        outcome: match response.status {
            200 => "ok".to_owned(),
            status => status.to_string(),
        },
    });
    Answer { action, response }
}

/// What the tree below `meta-data/` says.
fn fact(world: &World, id: &str, path: &str) -> Option<String> {
    let interfaces = world.interfaces(id);
    let first = interfaces.first()?;
    let primary = || first.private_ips.first().map(Ipv4Addr::to_string);
    match path {
        "instance-id" => Some(id.to_owned()),
        "local-ipv4" => primary(),
        "public-ipv4" => Some(world.public_of(*first.private_ips.first()?)?.to_string()),
        "mac" => Some(mac(first)),
        "placement/region" => Some(first.region.clone()),
        "placement/availability-zone" => Some(format!("{}a", first.region)),
        "network/interfaces/macs" => {
            let macs = interfaces.iter().map(|each| mac(each) + "/");
            Some(macs.collect::<Vec<_>>().join("\n"))
        }
        _ => {
            let path = path.strip_prefix("network/interfaces/macs/")?;
            let (wanted, item) = path.split_once('/')?;
            let number = interfaces.iter().position(|each| mac(each) == wanted)?;
            of_interface(interfaces[number], number, item)
        }
    }
}

fn of_interface(interface: &Instance, number: usize, item: &str) -> Option<String> {
    match item {
        "interface-id" => Some(interface.interface.clone()),
        "device-number" => Some(number.to_string()),
        "mac" => Some(mac(interface)),
        "local-ipv4s" => {
            let addresses = interface.private_ips.iter().map(Ipv4Addr::to_string);
            Some(addresses.collect::<Vec<_>>().join("\n"))
        }
        _ => None,
    }
}

fn document(world: &World, id: &str) -> Option<String> {
    let interfaces = world.interfaces(id);
    let first = interfaces.first()?;
    let document = serde_json::json!({
        "accountId": "123456789012",
        "instanceId": id,
        "privateIp": first.private_ips.first()?.to_string(),
        "region": first.region,
        "version": "2017-09-30",
    });
    Some(document.to_string())
}

/// A hardware address of one's own, made from the interface's name (FNV-1a).
fn mac(interface: &Instance) -> String {
    let mixed = interface
        .interface
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let [_, _, _, a, b, c, d, e] = mixed.to_be_bytes();
    format!("02:{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}")
}

fn instance_key(issued: &Issued) -> String {
    let document = serde_json::json!({
        "Code": "Success",
        "LastUpdated": time(issued.issued),
        "Type": "AWS-HMAC",
        "AccessKeyId": issued.access_key,
        "SecretAccessKey": issued.secret,
        "Token": issued.session_token,
        "Expiration": time(issued.expires),
    });
    document.to_string()
}

/// To the second, as everybody at Amazon writes it.
pub(super) fn time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The containers' endpoint.
pub(super) struct Container(pub(super) Arc<Shared>);

impl Service for Container {
    fn faults(&self) -> &Faults {
        &self.0.metadata_faults
    }

    fn handle(&self, request: &Request, source: IpAddr) -> Answer {
        let shown = request.header("authorization");
        let issued = lock(&self.0.vault).for_container(&request.path, shown);
        let response = match issued {
            _ if request.method != "GET" => Response::text(405, ""),
            Ok(issued) => container_key(&issued),
            Err(NoKey::Unknown) => Response::text(404, ""),
            Err(NoKey::Forbidden) => Response::text(403, ""),
        };
        noted(&self.0, request, source, response)
    }
}

fn container_key(issued: &Issued) -> Response {
    let document = serde_json::json!({
        "RoleArn": "arn:aws:iam::123456789012:role/container",
        "AccessKeyId": issued.access_key,
        "SecretAccessKey": issued.secret,
        "Token": issued.session_token,
        "Expiration": time(issued.expires),
    });
    Response::new(200, "application/json", document.to_string())
}
