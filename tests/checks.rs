//! Health checks, from outside: what they report of scripted servers and of a real
//! directory, compared line by line with the real HAProxy.

mod directory;
mod scenarios;

use std::net::SocketAddr;

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    needs::Need,
    script::{self, Scripted, Silence},
    syslog::Syslog,
};

use self::scenarios::{SCENARIOS, Scenario, Server};
use crate::harness::{Failure, Outcome, Test, pontoon};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    let compared = Test::new("checks::reports_are_those_of_haproxy", reports_are_compared);
    tests.push(compared.needs(Need::Program("haproxy")));
    directory::register(tests);
}

/// All scenarios in one configuration, under both balancers.
/// How often the first reports are compared if nothing but a time that ran out in one of them
/// differs: on a shared machine either program may be kept waiting.
const TRIES: u32 = 3;

fn reports_are_compared() -> Outcome {
    let mut differing = compared()?;
    for _ in 1..TRIES {
        let late = |(_, text): &(&str, String)| text.contains("timeout");
        if differing.is_empty() || !differing.iter().all(late) {
            break;
        }
        let again = compared()?;
        differing.retain(|(name, _)| again.iter().any(|(other, _)| other == name));
    }
    if differing.is_empty() {
        return Ok(());
    }
    let texts: Vec<_> = differing.into_iter().map(|(_, text)| text).collect();
    Err(Failure::from(texts.join("\n")))
}

/// The scenarios whose reports differ, by name, and both reports.
fn compared() -> Result<Vec<(&'static str, String)>, Failure> {
    let theirs = reports(Kind::Haproxy)?;
    let ours = reports(Kind::Pontoon)?;
    let pairs = SCENARIOS.iter().zip(theirs.iter().zip(&ours));
    Ok(pairs
        .filter(|(_, (theirs, ours))| theirs != ours)
        .map(|(scenario, (theirs, ours))| {
            let name = scenario.name;
            let text = format!("{name}\n  HAProxy {theirs}\n  Pontoon {ours}");
            (name, text)
        })
        .collect())
}

/// The first report of each scenario's server, and what it heard first.
fn reports(kind: Kind) -> Result<Vec<String>, Failure> {
    let log = Syslog::start()?;
    let silence = Silence::new()?;
    let nowhere = script::nowhere()?;
    let listens = free_address()?;
    let mut config = preamble(&log, listens);
    // They listen for as long as the balancer checks them.
    let mut peers = Vec::new();
    for scenario in SCENARIOS {
        let address = match scenario.server {
            Server::Scripted(does) => {
                let peer = Scripted::start(does)?;
                let address = peer.address;
                peers.push(Some(peer));
                address
            }
            unscripted => {
                peers.push(None);
                match unscripted {
                    Server::Silent => silence.address,
                    _ => nowhere,
                }
            }
        };
        config += &backend(scenario, address);
    }
    let replaced = config
        .replace("@NOWHERE@", &nowhere.port().to_string())
        .replace("@SILENT@", &silence.address.port().to_string());
    let _balancer = Balancer::start(kind, pontoon(), &replaced, listens)?;
    let report = |(scenario, peer): (&Scenario, &Option<Scripted>)| {
        let subject = format!("{}{}/s ", scenario.line, scenario.name);
        let line = log.wait_for(scenario.name, |line| line.contains(&subject))?;
        let line = normalised(&line, nowhere.port(), silence.address.port());
        Ok(format!(
            "{line}\n    and said {}",
            peer.as_ref().map_or_else(String::new, said)
        ))
    };
    SCENARIOS.iter().zip(&peers).map(report).collect()
}

/// What a server heard first, without what differs from run to run.
fn said(peer: &Scripted) -> String {
    let heard = peer.heard.try_recv().ok().flatten().unwrap_or_default();
    if heard.starts_with(b"\x16\x03") {
        return "a ClientHello".into();
    }
    let text = heard.escape_ascii().to_string();
    match text.split_once("PROXY TCP4 127.0.0.1 127.0.0.1 ") {
        Some(_) => "a PROXY header".into(),
        None => text.replace(&format!("port={};", peer.address.port()), "port=@PORT@;"),
    }
}

fn preamble(log: &Syslog, listens: SocketAddr) -> String {
    format!(
        "global\n log {} format raw local0\n external-check\n insecure-fork-wanted\n\
         defaults\n mode tcp\n log global\n option log-health-checks\n timeout connect 5s\n \
         timeout client 5s\n timeout server 5s\nfrontend unused\n bind {listens}\n",
        log.address()
    )
}

fn backend(scenario: &Scenario, address: SocketAddr) -> String {
    let lines: String = scenario
        .lines
        .iter()
        .map(|line| format!(" {line}\n"))
        .collect();
    let parameters = scenario
        .parameters
        .replace("@PORT@", &address.port().to_string());
    format!(
        "backend {}\n{lines} server s {address} check inter 1500 {parameters}\n",
        scenario.name
    )
}

/// A report without what differs from run to run: how long it took, and ports.
fn normalised(line: &str, nowhere: u16, silent: u16) -> String {
    let line = line.replace(&nowhere.to_string(), "@NOWHERE@");
    let line = line.replace(&silent.to_string(), "@SILENT@");
    let Some((before, after)) = line.split_once("check duration: ") else {
        return line;
    };
    let after = after.split_once("ms").map_or(after, |(_, after)| after);
    format!("{before}check duration: ?ms{after}")
}
