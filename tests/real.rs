//! Configurations after common public patterns, each run through the same story under the real HAProxy and ours:
//! who is reached, what checks report and what the statistics say must be the same after every step.

mod exasol;
mod kubernetes;
mod ldap;
mod member;
mod pair;
mod rabbitmq;
mod shapes;
mod speech;
mod statistics;

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use pontoon_lab::{
    balancer::{Balancer, Kind},
    needs::Need,
    statistics::{get, rows as rows_of},
    temp::TempDir,
    wait,
};

use self::shapes::{SHAPES, Shape, Step};
use crate::harness::{Failure, Outcome, Test, pontoon};

/// How many clients come to each front after every step.
const CLIENTS: usize = 6;

/// Where each file has its statistics, and the login of the one that asks for it.
const CSV: &str = "/haproxy_stats;csv";
const LOGIN: &str = "Authorization: Basic YWRtaW46c3Ryb25nUGFzc3dvckQ=\r\n";

/// Where a file puts its runtime socket, if it has one.
const SOCKET: &str = "/run/haproxy/admin.sock";

/// Columns that no story determines, beside those with `time` and `rate` in their names: how checks and sessions
/// happened to meet.
const VARYING: [&str; 8] = [
    // Bytes of those whom nobody serves count if they were faster than the goodbye.
    "bin",
    "lastchg",
    "lastsess",
    "check_duration",
    "chkfail",
    "smax",
    "conn_rate",
    // An estimate about a pool of idle connections, which HAProxy raises with each check.
    "need_conn_est",
];

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    for shape in SHAPES {
        let name = format!("real::{}", shape.name);
        let test = Test::new(name, || compare(shape)).needs(Need::Program("haproxy"));
        let needs = shape.needs.iter();
        tests.push(needs.fold(test, |test, need| test.needs(*need)));
    }
    pair::register(tests);
}

/// What is seen after one step.
#[derive(Debug, PartialEq, Eq)]
struct Sight {
    /// What each client heard, front by front.
    reached: Vec<String>,
    /// What the statistics say.
    rows: BTreeMap<String, Vec<String>>,
    /// The same, and the names of all columns, from the runtime socket.
    asked: Option<(String, BTreeMap<String, Vec<String>>)>,
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
        if theirs.asked != ours.asked {
            found.push(format!(
                "step {step}: at the socket {:?} there, {:?} here",
                theirs.asked, ours.asked
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
    let folder = TempDir::new("real")?;
    let socket = folder.path().join("admin.sock");
    let config = shape.file.replace(" 10.77.", " 127.77.");
    let config = config.replace(SOCKET, &socket.to_string_lossy());
    let has_socket = shape.file.contains(SOCKET);
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
        let reached = clients(shape, page)?;
        sights.push(Sight {
            reached,
            rows: rows(page)?,
            asked: has_socket.then(|| ask(&socket)).transpose()?,
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
        let rows = rows_of(&get(page, CSV, LOGIN).ok()?.body).ok()?;
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
fn clients(shape: &Shape, page: SocketAddr) -> Result<Vec<String>, Failure> {
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
            drop(stream);
            // The next one comes to servers that nobody uses.
            wait::until("the session to end", wait::PATIENCE, || {
                let told = Told::from(get(page, CSV, LOGIN).ok()?.body)?;
                told.rows
                    .values()
                    .all(|row| row["scur"] == "0")
                    .then_some(())
            })?;
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
    let calm = wait::until("all sessions to end", wait::PATIENCE, || {
        let told = Told::from(get(page, CSV, LOGIN).ok()?.body)?;
        told.is_calm().then_some(told)
    });
    Ok(calm?.chosen())
}

/// The columns and the rows of `show stat`.
fn ask(socket: &Path) -> Result<(String, BTreeMap<String, Vec<String>>), Failure> {
    let calm = wait::until("no check to run", wait::PATIENCE, || {
        let mut stream = UnixStream::connect(socket).ok()?;
        stream.write_all(b"show stat\n").ok()?;
        let mut csv = String::new();
        stream.read_to_string(&mut csv).ok()?;
        let told = Told::from(csv)?;
        told.is_calm().then_some(told)
    });
    let told = calm?;
    Ok((told.columns.clone(), told.chosen()))
}

/// Statistics as they were told.
struct Told {
    /// The fixed ones. HAProxy's modules for HTTP and TLS add their own behind `-`.
    columns: String,
    rows: BTreeMap<String, BTreeMap<String, String>>,
}

impl Told {
    fn from(csv: String) -> Option<Self> {
        let mut rows = rows_of(&csv).ok()?;
        rows.retain(|name, _| !name.starts_with("stats/"));
        let columns = csv.lines().next()?.trim_start_matches("# ");
        let columns = columns.split(",-,").next()?.to_owned();
        Some(Self { columns, rows })
    }

    /// No session runs, and no check, whose rows are marked.
    fn is_calm(&self) -> bool {
        let calm = |row: &BTreeMap<String, String>| {
            row["scur"] == "0" && !row["check_status"].starts_with('*')
        };
        self.rows.values().all(calm)
    }

    /// What of it the story determines.
    fn chosen(&self) -> BTreeMap<String, Vec<String>> {
        let steady = |column: &&str| {
            !column.contains("time") && !column.contains("rate") && !VARYING.contains(column)
        };
        let columns: Vec<&str> = self.columns.split(',').filter(steady).collect();
        let cells = |row: &BTreeMap<String, String>| {
            let cell = |column: &&str| format!("{column}={}", row[*column]);
            columns.iter().map(cell).collect()
        };
        let rows = self.rows.iter();
        rows.map(|(name, row)| (name.clone(), cells(row))).collect()
    }
}
