//! The master of `haproxy -W` and its socket, beside the real ones.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr},
    os::unix::net::UnixStream,
    process::Command,
    time::Duration,
};

use pontoon_lab::{
    balancer::{Kind, free_address, program_of},
    client::Client,
    needs::Need,
    program::Program,
    server::{Behaviour, Server},
    temp::TempDir,
    wait,
};
use pontoon_sys::process::Signal;

use super::scene::goes_on;
use crate::{
    harness::{Failure, Outcome, Test},
    process::child_of,
};

const BOTH: [Kind; 2] = [Kind::Pontoon, Kind::Haproxy];

pub(super) fn register(tests: &mut Vec<Test>) {
    for line in LINES {
        let test = Test::new(format!("reload::master_same_answer: {line:?}"), move || {
            same_answer(line)
        });
        tests.push(test.needs(Need::Program("haproxy")));
    }
    for kind in BOTH {
        let mut add = |name: &str, run: fn(Kind) -> Outcome| {
            let test = Test::new(format!("reload::master_{name} ({kind:?})"), move || {
                run(kind)
            });
            tests.push(match kind {
                Kind::Haproxy => test.needs(Need::Program("haproxy")),
                Kind::Pontoon => test,
            });
        };
        add("reloads_by_signals", by_signals);
        add("refuses_a_wrong_file", refuses);
        add("reloads_by_its_socket", by_socket);
        add("lists_old_workers", lists_old_workers);
        add("takes_options_of_its_socket", options);
        add("says_what_is_wrong_with_its_socket", wrong_socket);
    }
    tests.push(Test::new(
        "reload::master_becomes_the_program_on_the_disk",
        becomes,
    ));
    tests.push(Test::new("reload::master_reaches_old_workers", reaches_old));
    tests.push(Test::new("reload::master_tells_success", tells_success));
    tests.push(Test::new("reload::master_clients_disturb_nobody", clients));
}

/// What is asked of both. The end of the input follows each.
const LINES: &[&str] = &[
    "show version\n",
    "  show   version # x\n",
    "show proc\n",
    "show proc; show version\n",
    "show cli level\n",
    "show cli sockets\n",
    "operator\nshow cli level\n",
    "user; show cli level\n",
    "user\nreload\n",
    "user\noperator\nshow version\n",
    "help\n",
    "help show\n",
    "help reload\n",
    "show foo\n",
    "\n",
    "quit\nshow version\n",
    "prompt\n",
    "prompt\nshow version\n@\nshow version\n",
    "prompt\n@1\n@master\n@0\n",
    "prompt\n@99\nshow version\n",
    "@2 show info\nshow version\n",
    "@!0 show info\n",
    "@foo show info\n",
    "@0 show version\n",
    "@master show version\n",
    "@\nshow version\n",
    "show version",
    "@1 show version\n",
    "@1 show cli level\nshow version\n",
    "@1 show version; show version\n",
    "@1; show version; @; show version\n",
    "@1\nshow version\nshow cli level\n@\nshow version\n",
    "prompt\n@1\nshow version\n@\nshow version\n",
    "prompt\n@1 show version\n",
    "user\n@1 show cli level\n",
    "operator\n@1 show cli level\n",
    "@1\nuser\nshow cli level\n",
    "@1 quit\n",
];

struct Scene {
    master: Program,
    listens: SocketAddr,
    folder: TempDir,
    server: Server,
}

impl Scene {
    fn new(kind: Kind) -> Result<Self, Failure> {
        Self::with(kind, "")
    }

    /// With options of the master's socket.
    fn with(kind: Kind, options: &str) -> Result<Self, Failure> {
        let folder = TempDir::new("master")?;
        let socket = folder.path().join("master.sock");
        let socket = format!("{}{options}", socket.display());
        let server = Server::start(Behaviour::Echo)?;
        let listens = free_address()?;
        let scene = Self {
            master: start(kind, &folder, &socket, &config(listens, server.address()))?,
            listens,
            folder,
            server,
        };
        scene.until_forked(1)?;
        scene.session()?;
        Ok(scene)
    }

    fn write(&self, change: impl FnOnce(String) -> String) -> Outcome {
        let text = change(config(self.listens, self.server.address()));
        self.folder.write("haproxy.cfg", text)?;
        Ok(())
    }

    /// Waits until so many workers have been ready.
    fn until_forked(&self, count: usize) -> Outcome {
        self.until_said("Loading success.", count)
    }

    fn until_said(&self, text: &str, count: usize) -> Outcome {
        let said = wait::until(text, wait::PATIENCE, || {
            let output = self.master.output();
            (output.iter().filter(|line| line.contains(text)).count() >= count).then_some(())
        });
        said.map_err(|problem| format!("{problem}: {:?}", self.master.output()).into())
    }

    fn session(&self) -> Result<Client, Failure> {
        let client = wait::until("a session", wait::PATIENCE, || {
            let mut client = Client::connect(self.listens).ok()?;
            goes_on(&mut client).ok().map(|()| client)
        });
        client.map_err(|problem| format!("{problem}: {:?}", self.master.output()).into())
    }

    /// All that the master answers to this, until it closes the connection. HAProxy's begins anew at
    /// each reload, and drops whom it has not answered.
    fn ask(&self, text: &str) -> Result<String, Failure> {
        Ok(wait::until("the master to answer", wait::PATIENCE, || {
            self.ask_once(text).ok()
        })?)
    }

    fn ask_once(&self, text: &str) -> Result<String, Failure> {
        let mut stream = UnixStream::connect(self.folder.path().join("master.sock"))?;
        stream.set_read_timeout(Some(wait::PATIENCE))?;
        stream.write_all(text.as_bytes())?;
        stream.shutdown(Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// The lines of `show proc` below this heading.
    fn processes(&self, heading: &str) -> Result<Vec<Vec<String>>, Failure> {
        let table = self.ask("show proc\n")?;
        let lines = table.lines().skip_while(|line| *line != heading).skip(1);
        let lines = lines.take_while(|line| !line.starts_with('#'));
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        Ok(lines.map(words).collect())
    }

    fn worker(&self) -> Result<Vec<String>, Failure> {
        let workers = self.processes("# workers")?;
        workers.into_iter().next().ok_or_else(|| "no worker".into())
    }
}

fn start(kind: Kind, folder: &TempDir, socket: &str, text: &str) -> Result<Program, Failure> {
    folder.write("haproxy.cfg", text)?;
    let mut command = Command::new(program_of(kind, crate::harness::pontoon(), folder)?);
    command
        .current_dir(folder.path())
        .args(["-W", "-f", "haproxy.cfg", "-S", socket]);
    Ok(Program::start(&mut command)?)
}

fn config(listens: SocketAddr, server: SocketAddr) -> String {
    format!(
        "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n\
         listen relay\n bind {listens}\n server s1 {server}\n"
    )
}

/// What differs from one process to the next, and by versions, is alike.
fn comparable(answer: &str) -> String {
    let mut out = String::new();
    for line in answer.split_inclusive('\n') {
        let mut words = Vec::new();
        for word in line.split(' ') {
            let plain = word.trim_end();
            let number = plain.trim_end_matches('>').parse::<u32>().is_ok() && plain.len() > 1;
            let version = plain.starts_with("2.6.12");
            let uptime = plain.starts_with("0d00h");
            words.push(match (number, version, uptime) {
                (true, ..) => word.replace(|c: char| c.is_ascii_digit(), ""),
                (_, true, _) => word.replace(plain, "VERSION"),
                (_, _, true) => word.replace(plain, "UPTIME"),
                _ => word.to_owned(),
            });
        }
        // How wide a number is differs, too.
        let text = words.join(" ");
        let is_row = text.contains(" worker ") || text.contains(" master ");
        out += if is_row { text.trim_start() } else { &text };
    }
    out
}

fn same_answer(line: &str) -> Outcome {
    let mut answers = Vec::new();
    for kind in BOTH {
        let answer = Scene::new(kind)?.ask(line)?;
        answers.push(comparable(&answer));
    }
    assert_eq!(answers[0], answers[1], "{line:?}");
    Ok(())
}

fn by_signals(kind: Kind) -> Outcome {
    let scene = Scene::new(kind)?;
    let mut session = scene.session()?;
    for (count, signal) in [(2, Signal::USR2), (3, Signal::HUP)] {
        let before = scene.worker()?;
        scene.master.signal(signal)?;
        scene.until_forked(count)?;
        let worker = scene.worker()?;
        assert_ne!(worker[0], before[0]);
        assert_eq!(worker[2], "0", "reloads");
        goes_on(&mut session)?;
        scene.session()?;
    }
    let master = &scene.ask("show proc\n")?;
    assert!(master.contains(" 2 [failed: 0] "), "{master}");
    let newest = scene.worker()?;
    scene.until_said(&format!("New worker ({}) forked", newest[0]), 1)?;
    scene.until_said("Reloading HAProxy", 2)?;
    drop(session);
    // 2.6.12 tells of the same worker again at times.
    scene.until_said("exited with code 0", 2)?;
    Ok(())
}

fn refuses(kind: Kind) -> Outcome {
    let scene = Scene::new(kind)?;
    let before = scene.worker()?;
    let mut session = scene.session()?;
    scene.write(|text| text + " nonsense\n")?;
    scene.master.signal(Signal::USR2)?;
    scene.until_said("Loading failure!", 1)?;
    scene.until_said("nonsense", 1)?;
    let worker = scene.worker()?;
    assert_eq!((&worker[0], worker[2].as_str()), (&before[0], "1"));
    assert!(scene.ask("show proc\n")?.contains(" 1 [failed: 1] "));
    assert_eq!(scene.ask("prompt\n")?, "master[ReloadFailed]> ");
    goes_on(&mut session)?;
    scene.session()?;
    scene.write(|text| text)?;
    scene.master.signal(Signal::USR2)?;
    scene.until_forked(2)?;
    assert!(scene.ask("show proc\n")?.contains(" 2 [failed: 0] "));
    assert_eq!(scene.ask("prompt\n")?, "master> ");
    Ok(())
}

fn by_socket(kind: Kind) -> Outcome {
    let scene = Scene::new(kind)?;
    let before = scene.worker()?;
    // 2.6 may close so fast that nothing can be read.
    let _closed = scene.ask_once("reload\n");
    scene.until_forked(2)?;
    assert_ne!(scene.worker()?[0], before[0]);
    scene.session()?;
    Ok(())
}

/// Here: those with sessions that do not move, since their server is gone.
fn lists_old_workers(kind: Kind) -> Outcome {
    let scene = Scene::new(kind)?;
    let before = scene.worker()?;
    let mut session = scene.session()?;
    for count in [2, 3] {
        scene.write(|text| text.replace("server s1 ", &format!("server s{count} ")))?;
        scene.master.signal(Signal::USR2)?;
        scene.until_forked(count)?;
        // HAProxy's master is deaf to signals for a moment.
        assert_ne!(scene.worker()?[0], before[0]);
    }
    let old = scene.processes("# old workers")?;
    let oldest = old.iter().find(|row| row[0] == before[0]);
    let oldest = oldest.ok_or_else(|| format!("{old:?}"))?;
    assert_eq!((oldest[1].as_str(), oldest[2].as_str()), ("worker", "2"));
    goes_on(&mut session)?;
    drop(session);
    scene.until_said(
        &format!("Former worker ({}) exited with code 0", before[0]),
        1,
    )?;
    wait::until("nobody to be left", wait::PATIENCE, || {
        scene
            .processes("# old workers")
            .ok()?
            .is_empty()
            .then_some(())
    })?;
    Ok(())
}

fn options(kind: Kind) -> Outcome {
    let scene = Scene::with(kind, ",mode,640,level,user")?;
    assert_eq!(
        scene.ask("show cli level\nreload\n")?,
        "user\n\nPermission denied\n\n"
    );
    let file = fs::metadata(scene.folder.path().join("master.sock"))?;
    let mode = std::os::unix::fs::MetadataExt::mode(&file) & 0o777;
    assert_eq!(mode, 0o640);
    Ok(())
}

fn wrong_socket(kind: Kind) -> Outcome {
    for socket in [
        "nonsense",
        "master.sock,foo,1",
        "/nonexistent/folder/master.sock",
    ] {
        let folder = TempDir::new("master")?;
        let text = config(free_address()?, free_address()?);
        let mut master = start(kind, &folder, socket, &text)?;
        assert_eq!(master.wait(wait::PATIENCE)?.code(), Some(1), "{socket}");
    }
    Ok(())
}

fn becomes() -> Outcome {
    let mut scene = Scene::new(Kind::Pontoon)?;
    let real = crate::harness::pontoon().display().to_string();
    let script = format!(
        "#!/bin/bash\ncase $1 in\ncan-resume) exec -a pontoon {real} \"$@\";;\n\
         -W) echo >>became;;\nesac\nexec -a haproxy {real} \"$@\"\n"
    );
    let new = scene.folder.write("new", script)?;
    fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    fs::rename(new, scene.folder.path().join("haproxy"))?;
    let mut session = scene.session()?;
    for count in 1..=3 {
        let answer = scene.ask_once("reload\n")?;
        assert!(answer.starts_with("Success=1\n"), "{answer}");
        let became = scene.folder.path().join("became");
        wait::until("the new master", wait::PATIENCE, || {
            (fs::read(&became).ok()?.len() == count).then_some(())
        })?;
        let master = scene.ask("show proc\n")?;
        assert!(
            master.contains(&format!(" {count} [failed: 0] ")),
            "{master}"
        );
        assert!(master.contains(&scene.master.pid().to_string()), "{master}");
        goes_on(&mut session)?;
    }
    scene.master.signal(Signal::TERM)?;
    assert_eq!(scene.master.wait(wait::PATIENCE)?.code(), Some(0));
    assert!(!scene.folder.path().join("master.sock").exists());
    Ok(())
}

/// Who turned to a worker stays with it over a reload.
fn reaches_old() -> Outcome {
    let scene = Scene::new(Kind::Pontoon)?;
    let mut session = scene.session()?;
    let old = scene.worker()?[0].clone();
    scene.write(|text| text.replace("server s1 ", "server s2 "))?;
    scene.ask("reload\n")?;
    let new = scene.worker()?[0].clone();
    for (prefix, pid) in [
        ("@1", &new),
        (&*format!("@!{old}"), &old),
        (&format!("@!{new}"), &new),
    ] {
        let info = scene.ask(&format!("{prefix} show info\n"))?;
        assert!(
            info.contains(&format!("\nPid: {pid}\n")),
            "{prefix}: {info}"
        );
    }
    goes_on(&mut session)?;
    drop(session);
    scene.until_said(&format!("Former worker ({old}) exited"), 1)?;
    let answer = scene.ask(&format!("@!{old} show info\nshow version\n"))?;
    assert_eq!(
        answer,
        format!("Can't find the target PID matching the prefix '@!{old}'\n")
    );
    Ok(())
}

/// 2.6 closes without a word; later versions tell what has become of it, and so do we.
fn tells_success() -> Outcome {
    let scene = Scene::new(Kind::Pontoon)?;
    let answer = scene.ask("reload\n")?;
    assert!(answer.starts_with("Success=1\n--\n"), "{answer}");
    let worker = scene.worker()?;
    assert!(answer.contains(&worker[0]), "{answer}");
    scene.write(|text| text + " nonsense\n")?;
    let answer = scene.ask("reload\n")?;
    assert!(answer.starts_with("Success=0\n--\n"), "{answer}");
    assert!(answer.contains("nonsense"), "{answer}");
    assert_eq!(scene.worker()?[0], worker[0]);
    Ok(())
}

/// Who says nothing, half a line, or far too much.
fn clients() -> Outcome {
    let scene = Scene::new(Kind::Pontoon)?;
    let path = scene.folder.path().join("master.sock");
    let mut crowd = Vec::new();
    for number in 0..40 {
        let mut client = UnixStream::connect(&path)?;
        client.set_write_timeout(Some(Duration::from_millis(200)))?;
        if number % 2 == 0 {
            client.write_all(b"show pro")?;
        }
        crowd.push(client);
    }
    let mut endless = UnixStream::connect(&path)?;
    endless.set_write_timeout(Some(Duration::from_secs(5)))?;
    // It is left at some point, or not read any more.
    let _left = endless.write_all(&vec![b'x'; 4 << 20]);
    assert!(scene.ask("show version\n")?.ends_with("\n\n"));
    assert!(child_of(scene.master.pid()).is_some());
    scene.session()?;
    Ok(())
}
