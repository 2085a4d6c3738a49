//! Forged advertisements, more of them than anybody needs: the master goes on saying that it lives,
//! in time, and neither its memory nor its log grows.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    os::fd::OwnedFd,
    thread,
    time::{Duration, Instant},
};

use pontoon_engine::vrrp::{
    Priority, Version, Vrid,
    event::Advert,
    packet::{emit, parse},
};
use pontoon_lab::{
    needs::Need,
    netns::inside,
    problem::{Problem, Trying as _},
    sockets::hear_only,
    wait,
};
use pontoon_sys::{
    netlink::Requests,
    vrrp::{Way, open_group, receive, send},
};

use super::supervision::Scene;
use crate::{
    chaos::{dice::Dice, seeded},
    harness::{Failure, Outcome, Test, measured},
};

pub(super) fn register(tests: &mut Vec<Test>) {
    for (what, kinds) in [("nonsense", DROPPED), ("forged_adverts", ALL)] {
        let test = Test::new(
            format!("node::flood_of_{what}_disturbs_nobody"),
            move || seeded(|dice| forged(dice, kinds)),
        );
        tests.push(test.needs(Need::Root).needs(Need::Namespaces));
    }
    let test = Test::new("node::flood_of_a_forged_owner_is_survived", || {
        seeded(owner)
    });
    tests.push(test.needs(Need::Root).needs(Need::Namespaces));
}

const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18));
const NODE: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 1);
const SHARED: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 1, 100));
const ROUTER: u8 = 51;
/// The master's, and what a peer would wait for before it takes over.
const TOO_LATE: Duration = Duration::from_millis(300);
const LASTS: Duration = Duration::from_secs(2);
/// In a millisecond.
const PACKETS: u32 = 50;

/// Somebody on the bridge who may send in anybody's name.
pub(super) struct Forger {
    socket: OwnedFd,
    interface: u32,
}

impl Forger {
    pub(super) fn on(scene: &Scene) -> Result<Self, Failure> {
        let forger = inside(scene.network.bridge(), || {
            let links = Requests::open().and_then(|mut kernel| kernel.links());
            let links = links.trying("list interfaces")?;
            let bridge = links.iter().find(|link| link.name == "br0");
            let missing = || Problem::Unexpected("there is no bridge".into());
            let interface = bridge.ok_or_else(missing)?.index;
            let socket = open_group(GROUP, "br0", interface).trying("open a socket")?;
            Ok(Self { socket, interface })
        });
        Ok(forger?)
    }

    fn send(&self, from: IpAddr, payload: &[u8]) {
        let way = Way {
            from,
            to: GROUP,
            interface: Some(self.interface),
            hop_limit: 255,
        };
        // What the kernel has no room for is lost, as on any network.
        let _full = send(&self.socket, way, payload);
    }

    /// Somebody on the bridge who hears the node only: what others say could crowd it out.
    pub(super) fn listener(scene: &Scene) -> Result<Self, Failure> {
        let listener = Self::on(scene)?;
        hear_only(&listener.socket, NODE)?;
        Ok(listener)
    }

    /// When the node has spoken, until then.
    pub(super) fn listen(&self, until: Instant) -> Vec<Instant> {
        let mut times = Vec::new();
        while Instant::now() < until {
            match receive(&self.socket) {
                Ok(Some(_)) => times.push(Instant::now()),
                Ok(None) | Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
        times
    }
}

fn router(number: u8) -> Vrid {
    Vrid::new(number).expect("1 to 255")
}

fn advert(priority: u8) -> Advert {
    Advert {
        version: Version::V3,
        vrid: router(ROUTER),
        priority: Priority(priority),
        interval: Duration::from_millis(100),
        addresses: vec![SHARED],
        password: None,
    }
}

/// Kinds of packets that a node drops.
const DROPPED: u32 = 5;
/// With those that it has to answer.
const ALL: u32 = 7;

/// Something that is of no use to anybody.
fn nonsense(dice: &mut Dice, kinds: u32) -> (IpAddr, Vec<u8>) {
    let [high, low, ..] = dice.roll().to_le_bytes();
    let from = IpAddr::V4(Ipv4Addr::new(10, 0, high, low.clamp(2, 250)));
    let good = emit(&advert(dice.pick(&[0, 1, 50, 99])), from, GROUP);
    let payload = match dice.below(kinds) {
        0 => {
            let other = Advert {
                vrid: router(ROUTER + 1),
                ..advert(255)
            };
            emit(&other, from, GROUP)
        }
        1 => {
            let other = Advert {
                version: Version::V2,
                interval: Duration::from_secs(1),
                password: Some(*b"sesame\0\0"),
                ..advert(255)
            };
            emit(&other, from, GROUP)
        }
        2 => good[..dice.below(8) as usize].to_vec(),
        3 => unreadable(from, || {
            let mut bytes: Vec<u8> = (0..dice.below(80))
                .map(|_| dice.roll().to_le_bytes()[0])
                .collect();
            bytes.splice(..bytes.len().min(2), [0x31, ROUTER]);
            bytes
        }),
        4 => unreadable(from, || {
            let mut bad = emit(&advert(255), from, GROUP);
            bad[6 + dice.below(2) as usize] ^= 1 << dice.below(8);
            bad
        }),
        _ => good,
    };
    (from, payload)
}

/// The first of these that is none of a router's by chance: among so many, one has a checksum that
/// is right.
fn unreadable(from: IpAddr, mut next: impl FnMut() -> Vec<u8>) -> Vec<u8> {
    loop {
        let bytes = next();
        if parse(&bytes, from, GROUP).is_err() {
            return bytes;
        }
    }
}

fn forged(mut dice: Dice, kinds: u32) -> Outcome {
    let scene = Scene::new()?;
    let election = scene.child("keepalived")?.as_raw_nonzero().get();
    let (forger, listener) = (Forger::on(&scene)?, Forger::listener(&scene)?);
    let (lines, memory) = (scene.node.output().len(), resident(election)?);
    let end = Instant::now() + LASTS;
    let times = thread::scope(|scope| {
        let times = scope.spawn(|| listener.listen(end));
        let mut sent = 0_u32;
        while Instant::now() < end {
            for _ in 0..PACKETS {
                let (from, payload) = nonsense(&mut dice, kinds);
                forger.send(from, &payload);
                sent += 1;
            }
            thread::sleep(Duration::from_millis(1));
        }
        measured(&format!("{sent} forged packets in {LASTS:?}"));
        times.join()
    });
    let times = times.map_err(|_| Failure::from("the listener panicked"))?;
    assert!(scene.holds(), "{}", scene.said());
    let gap = times.windows(2).map(|pair| pair[1] - pair[0]).max();
    let gap = gap.ok_or("the master was silent")?;
    let grown = resident(election)?.saturating_sub(memory);
    let said = scene.node.output().len() - lines;
    measured(&format!(
        "longest silence {gap:?}, {grown} KiB more memory, {said} lines"
    ));
    assert!(gap < TOO_LATE, "{gap:?}: {}", scene.said());
    assert!(grown < 8 << 10, "{grown} KiB");
    assert!(said < 300, "{said} lines: {}", scene.said());
    Ok(())
}

/// Whoever may send in a router's name can make a master yield (there is no authentication in VRRP
/// worth the name); when that ends, there is one again.
fn owner(mut dice: Dice) -> Outcome {
    let scene = Scene::new()?;
    let forger = Forger::on(&scene)?;
    let from = IpAddr::V4(Ipv4Addr::new(10, 0, 1, 66));
    let forged = emit(&advert(255), from, GROUP);
    forger.send(from, &forged);
    scene.until_held(false)?;
    let end = Instant::now() + LASTS;
    while Instant::now() < end {
        for _ in 0..PACKETS {
            forger.send(from, &forged);
        }
        thread::sleep(Duration::from_millis(1));
    }
    assert!(!scene.holds(), "{}", scene.said());
    for _ in 0..dice.below(3) {
        forger.send(from, &emit(&advert(0), from, GROUP));
    }
    let took = scene.until_held(true)?;
    assert!(took < Duration::from_secs(2), "{took:?}");
    wait::until("the status", wait::PATIENCE, || scene.status_now().ok())?;
    Ok(())
}

/// The memory of a process, in KiB.
fn resident(pid: i32) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| Failure::from("no VmRSS"))
}
