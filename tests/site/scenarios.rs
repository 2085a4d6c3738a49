//! What is done with a site.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use pontoon_lab::{
    probe::Outage,
    site::{ADDRESS, Limit, Name, Site},
    wait,
};

use super::Scenario;
use crate::harness::Outcome;

/// All of them.
pub(super) const ALL: [(&str, Scenario); 6] = [
    ("the_address_follows_the_proxy", follows_the_proxy),
    ("a_node_without_power_is_replaced_and_comes_back", power),
    ("a_cut_makes_two_masters_and_healing_one", cut),
    ("what_is_under_way_ends_when_the_address_moves", under_way),
    ("processes_and_files_belong_to_a_node", apart),
    ("databases_and_the_cloud_go_and_come", others),
];

const PATIENCE: Duration = Duration::from_secs(30);
/// Where a node's statistics page listens.
const STATISTICS: u16 = 9090;

fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Outcome {
    Ok(wait::until(what, PATIENCE, || is_so().then_some(()))?)
}

/// Waits until a node has the address and the client is served.
fn settled(site: &Site, node: Name) -> Outcome {
    until(&format!("the address to be with {node:?}"), || {
        site.holder() == Some(node) && site.cloud().holder(ADDRESS) == Some(node.address())
    })?;
    let began = Instant::now();
    until("the client to be served", || {
        let from = Instant::now().checked_sub(Duration::from_millis(300));
        from.is_some_and(|from| from >= began && site.client().serves_since(from))
    })
}

fn follows_the_proxy(site: &mut Site) -> Outcome {
    settled(site, Name::Master)?;
    let killed = Instant::now();
    let count = site.kill_proxy(Name::Master)?;
    if count == 0 {
        return Err("there was no proxy to kill".into());
    }
    settled(site, Name::Slave)?;
    let mut attempts = site.client().since(killed - Duration::from_millis(100));
    // The last ones may be under way.
    attempts.retain(|attempt| attempt.served.is_some());
    // It may be over between two attempts.
    let outage = Outage::longest(&attempts);
    if !outage.recovered || outage.length > Duration::from_secs(2) {
        return Err(format!("the client saw {outage:?}").into());
    }
    // The supervisor starts it again, and the preferred node comes back.
    settled(site, Name::Master)
}

/// The same as somebody else than root.
pub(super) fn follows_the_proxy_of_one_user(site: &mut Site) -> Outcome {
    if !site.limits().contains(&Limit::OneUser) {
        return Err(format!("root without root? {:?}", site.limits()).into());
    }
    follows_the_proxy(site)
}

fn power(site: &mut Site) -> Outcome {
    settled(site, Name::Master)?;
    site.power_off(Name::Master)?;
    if site.is_on(Name::Master) || site.status(Name::Master).is_ok() {
        return Err("it is still on".into());
    }
    settled(site, Name::Slave)?;
    site.power_on(Name::Master)?;
    settled(site, Name::Master)
}

fn cut(site: &mut Site) -> Outcome {
    settled(site, Name::Master)?;
    site.cut_link()?;
    until("both to be masters", || {
        Name::ALL.into_iter().all(|node| is_master(site, node))
    })?;
    site.heal_link()?;
    until("one master", || {
        is_master(site, Name::Master) && !is_master(site, Name::Slave)
    })?;
    settled(site, Name::Master)
}

fn is_master(site: &Site, node: Name) -> bool {
    let status = site.status(node).unwrap_or_default();
    status.contains("\"role\":\"MASTER\"")
}

fn under_way(site: &mut Site) -> Outcome {
    settled(site, Name::Master)?;
    if site.limits().contains(&Limit::KeepsFlows) {
        return Err("this kernel does not forget connections".into());
    }
    let connect = || TcpStream::connect((ADDRESS, STATISTICS));
    let mut held = site.on_the_internet(connect)??;
    held.set_read_timeout(Some(PATIENCE))?;
    held.write_all(b"GET /haproxy_stats HTTP/1.1\r\n")?;
    site.cloud().move_to(ADDRESS, Some(Name::Slave.address()));
    // The other node knows nothing of this connection.
    held.write_all(b"Host: x\r\n\r\n")?;
    match held.read(&mut [0; 16]) {
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
        other => Err(format!("it goes on: {other:?}").into()),
    }
}

fn apart(site: &mut Site) -> Outcome {
    settled(site, Name::Master)?;
    for node in Name::ALL {
        let name = site.run(node, &["/bin/cat", "/proc/sys/kernel/hostname"])?;
        let own = node.address().to_string().replace('.', "-");
        if name.trim() != format!("ip-{own}") {
            return Err(format!("{node:?} is called {name}").into());
        }
        site.run(node, &["/bin/sh", "-c", "echo $$ >/tmp/MASTER"])?;
    }
    let [first, second] = Name::ALL.map(|node| site.file(node, "/tmp/MASTER"));
    let (first, second) = (first?, second?);
    if std::path::Path::new("/tmp/MASTER").exists() && first == second {
        return Err("they share /tmp".into());
    }
    site.power_off(Name::Slave)?;
    site.power_on(Name::Slave)?;
    match site.file(Name::Slave, "/tmp/MASTER") {
        Ok(left) => Err(format!("left from before the boot: {left}").into()),
        Err(_) => Ok(()),
    }
}

fn others(site: &mut Site) -> Outcome {
    settled(site, Name::Master)?;
    for number in 0..3 {
        site.kill_database(number);
    }
    until("nobody to be served", || {
        let late = Instant::now().checked_sub(Duration::from_millis(500));
        late.is_some_and(|late| {
            site.client()
                .since(late)
                .iter()
                .all(|one| one.served != Some(true))
        })
    })?;
    site.revive_database(1)?;
    settled_anywhere(site)?;
    site.cloud_down();
    let calls = site.cloud().calls().len();
    site.kill_proxy(Name::Master)?;
    until("the other to try", || {
        site.cloud().calls().len() > calls || is_master(site, Name::Slave)
    })?;
    site.cloud_up();
    settled_anywhere(site)
}

fn settled_anywhere(site: &Site) -> Outcome {
    let began = Instant::now();
    until("the client to be served", || {
        let from = Instant::now().checked_sub(Duration::from_millis(300));
        from.is_some_and(|from| from >= began && site.client().serves_since(from))
    })
}
