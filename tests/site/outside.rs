//! What the host sees of a site.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use pontoon_lab::{
    needs::Need,
    site::{Name, Site},
    wait,
};

use super::{NOBODY, SCENARIO, Scenario, process};
use crate::harness::{Outcome, Test};

/// Tells where the statistics are, then stays until its owner lets go.
pub(super) const STAY: (&str, Scenario) = ("stay", stay);
const PATIENCE: Duration = Duration::from_secs(30);

/// Adds this area's tests.
pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| {
        tests.push(Test::new(format!("site::{name}"), run).needs(Need::Namespaces));
    };
    add("the_statistics_are_seen_from_the_host", statistics);
    add("nothing_survives_a_kill_of_the_owner", nothing_survives);
    let refused = Test::new("site::a_refusal_names_the_switch", refusals);
    let refused = refused.needs(Need::Root).needs(Need::UserNamespaces);
    tests.push(refused.needs(Need::Program("setpriv")));
}

#[expect(clippy::print_stdout, reason = "whoever started this process reads it")]
fn stay(site: &mut Site) -> Outcome {
    let [first, second] = Name::ALL.map(|node| site.statistics(node));
    println!("{first} {second}");
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest)?;
    Ok(())
}

/// A site in another process.
struct Other {
    process: Child,
    statistics: Vec<SocketAddr>,
}

impl Other {
    fn build() -> Result<Self, crate::harness::Failure> {
        let mut command = process(STAY.0, None);
        let process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut other = Self {
            process,
            statistics: Vec::new(),
        };
        let output = other.process.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let addresses = line.split_whitespace().map(str::parse);
        let addresses = addresses.collect::<Result<_, _>>();
        other.statistics = addresses.map_err(|_| format!("it said {line}"))?;
        Ok(other)
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // One that has ended needs no signal.
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn statistics() -> Outcome {
    let other = Other::build()?;
    for address in &other.statistics {
        wait::until("the statistics page", PATIENCE, || {
            page(*address)
                .ok()
                .filter(|page| page.contains("ip-10-0-1-11"))
        })?;
    }
    Ok(())
}

fn page(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(
        b"GET /haproxy_stats HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
          Authorization: Basic YWRtaW46c3Ryb25nUGFzc3dvckQ=\r\n\r\n",
    )?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

fn nothing_survives() -> Outcome {
    let mut other = Other::build()?;
    let owner = other.process.id();
    // The owner, the nursery, two of each node's beginning, and three of its program.
    let family = wait::until("both nodes to run", PATIENCE, || {
        let family = family(owner);
        (family.len() >= 12).then_some(family)
    })?;
    other.process.kill()?;
    other.process.wait()?;
    wait::until("all of them to be gone", PATIENCE, || {
        family.iter().all(|one| !lives(one)).then_some(())
    })?;
    Ok(())
}

/// In user namespaces whose kernel settings forbid what a site needs.
fn refusals() -> Outcome {
    let no_users = "echo 0 >/proc/sys/user/max_user_namespaces && \
                    exec setpriv --inh-caps=-all --bounding-set=-all /proc/self/fd/0";
    let advice = refused(no_users)?;
    if !advice.contains("user namespaces are refused") || !advice.contains("max_user_namespaces=") {
        return Err(advice.into());
    }
    let no_networks = "echo 0 >/proc/sys/user/max_net_namespaces && exec /proc/self/fd/0";
    let advice = refused(no_networks)?;
    if !advice.contains("as many namespaces as user.max_*_namespaces allow") {
        return Err(advice.into());
    }
    Ok(())
}

/// What a site says there. This program is the standard input of the script.
fn refused(script: &str) -> Result<String, crate::harness::Failure> {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "sh", "-c", script]);
    command.env(SCENARIO, STAY.0);
    command.stdin(fs::File::open("/proc/self/exe")?);
    let output = command.uid(NOBODY).gid(NOBODY).output()?;
    if output.status.success() {
        return Err("nothing was refused".into());
    }
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A process by its number and when it began.
type Process = (u32, String);

/// A process and all that descend from it.
fn family(first: u32) -> Vec<Process> {
    let everyone: Vec<_> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, stat(pid)?)))
        .collect();
    let mut found = vec![first];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        let children = everyone.iter().filter(|(_, stat)| stat.parent == parent);
        found.extend(children.map(|(pid, _)| *pid));
        at += 1;
    }
    let began = |pid| stat(pid).map(|stat| (pid, stat.began));
    found.into_iter().filter_map(began).collect()
}

fn lives((pid, began): &Process) -> bool {
    stat(*pid).is_some_and(|stat| stat.began == *began && stat.state != "Z")
}

/// Of proc_pid_stat(5).
struct Stat {
    state: String,
    parent: u32,
    began: String,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<_> = rest.split(' ').collect();
    Some(Stat {
        state: (*fields.first()?).into(),
        parent: fields.get(1)?.parse().ok()?,
        began: (*fields.get(19)?).into(),
    })
}
