//! Reloads of a node that succeed.

use std::os::unix::net::UnixDatagram;

use pontoon_lab::{client::Client, temp::TempDir, wait};
use pontoon_sys::process::Signal;

use super::scene::{Scene, goes_on, proxy};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    type Run = fn() -> Outcome;
    let all: &[(&str, Run)] = &[
        ("applies_the_new_file_and_keeps_sessions", applies),
        ("comes_by_sighup_and_sigusr2", by_signal),
        ("storm_is_merged", storm),
        ("that_follows_a_crash_starts_the_new_file", after_a_crash),
        ("is_told_to_systemd", tells_systemd),
        ("leaves_nobody_behind_at_a_stop", stop_ends_all),
        ("takes_the_program_on_the_disk", new_program),
    ];
    for (name, run) in all {
        tests.push(Test::new(format!("reload::node_{name}"), run));
    }
}

fn applies() -> Outcome {
    let scene = Scene::new()?;
    let mut session = scene.session()?;
    let before = proxy(&scene.status()?)?;
    let other = pontoon_lab::balancer::free_address()?;
    scene
        .write(|text| text.replace("listen relay\n", &format!("listen relay\n bind {other}\n")))?;
    let status = scene.reload()?;
    assert_ne!(proxy(&status)?, before);
    assert_eq!((status.reloads, status.failed_reload), (1, None));
    goes_on(&mut session)?;
    goes_on(&mut Client::connect(other)?)?;
    goes_on(&mut Client::connect(scene.listens)?)?;
    drop(session);
    scene.until("the old proxy to end", |status| status.leaving.is_empty())?;
    Ok(())
}

fn by_signal() -> Outcome {
    let scene = Scene::new()?;
    for (count, signal) in [(1, Signal::HUP), (2, Signal::USR2)] {
        let before = proxy(&scene.status()?)?;
        scene.node.signal(signal)?;
        let status = scene.until("the reload", |status| status.reloads == count)?;
        assert_ne!(proxy(&status)?, before);
    }
    scene.node.wait_for_line("the reload to be told", |line| {
        line.starts_with("pontoon: note: Reloaded: the proxy is process ")
    })?;
    Ok(())
}

/// Those that come during a reload are one more together, which reads what was written last.
fn storm() -> Outcome {
    const SIGNALS: u32 = 200;
    let scene = Scene::new()?;
    let mut session = scene.session()?;
    for _ in 0..SIGNALS {
        scene.node.signal(Signal::HUP)?;
        goes_on(&mut session)?;
        // Nobody is refused meanwhile.
        goes_on(&mut Client::connect(scene.listens)?)?;
    }
    let other = pontoon_lab::balancer::free_address()?;
    scene
        .write(|text| text.replace("listen relay\n", &format!("listen relay\n bind {other}\n")))?;
    let status = scene.reload()?;
    goes_on(&mut Client::connect(other)?)?;
    goes_on(&mut session)?;
    assert!(status.reloads <= SIGNALS + 1, "{}", status.reloads);
    assert_eq!(status.proxy.map(|proxy| proxy.restarts), Some(0));
    drop(session);
    scene.until("the old ones to end", |status| status.leaving.is_empty())?;
    Ok(())
}

/// While a proxy waits for its restart, a reload need not wait.
fn after_a_crash() -> Outcome {
    let scene = Scene::new()?;
    let pid = proxy(&scene.status()?)?;
    kill(pid)?;
    scene.until("the crash", |status| {
        status.proxy.as_ref().is_some_and(|it| it.pid.is_none())
    })?;
    let status = scene.reload()?;
    assert_ne!(proxy(&status)?, pid);
    assert!(status.leaving.is_empty());
    scene.session()?;
    Ok(())
}

pub(super) fn kill(pid: u32) -> Outcome {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(pontoon_sys::process::Pid::from_raw);
    let pid = pid.ok_or("no process")?;
    pontoon_sys::process::child::signal_pid(pid, Signal::KILL)?;
    Ok(())
}

fn tells_systemd() -> Outcome {
    let folder = TempDir::new("systemd")?;
    let path = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&path)?;
    systemd.set_read_timeout(Some(wait::PATIENCE))?;
    let scene = Scene::with(|command| {
        command.env("NOTIFY_SOCKET", &path);
    })?;
    let ready = format!("READY=1\nMAINPID={}", scene.node.pid());
    assert_eq!(hear(&systemd)?, ready);
    scene.reload()?;
    reloading(&hear(&systemd)?)?;
    assert_eq!(hear(&systemd)?, ready);
    // A reload that is refused is over, too.
    scene.write(|text| text + "nonsense\n")?;
    scene.reload().err().ok_or("it was not refused")?;
    reloading(&hear(&systemd)?)?;
    assert_eq!(hear(&systemd)?, ready);
    Ok(())
}

/// With a time that systemd believes: of its own clock, and not ahead of it.
fn reloading(text: &str) -> Outcome {
    let since = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    let since: u64 = since.and_then(|it| it.parse().ok()).ok_or(text)?;
    let uptime = std::fs::read_to_string("/proc/uptime")?;
    let seconds: f64 = uptime
        .split(' ')
        .next()
        .and_then(|it| it.parse().ok())
        .ok_or("no uptime")?;
    let ago = seconds - std::time::Duration::from_micros(since).as_secs_f64();
    assert!((-1.0..60.0).contains(&ago), "{ago} s ago");
    Ok(())
}

fn hear(systemd: &UnixDatagram) -> Result<String, Failure> {
    let mut buffer = [0; 512];
    let length = systemd.recv(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

fn stop_ends_all() -> Outcome {
    let mut scene = Scene::new()?;
    let first = proxy(&scene.status()?)?;
    let _session = scene.session()?;
    let status = scene.reload()?;
    scene.node.signal(Signal::TERM)?;
    assert_eq!(scene.node.wait(wait::PATIENCE)?.code(), Some(0));
    for pid in [first, proxy(&status)?] {
        let cmdline = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        assert!(cmdline.is_empty(), "{pid} is still there");
    }
    Ok(())
}

/// What a package manager does: another file under the same name.
fn new_program() -> Outcome {
    let scene = Scene::new()?;
    scene.replace_program("[ $1 = -sf ] && echo new >>started\nexec -a haproxy $REAL \"$@\"")?;
    let pid = proxy(&scene.status()?)?;
    // A crash is no upgrade: what runs is started again.
    kill(pid)?;
    let status = scene.until("the restart", |status| {
        status
            .proxy
            .as_ref()
            .is_some_and(|it| it.up_for.is_some() && it.restarts == 1)
    })?;
    let started = scene.folder.path().join("started");
    assert!(!started.exists());
    let again = proxy(&status)?;
    assert_ne!(proxy(&scene.reload()?)?, again);
    assert_eq!(std::fs::read_to_string(started)?, "new\n");
    scene.session()?;
    Ok(())
}
