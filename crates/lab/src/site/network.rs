//! The cables: an internet with a client, a gateway with a bridge to the subnet, and what hangs on
//! that.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    os::fd::AsFd as _,
    sync::Arc,
};

use pontoon_sys::{
    namespace::Network,
    netlink::{
        Change, Requests,
        address::NewAddress,
        device::{self, End},
        route::NewRoute,
    },
};

use super::Name;
use crate::problem::{Result, Trying};

/// The gateway in the subnet; what it routes to is the internet.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 1);
/// The gateway on the internet.
const UPSTREAM: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// The client (RFC 5737, section 3).
const CLIENT: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
/// The gateway's interface on the internet.
pub(super) const OUTSIDE: &str = "internet";
/// The gateway's bridge in the subnet.
const SUBNET: &str = "subnet";
const PREFIX: u8 = 24;

/// All cables.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) client: Network,
    pub(super) gateway: Arc<Network>,
    pub(super) databases: Network,
    /// One for each node; made anew when it is switched on.
    nodes: [Option<Arc<Network>>; 2],
    cut: bool,
}

/// An interface in a network.
struct Plug<'a> {
    network: &'a Network,
    name: &'a str,
    addresses: &'a [Ipv4Addr],
}

impl Picture {
    /// Lays all cables but those of the nodes. The gateway answers at `services`, too.
    pub(super) fn draw(services: &[Ipv4Addr], databases: &[Ipv4Addr]) -> Result<Self> {
        let new = || Network::new().trying("make a network");
        let picture = Self {
            client: new()?,
            gateway: Arc::new(new()?),
            databases: new()?,
            nodes: [None, None],
            cut: false,
        };
        picture.internet()?;
        picture.subnet(services)?;
        let port = Plug {
            network: &picture.databases,
            name: "eth0",
            addresses: databases,
        };
        picture.plug_in("databases", &port)?;
        Ok(picture)
    }

    fn internet(&self) -> Result<()> {
        let near = Plug {
            network: &self.gateway,
            name: OUTSIDE,
            addresses: &[UPSTREAM],
        };
        let far = Plug {
            network: &self.client,
            name: "eth0",
            addresses: &[CLIENT],
        };
        lay(&near, &far)?;
        near.put_up()?;
        near.forward()?;
        far.put_up()?;
        far.route_all_to(UPSTREAM)
    }

    fn subnet(&self, services: &[Ipv4Addr]) -> Result<()> {
        apply(&self.gateway, "make a bridge", |_| {
            Ok(vec![device::bridge(SUBNET, Some(mac(GATEWAY)))])
        })?;
        let bridge = Plug {
            network: &self.gateway,
            name: SUBNET,
            addresses: &[&[GATEWAY], services].concat(),
        };
        bridge.put_up()?;
        bridge.forward()
    }

    /// A cable from the bridge, whose end there is named `port`, to somewhere.
    fn plug_in(&self, port: &str, plug: &Plug<'_>) -> Result<()> {
        let near = Plug {
            network: &self.gateway,
            name: port,
            addresses: &[],
        };
        lay(&near, plug)?;
        apply(&self.gateway, "attach a port", |links| {
            Ok(vec![
                device::attach(links.index(port)?, Some(links.index(SUBNET)?)),
                device::set_up(links.index(port)?, true),
            ])
        })?;
        plug.put_up()?;
        plug.route_all_to(GATEWAY)
    }

    /// Gives a node a new network interface, as fresh as one that was just switched on.
    pub(super) fn connect(&mut self, node: Name) -> Result<Arc<Network>> {
        self.disconnect(node)?;
        let network = Arc::new(Network::new().trying("make a network")?);
        let plug = Plug {
            network: &network,
            name: "eth0",
            addresses: &[node.address()],
        };
        self.plug_in(port(node), &plug)?;
        self.nodes[node.index()] = Some(Arc::clone(&network));
        self.isolate(node, self.cut)?;
        Ok(network)
    }

    /// Takes the cable away; nothing the node says after that is heard.
    pub(super) fn disconnect(&mut self, node: Name) -> Result<()> {
        if self.nodes[node.index()].take().is_none() {
            return Ok(());
        }
        apply(&self.gateway, "take a cable away", |links| {
            Ok(vec![device::delete(links.index(port(node))?)])
        })
    }

    /// The network of a node that has a cable.
    pub(super) fn node(&self, node: Name) -> Option<&Arc<Network>> {
        self.nodes[node.index()].as_ref()
    }

    /// Cuts the nodes off from each other, or heals that. All else reaches them as before.
    pub(super) fn cut(&mut self, cut: bool) -> Result<()> {
        for node in Name::ALL {
            if self.node(node).is_some() {
                self.isolate(node, cut)?;
            }
        }
        self.cut = cut;
        Ok(())
    }

    fn isolate(&self, node: Name, isolated: bool) -> Result<()> {
        apply(&self.gateway, "isolate a port", |links| {
            Ok(vec![device::isolate(links.index(port(node))?, isolated)])
        })
    }
}

const fn port(node: Name) -> &'static str {
    match node {
        Name::Master => "node207",
        Name::Slave => "node190",
    }
}

/// A cable between two networks, down.
fn lay(near: &Plug<'_>, far: &Plug<'_>) -> Result<()> {
    let what = format!("lay a cable to {}", far.name);
    apply(near.network, &what, |_| {
        Ok(vec![device::cable(near.end(), far.end())])
    })
}

impl Plug<'_> {
    fn end(&self) -> End<'_> {
        End {
            name: self.name,
            namespace: Some(self.network.as_fd()),
            mac: self.addresses.first().map(|address| mac(*address)),
        }
    }

    /// With its addresses, and loopback beside it.
    fn put_up(&self) -> Result<()> {
        let what = format!("put {} up", self.name);
        apply(self.network, &what, |links| {
            let index = links.index(self.name)?;
            let addresses = self.addresses.iter().map(|address| {
                let prefix = if address.is_link_local() { 32 } else { PREFIX };
                NewAddress::new(index, IpAddr::V4(*address), prefix).add()
            });
            let up = [index, links.index("lo")?].map(|index| device::set_up(index, true));
            Ok(up.into_iter().chain(addresses).collect())
        })
    }

    fn forward(&self) -> Result<()> {
        apply(self.network, "forward packets", |links| {
            Ok(vec![device::forward_ipv4(links.index(self.name)?, true)])
        })
    }

    fn route_all_to(&self, gateway: Ipv4Addr) -> Result<()> {
        let everything = NewRoute {
            destination: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            prefix: 0,
            gateway: Some(IpAddr::V4(gateway)),
            interface: None,
            source: None,
            metric: None,
            table: None,
            scope: None,
        };
        apply(self.network, "route", |_| Ok(vec![everything.add()]))
    }
}

/// The same each time a machine is switched on, so that nobody asks for a neighbour that is gone.
const fn mac(address: Ipv4Addr) -> [u8; 6] {
    let [first, second, third, fourth] = address.octets();
    [2, 0, first, second, third, fourth]
}

/// The interfaces of a network, by name.
struct Links(Vec<pontoon_sys::netlink::link::Link>);

impl Links {
    fn index(&self, name: &str) -> io::Result<u32> {
        let link = self.0.iter().find(|link| link.name == name);
        let missing = || io::Error::other(format!("there is no interface {name}"));
        link.map(|link| link.index).ok_or_else(missing)
    }
}

/// Changes something in a network.
fn apply(
    network: &Network,
    what: &str,
    changes: impl FnOnce(&Links) -> io::Result<Vec<Change>> + Send,
) -> Result<()> {
    let done = network.run(|| {
        let mut requests = Requests::open()?;
        let links = Links(requests.links()?);
        let outcomes = requests.apply(&changes(&links)?);
        outcomes.into_iter().collect::<io::Result<()>>()
    });
    done.flatten().trying(what)
}
