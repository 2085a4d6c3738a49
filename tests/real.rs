//! Configurations after common public patterns, each run through the same story under the real HAProxy and ours:
//! who is reached, what checks report and what the statistics say must be the same after every step.

mod exasol;
mod kubernetes;
mod ldap;
mod member;
mod rabbitmq;
mod shapes;
mod speech;

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use pontoon_lab::{
    balancer::{Balancer, Kind},
    needs::Need,
    statistics, wait,
};

use self::shapes::{SHAPES, Shape, Step};
use crate::harness::{Failure, Outcome, Test, pontoon};

/// How many clients come to each front after every step.
const CLIENTS: usize = 6;

/// Where each file has its statistics, and the login of the one that asks for it.
const CSV: &str = "/haproxy_stats;csv";
const LOGIN: &str = "Authorization: Basic YWRtaW46c3Ryb25nUGFzc3dvckQ=\r\n";

/// Columns that a story determines. The rest are dates, rates and averages, or count checks.
const COLUMNS: [&str; 16] = [
    "type",
    "mode",
    "status",
    "weight",
    "act",
    "bck",
    "check_status",
    "check_code",
    "last_chk",
    "check_desc",
    "stot",
    "lbtot",
    "econ",
    "eresp",
    "wredis",
    "algo",
];

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    for shape in SHAPES {
        let name = format!("real::{}", shape.name);
        let test = Test::new(name, || compare(shape)).needs(Need::Program("haproxy"));
        let needs = shape.needs.iter();
        tests.push(needs.fold(test, |test, need| test.needs(*need)));
    }
}

/// What is seen after one step.
#[derive(Debug, PartialEq, Eq)]
struct Sight {
    /// What each client heard, front by front.
    reached: Vec<String>,
    /// Chosen columns of the statistics.
    rows: BTreeMap<String, Vec<String>>,
}

fn compare(shape: &'static Shape) -> Outcome {
    let theirs = run(Kind::Haproxy, shape)?;
    let ours = run(Kind::Pontoon, shape)?;
    let (mut found, mut explained) = (Vec::new(), 0);
    if theirs[0].reached.contains(&"closed".to_owned()) {
        found.push("step 0: the real HAProxy reached nobody".to_owned());
    }
    for (step, (theirs, ours)) in theirs.iter().zip(&ours).enumerate() {
        if theirs.reached != ours.reached {
            found.push(format!(
                "step {step}: HAProxy reached {:?}, Pontoon {:?}",
                theirs.reached, ours.reached
            ));
        }
        if theirs.rows.keys().ne(ours.rows.keys()) {
            found.push(format!(
                "step {step}: rows {:?} there, {:?} here",
                theirs.rows.keys(),
                ours.rows.keys()
            ));
        }
        for ((name, theirs), ours) in theirs.rows.iter().zip(ours.rows.values()) {
            for (there, here) in theirs.iter().zip(ours).filter(|(a, b)| a != b) {
                if shape.explained == Some((there, here)) {
                    explained += 1;
                } else {
                    found.push(format!("step {step}, {name}: {there} there, {here} here"));
                }
            }
        }
    }
    if shape.explained.is_some() && explained == 0 {
        found.push("the difference that is explained is none".to_owned());
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(found.join("\n").into())
    }
}

/// The whole story under one program.
fn run(kind: Kind, shape: &Shape) -> Result<Vec<Sight>, Failure> {
    // The operator's network is put on loopback; nothing else is changed.
    let config = shape.file.replace(" 10.77.", " 127.77.");
    let page = address(shape.page)?;
    let mut members = (shape.members)();
    let mut balancer = None;
    let mut sights = Vec::new();
    for step in shape.steps {
        for (name, role) in step.turns {
            let member = members.iter_mut().find(|member| member.name() == *name);
            member.ok_or("no such member")?.turn(*role)?;
        }
        if balancer.is_none() {
            balancer = Some(Balancer::start(kind, pontoon(), &config, page)?);
        }
        settle(page, step)?;
        let reached = clients(shape)?;
        sights.push(Sight {
            reached,
            rows: rows(page)?,
        });
    }
    Ok(sights)
}

fn address(text: &str) -> Result<SocketAddr, Failure> {
    text.parse()
        .map_err(|_| format!("no address: {text}").into())
}

/// Waits until checks have made of the servers what the step says.
fn settle(page: SocketAddr, step: &Step) -> Outcome {
    let settled = || {
        let rows = statistics::rows(&statistics::get(page, CSV, LOGIN).ok()?.body).ok()?;
        let is = |(name, state): &(&str, &str)| {
            // The last check's finding as well: a state may be older than the step.
            rows.get(*name)
                .is_some_and(|row| format!("{} {}", row["status"], row["check_status"]) == *state)
        };
        step.states.iter().all(is).then_some(())
    };
    Ok(wait::until(
        &format!("the states {:?}", step.states),
        wait::PATIENCE,
        settled,
    )?)
}

/// What each of several clients hears, one after the other.
fn clients(shape: &Shape) -> Result<Vec<String>, Failure> {
    let mut reached = Vec::new();
    for (front, greeting) in shape.fronts {
        for _ in 0..CLIENTS {
            let mut stream = TcpStream::connect(address(front)?)?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            // Where no server is left the balancer may have closed already.
            let said = stream.write_all(greeting);
            let mut bytes = Vec::new();
            let heard = said.and_then(|()| hear(&mut stream, shape.until, &mut bytes));
            reached.push(match heard {
                Ok(()) if bytes.is_empty() => "closed".into(),
                Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Err(format!("{front} did not end its answer in time").into());
                }
                Err(_) => "closed".into(),
            });
        }
    }
    Ok(reached)
}

/// Everything until the last word, or until the end if there is none.
fn hear(stream: &mut TcpStream, until: Option<&[u8]>, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    let mut buffer = [0; 512];
    while !until.is_some_and(|last| bytes.ends_with(last)) {
        match stream.read(&mut buffer)? {
            0 => break,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
    Ok(())
}

/// The statistics without the page's own row, once all sessions have ended.
fn rows(page: SocketAddr) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let all = wait::until("all sessions to end", wait::PATIENCE, || {
        let rows = statistics::rows(&statistics::get(page, CSV, LOGIN).ok()?.body).ok()?;
        let rows: BTreeMap<_, _> = rows
            .into_iter()
            .filter(|(name, _)| !name.starts_with("stats/"))
            .collect();
        let calm = |row: &BTreeMap<String, String>| {
            row["scur"] == "0" && !row["check_status"].starts_with('*')
        };
        rows.values().all(calm).then_some(rows)
    })?;
    let chosen = |row: &BTreeMap<String, String>| {
        COLUMNS
            .iter()
            .map(|column| format!("{column}={}", row.get(*column).map_or("", |v| v)))
            .collect()
    };
    Ok(all
        .iter()
        .map(|(name, row)| (name.clone(), chosen(row)))
        .collect())
}
