//! A pair of real Keepalived becomes a pair of Pontoon, one node at a time.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use pontoon_lab::{
    host::{Host, Inmate, Installed},
    needs::Need,
    netns::Network,
    wait,
};
use rustix::process::Signal;

use super::{
    on_hosts,
    setup::{Place, Setup},
};
use crate::harness::{Failure, Outcome, Test, measured, pontoon};

/// Adds them.
pub(super) fn register(tests: &mut Vec<Test>) {
    for (name, first) in [
        ("standby_first", Place::Second),
        ("preferred_first", Place::First),
    ] {
        for setup in [Setup::v2(true, true), Setup::v3(false, false, true)] {
            let name = format!("nodes_are_exchanged_{name}_{setup}");
            let test = on_hosts(&name, move || exchange(setup, first));
            tests.push(test.needs(Need::Program("keepalived")));
        }
    }
}

const FILE: &str = "/etc/keepalived/keepalived.conf";

/// Whose program.
#[derive(Debug, Clone, Copy)]
enum Whose {
    Theirs,
    Ours,
}

/// Two hosts that have both programs, and what runs on them.
struct Row {
    hosts: Arc<[Host; 2]>,
    running: [Option<Inmate>; 2],
    shared: IpAddr,
    _network: Network,
}

impl Row {
    fn new(setup: Setup) -> Result<Self, Failure> {
        let mut network = Network::new()?;
        let mut host = |name, place: Place| -> Result<Host, Failure> {
            let [v4, _] = place.addresses();
            let space = network.host(name, &[&format!("{v4}/24")])?;
            let installed = [Installed {
                program: pontoon(),
                at: "/usr/sbin/pontoon",
            }];
            let host = Host::boot(&space, &installed)?;
            host.write(FILE, setup.keepalived_conf(place))?;
            Ok(host)
        };
        let hosts = Arc::new([host("a", Place::First)?, host("b", Place::Second)?]);
        Ok(Self {
            hosts,
            running: [None, None],
            shared: setup.shared(),
            _network: network,
        })
    }

    fn start(&mut self, place: Place, whose: Whose) -> Outcome {
        let program = match whose {
            Whose::Theirs => "exec keepalived \"$@\"",
            Whose::Ours => "exec -a keepalived /usr/sbin/pontoon \"$@\"",
        };
        let line = ["bash", "-c", program, "start", "-n", "-l", "-D", "-f", FILE];
        let index = place as usize;
        self.running[index] = Some(self.hosts[index].start(&line)?);
        Ok(())
    }

    fn replace(&mut self, place: Place) -> Outcome {
        let index = place as usize;
        if let Some(mut old) = self.running[index].take() {
            old.signal(Signal::TERM)?;
            old.wait(wait::PATIENCE)?;
        }
        self.start(place, Whose::Ours)
    }

    fn holds(&self) -> [bool; 2] {
        [0, 1].map(|index| self.hosts[index].holds(self.shared))
    }

    /// Waits until it is master, with nobody else there.
    fn settles_alone(&self) -> Outcome {
        wait::until("the first node to be master", wait::PATIENCE, || {
            self.holds()[0].then_some(())
        })?;
        Ok(())
    }

    /// Waits until the preferred node has the address, alone, and the other one takes part.
    fn settles(&self, since: Instant) -> Outcome {
        let settled = wait::until("the preferred node to be master", wait::PATIENCE, || {
            let takes_part = self.running.iter().flatten().all(|program| {
                let output = program.output();
                output
                    .iter()
                    .any(|line| line.contains("Entering BACKUP STATE"))
            });
            (self.holds() == [true, false] && takes_part).then_some(())
        });
        settled.map_err(|problem| {
            let logs = self
                .running
                .iter()
                .flatten()
                .map(|it| it.output().join("\n"));
            let logs = logs.collect::<Vec<_>>().join("\n--\n");
            format!("{problem} after {:?}:\n{logs}", since.elapsed())
        })?;
        Ok(())
    }
}

/// For how long, at most, both had the address, and nobody.
#[derive(Debug, Default)]
struct Seen {
    both: Duration,
    nobody: Duration,
}

/// Looks on until it is told that all is done.
fn look_on(hosts: &[Host; 2], shared: IpAddr, done: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let (mut before, mut since) = (1, Instant::now());
    while !done.load(Ordering::Relaxed) {
        let holders = hosts.iter().filter(|host| host.holds(shared)).count();
        if holders != before {
            (before, since) = (holders, Instant::now());
        }
        match holders {
            0 => seen.nobody = seen.nobody.max(since.elapsed()),
            1 => {}
            _ => seen.both = seen.both.max(since.elapsed()),
        }
        thread::sleep(Duration::from_millis(1));
    }
    seen
}

fn exchange(setup: Setup, first: Place) -> Outcome {
    let mut row = Row::new(setup)?;
    let began = Instant::now();
    row.start(Place::First, Whose::Theirs)?;
    row.settles_alone()?;
    row.start(Place::Second, Whose::Theirs)?;
    row.settles(began)?;

    let done = Arc::new(AtomicBool::new(false));
    let onlooker = {
        let (hosts, shared, done) = (Arc::clone(&row.hosts), row.shared, Arc::clone(&done));
        thread::spawn(move || look_on(&hosts, shared, &done))
    };
    let exchanged = [first, first.other()].into_iter().try_for_each(|place| {
        row.replace(place)?;
        row.settles(began)
    });
    done.store(true, Ordering::Relaxed);
    let seen = onlooker.join().map_err(|_| "the onlooker failed")?;
    exchanged?;
    measured(&format!("{setup}: {seen:?}"));
    assert!(seen.both < MOMENT, "{seen:?}");
    assert!(seen.nobody < Duration::from_secs(2), "{seen:?}");
    Ok(())
}

/// An advert and what a busy machine adds; the resigning one of a pair needs a skew (0.6 s) to be
/// replaced, and that is the time without anybody.
const MOMENT: Duration = Duration::from_millis(300);
