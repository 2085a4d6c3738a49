//! A scenario set up: a network of its own, servers, and every contender in its place, waiting for its turn.

use std::{
    fs,
    net::{SocketAddr, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use pontoon_lab::{
    load::{self, Backend, Edge, Service, Workload, ground, memory},
    problem::{Problem, Result, Trying},
    processor::{self, Moment},
    program::Program,
    temp::TempDir,
    wait,
};
use pontoon_sys::process::identity::set_processors;

use crate::{
    contender::{Contender, Launch},
    database::Database,
    sample::{Cost, Memory, Sample},
    scenario::{Congestion, Load, Scenario},
    setting::{BACKEND, Plan},
};

/// Where load and servers run, and where a proxy of one thread does.
const LOAD: [u16; 1] = [0];
const PROXY: [u16; 1] = [1];
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

/// A contender that can be measured.
struct Contestant {
    contender: Contender,
    program: PathBuf,
    plan: Plan,
    running: Option<Running>,
}

struct Running {
    program: Program,
    _folder: TempDir,
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
            let mut contestant = Contestant {
                contender: *contender,
                program: program.clone(),
                plan: Plan::new(scenario.setting, *contender, address),
                running: None,
            };
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
            let warm = (0..10).find_map(|_| match self.sample(contender, 0, WARM_UP) {
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

impl Contestant {
    fn start(&mut self) -> Result<()> {
        let Some(launch) = self.contender.launch(&self.plan) else {
            return Ok(());
        };
        let folder = TempDir::new("contender")?;
        let mut command = self.command(&launch, folder.path())?;
        let program = if self.plan.setting.apart() {
            on_processors(&PROXY, || Program::start(&mut command))??
        } else {
            Program::start(&mut command)?
        };
        self.running = Some(Running {
            program,
            _folder: folder,
        });
        self.await_door()
    }

    fn command(&self, launch: &Launch, folder: &Path) -> Result<Command> {
        let place = folder.display().to_string();
        let written = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text.replace("{}", &place)).trying(format!("write {}", path.display()))
        };
        written(launch.file, &launch.text)?;
        if let Some((name, text)) = &launch.second {
            written(name, text)?;
        }
        let mut program = self.program.clone();
        if self.contender.is_ours() {
            program = folder.join("haproxy");
            std::os::unix::fs::symlink(&self.program, &program).trying("make a link")?;
        }
        let mut command = Command::new(program);
        command.args(launch.words.iter().map(|word| word.replace("{}", &place)));
        command.envs(launch.variable.clone());
        Ok(command)
    }

    /// Waits until it accepts connections.
    fn await_door(&mut self) -> Result<()> {
        let target = self.target();
        let Some(running) = &mut self.running else {
            return Ok(());
        };
        let up = wait::until("the proxy to listen", wait::PATIENCE, || {
            if running.program.ended().ok().flatten().is_some() {
                return Some(false);
            }
            TcpStream::connect(target).ok().map(|_| true)
        });
        match up {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.complain(&Problem::Unexpected("it ended at once".into()))),
            Err(problem) => Err(self.complain(&problem)),
        }
    }

    fn target(&self) -> SocketAddr {
        self.plan.target(self.contender)
    }

    fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|it| it.program.pid())
    }

    fn loaded(&self, workload: &Workload, round: usize, duration: Duration) -> Result<Sample> {
        let mut meter = Meter::new(self.pid());
        let outcome = load::run_watched(self.target(), workload, duration, &mut |edge| {
            meter.reach(edge);
        })?;
        Ok(Sample::new(round, &outcome, meter.cost()?))
    }

    /// Starts it anew: what an allocator has kept from the last round is not counted twice.
    fn idle(&mut self, sessions: usize, round: usize) -> Result<Sample> {
        self.running = None;
        self.start()?;
        // A first session brings what all sessions share. Who listens may not know its servers yet.
        wait::until("a first session", wait::PATIENCE, || {
            load::Held::gather(self.target(), 1).ok()
        })?;
        let (process, kernel) = (self.memory()?, memory::of_kernel()?);
        let began = Instant::now();
        let mut held = load::Held::gather(self.target(), sessions)?;
        let seconds = began.elapsed().as_secs_f64();
        let (process_after, kernel_after) = (self.memory()?, memory::of_kernel()?);
        let answered = held.check()?;
        #[expect(clippy::cast_precision_loss, reason = "bytes of one machine")]
        let each = |after: u64, before: u64| (after as f64 - before as f64) / sessions as f64;
        let in_kernel = |it: memory::Kernel| it.slab + it.tcp_buffers;
        let process = process.zip(process_after);
        Ok(Sample {
            round,
            units: u64::try_from(answered).unwrap_or(0),
            seconds,
            errors: u64::try_from(sessions - answered).unwrap_or(0),
            proxy: None,
            machine: 0.0,
            latency: None,
            memory: Some(Memory {
                process: process.map(|(before, after)| each(after, before)),
                kernel: each(in_kernel(kernel_after), in_kernel(kernel)),
            }),
        })
    }

    fn memory(&self) -> Result<Option<u64>> {
        self.pid().map(processor::resident).transpose()
    }

    fn transactions(
        &self,
        clients: usize,
        database: &Database,
        round: usize,
        duration: Duration,
    ) -> Result<Sample> {
        let mut meter = Meter::new(self.pid());
        meter.reach(Edge::Begin);
        let seen = database.run(self.target(), clients, duration)?;
        meter.reach(Edge::End);
        Ok(seen.sample(round, meter.cost()?))
    }

    fn complain(&self, problem: &Problem) -> Problem {
        let said = self.running.as_ref().map(|it| it.program.output());
        let said = said.unwrap_or_default();
        let grave = |line: &&String| {
            ["ALERT", "emerg", "error", "critical"]
                .iter()
                .any(|it| line.contains(it))
        };
        let said: Vec<_> = said
            .iter()
            .filter(grave)
            .take(3)
            .map(String::as_str)
            .collect();
        if said.is_empty() {
            return Problem::Unexpected(problem.to_string());
        }
        Problem::Unexpected(format!("{problem}; it said: {}", said.join(" / ")))
    }
}

/// What is used between two edges.
struct Meter {
    proxy: Option<u32>,
    begin: Option<Reading>,
    end: Option<Reading>,
}

type Reading = Result<(Option<Duration>, Moment)>;

impl Meter {
    const fn new(proxy: Option<u32>) -> Self {
        Self {
            proxy,
            begin: None,
            end: None,
        }
    }

    fn reach(&mut self, edge: Edge) {
        let read = || {
            let proxy = self.proxy.map(processor::used_by).transpose()?;
            Ok((proxy, Moment::now()?))
        };
        let reading = Some(read());
        match edge {
            Edge::Begin => self.begin = reading,
            Edge::End => self.end = reading,
        }
    }

    fn cost(self) -> Result<Cost> {
        let unread = || Problem::Unexpected("the load has not told when it began".into());
        let (proxy, machine) = self.begin.ok_or_else(unread)??;
        let (proxy_after, machine_after) = self.end.ok_or_else(unread)??;
        let proxy = proxy_after.zip(proxy);
        Ok(Cost {
            proxy: proxy.map(|(after, before)| after.saturating_sub(before).as_secs_f64()),
            machine: machine_after.used_since(&machine).as_secs_f64(),
        })
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

fn on_processors<T: Send>(processors: &[u16], work: impl FnOnce() -> T + Send) -> Result<T> {
    let placed = thread::scope(|scope| {
        let worker = scope.spawn(|| {
            set_processors(processors).trying("place a proxy on its processor")?;
            Ok(work())
        });
        worker.join()
    });
    placed.unwrap_or_else(|_| Err(Problem::Unexpected("starting a proxy panicked".into())))
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
