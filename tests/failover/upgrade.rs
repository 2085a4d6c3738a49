//! A new program on the disk, and a reload: the election becomes it, and the other node, a real
//! Keepalived, does not notice.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use pontoon_lab::{
    capture::Trace,
    host::{Host, Inmate},
    needs::Need,
    node::Programs,
    pair::NOTIFY,
    wait,
};
use rustix::process::Signal;

use super::{
    on_hosts,
    setup::{Place, ROUTER, Setup},
    street::Street,
};
use crate::{
    election::sandbox::{self, is_confined},
    harness::{Failure, Outcome, Test, measured, pontoon},
};

/// Adds them.
pub(super) fn register(tests: &mut Vec<Test>) {
    for (setup, whole) in [
        (Setup::v3(false, false, true), false),
        (Setup::v3(true, false, true), true),
    ] {
        for (ours, role) in [(Place::First, "master"), (Place::Second, "backup")] {
            let what = if whole { "node" } else { "drop_in" };
            let name = format!("upgrade_of_a_{what}_as_{role}_{setup}");
            let test = on_hosts(&name, move || upgrade(setup, whole, ours));
            tests.push(
                test.needs(Need::Program("keepalived"))
                    .needs(Need::Program("tcpdump"))
                    .needs(Need::Program("tshark")),
            );
        }
    }
}

/// So many in a row.
const UPGRADES: usize = 3;
/// A backup waits for three intervals of 0.1 s, and a little.
const PATIENCE: Duration = Duration::from_millis(300);
const FILE: &str = "/etc/keepalived/keepalived.conf";
const HAPROXY: &str = "/etc/haproxy/haproxy.cfg";
const PROGRAM: &str = "/tmp/program";
const NOTES: &str = "/tmp/notes";

fn upgrade(setup: Setup, whole: bool, ours: Place) -> Outcome {
    let programs = match ours {
        Place::First => [Programs::Apart(pontoon()), Programs::Debian],
        Place::Second => [Programs::Debian, Programs::Apart(pontoon())],
    };
    let mut street = Street::build(setup, programs)?;
    prepare(&street.first.host, setup, Place::First)?;
    prepare(&street.second.host, setup, Place::Second)?;
    let process = match ours {
        Place::First => {
            let process = start(&street.first.host, whole)?;
            street.serves(Place::First)?;
            street.second.start_election()?;
            process
        }
        Place::Second => {
            street.first.start_election()?;
            street.serves(Place::First)?;
            start(&street.second.host, whole)?
        }
    };
    wait::until("both to have found their places", wait::PATIENCE, || {
        let notes = notes(&street);
        (notes[0].ends_with("MASTER\n") && notes[1].ends_with("BACKUP\n")).then_some(())
    })?;
    let before = (notes(&street), election(&process)?);
    let upgraded = holding(&street, setup, || {
        once(&street, ours, &process, 1)?;
        let after_one = descriptors(&process)?;
        (2..=UPGRADES).try_for_each(|count| once(&street, ours, &process, count))?;
        // Those of a script that runs at this moment come and go.
        wait::until("no descriptor to be left", wait::PATIENCE, || {
            (descriptors(&process).ok()?.len() <= after_one.len()).then_some(())
        })
        .map_err(|error| {
            let now = descriptors(&process);
            Failure::from(format!(
                "{error:?}: {now:#?}; after the first: {after_one:#?}"
            ))
        })
    });
    let complain = |what: &str| {
        let said = process.output().join("\n");
        Failure::from(format!("{what}\n-- {ours:?} said:\n{said}"))
    };
    upgraded.map_err(|problem| complain(&format!("{problem:?}")))?;
    let after = (notes(&street), election(&process)?);
    if after != before {
        return Err(complain(&format!("{after:?}; before: {before:?}")));
    }
    let trace = street.leave()?;
    is_never_silent(&trace)
}

/// The files of a node; one of ours, as master, has something that it tracks.
fn prepare(host: &Host, setup: Setup, place: Place) -> Outcome {
    let script = "vrrp_script chk {\n script \"/bin/true\"\n interval 1\n weight 2\n}\n\n";
    let uses = format!("    notify {NOTIFY}\n    track_script {{\n        chk\n    }}\n");
    let text = setup.keepalived_conf(place);
    let text = text.replace("global_defs {\n", "global_defs {\n    script_user root\n");
    let text = text.replace("vrrp_instance", &format!("{script}vrrp_instance"));
    let text = text.replace(
        "    interface eth0\n",
        &format!("    interface eth0\n{uses}"),
    );
    // Only the first one's priority may change: the other stays below it.
    let text = match place {
        Place::First => text,
        Place::Second => text.replace("weight 2", "weight 1"),
    };
    host.write(FILE, text)?;
    host.write(
        HAPROXY,
        "defaults\n mode tcp\n timeout connect 1s\n timeout client 9s\n timeout server 9s\n\
         listen relay\n bind :8563\n server s1 127.0.0.1:1\n",
    )?;
    host.write_script(NOTIFY, format!("#!/bin/sh\necho \"$3\" >>{NOTES}\n"))?;
    Ok(())
}

/// A copy of the program takes its place on the disk; returns which file it is.
fn install(host: &Host) -> Result<(u64, u64), Failure> {
    let copy = format!("cp /usr/sbin/pontoon {PROGRAM}.new && mv {PROGRAM}.new {PROGRAM}");
    host.run(&["sh", "-c", &copy])?;
    let file = fs::metadata(host.path(PROGRAM))?;
    Ok((file.dev(), file.ino()))
}

fn start(host: &Host, whole: bool) -> Result<Inmate, Failure> {
    install(host)?;
    let line = if whole {
        format!("exec -a pontoon {PROGRAM} run {HAPROXY} {FILE}")
    } else {
        format!("exec -a keepalived {PROGRAM} -n -l -D -f {FILE}")
    };
    Ok(host.start(&["bash", "-c", &line])?)
}

fn notes(street: &Street) -> [String; 2] {
    [&street.first, &street.second].map(|node| node.host.read(NOTES))
}

/// The election that this process watches over.
fn election(process: &Inmate) -> Result<u32, Failure> {
    let parent = process.pid().ok_or("it has ended")?;
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
    let name = |pid: &str| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let mut elections = children.split_whitespace();
    let election = elections.find(|pid| name(pid) == "keepalived\n");
    let election = election.and_then(|pid| pid.parse().ok());
    Ok(election.ok_or("there is no election")?)
}

/// What the election has open: `12 -> socket:[345]`.
fn descriptors(process: &Inmate) -> Result<Vec<String>, Failure> {
    let folder = fs::read_dir(format!("/proc/{}/fd", election(process)?))?;
    let told = folder.map(|entry| {
        let entry = entry?;
        // It may be closed by now.
        let what = fs::read_link(entry.path()).unwrap_or_default();
        let number = entry.file_name();
        Ok(format!("{} -> {}", number.display(), what.display()))
    });
    told.collect()
}

/// One upgrade: all processes run the new file in the end, and are the same processes.
fn once(street: &Street, ours: Place, process: &Inmate, count: usize) -> Outcome {
    let new = install(&street.node(ours).host)?;
    process.signal(Signal::HUP)?;
    let told = |line: &&String| line.contains("The election is pontoon ");
    wait::until("the new election", wait::PATIENCE, || {
        (process.output().iter().filter(told).count() == count).then_some(())
    })?;
    let election = election(process)?;
    is_confined(election, sandbox::KEPT)?;
    let children = fs::read_to_string(format!("/proc/{election}/task/{election}/children"))?;
    let launcher = children.split_whitespace().map(str::parse).next();
    let launcher = launcher.ok_or("nobody starts scripts")?;
    let launcher = launcher.map_err(|_| "no number")?;
    let all = [election, launcher].into_iter().chain(process.pid());
    for pid in all {
        wait::until("all to run the new program", wait::PATIENCE, || {
            let file = fs::metadata(format!("/proc/{pid}/exe")).ok()?;
            ((file.dev(), file.ino()) == new).then_some(())
        })?;
    }
    Ok(())
}

/// Says that it is, also if that was a panic: nobody would end otherwise.
struct AtTheEnd<'f>(&'f AtomicBool);

impl Drop for AtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does something while it looks again and again whether the first node, and no other, has the address.
fn holding(street: &Street, setup: Setup, work: impl FnOnce() -> Outcome) -> Outcome {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let (mut looks, mut gone) = (0_u32, 0_u32);
            while !ended.load(Ordering::Relaxed) {
                let first = street.first.host.holds(setup.shared());
                let second = street.second.host.holds(setup.shared());
                looks += 1;
                gone += u32::from(!first || second);
            }
            (looks, gone)
        });
        let done = {
            let _at_the_end = AtTheEnd(&ended);
            work()
        };
        let looked = looking.join();
        done?;
        let (looks, gone) = looked.map_err(|_| "the look-out panicked")?;
        if looks <= 10 || gone > 0 {
            return Err(format!("the address was away in {gone} of {looks} looks").into());
        }
        Ok(())
    })
}

/// The master has sent one advertisement after the other, all with this priority.
fn is_never_silent(trace: &Trace) -> Outcome {
    // What tracking makes of the file's.
    let priority = (Place::First.priority() + 2).to_string();
    let all = format!("vrrp && vrrp.virt_rtr_id == {ROUTER}");
    let adverts = trace.frames(&all, &["frame.time_epoch", "vrrp.prio"])?;
    let settled = adverts
        .iter()
        .skip_while(|advert| advert.get("vrrp.prio") != Some(&priority));
    let mut times = Vec::new();
    for advert in settled {
        let said = advert.get("vrrp.prio").map(String::as_str);
        assert_eq!(said, Some(priority.as_str()), "{advert:?}");
        let time = advert.get("frame.time_epoch").ok_or("no time")?;
        times.push(time.parse::<f64>().map_err(|error| error.to_string())?);
    }
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    let gap = Duration::from_secs_f64(gaps.fold(0.0, f64::max));
    measured(&format!(
        "longest silence {gap:?} of {} adverts",
        times.len()
    ));
    assert!(times.len() > UPGRADES && gap < PATIENCE, "{gap:?}");
    Ok(())
}
