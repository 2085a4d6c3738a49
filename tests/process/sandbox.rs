//! What a running proxy has taken from itself, as the kernel tells it of every thread.

use std::{
    fs,
    net::SocketAddr,
    os::unix::{
        fs::PermissionsExt as _,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    process::Command,
    thread,
    time::Duration,
};

use pontoon_lab::{
    balancer::{Kind, free_address},
    client::Client,
    needs::Need,
    program::Program,
    server::{Behaviour, Server},
    wait,
};
use pontoon_sys::{process::Signal, sandbox::calls::Calls};

use super::{Bench, child_of, relay};
use crate::harness::{Failure, Outcome, Test};

const NET_ADMIN: u64 = 1 << 12;
const NET_RAW: u64 = 1 << 13;

pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, needs: &[Need], run: fn() -> Outcome| {
        let test = Test::new(format!("process::sandbox_{name}"), run);
        tests.push(needs.iter().fold(test, |test, need| test.needs(*need)));
    };
    add("takes_all_capabilities_from_root", &[Need::Root], || {
        holds("", Start::AsWeAre, 0)
    });
    add("holds_for_another_user", &[Need::Root], || {
        holds("uid 65534\n gid 65534", Start::AsWeAre, 0)
    });
    add("needs_no_privilege", &[Need::Root], || {
        holds("", Start::AsNobody, 0)
    });
    add("of_a_worker_leaves_its_master_alone", &[], worker);
    add("keeps_what_usesrc_needs", &[Need::Root], usesrc);
    add("keeps_what_cc_needs_if_root_stays", &[Need::Root], || {
        let server = " server s2 127.0.0.1:9 backup cc reno\n";
        holds_with("", server, Start::AsWeAre, NET_ADMIN)
    });
    add("leaves_programs_of_checks_alone", &[Need::Root], programs);
    add("lets_core_files_out", &[Need::CoreFiles], core_file);
    add("is_off_if_told_so", &[], off);
    add(
        "that_cannot_be_put_up_is_no_reason_not_to_serve",
        &[],
        refused,
    );
}

/// As whom a proxy is started.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    AsWeAre,
    AsNobody,
}

/// A proxy in the foreground, and where it listens.
struct Scene {
    program: Program,
    listens: SocketAddr,
    _server: Server,
    bench: Bench,
}

impl Scene {
    /// With more lines for the global section and behind the last one, and more arguments.
    fn start(global: &str, more: &str, change: impl FnOnce(&mut Command)) -> Result<Self, Failure> {
        let bench = Bench::new(Kind::Pontoon)?;
        let server = Server::start(Behaviour::Echo)?;
        let listens = free_address()?;
        let text = relay(global, listens, server.address()) + more;
        bench.folder.write("haproxy.cfg", text)?;
        // Whoever it is started as.
        fs::set_permissions(bench.folder.path(), fs::Permissions::from_mode(0o755))?;
        let mut command = Command::new(&bench.program);
        command.args(["-f", "haproxy.cfg"]);
        command.current_dir(bench.folder.path());
        change(&mut command);
        let program = Program::start(&mut command)?;
        let scene = Self {
            program,
            listens,
            _server: server,
            bench,
        };
        scene.serves()?;
        Ok(scene)
    }

    fn serves(&self) -> Outcome {
        let client = wait::until("the proxy to listen", wait::PATIENCE, || {
            Client::connect(self.listens).ok()
        });
        let said = || self.program.output().join("\n");
        let mut client = client.map_err(|problem| format!("{problem}\n{}", said()))?;
        client.send(b"ping")?;
        let seen = client.receive(4, Duration::from_secs(5))?;
        assert_eq!(seen.bytes, b"ping", "{}", said());
        Ok(())
    }
}

/// A field of a thread's status, e.g. `CapEff:`.
fn field<'s>(status: &'s str, name: &str) -> &'s str {
    let found = status.lines().find_map(|line| line.strip_prefix(name));
    found
        .unwrap_or_else(|| panic!("no {name} in\n{status}"))
        .trim()
}

fn set(status: &str, name: &str) -> u64 {
    u64::from_str_radix(field(status, name), 16).expect("a hexadecimal number")
}

/// What the kernel says of each thread.
fn statuses(pid: u32) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        all.push(fs::read_to_string(task?.path().join("status"))?);
    }
    assert!(all.len() > 1, "data threads are threads");
    Ok(all)
}

fn is_confined(status: &str, kept: u64) {
    for name in ["CapEff:", "CapPrm:"] {
        assert_eq!(set(status, name), kept, "{status}");
    }
    for name in ["CapInh:", "CapAmb:"] {
        assert_eq!(set(status, name), 0, "{status}");
    }
    assert_eq!(field(status, "NoNewPrivs:"), "1", "{status}");
    assert_eq!(field(status, "Seccomp:"), "2", "{status}");
}

fn holds(global: &str, start: Start, kept: u64) -> Outcome {
    holds_with(global, "", start, kept)
}

fn holds_with(global: &str, more: &str, start: Start, kept: u64) -> Outcome {
    let scene = Scene::start(global, more, |command| {
        command.arg("-db");
        if start == Start::AsNobody {
            command.uid(65534).gid(65534);
        }
    })?;
    for status in statuses(scene.program.pid())? {
        is_confined(&status, kept);
        // Who may not limit what programs get is held back by no-new-privs alone.
        if start == Start::AsWeAre {
            assert_eq!(set(&status, "CapBnd:") & !kept, 0, "{status}");
        }
    }
    let said = scene.program.output().join("\n");
    assert!(!said.contains("sandbox"), "{said}");
    scene.serves()
}

/// As root, and as a user that could not have it otherwise.
fn usesrc() -> Outcome {
    let server = " server s2 127.0.0.1:9 backup source 0.0.0.0 usesrc clientip\n";
    holds_with("", server, Start::AsWeAre, NET_RAW)?;
    holds_with("uid 65534", server, Start::AsWeAre, NET_RAW)
}

/// The worker holds nothing; its master starts workers and signals them.
fn worker() -> Outcome {
    let scene = Scene::start("", "", |command| {
        command.arg("-W");
    })?;
    let master = scene.program.pid();
    let worker = child_of(master).ok_or("the master has no worker")?;
    for status in statuses(worker.as_raw_nonzero().get().unsigned_abs())? {
        is_confined(&status, 0);
    }
    let status = fs::read_to_string(format!("/proc/{master}/status"))?;
    let own = fs::read_to_string("/proc/self/status")?;
    for name in ["CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp:"] {
        assert_eq!(field(&status, name), field(&own, name), "{status}");
    }
    Ok(())
}

/// They would inherit all of it; the proxy itself holds no capability all the same, and they gain
/// rights where HAProxy's do, or where they would have root's.
fn programs() -> Outcome {
    let more = " option external-check\n external-check command /bin/true\n \
                server s2 127.0.0.1:9 backup check\n";
    let own = fs::read_to_string("/proc/self/status")?;
    for (global, gain_nothing) in [
        ("external-check", field(&own, "NoNewPrivs:")),
        ("external-check\n uid 65534\n gid 65534", "1"),
        (
            "external-check\n uid 65534\n gid 65534\n insecure-setuid-wanted",
            field(&own, "NoNewPrivs:"),
        ),
        (
            "external-check\n uid 65534\n gid 65534\n no insecure-setuid-wanted",
            "1",
        ),
    ] {
        let scene = Scene::start(global, more, |command| {
            command.arg("-db");
        })?;
        for status in statuses(scene.program.pid())? {
            for name in ["CapEff:", "CapPrm:"] {
                assert_eq!(set(&status, name), 0, "{global}: {status}");
            }
            for name in ["CapBnd:", "Seccomp:"] {
                assert_eq!(
                    field(&status, name),
                    field(&own, name),
                    "{global}: {status}"
                );
            }
            let found = field(&status, "NoNewPrivs:");
            assert_eq!(found, gain_nothing, "{global}: {status}");
        }
    }
    Ok(())
}

/// The kernel writes it with the rights of the process; without the word nothing is written.
fn core_file() -> Outcome {
    for (global, expected) in [("set-dumpable", true), ("no set-dumpable", false)] {
        let mut scene = Scene::start(global, "", |command| {
            command.arg("-db");
        })?;
        for status in statuses(scene.program.pid())? {
            is_confined(&status, 0);
        }
        let folder = scene.bench.folder.path().to_owned();
        scene.program.signal(Signal::ABORT)?;
        let ended = scene.program.wait(wait::PATIENCE)?;
        let names: std::io::Result<Vec<_>> = fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name()))
            .collect();
        let written = names?
            .iter()
            .any(|name| name.to_string_lossy().contains("core"));
        assert_eq!(written, expected, "{global}");
        assert_eq!(ended.core_dumped(), expected, "{global}");
    }
    Ok(())
}

fn off() -> Outcome {
    let scene = Scene::start("", "", |command| {
        command.arg("-db").env("PONTOON_SANDBOX", "off");
    })?;
    let said = |line: &str| line.contains("without its sandbox: PONTOON_SANDBOX=off");
    scene.program.wait_for_line("a word on it", said)?;
    let own = fs::read_to_string("/proc/self/status")?;
    for status in statuses(scene.program.pid())? {
        for name in ["CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp:"] {
            assert_eq!(field(&status, name), field(&own, name), "{status}");
        }
    }
    Ok(())
}

/// As in a container that allows neither Landlock nor filters.
fn refused() -> Outcome {
    let without = || -> Outcome {
        const LAST: libc::c_long = 500;
        let missing = [
            libc::SYS_seccomp,
            libc::SYS_landlock_create_ruleset,
            libc::SYS_landlock_restrict_self,
        ];
        let others: Vec<_> = (0..LAST).filter(|call| !missing.contains(call)).collect();
        let calls = Calls::new().allow(&others);
        calls.restrict().map_err(|error| error.to_string())?;
        let scene = Scene::start("", "", |command| {
            command.arg("-db");
        })?;
        for what in ["Landlock: ", "seccomp: "] {
            let said = |line: &str| {
                line.contains("This process runs without a part of its sandbox: ")
                    && line.contains(what)
            };
            scene.program.wait_for_line(what, said)?;
        }
        for status in statuses(scene.program.pid())? {
            assert_eq!(set(&status, "CapEff:"), 0, "{status}");
            assert_eq!(field(&status, "NoNewPrivs:"), "1", "{status}");
        }
        Ok(())
    };
    thread::scope(|scope| {
        let confined = scope.spawn(without);
        confined
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
