//! `show sess` next to the real HAProxy: the same sessions, in the same words; and what is listed is
//! what `shutdown session` takes.

use std::{
    collections::HashSet,
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    path::PathBuf,
    time::{Duration, Instant},
};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    crowd::{self, EchoServer},
    needs::Need,
    server::{Behaviour, Server},
    temp::TempDir,
    wait,
};

use crate::{
    commands::ask,
    harness::{Failure, Outcome, Test, pontoon},
};

pub(super) fn register(tests: &mut Vec<Test>) {
    let haproxy = Need::Program("haproxy");
    let same = "runtime::sessions_are_listed_in_haproxys_words";
    tests.push(Test::new(same, are_haproxys).needs(haproxy));
    let kinds = [
        (
            "runtime::a_session_ends_by_the_name_it_is_listed_under/haproxy",
            Kind::Haproxy,
        ),
        (
            "runtime::a_session_ends_by_the_name_it_is_listed_under/pontoon",
            Kind::Pontoon,
        ),
    ];
    for (name, kind) in kinds {
        let test = Test::new(name, move || ends_by_name(kind));
        let needs_it = matches!(kind, Kind::Haproxy);
        tests.push(if needs_it { test.needs(haproxy) } else { test });
    }
    let many = "runtime::thousands_of_sessions_are_listed_while_they_run";
    tests.push(Test::new(many, thousands).needs(Need::OpenFiles(10_000)));
}

/// A balancer with a runtime socket, and its addresses: a plain proxy, one whose server takes one
/// session at a time, one with a dead server, one that inspects.
struct Scene {
    _balancer: Balancer,
    socket: PathBuf,
    listens: [SocketAddr; 4],
    _folder: TempDir,
}

impl Scene {
    fn start(kind: Kind, server: SocketAddr) -> Result<Self, Failure> {
        let folder = TempDir::new("sessions")?;
        let socket = folder.path().join("socket");
        let listens = [
            free_address()?,
            free_address()?,
            free_address()?,
            free_address()?,
        ];
        let [plain, queue, dead, inspects] = listens;
        // Who looks whether it listens is sent away at once.
        let (probe, nobody) = (free_address()?, free_address()?);
        let text = format!(
            "global\n stats socket {} level admin\n nbthread 2\n maxconn 4000\n\
             defaults\n mode tcp\n timeout connect 60s\n timeout client 100s\n timeout server 100s\n\
             frontend fe\n bind {plain} name door\n default_backend be\n\
             backend be\n server s1 {server}\n\
             listen queue\n bind {queue}\n server q1 {server} maxconn 1\n\
             listen dead\n bind {dead}\n retries 100\n server d1 {nobody}\n\
             listen probe\n bind {probe}\n tcp-request connection reject\n\
             frontend inspects\n bind {inspects}\n tcp-request inspect-delay 90s\n \
             tcp-request content accept if {{ req.len gt 5 }}\n default_backend be\n",
            socket.display()
        );
        let balancer = Balancer::start(kind, pontoon(), &text, probe)?;
        Ok(Self {
            _balancer: balancer,
            socket,
            listens,
            _folder: folder,
        })
    }

    /// The sessions' lines, without those of clients of the runtime socket.
    fn lines(&self) -> Result<Vec<String>, Failure> {
        let answer = ask(&self.socket, "show sess")?;
        let lines = answer.lines().filter(|line| line.starts_with("0x"));
        Ok(lines
            .filter(|line| !line.contains(" fe=GLOBAL "))
            .map(str::to_owned)
            .collect())
    }

    fn until_lines(&self, count: usize) -> Result<Vec<String>, Failure> {
        let what = format!("{count} sessions");
        let lines = wait::until(&what, wait::PATIENCE, || {
            self.lines().ok().filter(|lines| lines.len() == count)
        });
        Ok(lines?)
    }
}

/// How far towards its server a session is.
fn progress(line: &str) -> &str {
    let end = value(line, "scb").trim_start_matches('[');
    end.split(',').next().unwrap_or_default()
}

/// The value of a field of a line.
fn value<'l>(line: &'l str, name: &str) -> &'l str {
    let mut words = line.split_whitespace();
    let found = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_default()
}

/// What a line says that does not depend on the moment: the names of all fields in their order, and
/// who, where, and how far.
fn essence(line: &str) -> String {
    let names: Vec<_> = line.split([' ', ',', '[']).map(name).collect();
    let values = ["proto", "fe", "be", "srv", "ts", "rc"].map(|name| value(line, name));
    let (state, connected) = (progress(line), !value(line, "scb").contains("fd=-1"));
    let analysers = value(line, "rq[f").split(',').nth(2).map(str::to_owned);
    format!("{names:?} {values:?} {state} {connected} {analysers:?}")
}

/// Up to the first `=` or `:`.
fn name(word: &str) -> &str {
    let end = word.find(['=', ':']).unwrap_or(0);
    if word.starts_with("0x") {
        return "";
    }
    &word[..end]
}

/// The same of `show sess all`, one piece of text for each session.
fn details(answer: &str) -> Vec<String> {
    let mut sessions: Vec<Vec<String>> = Vec::new();
    for line in answer.lines().filter(|line| !line.is_empty()) {
        if line.starts_with("0x") {
            sessions.push(Vec::new());
        }
        let Some(session) = sessions.last_mut() else {
            continue;
        };
        let names: Vec<_> = line.split([' ', ',', '(']).map(name).collect();
        let words = ["mode", "state", "ctrl", "frontend", "backend", "server"];
        let values = words.map(|name| value(line, name));
        let indent = line.len() - line.trim_start().len();
        session.push(format!("{indent} {names:?} {values:?}"));
    }
    let mut sessions: Vec<_> = sessions.into_iter().map(|it| it.join("\n")).collect();
    sessions.retain(|session| !session.contains("\"GLOBAL\""));
    sessions.sort_unstable();
    sessions
}

/// Both list one idle session, one that its client has half closed, one on a server and one in the
/// queue behind it, and one that is inspected.
fn are_haproxys() -> Outcome {
    let (theirs, ours) = (see(Kind::Haproxy)?, see(Kind::Pontoon)?);
    assert_eq!(theirs[0].len(), 5);
    let mut found = Vec::new();
    for (theirs, ours) in theirs.iter().zip(&ours) {
        for (theirs, ours) in theirs.iter().zip(ours).filter(|(a, b)| a != b) {
            found.push(format!("  {theirs}\n  {ours}"));
        }
        if theirs.len() != ours.len() {
            found.push(format!("{} and {}", theirs.len(), ours.len()));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::from(found.join("\n\n")))
}

/// What is listed: by line, in detail, and what is answered to names of nobody.
fn see(kind: Kind) -> Result<[Vec<String>; 3], Failure> {
    let server = Server::start(Behaviour::HangOn)?;
    let scene = Scene::start(kind, server.address())?;
    let [plain, queue, _, inspects] = scene.listens;
    let _idle = TcpStream::connect(plain)?;
    let half = TcpStream::connect(plain)?;
    (&half).write_all(b"last words")?;
    half.shutdown(Shutdown::Write)?;
    let _served = TcpStream::connect(queue)?;
    wait::until("the first to be served", wait::PATIENCE, || {
        let lines = scene.lines().ok()?;
        lines.iter().find(|line| value(line, "srv") == "q1")?;
        Some(())
    })?;
    let _waits = TcpStream::connect(queue)?;
    let mut inspected = TcpStream::connect(inspects)?;
    inspected.write_all(b"ab")?;
    let lines = wait::until("all to be where they stay", wait::PATIENCE, || {
        let lines = scene.lines().ok()?;
        let waits = lines.iter().any(|line| progress(line) == "2");
        let half = lines
            .iter()
            .any(|line| line.contains("a020h,i=0,an=00h,rx=,"));
        let inspected = lines.iter().any(|line| line.contains(",i=2,"));
        (lines.len() == 5 && waits && half && inspected).then_some(lines)
    })?;
    let mut essences: Vec<_> = lines.iter().map(|line| essence(line)).collect();
    essences.sort_unstable();
    let all = ask(&scene.socket, "show sess all")?;
    let mut answers = Vec::new();
    for command in [
        "show sess 0x1",
        "show sess 4711",
        "set severity-output number; show sess 0x1",
        "user; show sess",
        "user; show sess all",
        "shutdown session 4711",
        "shutdown session 0xzz",
        "shutdown session",
    ] {
        answers.push(ask(&scene.socket, command)?);
    }
    for line in &lines {
        // Each is told by its name, as among all.
        let id = line.split(':').next().unwrap_or_default();
        let one = ask(&scene.socket, &format!("show sess {id}"))?;
        assert!(one.starts_with(&format!("{id}: [")), "{one}");
        assert!(one.ends_with("\n\n"), "{one}");
        assert!(details(&all).contains(&details(&one)[0]), "{one}");
    }
    Ok([essences, details(&all), answers])
}

fn ends_by_name(kind: Kind) -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let scene = Scene::start(kind, server.address())?;
    let [plain, _, dead, _] = scene.listens;
    let mut stays = TcpStream::connect(plain)?;
    let mut ends = TcpStream::connect(plain)?;
    ends.set_read_timeout(Some(wait::PATIENCE))?;
    ends.write_all(b"a")?;
    ends.read_exact(&mut [0])?;
    // One that waits before it is connected once more.
    let mut retried = TcpStream::connect(dead)?;
    retried.set_read_timeout(Some(wait::PATIENCE))?;
    for (client, state) in [(&mut ends, "8"), (&mut retried, "3")] {
        let address = client.local_addr()?.to_string();
        let line = wait::until("the session to be listed", wait::PATIENCE, || {
            let mut lines = scene.lines().ok()?.into_iter();
            lines.find(|line| value(line, "src") == address && progress(line) == state)
        })?;
        let id = line.split(':').next().unwrap_or_default();
        let order = format!("shutdown session {id}");
        assert_eq!(ask(&scene.socket, &order)?, "\n");
        assert_eq!(client.read(&mut [0]).unwrap_or(0), 0, "it is over");
        wait::until("it to be gone", wait::PATIENCE, || {
            let answer = ask(&scene.socket, &format!("show sess {id}")).ok()?;
            (answer == "Session not found.\n\n").then_some(())
        })?;
        // HAProxy may give the name to the very client that asks.
        if kind == Kind::Pontoon {
            let again = ask(&scene.socket, &order)?;
            assert_eq!(again, "No such session (use 'show sess').\n\n");
        }
    }
    let left = scene.until_lines(1)?;
    assert_eq!(value(&left[0], "src"), stays.local_addr()?.to_string());
    stays.write_all(b"b")?;
    stays.read_exact(&mut [0])?;
    Ok(())
}

/// How many.
const MANY: usize = 2_000;
/// A message takes so long at most while all are listed: a thread that told all at once would take
/// longer.
const DELAY: Duration = Duration::from_millis(500);

fn thousands() -> Outcome {
    crowd::raise_file_limit()?;
    let server = EchoServer::start()?;
    let scene = Scene::start(Kind::Pontoon, server.address())?;
    let connect = |_| TcpStream::connect(scene.listens[0]);
    let clients: Vec<_> = (0..MANY).map(connect).collect::<Result<_, _>>()?;
    scene.until_lines(MANY)?;

    // They talk while they are listed, in every form.
    let socket = scene.socket.clone();
    let lists = std::thread::spawn(move || {
        let forms = ["show sess", "show sess all", "show sess json"];
        forms.map(|form| ask(&socket, form).unwrap_or_default())
    });
    let mut longest = Duration::ZERO;
    let mut turns = 0;
    while !lists.is_finished() || turns == 0 {
        for mut client in clients.iter().step_by(50) {
            let began = Instant::now();
            client.write_all(b"ping")?;
            client.read_exact(&mut [0; 4])?;
            longest = longest.max(began.elapsed());
        }
        turns += 1;
    }
    let [lines, all, json] = lists.join().map_err(|_| "a panic")?;
    assert!(longest < DELAY, "a message took {longest:?}");

    let ids: HashSet<_> = lines
        .lines()
        .filter_map(|line| line.split_once(": proto="))
        .map(|(id, _)| id)
        .collect();
    assert_eq!(ids.len(), MANY);
    let clients_listed: HashSet<_> = lines.lines().map(|line| value(line, "src")).collect();
    for client in &clients {
        let address = client.local_addr()?.to_string();
        assert!(clients_listed.contains(&*address), "{address}");
    }
    assert_eq!(all.matches("\n  scb=0x").count(), MANY);
    let json: serde_json::Value = serde_json::from_str(&json).map_err(|it| it.to_string())?;
    assert_eq!(json.as_array().map(Vec::len), Some(MANY));
    assert!(json[0]["idle_ms"].is_u64() && json[0]["client"].is_string());
    Ok(())
}
