//! A contender in its place: started, loaded, and looked at.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use pontoon_lab::{
    load::{self, Close, Edge, Workload, memory},
    problem::{Problem, Result, Trying},
    processor,
    program::Program,
    temp::TempDir,
    wait,
};
use pontoon_sys::process::identity::set_processors;
use rustix::process::Signal;

use crate::{
    contender::{Contender, Launch},
    database::Database,
    meter::Meter,
    sample::{Memory, Sample},
    setting::{BACKEND, Plan, Setting},
};

/// Where a proxy of one thread runs.
pub(crate) const PROXY: [u16; 1] = [1];

/// A contender that can be measured.
pub(crate) struct Contestant {
    /// Who.
    pub(crate) contender: Contender,
    program: PathBuf,
    plan: Plan,
    running: Option<Running>,
}

struct Running {
    program: Program,
    _folder: TempDir,
}

impl Contestant {
    /// One that is not started yet.
    pub(crate) const fn new(contender: Contender, program: PathBuf, plan: Plan) -> Self {
        Self {
            contender,
            program,
            plan,
            running: None,
        }
    }

    /// Starts it, on its own processor if it has one thread.
    ///
    /// # Errors
    /// It cannot be started, ends at once, or never listens.
    pub(crate) fn start(&mut self) -> Result<()> {
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

    /// A sample of a load.
    ///
    /// # Errors
    /// The load cannot be brought to it.
    pub(crate) fn loaded(
        &self,
        workload: &Workload,
        round: usize,
        duration: Duration,
    ) -> Result<Sample> {
        let mut meter = Meter::new(self.pid());
        let outcome = load::run_watched(self.target(), workload, duration, &mut |edge| {
            meter.reach(edge);
        })?;
        Ok(Sample::new(round, &outcome, meter.cost()?))
    }

    /// A sample of idle sessions. Starts it anew: what an allocator has kept from the last round is not counted twice.
    ///
    /// # Errors
    /// Not all sessions are served.
    pub(crate) fn idle(&mut self, sessions: usize, round: usize) -> Result<Sample> {
        self.running = None;
        self.start()?;
        self.serve_first()?;
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

    /// A first session brings what all sessions share. Who listens may not know its servers yet.
    fn serve_first(&self) -> Result<()> {
        let one = Workload::Connect {
            request: 64,
            response: 64,
            close: Close::Client,
            parallel: 1,
        };
        wait::until("a first session", wait::PATIENCE, || {
            let seen = load::run(self.target(), &one, Duration::from_millis(20)).ok()?;
            (seen.units > 0 && seen.errors == 0).then_some(())
        })
    }

    /// Resident memory of its processes.
    fn memory(&self) -> Result<Option<u64>> {
        let Some(pid) = self.pid() else {
            return Ok(None);
        };
        let family = processor::family(pid)?.into_iter();
        let each = family.map(|member| memory::of_process(member).map(|it| it.rss));
        each.sum::<Result<u64>>().map(Some)
    }

    /// A sample of pgbench.
    ///
    /// # Errors
    /// pgbench fails.
    pub(crate) fn transactions(
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

    /// A problem with the first grave word of whoever had it.
    pub(crate) fn complain(&self, problem: &Problem) -> Problem {
        let said = self.running.as_ref().map(|it| it.program.output());
        match said.and_then(|said| grave(&said)) {
            Some(line) => Problem::Unexpected(format!("{problem}; it said: {line}")),
            None => Problem::Unexpected(problem.to_string()),
        }
    }
}

impl Drop for Running {
    /// A process that is killed leaves its children behind: nginx's worker would go on.
    fn drop(&mut self) {
        // One that is gone already, or does not listen, is killed by its owner.
        let _asked = self.program.signal(Signal::TERM);
        let _ended = self.program.wait(Duration::from_secs(1));
    }
}

fn grave(said: &[String]) -> Option<String> {
    const WORDS: [&str; 4] = ["ALERT", "emerg", "error", "critical"];
    let is_grave = |line: &&String| WORDS.iter().any(|word| line.contains(word));
    said.iter().find(is_grave).cloned()
}

/// Why our program would not start with a contender's configuration: asked once, before everything begins.
pub(crate) fn refusal(contender: Contender, program: &Path) -> Result<Option<String>> {
    let plan = Plan::new(Setting::PLAIN, contender, BACKEND);
    let Some(launch) = contender.launch(&plan) else {
        return Ok(None);
    };
    let folder = TempDir::new("refusal")?;
    let file = folder.write(launch.file, &launch.text)?;
    let link = folder.path().join("haproxy");
    std::os::unix::fs::symlink(program, &link).trying("make a link")?;
    let output = Command::new(link).args(["-c", "-f"]).arg(file).output();
    let output = output.trying("let our program check a configuration")?;
    if output.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let said: Vec<_> = said.lines().map(str::to_owned).collect();
    let line = grave(&said).unwrap_or_else(|| "its configuration is refused".into());
    // Without the path of the file.
    let reason = line
        .rsplit_once("] : ")
        .map(|(_, reason)| reason.to_owned());
    Ok(Some(reason.unwrap_or(line)))
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
