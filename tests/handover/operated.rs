//! What was set while the process ran goes on in the next one, unless the file says something new.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, thread};

use pontoon::node::runtime;
use pontoon_lab::{
    balancer::free_address,
    client::Client,
    server::{Behaviour, Server},
    statistics, wait,
};
use pontoon_sys::process::Signal;

use super::{ANSWER, Case, Chain};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    let all: [Case; 6] = [
        ("everything_that_was_set_stays", all_stays),
        ("the_file_counts_where_it_says_something_new", file_counts),
        ("a_signal_takes_back_what_a_signal_did", by_signal),
        ("an_address_that_must_be_let_go_opens_again", bound_anew),
        ("cleared_counters_stay_cleared", cleared),
        ("edited_lists_are_those_of_the_file_again", lists),
    ];
    for (name, run) in all {
        tests.push(Test::new(format!("handover::operated_{name}"), run));
    }
}

/// What the process answers at its own door.
fn ask(chain: &Chain, command: &str) -> Result<String, Failure> {
    Ok(runtime::ask(chain.current.pid(), command)?)
}

/// Tells it something that has no answer.
fn tell(chain: &Chain, commands: &[&str]) -> Outcome {
    for command in commands {
        let answer = ask(chain, command)?;
        // A change of an address is told.
        if !answer.trim().is_empty() && !answer.contains("changed") {
            return Err(Failure::from(format!("{command}: {answer}")));
        }
    }
    Ok(())
}

type Row = BTreeMap<String, String>;

/// What depends on the moment.
const MOMENTARY: [&str; 14] = [
    "lastchg",
    "downtime",
    "lastsess",
    "check_duration",
    "agent_duration",
    "rate",
    "rate_max",
    "req_rate",
    "conn_rate",
    "qtime",
    "ctime",
    "rtime",
    "ttime",
    "srv_time_since_last_change",
];

/// All rows of the statistics, but for the page's.
fn rows(chain: &Chain) -> Result<BTreeMap<String, Row>, Failure> {
    let mut rows = statistics::rows(&ask(chain, "show stat")?)?;
    rows.retain(|name, _| !name.starts_with("page/"));
    for row in rows.values_mut() {
        row.retain(|column, _| !MOMENTARY.contains(&&**column));
    }
    Ok(rows)
}

/// `show servers state`: by server and column.
fn states(chain: &Chain) -> Result<BTreeMap<String, Row>, Failure> {
    let text = ask(chain, "show servers state")?;
    let mut lines = text.lines().skip(1).filter(|line| !line.is_empty());
    let header = lines.next().and_then(|line| line.strip_prefix("# "));
    let columns: Vec<_> = header.ok_or("no header")?.split(' ').collect();
    let row = |line: &str| {
        let values = columns.iter().zip(line.split(' '));
        let row: Row = values.map(|(c, v)| ((*c).into(), v.into())).collect();
        (format!("{}/{}", row["be_name"], row["srv_name"]), row)
    };
    let mut states: BTreeMap<_, _> = lines.map(row).collect();
    for row in states.values_mut() {
        row.retain(|column, _| !MOMENTARY.contains(&&**column));
    }
    Ok(states)
}

fn limits(chain: &Chain) -> Result<Vec<String>, Failure> {
    let info = ask(chain, "show info")?;
    let wanted = [
        "Maxconn:",
        "Hard_maxconn:",
        "ConnRateLimit:",
        "SessRateLimit:",
    ];
    let lines = info.lines().map(str::to_owned);
    Ok(lines
        .filter(|line| wanted.iter().any(|it| line.starts_with(it)))
        .collect())
}

/// The differences between two tables, for people.
fn differences(before: &BTreeMap<String, Row>, after: &BTreeMap<String, Row>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, row) in before {
        for (column, value) in row {
            let now = after.get(name).and_then(|row| row.get(column));
            if now != Some(value) {
                found.push(format!("{name} {column}: {value} became {now:?}"));
            }
        }
    }
    found
}

fn expect_value(chain: &Chain, row: &str, column: &str, wanted: &str) -> Outcome {
    let value = chain.value(row, column)?;
    if value == wanted {
        return Ok(());
    }
    Err(Failure::from(format!(
        "{row} {column}: {value}, not {wanted}"
    )))
}

/// An agent that keeps what it was last asked.
struct Agent {
    address: SocketAddr,
    asked: Arc<std::sync::Mutex<String>>,
}

impl Agent {
    fn start() -> Result<Self, Failure> {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let asked = Arc::new(std::sync::Mutex::new(String::new()));
        let heard = Arc::clone(&asked);
        // It ends with the program of the tests.
        thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut question = [0; 64];
                let length = stream.read(&mut question).unwrap_or(0);
                let question = String::from_utf8_lossy(&question[..length]).into_owned();
                if let Ok(mut heard) = heard.lock() {
                    *heard = question;
                }
                // Who asks may be gone.
                let _gone = stream.write_all(b"up\n");
            }
        });
        Ok(Self { address, asked })
    }

    fn is_asked(&self, wanted: &str) -> Outcome {
        wait::until(&format!("the agent to be asked {wanted}"), ANSWER, || {
            let asked = self.asked.lock().ok()?;
            (*asked == wanted).then_some(())
        })?;
        Ok(())
    }

    fn forget(&self) {
        if let Ok(mut asked) = self.asked.lock() {
            asked.clear();
        }
    }
}

/// A site with something to change in every line.
struct Site {
    server: Server,
    agent: Agent,
    other: Server,
    fronts: [SocketAddr; 3],
}

impl Site {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            server: Server::start(Behaviour::Answer("s".into()))?,
            other: Server::start(Behaviour::Answer("o".into()))?,
            agent: Agent::start()?,
            fronts: [free_address()?, free_address()?, free_address()?],
        })
    }

    fn sections(&self) -> String {
        let [closed, gone, narrow] = self.fronts;
        let (s, other, agent) = (
            self.server.address(),
            self.other.address(),
            self.agent.address.port(),
        );
        format!(
            "listen px\n bind {{front}}\n server s1 {s}\n\
             frontend closed\n bind {closed}\n default_backend be\n\
             frontend gone\n bind {gone}\n default_backend be\n\
             frontend narrow\n bind {narrow}\n maxconn 100\n default_backend be\n\
             backend be\n balance roundrobin\n default-server inter 1h\n\
             \x20server drained {s}\n server out {s}\n server light {s} weight 100\n\
             \x20server moved {s} check\n server probed {s} check port {}\n\
             \x20server down {s} check\n server unwatched {s} check\n\
             \x20server asked {s} agent-check agent-port {agent} agent-inter 100ms agent-send old\\n\n\
             \x20server unasked {s} agent-check agent-port {agent}\n\
             \x20server full {s} maxconn 10\n server back {s} disabled\n",
            other.port(),
        )
    }

    fn commands(&self) -> Vec<String> {
        let other = self.other.address();
        [
            "set server be/drained state drain",
            "set server be/out state maint",
            "set server be/light weight 30",
            &format!(
                "set server be/moved addr {} port {}",
                other.ip(),
                other.port()
            ),
            &format!(
                "set server be/probed check-port {}",
                self.server.address().port()
            ),
            "set server be/down health down",
            "disable health be/unwatched",
            "set server be/asked agent-send new",
            "disable agent be/unasked",
            "set maxconn server be/full 3",
            "set server be/back state ready",
            "disable frontend closed",
            "shutdown frontend gone",
            "set maxconn frontend narrow 7",
            "set maxconn global 77",
            "set rate-limit connections global 500",
            "set rate-limit sessions global 400",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// A process on this, whose servers have been checked, and changed.
    fn changed(&self) -> Result<Chain, Failure> {
        let chain = Chain::start(&self.sections())?;
        // The first checks are spread over an hour, but for the first of them.
        chain.wait_for_value("be/moved", "check_status", "L4OK")?;
        self.agent.is_asked("old\n")?;
        for _ in 0..3 {
            served(chain.front)?;
        }
        chain.wait_for_value("px/FRONTEND", "scur", "0")?;
        let commands = self.commands();
        tell(&chain, &commands.iter().map(|it| &**it).collect::<Vec<_>>())?;
        self.agent.is_asked("new")?;
        Ok(chain)
    }
}

fn served(front: SocketAddr) -> Outcome {
    let mut client = Client::connect(front)?;
    client.send(b"who?")?;
    let seen = client.receive(2, ANSWER)?;
    if seen.bytes.len() == 2 {
        return Ok(());
    }
    Err(Failure::from(format!("{seen:?}")))
}

fn all_stays() -> Outcome {
    let site = Site::new()?;
    let mut chain = site.changed()?;
    let (mut stat, state, limit) = (rows(&chain)?, states(&chain)?, limits(&chain)?);
    // The only way to have one back that was shut down.
    let gone = stat.get_mut("gone/FRONTEND").ok_or("no row")?;
    let status = gone.insert("status".into(), "OPEN".into());
    assert_eq!(status.as_deref(), Some("STOP"));
    assert_eq!(stat["be/full"]["slim"], "3");
    assert_eq!(stat["closed/FRONTEND"]["status"], "PAUSED");
    assert_eq!(limit[0], "Maxconn: 77");
    assert_ne!(limit[1], "Hard_maxconn: 77");
    for round in 0..3 {
        site.agent.forget();
        chain.reload(&site.sections())?.is_clean()?;
        let mut found = differences(&stat, &rows(&chain)?);
        found.extend(differences(&state, &states(&chain)?));
        if !found.is_empty() || limits(&chain)? != limit {
            return Err(Failure::from(format!(
                "reload {round}: {found:#?} {:?}",
                limits(&chain)?
            )));
        }
        site.agent.is_asked("new")?;
        let refused = Client::connect(site.fronts[0]).is_err();
        assert!(refused, "a disabled frontend accepts");
    }
    // It works as it says.
    served(site.fronts[1])?;
    tell(
        &chain,
        &[
            "enable frontend closed",
            "set server be/drained state ready",
        ],
    )?;
    served(site.fronts[0])
}

fn file_counts() -> Outcome {
    let site = Site::new()?;
    let mut chain = site.changed()?;
    let text = site.sections();
    let text = text.replace("weight 100", "weight 90");
    let text = text.replace("maxconn 10\n", "maxconn 11\n");
    let text = text.replace("maxconn 100", "maxconn 101");
    let text = text.replace("server drained ", "server drained 127.0.0.1:9 disabled #");
    chain.global = "maxconn 500\n maxconnrate 600".to_owned();
    chain.reload(&text)?.is_clean()?;
    expect_value(&chain, "be/light", "weight", "90")?;
    expect_value(&chain, "be/full", "slim", "11")?;
    expect_value(&chain, "narrow/FRONTEND", "slim", "101")?;
    expect_value(&chain, "be/drained", "status", "MAINT")?;
    // What the file says as before is as it was set.
    expect_value(&chain, "be/out", "status", "MAINT")?;
    expect_value(&chain, "closed/FRONTEND", "status", "PAUSED")?;
    let limit = limits(&chain)?;
    let wanted = [
        "Hard_maxconn: 500",
        "Maxconn: 500",
        "ConnRateLimit: 600",
        "SessRateLimit: 400",
    ];
    for line in wanted {
        assert!(limit.iter().any(|it| it == line), "{limit:?}");
    }
    Ok(())
}

fn status(chain: &Chain, row: &str, wanted: &str) -> Outcome {
    wait::until(&format!("{row} to be {wanted}"), ANSWER, || {
        let rows = rows(chain).ok()?;
        (rows.get(row)?.get("status")? == wanted).then_some(())
    })?;
    Ok(())
}

fn by_signal() -> Outcome {
    let site = Site::new()?;
    let mut chain = site.changed()?;
    chain.current.signal(Signal::TTOU)?;
    status(&chain, "narrow/FRONTEND", "PAUSED")?;
    let next = chain.next(&site.sections())?;
    next.wait_for_line("the takeover", |line| line.contains("Took over"))?;
    chain.current = next;
    status(&chain, "narrow/FRONTEND", "PAUSED")?;
    assert!(Client::connect(site.fronts[2]).is_err(), "it accepts");
    chain.current.signal(Signal::TTIN)?;
    status(&chain, "narrow/FRONTEND", "OPEN")?;
    served(site.fronts[2])?;
    status(&chain, "closed/FRONTEND", "PAUSED")?;
    assert!(Client::connect(site.fronts[0]).is_err(), "it accepts");
    Ok(())
}

/// The old process pauses all its frontends, so that one of them can be bound in another way.
fn bound_anew() -> Outcome {
    let site = Site::new()?;
    let mut chain = site.changed()?;
    let text = site.sections().replace("{front}", "{front} interface lo");
    chain.reload(&text)?.is_clean()?;
    served(chain.front)?;
    served(site.fronts[2])?;
    assert!(Client::connect(site.fronts[0]).is_err(), "it accepts");
    Ok(())
}

fn cleared() -> Outcome {
    let site = Site::new()?;
    let mut chain = site.changed()?;
    expect_value(&chain, "px/FRONTEND", "stot", "3")?;
    tell(&chain, &["clear counters all"])?;
    chain.reload(&site.sections())?.is_clean()?;
    for column in ["stot", "bin", "bout", "smax"] {
        expect_value(&chain, "px/FRONTEND", column, "0")?;
    }
    Ok(())
}

/// As with HAProxy: whoever edits a list at the socket writes its file, too, or loses the edit.
fn lists() -> Outcome {
    let server = Server::start(Behaviour::Answer("s".into()))?;
    let mut chain = Chain::start("")?;
    let file = chain.folder.write("banned", "203.0.113.7\n")?;
    let sections = format!(
        "listen px\n bind {{front}}\n acl banned src -f {}\n\
         tcp-request connection reject if banned\n server s1 {}\n",
        file.display(),
        server.address(),
    );
    chain.reload(&sections)?.is_clean()?;
    let list = format!("show acl {}", file.display());
    let entries = |chain: &Chain| -> Result<Vec<String>, Failure> {
        let told = ask(chain, &list)?;
        let entries = told.lines().filter_map(|line| line.split_once(' '));
        Ok(entries.map(|(_, entry)| entry.to_owned()).collect())
    };
    tell(
        &chain,
        &[&format!("add acl {} 127.0.0.0/8", file.display())],
    )?;
    assert_eq!(entries(&chain)?, ["203.0.113.7", "127.0.0.0/8"]);
    assert!(
        served(chain.front).is_err(),
        "a client of the list is served"
    );
    chain.reload(&sections)?.is_clean()?;
    assert_eq!(entries(&chain)?, ["203.0.113.7"]);
    served(chain.front)?;
    // What stands in the file by then counts.
    chain.folder.write("banned", "127.0.0.0/8\n")?;
    chain.reload(&sections)?.is_clean()?;
    assert_eq!(entries(&chain)?, ["127.0.0.0/8"]);
    assert!(
        served(chain.front).is_err(),
        "a client of the list is served"
    );
    Ok(())
}
