//! The balancer in the middle: many kinds of proxies, and the roads that lead to them.

use std::net::SocketAddr;

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    problem::Result,
};

use super::client::Route;
use crate::harness::pontoon;

/// Servers that are always there.
const STEADY: usize = 4;
/// Servers that are killed and revived; nobody ever listens on the last.
const FICKLE: usize = 4;

/// A running balancer, with the addresses around it.
pub(super) struct Scene {
    pub(super) balancer: Balancer,
    pub(super) page: SocketAddr,
    pub(super) routes: Vec<Route>,
    pub(super) steady: Vec<SocketAddr>,
    /// These want a PROXY header.
    pub(super) told: Vec<SocketAddr>,
    pub(super) fickle: Vec<SocketAddr>,
}

impl Scene {
    /// Starts the balancer with so many threads; the servers are up to others.
    pub(super) fn set(threads: u16) -> Result<Self> {
        let some = |n: usize| (0..n).map(|_| free_address()).collect::<Result<Vec<_>>>();
        let (page, steady, told, fickle) =
            (free_address()?, some(STEADY)?, some(2)?, some(FICKLE)?);
        let routes = routes(&some(7)?);
        let config = config(threads, page, &routes, &steady, &told, &fickle);
        Ok(Self {
            balancer: Balancer::start(Kind::Pontoon, pontoon(), &config, page)?,
            page,
            routes,
            steady,
            told,
            fickle,
        })
    }
}

fn routes(addresses: &[SocketAddr]) -> Vec<Route> {
    let names = [
        ("calm", false, true),
        ("queue", false, false),
        ("storm", false, false),
        ("rules", true, true),
        ("limited", false, false),
        ("plain", false, false),
        ("leaving", false, false),
    ];
    names
        .into_iter()
        .zip(addresses)
        .map(|((name, header, calm), &address)| Route {
            address,
            header,
            calm,
            name,
        })
        .collect()
}

fn config(
    threads: u16,
    page: SocketAddr,
    routes: &[Route],
    steady: &[SocketAddr],
    told: &[SocketAddr],
    fickle: &[SocketAddr],
) -> String {
    let at = |name: &str| {
        let route = routes.iter().find(|route| route.name == name);
        route.map_or_else(|| page.to_string(), |route| route.address.to_string())
    };
    let [one, two, three, four] = [0, 1, 2, 3].map(|n| steady[n]);
    let [a, b, c, nobody] = [0, 1, 2, 3].map(|n| fickle[n]);
    let (calm, queue, storm, rules) = (at("calm"), at("queue"), at("storm"), at("rules"));
    let (limited, plain, leaving) = (at("limited"), at("plain"), at("leaving"));
    let (v1, v2) = (told[0], told[1]);
    format!(
        "global\n nbthread {threads}\n hard-stop-after 4s\n maxconn 3000\n \
         log stdout len 2000 format raw local0\n\
         defaults\n mode tcp\n log global\n timeout connect 2s\n timeout client 12s\n \
         timeout server 12s\n log-format \"chaos %f %b %s %ts %U %B %sc\"\n\
         listen page\n bind {page}\n mode http\n no log\n stats enable\n stats uri /stats\n \
         stats admin if TRUE\n\
         listen calm\n bind {calm}\n server s1 {one}\n server s2 {two} weight 3\n\
         listen queue\n bind {queue}\n balance leastconn\n timeout queue 400ms\n \
         timeout server 1s\n timeout client 1s\n server s1 {one} maxconn 1\n \
         server s2 {two} maxconn 3\n server s3 {three} minconn 1 maxconn 5\n fullconn 20\n\
         listen storm\n bind {storm}\n option redispatch\n retries 2\n timeout connect 300ms\n \
         timeout server 1s\n timeout client 1s\n timeout queue 500ms\n \
         default-server inter 150ms fall 1 rise 1 maxconn 20 on-marked-down shutdown-sessions\n \
         server a {a} check\n server b {b} check\n server c {c} check observe layer4\n \
         server nobody {nobody}\n server backup {four} backup\n\
         frontend rules\n bind {rules} accept-proxy\n tcp-request inspect-delay 5s\n \
         tcp-request connection reject if {{ src 192.0.2.9 }}\n \
         tcp-request content reject if {{ req.payload(0,4) -m str EVIL }}\n \
         tcp-request content accept if {{ req.len gt 16 }}\n \
         use_backend v2 if {{ req.payload(16,1) -m bin 00 }}\n default_backend v1\n\
         backend v1\n balance source\n server s1 {v1} send-proxy\n\
         backend v2\n balance source\n hash-type consistent\n server s1 {v2} send-proxy-v2\n\
         listen limited\n bind {limited} backlog 1024\n maxconn 4\n timeout client 300ms\n timeout server 300ms\n \
         balance random\n server s1 {three}\n server s2 {four}\n\
         listen plain\n bind {plain}\n timeout client 1s\n timeout server 1s\n \
         timeout client-fin 500ms\n timeout tunnel 3s\n balance first\n \
         server s1 {three} maxconn 30\n server s2 {four} track storm/a\n\
         listen leaving\n bind {leaving} maxconn 20 backlog 1024\n timeout client 1s\n timeout server 1s\n \
         option abortonclose\n option nolinger\n timeout queue 300ms\n \
         server s1 {one} maxconn 2 maxqueue 5\n server s2 {two} maxconn 1\n"
    )
}
