//! What is done with a site.

use std::time::{Duration, Instant};

use pontoon_lab::{
    probe::Outage,
    site::{ADDRESS, Name, Site},
    wait,
};

use super::Scenario;
use crate::harness::Outcome;

/// All of them.
pub(super) const ALL: [(&str, Scenario); 5] = [
    ("the_address_follows_the_proxy", follows_the_proxy),
    ("a_node_without_power_is_replaced_and_comes_back", power),
    ("a_cut_makes_two_masters_and_healing_one", cut),
    ("processes_and_files_belong_to_a_node", apart),
    ("databases_and_the_cloud_go_and_come", others),
];

const PATIENCE: Duration = Duration::from_secs(30);

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
    let outage = Outage::longest(&site.client().since(killed - Duration::from_millis(100)));
    if outage.failed == 0 || !outage.recovered {
        return Err(format!("the client saw {outage:?}").into());
    }
    // The supervisor starts it again, and the preferred node comes back.
    settled(site, Name::Master)
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
