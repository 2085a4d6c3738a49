//! A scenario set up: a network of its own, servers, and every contender in its place, waiting for its turn.

use std::{net::UdpSocket, path::PathBuf, thread, time::Duration};

use pontoon_lab::{
    load::{Backend, Service, Workload, ground},
    problem::{Problem, Result, Trying},
};
use pontoon_sys::process::identity::set_processors;

use crate::{
    contender::Contender,
    contestant::{Contestant, PROXY},
    database::Database,
    sample::Sample,
    scenario::{Congestion, Load, Scenario},
    setting::{BACKEND, Plan},
};

/// Where load and servers run, but for proxies of more than one thread.
const LOAD: [u16; 1] = [0];
/// Of a contender's first sample, which is thrown away.
const WARM_UP: Duration = Duration::from_millis(100);

/// All that runs while a scenario is measured.
pub(crate) struct Stage {
    scenario: Scenario,
    contestants: Vec<Contestant>,
    backend: Option<Backend>,
    database: Option<Database>,
    log: UdpSocket,
}

impl Stage {
    /// Brings the calling thread into a new network and sets everything up there. Who cannot be started is
    /// left out; the reasons come back as well.
    ///
    /// # Errors
    /// There is no network, or no server.
    pub(crate) fn set(
        scenario: &Scenario,
        congestion: Congestion,
        programs: &[(Contender, PathBuf)],
    ) -> Result<(Self, Vec<(Contender, String)>)> {
        ground::enter(congestion.name())?;
        place_load(scenario)?;
        let log = sink()?;
        let address = log.local_addr().trying("ask for the log's address")?;
        let (backend, database) = match service(scenario) {
            Some(service) => (Some(Backend::start(service, BACKEND)?), None),
            None => (None, Some(Database::start(BACKEND)?)),
        };
        let mut stage = Self {
            scenario: *scenario,
            contestants: Vec::new(),
            backend,
            database,
            log,
        };
        let mut missing = Vec::new();
        for (contender, program) in programs {
            let plan = Plan::new(scenario.setting, *contender, address);
            let mut contestant = Contestant::new(*contender, program.clone(), plan);
            match contestant.start() {
                Ok(()) => stage.contestants.push(contestant),
                Err(problem) => missing.push((*contender, problem.to_string())),
            }
        }
        stage.warm_up(&mut missing);
        Ok((stage, missing))
    }

    /// Who can be measured.
    pub(crate) fn contenders(&self) -> Vec<Contender> {
        self.contestants.iter().map(|one| one.contender).collect()
    }

    /// One sample of one contender.
    ///
    /// # Errors
    /// The load could not be brought to it.
    pub(crate) fn sample(
        &mut self,
        contender: Contender,
        round: usize,
        duration: Duration,
    ) -> Result<Sample> {
        let found = self
            .contestants
            .iter_mut()
            .find(|one| one.contender == contender);
        let contestant = found.ok_or_else(|| Problem::Unexpected("who is that?".into()))?;
        let sample = match self.scenario.load {
            Load::Lab(workload) => contestant.loaded(&workload, round, duration),
            Load::Idle(sessions) => contestant.idle(sessions, round),
            Load::Database(clients) => {
                let database = self.database.as_ref();
                let database =
                    database.ok_or_else(|| Problem::Unexpected("there is no database".into()))?;
                contestant.transactions(clients, database, round, duration)
            }
        };
        sample.map_err(|problem| contestant.complain(&problem))
    }

    /// Connections on which a server got wrong bytes so far.
    pub(crate) fn wrong(&self) -> u64 {
        self.backend.as_ref().map_or(0, |it| it.served().wrong)
    }

    fn warm_up(&mut self, missing: &mut Vec<(Contender, String)>) {
        if !matches!(self.scenario.load, Load::Lab(_)) {
            return;
        }
        for contender in self.contenders() {
            // Who listens may not know its servers yet.
            let warm = (0..3).find_map(|_| match self.sample(contender, 0, WARM_UP) {
                Ok(sample) if sample.errors > 0 => None,
                done => Some(done),
            });
            if let Some(Err(problem)) = warm {
                missing.push((contender, problem.to_string()));
                self.contestants.retain(|one| one.contender != contender);
            }
        }
    }
}

/// What the load needs at the other end, if it is the load generator's.
fn service(scenario: &Scenario) -> Option<Service> {
    match scenario.load {
        Load::Lab(workload) => Some(workload.service()),
        Load::Idle(sessions) => Some(Workload::Idle { sessions }.service()),
        Load::Database(_) => None,
    }
}

/// The calling thread, with all that it starts, to the load's processors.
fn place_load(scenario: &Scenario) -> Result<()> {
    let all = [LOAD, PROXY].concat();
    let processors = if scenario.setting.apart() {
        &LOAD[..]
    } else {
        &all
    };
    set_processors(processors).trying("place the load on its processors")
}

/// A syslog server that reads and forgets.
fn sink() -> Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0").trying("bind a socket for log lines")?;
    let reader = socket.try_clone().trying("share a socket")?;
    thread::spawn(move || {
        let mut line = [0; 4096];
        // An empty datagram is the end.
        while reader.recv(&mut line).is_ok_and(|length| length > 0) {}
    });
    Ok(socket)
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Ok(address) = self.log.local_addr() {
            // Without it a thread stays until the end of the bench.
            let _ended = self.log.send_to(&[], address);
        }
    }
}
