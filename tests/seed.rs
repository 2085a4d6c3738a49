//! The how-to that Pontoon started from: its `haproxy.cfg`, byte for byte, on its own addresses.

mod address;
mod pair;

use std::{fs, net::SocketAddr, os::unix::fs::symlink, process::Command, time::Duration};

use pontoon_lab::{
    client::Client,
    needs::Need,
    netns::{Network, command, inside},
    program::Program,
    server::{Behaviour, Server},
    statistics,
    syslog::Syslog,
    temp::TempDir,
    wait,
};

use crate::harness::{Failure, Outcome, Test, pontoon};

const PROXY: &str = "10.0.1.207:8563";
const PAGE: &str = "10.0.1.207:9090";
const PIDFILE: &str = "/var/run/haproxy.pid";

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    let test = Test::new("seed::runs_as_it_stands", runs_as_it_stands);
    tests.push(
        test.needs(Need::Root)
            .needs(Need::Namespaces)
            .needs(Need::User("haproxy"))
            .needs(Need::Program("pidof")),
    );
    pair::register(tests);
    address::register(tests);
}

fn runs_as_it_stands() -> Outcome {
    let town = Town::build()?;
    let mut databases = town.start_all_databases()?;
    let syslog = inside(&town.balancer, || Syslog::on("127.0.0.1:514"))?;
    let daemon = Daemon::start(&town.balancer)?;

    pidof_finds(&daemon)?;
    rotation_is_exact(&town, &[1, 2, 3])?;
    // Until its first check has passed, one failure takes a server down.
    wait_for_passed_checks(&town)?;
    a_killed_server_goes_down_after_three_checks(&town, &syslog, &mut databases)?;
    rotation_is_exact(&town, &[1, 2])?;
    a_revived_server_comes_back_after_two_checks(&town, &syslog, &mut databases)?;
    rotation_is_exact(&town, &[1, 2, 3])?;
    sessions_are_logged_on_local2(&syslog)?;
    only_the_right_password_opens_the_statistics(&town)
}

/// One balancer, three databases and a client on one network.
struct Town {
    _network: Network,
    balancer: String,
    client: String,
    databases: Vec<String>,
}

impl Town {
    fn build() -> Result<Self, Failure> {
        let mut network = Network::new()?;
        let balancer = network.host("lb", &["10.0.1.207/24"])?;
        let client = network.host("cl", &["10.0.1.50/24"])?;
        let databases = (1..=3)
            .map(|n| network.host(&format!("db{n}"), &[&format!("10.0.1.1{n}/24")]))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            _network: network,
            balancer,
            client,
            databases,
        })
    }

    fn start_all_databases(&self) -> Result<Vec<Option<Server>>, Failure> {
        (1..=3).map(|n| self.start_database(n).map(Some)).collect()
    }

    fn start_database(&self, number: usize) -> Result<Server, Failure> {
        let address = SocketAddr::from(([10, 0, 1, 10 + u8::try_from(number).unwrap_or(0)], 8563));
        let namespace = &self.databases[number - 1];
        let answer = Behaviour::Answer(number.to_string());
        Ok(inside(namespace, move || Server::on(address, answer))?)
    }

    /// Which database answers a new session.
    fn ask(&self) -> Result<usize, Failure> {
        let answer = inside(&self.client, || {
            let mut client = Client::connect(PROXY.parse().expect("an address"))?;
            client.send(b"who?")?;
            let seen = client.receive(2, Duration::from_secs(5))?;
            client.finish()?;
            Ok(seen)
        })?;
        let text = String::from_utf8_lossy(&answer.bytes).trim().to_owned();
        text.parse()
            .map_err(|_| Failure::from(format!("no database answered: {answer:?}")))
    }
}

/// Our program under the name of the old one, as its unit file would start it.
struct Daemon {
    pid: u32,
    _folder: TempDir,
}

impl Daemon {
    fn start(namespace: &str) -> Result<Self, Failure> {
        let folder = TempDir::new("seed")?;
        let link = folder.path().join("haproxy");
        symlink(pontoon(), &link)?;
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/seed/haproxy.cfg");
        let mut starter = Program::start(command(namespace, &link).args(["-f", config]))?;
        let status = starter.wait(wait::PATIENCE)?;
        if !status.success() {
            let said = starter.output().join("\n");
            return Err(Failure::from(format!(
                "the parent ended with {status}:\n{said}"
            )));
        }
        let pid = fs::read_to_string(PIDFILE)?;
        let pid = pid
            .trim()
            .parse()
            .map_err(|_| format!("the pid file holds {pid:?}"))?;
        Ok(Self {
            pid,
            _folder: folder,
        })
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _killed = Command::new("kill")
            .args(["-KILL", &self.pid.to_string()])
            .status();
        let _removed = fs::remove_file(PIDFILE);
    }
}

fn pidof_finds(daemon: &Daemon) -> Outcome {
    let found = Command::new("pidof").arg("haproxy").output()?;
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    let wanted = daemon.pid.to_string();
    if found.split_whitespace().any(|pid| pid == wanted) {
        return Ok(());
    }
    Err(Failure::from(format!(
        "pidof haproxy finds {found:?}, not {wanted}"
    )))
}

/// Three rounds, each in the same order.
fn rotation_is_exact(town: &Town, members: &[usize]) -> Outcome {
    let asked = (0..members.len() * 3)
        .map(|_| town.ask())
        .collect::<Result<Vec<_>, _>>()?;
    let (first, rest) = asked.split_at(members.len());
    let mut sorted = first.to_vec();
    sorted.sort_unstable();
    if sorted != members || rest.chunks(members.len()).any(|round| round != first) {
        return Err(Failure::from(format!(
            "not a rotation over {members:?}: {asked:?}"
        )));
    }
    Ok(())
}

fn a_killed_server_goes_down_after_three_checks(
    town: &Town,
    syslog: &Syslog,
    databases: &mut [Option<Server>],
) -> Outcome {
    databases[2] = None;
    let line = syslog.wait_for("the third database to go down", |line| {
        line.contains(" is DOWN")
    })?;
    let wanted = "Server exasol_proxy/ip-10-0-1-13.eu-west-1.compute.internal is DOWN, \
                  reason: Layer4 connection problem, info: \"Connection refused\"";
    let rest = "2 active and 0 backup servers left. 0 sessions active, 0 requeued, \
                0 remaining in queue.";
    if !(line.contains(wanted) && line.contains(rest)) {
        return Err(Failure::from(line));
    }
    let row = third_database(town)?;
    // Three failures, then it is checked on while it is down.
    let failed: u32 = row["chkfail"].parse().unwrap_or(0);
    assert!(
        row["status"].starts_with("DOWN") && row["chkdown"] == "1" && failed >= 3,
        "{row:?}"
    );
    Ok(())
}

fn a_revived_server_comes_back_after_two_checks(
    town: &Town,
    syslog: &Syslog,
    databases: &mut [Option<Server>],
) -> Outcome {
    databases[2] = Some(town.start_database(3)?);
    let line = syslog.wait_for("the third database to come up", |line| {
        line.contains(" is UP")
    })?;
    let wanted = "Server exasol_proxy/ip-10-0-1-13.eu-west-1.compute.internal is UP, \
                  reason: Layer4 check passed, check duration:";
    assert!(line.contains(wanted), "{line}");
    assert!(
        line.contains("3 active and 0 backup servers online."),
        "{line}"
    );
    assert_eq!(third_database(town)?["status"], "UP");
    Ok(())
}

fn third_database(town: &Town) -> Result<std::collections::BTreeMap<String, String>, Failure> {
    let csv = ask_page(town, ";csv", "admin:strongPassworD")?;
    let rows = statistics::rows(&csv.body)?;
    let row = rows
        .get("exasol_proxy/ip-10-0-1-13.eu-west-1.compute.internal")
        .cloned();
    row.ok_or_else(|| Failure::from(format!("no such row: {}", csv.body)))
}

fn wait_for_passed_checks(town: &Town) -> Outcome {
    let passed = || {
        let csv = ask_page(town, ";csv", "admin:strongPassworD").ok()?;
        let rows = statistics::rows(&csv.body).ok()?;
        let checked = rows
            .values()
            .filter(|row| row["check_status"] == "L4OK")
            .count();
        (checked == 3).then_some(())
    };
    Ok(wait::until(
        "the first checks to pass",
        wait::PATIENCE,
        passed,
    )?)
}

/// Facility local2 is 18: sessions at info are `<150>`, a server going down at alert `<145>`.
fn sessions_are_logged_on_local2(syslog: &Syslog) -> Outcome {
    let is_session = |line: &str| {
        line.starts_with("<150>")
            && line.contains(" haproxy[")
            && line.contains(" exasol_proxy exasol_proxy/ip-10-0-1-11.")
            && line.contains(" -- ")
    };
    syslog.wait_for("a session's line", is_session)?;
    syslog.wait_for("an alert", |line| {
        line.starts_with("<145>") && line.contains(" is DOWN")
    })?;
    Ok(())
}

fn only_the_right_password_opens_the_statistics(town: &Town) -> Outcome {
    assert_eq!(ask_page(town, "", "admin:strongPassworD")?.status, 200);
    for wrong in ["admin:strongPassword", "admin:", "root:strongPassworD", ""] {
        let answer = ask_page(town, "", wrong)?;
        assert_eq!(answer.status, 401, "{wrong}");
        assert!(!answer.body.contains("exasol_proxy"), "{wrong}");
    }
    Ok(())
}

fn ask_page(town: &Town, suffix: &str, login: &str) -> Result<statistics::Answer, Failure> {
    let path = format!("/haproxy_stats{suffix}");
    let header = match login {
        "" => String::new(),
        login => format!("Authorization: Basic {}\r\n", base64(login.as_bytes())),
    };
    let page = PAGE.parse().expect("an address");
    Ok(inside(&town.client, || {
        statistics::get(page, &path, &header)
    })?)
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let padded = [
            group[0],
            *group.get(1).unwrap_or(&0),
            *group.get(2).unwrap_or(&0),
        ];
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for position in 0..4 {
            let index = (bits >> (18 - 6 * position)) & 63;
            let letter = if position <= group.len() {
                LETTERS[index as usize]
            } else {
                b'='
            };
            text.push(char::from(letter));
        }
    }
    text
}
