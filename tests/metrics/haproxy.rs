//! The exporter beside HAProxy's own, on the same file.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    client::Client,
    needs::Need,
    server::{Behaviour, Server},
    wait,
};

use super::scrape::{Scrape, get, scrape};
use crate::harness::{Failure, Outcome, Test, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    type Scenario = (&'static str, fn() -> Outcome);
    let scenarios: [Scenario; 3] = [
        (
            "metrics::names_labels_and_types_are_haproxys",
            names_labels_and_types_are_haproxys,
        ),
        ("metrics::values_are_haproxys", values_are_haproxys),
        ("metrics::questions_are_haproxys", questions_are_haproxys),
    ];
    for (name, run) in scenarios {
        tests.push(Test::new(name, run).needs(Need::Program("haproxy")));
    }
}

/// A balancer with proxies of all kinds and servers in many states.
struct Site {
    metrics: SocketAddr,
    client: SocketAddr,
    _balancer: Balancer,
}

fn config(alive: SocketAddr, dead: SocketAddr, metrics: SocketAddr, client: SocketAddr) -> String {
    format!(
        "global\n nbthread 1\n maxconn 500\n\
         defaults\n mode tcp\n timeout connect 1s\n timeout client 10s\n timeout server 10s\n\
         frontend fe\n bind {client} name first\n maxconn 90\n rate-limit sessions 50\n\
         \x20option socket-stats\n default_backend be\n\
         backend be\n balance leastconn\n default-server inter 100ms\n\
         \x20server up {alive} check weight 10\n server dead {dead} check\n\
         \x20server maint {alive} check disabled\n server nocheck {alive} maxconn 5 maxqueue 7\n\
         \x20server spare {alive} check backup\n server slow {alive} check slowstart 1m\n\
         \x20server tracks {alive} track up\n server tracksmaint {alive} track maint\n\
         backend none\n\
         frontend off\n disabled\n bind {dead}\n\
         listen metrics\n mode http\n bind {metrics}\n stats enable\n\
         \x20acl scraped path_beg /metrics\n\
         \x20http-request use-service prometheus-exporter if scraped\n"
    )
}

impl Site {
    fn start(kind: Kind, alive: SocketAddr, dead: SocketAddr) -> Result<Self, Failure> {
        let (metrics, client) = (free_address()?, free_address()?);
        let config = config(alive, dead, metrics, client);
        let balancer = Balancer::start(kind, pontoon(), &config, metrics)?;
        wait::until("the checks", wait::PATIENCE, || {
            let scrape = scrape(metrics, "/metrics?scope=server").ok()?;
            let is = |server: &str, state: &str| {
                let name = format!(
                    "haproxy_server_check_status{{proxy=\"be\",server=\"{server}\",state=\"{state}\"}}"
                );
                scrape.value(&name).is_ok_and(|value| value == "1")
            };
            let settled = is("up", "L4OK")
                && is("dead", "L4CON")
                && is("spare", "L4OK")
                && is("slow", "L4OK");
            settled.then_some(())
        })?;
        Ok(Self {
            metrics,
            client,
            _balancer: balancer,
        })
    }

    fn scrape(&self) -> Result<Scrape, Failure> {
        scrape(self.metrics, "/metrics")
    }
}

fn both(test: impl Fn(&Site, &Site) -> Outcome) -> Outcome {
    let alive = Server::start(Behaviour::Echo)?;
    let dead = free_address()?;
    let theirs = Site::start(Kind::Haproxy, alive.address(), dead)?;
    let ours = Site::start(Kind::Pontoon, alive.address(), dead)?;
    test(&theirs, &ours)
}

fn names_labels_and_types_are_haproxys() -> Outcome {
    both(|theirs, ours| {
        let (theirs, ours) = (theirs.scrape()?, ours.scrape()?);
        let ours_types: BTreeMap<_, _> = ours
            .types
            .iter()
            .filter(|(name, _)| name.starts_with("haproxy_"))
            .collect();
        let different: Vec<_> = theirs
            .types
            .iter()
            .filter(|(name, kind)| ours_types.get(name) != Some(kind))
            .collect();
        if !different.is_empty() || ours_types.len() != theirs.types.len() {
            return Err(format!("families differ: {different:?}").into());
        }
        // The version is a label there.
        let is_version = |name: &&&str| !name.starts_with("haproxy_process_build_info");
        let (theirs, ours) = (theirs.series(), ours.series());
        let only = |some: &BTreeSet<&str>, others: &BTreeSet<&str>| {
            let only = some.difference(others).filter(is_version);
            only.map(|name| (*name).to_owned()).collect::<Vec<_>>()
        };
        let (missing, surplus) = (only(&theirs, &ours), only(&ours, &theirs));
        if missing.is_empty() && surplus.is_empty() {
            Ok(())
        } else {
            Err(format!("missing: {missing:#?}\nsurplus: {surplus:#?}").into())
        }
    })
}

/// Samples that tell of times, rates, the process's own making, or of the scrape itself.
fn varies(sample: &str) -> bool {
    const WORDS: [&str; 9] = [
        "haproxy_process_",
        "_rate",
        "_seconds",
        "proxy=\"metrics\"",
        "_check_failures_total",
        // An estimate about a pool of idle connections, which HAProxy raises with each check.
        "need_connections_current",
        "current_throttle",
        "current_sessions",
        "max_sessions",
    ];
    WORDS.iter().any(|word| sample.contains(word)) || slow_weight(sample)
}

/// The weight in effect grows while a server starts slowly.
fn slow_weight(sample: &str) -> bool {
    sample.contains("_weight{") && (sample.contains("slow") || sample.contains("backend"))
}

fn values_are_haproxys() -> Outcome {
    both(|theirs, ours| {
        for site in [theirs, ours] {
            let mut client = Client::connect(site.client)?;
            client.send(b"some bytes")?;
            client.receive(10, wait::PATIENCE)?;
            client.finish()?;
            client.receive_all(wait::PATIENCE)?;
            wait::until("the session to be counted", wait::PATIENCE, || {
                let scrape = site.scrape().ok()?;
                let bytes = scrape
                    .value("haproxy_backend_bytes_out_total{proxy=\"be\"}")
                    .ok()?;
                (bytes == "10").then_some(())
            })?;
        }
        let (theirs, ours) = (theirs.scrape()?, ours.scrape()?);
        let different: Vec<String> = theirs
            .samples
            .iter()
            .filter(|(name, _)| !varies(name))
            .filter_map(|(name, value)| {
                let our = ours.samples.get(name)?;
                (our != value).then(|| format!("{name}: {value} / {our}"))
            })
            .collect();
        if different.is_empty() {
            Ok(())
        } else {
            Err(format!("HAProxy / Pontoon\n{}", different.join("\n")).into())
        }
    })
}

fn questions_are_haproxys() -> Outcome {
    both(|theirs, ours| {
        for query in [
            "scope=global",
            "scope=server&scope=backend",
            "scope=frontend&no-maint",
            "scope=server&no-maint",
            "scope=listener&x=y",
            "scope=%73erver",
            "scope=*&scope=",
            "scope=sticktable",
            "scope=server&scope=sticktable",
            "scope=bogus",
            "scope",
        ] {
            let path = format!("/metrics?{query}");
            let [theirs, ours] = [theirs, ours].map(|site| get(site.metrics, &path));
            let ((status, theirs), (our_status, ours)) = (theirs?, ours?);
            let names = |text: &str| -> Vec<String> {
                let lines = text.lines().filter(|line| line.starts_with("haproxy_"));
                let lines = lines.filter(|line| !line.contains("build_info"));
                let mut names: Vec<_> = lines
                    .filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned()))
                    .collect();
                names.sort();
                names
            };
            let same = status == our_status && (status != 200 || names(&theirs) == names(&ours));
            if !same {
                return Err(format!("{query}: {status}\n{theirs}\n{our_status}\n{ours}").into());
            }
        }
        Ok(())
    })
}
