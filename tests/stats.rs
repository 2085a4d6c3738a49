//! The statistics, next to those of the real HAProxy and in a real browser.

mod browser;
mod page;
mod web;

use std::{collections::BTreeMap, net::SocketAddr};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    needs::Need,
    server::{Behaviour, Server},
    syslog::Syslog,
    wait,
};

pub(crate) use self::web::request;
use self::web::{get, rows};
use crate::harness::{Failure, Outcome, Test, pontoon};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    let against_haproxy = [
        (
            "stats::rows_are_haproxys",
            rows_are_haproxys as fn() -> Outcome,
        ),
        ("stats::the_header_is_haproxys", the_header_is_haproxys),
        (
            "stats::forms_are_answered_as_by_haproxy",
            forms_are_answered_as_by_haproxy,
        ),
        (
            "stats::requests_are_logged_as_by_haproxy",
            requests_are_logged_as_by_haproxy,
        ),
    ];
    for (name, run) in against_haproxy {
        tests.push(Test::new(name, run).needs(Need::Program("haproxy")));
    }
    page::register(tests);
}

/// A balancer with servers in many states, and its statistics.
pub(crate) struct Site {
    /// Where the statistics are.
    pub(crate) statistics: SocketAddr,
    /// Where the `listen` section listens.
    pub(crate) listens: SocketAddr,
    _balancer: Balancer,
}

/// What stands behind a site: shared by all that are compared.
pub(crate) struct Peers {
    alive: Server,
    dead: SocketAddr,
    log: Syslog,
}

impl Peers {
    pub(crate) fn start() -> Result<Self, Failure> {
        Ok(Self {
            alive: Server::start(Behaviour::Echo)?,
            dead: free_address()?,
            log: Syslog::start()?,
        })
    }
}

impl Site {
    /// Starts it and waits until all checks have had their say.
    ///
    /// A port that was free may be taken by the time it is bound: then others are tried.
    pub(crate) fn start(kind: Kind, peers: &Peers) -> Result<Self, Failure> {
        for _ in 0..3 {
            match Self::try_start(kind, peers) {
                Err(failure) if failure.mentions("in use") => {}
                result => return result,
            }
        }
        Self::try_start(kind, peers)
    }

    fn try_start(kind: Kind, peers: &Peers) -> Result<Self, Failure> {
        let (statistics, listens) = (free_address()?, free_address()?);
        let config = config(peers, statistics, listens, free_address()?);
        let balancer = Balancer::start(kind, pontoon(), &config, statistics)?;
        wait::until("the checks", wait::PATIENCE, || {
            let rows = rows(statistics).ok()?;
            let state = |row: &str, column: &str| rows.get(row)?.get(column).cloned();
            let settled = state("be/dead", "status")? == "DOWN"
                && state("be/up", "check_status")? == "L4OK"
                && state("be/spare", "check_status")? == "L4OK"
                && state("be/drain", "check_status")? == "L4OK";
            settled.then_some(())
        })?;
        Ok(Self {
            statistics,
            listens,
            _balancer: balancer,
        })
    }
}

fn config(
    peers: &Peers,
    statistics: SocketAddr,
    listens: SocketAddr,
    frontend: SocketAddr,
) -> String {
    let (alive, dead, log) = (peers.alive.address(), peers.dead, peers.log.address());
    format!(
        "global\n nbthread 1\n maxconn 500\n log {log} local0\n description a <test> & more\n\
         defaults\n mode tcp\n timeout connect 1s\n timeout client 10s\n timeout server 10s\n\
         frontend fe\n bind {frontend} name first\n maxconn 90\n rate-limit sessions 50\n\
         \x20option socket-stats\n default_backend be\n\
         backend be\n balance leastconn\n default-server check inter 100ms\n\
         \x20server up {alive} weight 10\n server dead {dead}\n server maint {alive} disabled\n\
         \x20server drain {alive} weight 7\n server nocheck {alive} no-check maxconn 5 maxqueue 7\n\
         \x20server spare {alive} backup\n server tracks {alive} no-check track be/up\n\
         \x20server tracksmaint {alive} no-check track be/maint\n\
         listen lst\n bind {listens}\n server s1 {alive}\n\
         backend none\n balance source\n\
         frontend off\n disabled\n bind {dead}\n\
         listen stats\n mode http\n log global\n option httplog\n bind {statistics}\n\
         \x20stats uri /stats\n stats auth admin:secret\n stats show-legends\n stats show-node\n\
         \x20stats show-desc\n stats admin if TRUE\n"
    )
}

fn both(peers: &Peers) -> Result<[(&'static str, Site); 2], Failure> {
    Ok([
        ("HAProxy", Site::start(Kind::Haproxy, peers)?),
        ("Pontoon", Site::start(Kind::Pontoon, peers)?),
    ])
}

/// Columns whose values differ from run to run: times, rates, ports, and what the statistics
/// themselves cause. That they are filled or empty is compared all the same.
const VARYING: [&str; 19] = [
    "lastchg",
    "downtime",
    "check_duration",
    "lastsess",
    "rate",
    "rate_max",
    "req_rate",
    "req_rate_max",
    "conn_rate",
    "conn_rate_max",
    "ctime",
    "ttime",
    "ctime_max",
    "ttime_max",
    "addr",
    "bin",
    "bout",
    "chkfail",
    // An estimate about a pool of idle connections, which HAProxy raises with each check.
    "need_conn_est",
];

fn rows_are_haproxys() -> Outcome {
    let peers = Peers::start()?;
    let [(_, theirs), (_, ours)] = both(&peers)?;
    for site in [&theirs, &ours] {
        request(
            site.statistics,
            "POST",
            "/stats",
            "s=drain&action=drain&b=be",
        )?;
    }
    let (theirs, ours) = (quiet_rows(theirs.statistics)?, quiet_rows(ours.statistics)?);
    let mut found = Vec::new();
    if !theirs.keys().eq(ours.keys()) {
        found.push(format!("rows: {:?} / {:?}", theirs.keys(), ours.keys()));
    }
    for (name, row) in &theirs {
        if let Some(our_row) = ours.get(name) {
            compare_row(name, row, our_row, &mut found);
        }
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(format!("row column: HAProxy / Pontoon\n{}", found.join("\n")).into())
    }
}

type Row = BTreeMap<String, String>;

/// The rows at a moment at which no check runs: HAProxy marks those that do, and forgets what
/// the last one said.
fn quiet_rows(statistics: SocketAddr) -> Result<BTreeMap<String, Row>, Failure> {
    let calm = wait::until("a moment without a check", wait::PATIENCE, || {
        let rows = rows(statistics).ok()?;
        let busy = |row: &Row| row.get("check_status").is_some_and(|s| s.starts_with('*'));
        (!rows.values().any(busy)).then_some(rows)
    });
    calm.map_err(Failure::from)
}

fn compare_row(name: &str, theirs: &Row, ours: &Row, found: &mut Vec<String>) {
    // The statistics proxy counts our looking at it, until its servers' checks were done.
    let busy = name.starts_with("stats/");
    for (column, their_value) in theirs {
        let our_value = ours.get(column).map(String::as_str).unwrap_or_default();
        let same_shape = their_value.is_empty() == our_value.is_empty();
        let loose = VARYING.contains(&&**column) || busy;
        if !same_shape || !loose && their_value != our_value {
            found.push(format!("{name} {column}: {their_value:?} / {our_value:?}"));
        }
    }
}

fn the_header_is_haproxys() -> Outcome {
    let peers = Peers::start()?;
    let mut headers = Vec::new();
    for (_, site) in &both(&peers)? {
        let answer = get(site.statistics, "/stats;csv")?;
        let first = answer.body.lines().next().unwrap_or_default();
        let fixed = first.split(",-,").next().unwrap_or_default();
        headers.push((answer.status, fixed.to_owned()));
    }
    assert_eq!(headers[0], headers[1]);
    assert_eq!(headers[0].1.split(',').count(), 103);
    Ok(())
}

fn forms_are_answered_as_by_haproxy() -> Outcome {
    let peers = Peers::start()?;
    let sites = both(&peers)?;
    let forms = [
        ("/stats", "s=up&action=drain&b=be"),
        ("/stats", "s=up&action=ready&b=be"),
        (
            "/stats;up;norefresh;scope=be",
            "b=be&s=up&s=dead&action=maint",
        ),
        ("/stats", "b=be&s=up&s=nobody&action=ready"),
        ("/stats", "b=be&s=nobody&action=ready"),
        ("/stats", "b=nobody&s=up&action=ready"),
        ("/stats", "b=fe&s=up&action=ready"),
        ("/stats", "b=be&s=up&action=explode"),
        ("/stats", "b=be&s=up&action=enable"),
        ("/stats", "b=be&s=up&action=disable"),
        ("/stats", "b=be&s=up&action=enable"),
        ("/stats", ""),
    ];
    for (path, form) in forms {
        let mut answers = Vec::new();
        for (_, site) in &sites {
            let answer = request(site.statistics, "POST", path, form)?;
            answers.push((answer.status, answer.header("location")));
        }
        assert_eq!(answers[0], answers[1], "{path} {form}");
    }
    Ok(())
}

/// What differs on purpose: HAProxy logs a refused password as 400 although it answers 401, and
/// counts the bytes of an answer in a form of its own rather than on the wire.
fn requests_are_logged_as_by_haproxy() -> Outcome {
    let peers = Peers::start()?;
    let mut all = Vec::new();
    for (name, site) in both(&peers)? {
        let address = site.statistics;
        get(address, "/stats;csv")?;
        get(address, "/nowhere")?;
        web::exchange(address, "GET /stats HTTP/1.1\r\nConnection: close\r\n\r\n")?;
        web::exchange(address, "GARBAGE\r\n\r\n")?;
        request(address, "POST", "/stats", "s=up&action=ready&b=be")?;
        request(address, "PUT", "/stats", "")?;
        let marker = format!("/last-{name}");
        get(address, &marker)?;
        peers
            .log
            .wait_for("the last line", |line| line.contains(&marker))?;
        let lines = peers.log.lines();
        all.push(last_lines(&lines, 7));
    }
    let [theirs, ours] =
        [0, 1].map(|i| all[i].iter().map(|line| essence(line)).collect::<Vec<_>>());
    assert_eq!(theirs, ours, "{all:#?}");
    Ok(())
}

/// The last lines of the statistics proxy: those before tell of the checks being waited for.
fn last_lines(lines: &[String], count: usize) -> Vec<String> {
    let ours = lines.iter().filter(|line| line.contains(" stats stats/"));
    let ours: Vec<String> = ours.cloned().collect();
    ours[ours.len().saturating_sub(count)..].to_vec()
}

/// A line from the proxy's name on, without durations, bytes and the port.
fn essence(line: &str) -> String {
    let from = line.find(" stats stats/").map_or("", |at| &line[at + 1..]);
    let mut words: Vec<String> = from.split(' ').map(str::to_owned).collect();
    if let Some(times) = words.get_mut(2) {
        // What was not reached is -1; how long the rest took depends on the machine.
        let shape = times
            .split('/')
            .map(|time| if time == "-1" { "-1" } else { "n" });
        *times = shape.collect::<Vec<_>>().join("/");
    }
    if words.get(3).is_some_and(|status| status == "401") {
        words[3] = "400".to_owned();
    }
    if let Some(bytes) = words.get_mut(4) {
        *bytes = "n".to_owned();
    }
    if let Some(levels) = words.get_mut(8) {
        // How many connections there are depends on how fast the one before was closed.
        *levels = levels.splitn(3, '/').skip(2).collect();
    }
    words
        .join(" ")
        .replace("HAProxy", "X")
        .replace("Pontoon", "X")
}
