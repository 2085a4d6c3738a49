//! A workbench: proxies side by side under one workload, in a network of their own. Needs root and two processors.
//!
//! `cargo run --release -p pontoon-lab --features load --example load -- --pontoon [NAME=]PROGRAM … --haproxy
//! --haproxy-splice --nginx --direct --workload NAME --cc bbr|cubic|reno --rounds N --seconds S --threads N
//! [--config-line LINE … (defaults, of all)] [--global-line LINE … (of Pontoon)]`
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures are what it is for"
)]

use std::{
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::fs::symlink,
    path::PathBuf,
    process::{Command, ExitCode},
    time::Duration,
};

use pontoon_lab::{
    load::{self, Backend, Close, Direction, Edge, Outcome, Pace, Workload, ground},
    needs,
    problem::{Problem, Result, Trying},
    processor::{self, Moment},
    program::Program,
    temp::TempDir,
    wait,
};
use pontoon_sys::process::identity::set_processors;

/// Where load and backends run; proxies run on the others.
const LOAD_CPU: u16 = 0;
const BACKEND: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9000);
/// Name, and what clients do.
const WORKLOADS: [(&str, Workload); 15] = [
    ("connect", connect(Close::Client)),
    ("connect-server", connect(Close::Server)),
    ("msg64", messages(64, 64)),
    ("msg1k", messages(1024, 64)),
    ("msg16k", messages(16_384, 64)),
    ("msg64-1000", messages(64, 1000)),
    ("one", messages(64, 1)),
    ("open", open(15_000, 1000)),
    ("sparse", open(1000, 64)),
    ("up", bulk(Direction::Up, 4)),
    ("down", bulk(Direction::Down, 4)),
    ("both", bulk(Direction::Both, 4)),
    ("up1", bulk(Direction::Up, 1)),
    ("idle", Workload::Idle { sessions: 9000 }),
    ("burst", Workload::Burst { connections: 1000 }),
];

const fn connect(close: Close) -> Workload {
    Workload::Connect {
        request: 64,
        response: 64,
        close,
        parallel: 32,
    }
}

const fn messages(size: usize, sessions: usize) -> Workload {
    Workload::Messages {
        size,
        sessions,
        pace: Pace::Closed,
    }
}

const fn open(per_second: u32, sessions: usize) -> Workload {
    Workload::Messages {
        size: 64,
        sessions,
        pace: Pace::Open { per_second },
    }
}

const fn bulk(direction: Direction, streams: usize) -> Workload {
    Workload::Bulk { direction, streams }
}

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) => options,
        Err(complaint) => {
            eprintln!("{complaint}");
            return ExitCode::FAILURE;
        }
    };
    match measure(&options) {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
struct Options {
    contenders: Vec<(String, Kind)>,
    workload: Workload,
    cc: String,
    rounds: usize,
    time: Duration,
    threads: usize,
    config: Vec<String>,
    global: Vec<String>,
}

/// Who stands between client and server.
enum Kind {
    Pontoon(PathBuf),
    Haproxy,
    HaproxySplice,
    Nginx,
    Direct,
}

impl Options {
    fn read() -> std::result::Result<Self, String> {
        let mut options = Self {
            contenders: Vec::new(),
            workload: WORKLOADS[0].1,
            cc: "bbr".into(),
            rounds: 9,
            time: Duration::from_secs(1),
            threads: 1,
            config: Vec::new(),
            global: Vec::new(),
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
            let kind = match word.as_str() {
                "--pontoon" => {
                    let value = value()?;
                    let (name, path) = value.split_once('=').unwrap_or(("pontoon", &value));
                    options
                        .contenders
                        .push((name.into(), Kind::Pontoon(path.into())));
                    continue;
                }
                "--haproxy" => Kind::Haproxy,
                "--haproxy-splice" => Kind::HaproxySplice,
                "--nginx" => Kind::Nginx,
                "--direct" => Kind::Direct,
                _ => {
                    options.set(&word, value()?)?;
                    continue;
                }
            };
            options.contenders.push((word[2..].into(), kind));
        }
        Ok(options)
    }

    fn set(&mut self, word: &str, value: String) -> std::result::Result<(), String> {
        let number = || {
            value
                .parse::<usize>()
                .map_err(|error| format!("{word} {value}: {error}"))
        };
        match word {
            "--workload" => self.workload = workload(&value)?,
            "--cc" => self.cc = value,
            "--rounds" => self.rounds = number()?.max(1),
            "--seconds" => {
                let seconds = value.parse().map_err(|error| format!("{word}: {error}"))?;
                self.time = Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())?;
            }
            "--threads" => self.threads = number()?.max(1),
            "--config-line" => self.config.push(value),
            "--global-line" => self.global.push(value),
            _ => return Err(format!("unknown: {word}")),
        }
        Ok(())
    }
}

fn workload(name: &str) -> std::result::Result<Workload, String> {
    let known: Vec<_> = WORKLOADS.iter().map(|(name, _)| *name).collect();
    let found = WORKLOADS.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, workload)| *workload)
        .ok_or_else(|| format!("workloads: {}", known.join(", ")))
}

/// A proxy, or none, and what was seen of it in each round.
struct Contender {
    name: String,
    target: SocketAddr,
    program: Option<Program>,
    rounds: Vec<Round>,
    _folder: TempDir,
}

/// Processor time at one edge of a round.
struct Reading {
    proxy: Duration,
    machine: Moment,
}

impl Reading {
    fn now(proxy: Option<u32>) -> Result<Self> {
        Ok(Self {
            // Asking each processor makes it change threads, and count what the last one used.
            machine: Moment::now()?,
            proxy: proxy.map_or(Ok(Duration::ZERO), processor::used_by)?,
        })
    }
}

/// One contender in one round, per unit of work.
struct Round {
    proxy: f64,
    machine: f64,
    rate: f64,
    p50: f64,
    p99: f64,
    errors: u64,
}

fn measure(options: &Options) -> Result<String> {
    pontoon_lab::crowd::raise_file_limit()?;
    ground::enter(&options.cc)?;
    set_processors(&[LOAD_CPU]).trying("stay on one processor")?;
    let backend = Backend::start(options.workload.service(), BACKEND)?;
    let mut contenders = Vec::new();
    for (number, (name, kind)) in (1_u16..).zip(&options.contenders) {
        contenders.push(Contender::start(name, kind, 8000 + number, options)?);
    }
    for round in 0..options.rounds {
        let count = contenders.len();
        for place in 0..count {
            // Each comes first, and after each other, equally often.
            let contender = &mut contenders[(round + place) % count];
            let seen = contender.round(&options.workload, options.time)?;
            contender.rounds.push(seen);
        }
    }
    let mut table = report(
        &contenders,
        matches!(options.workload, Workload::Bulk { .. }),
    );
    let served = backend.served();
    let _ok = writeln!(table, "backend: {served:?}");
    Ok(table)
}

impl Contender {
    fn start(name: &str, kind: &Kind, port: u16, options: &Options) -> Result<Self> {
        let folder = TempDir::new("load")?;
        let target = SocketAddr::from(([127, 0, 0, 1], port));
        let command = match kind {
            Kind::Direct => None,
            Kind::Nginx => {
                let file = folder.write("nginx.conf", nginx(target, options))?;
                let mut command = pinned(needs::find("nginx").unwrap_or("nginx".into()));
                command.arg("-c").arg(file);
                Some(command)
            }
            Kind::Haproxy | Kind::HaproxySplice | Kind::Pontoon(_) => {
                let program = match kind {
                    Kind::Pontoon(path) => {
                        let path = std::path::absolute(path).trying("find the program")?;
                        let link = folder.path().join("haproxy");
                        symlink(path, &link).trying("make a link")?;
                        link
                    }
                    _ => needs::find("haproxy").unwrap_or("haproxy".into()),
                };
                let file = folder.write("haproxy.cfg", haproxy(kind, target, options))?;
                let mut command = pinned(program);
                command.arg("-db").arg("-f").arg(file);
                Some(command)
            }
        };
        let mut program = command
            .map(|mut command| Program::start(&mut command))
            .transpose()?;
        if let Some(program) = &mut program {
            let up = wait::until(name, wait::PATIENCE, || {
                let ended = program.ended().ok().flatten().is_some();
                let up = TcpStream::connect(target).is_ok();
                (ended || up).then_some(up)
            });
            if !up? {
                let said = program.output().join("\n");
                return Err(Problem::Unexpected(format!("{name} has ended: {said}")));
            }
        }
        Ok(Self {
            name: name.into(),
            target: if program.is_some() { target } else { BACKEND },
            program,
            rounds: Vec::new(),
            _folder: folder,
        })
    }

    fn round(&self, workload: &Workload, time: Duration) -> Result<Round> {
        let pid = self.program.as_ref().map(Program::pid);
        let mut readings = Vec::new();
        let mut read = |_: Edge| {
            readings.push(Reading::now(pid));
        };
        let outcome = load::run_watched(self.target, workload, time, &mut read)?;
        let mut readings = readings.into_iter();
        match (readings.next(), readings.next()) {
            (Some(begin), Some(end)) => Ok(Round::new(&outcome, &begin?, &end?)),
            _ => Err(Problem::Unexpected("nothing was measured".into())),
        }
    }
}

/// A program on the other processors.
fn pinned(program: PathBuf) -> Command {
    let mut command = Command::new("taskset");
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    // This process itself is on one of them already.
    let last = if processors < 2 {
        "1".into()
    } else {
        format!("1-{}", processors - 1)
    };
    command.arg("-c").arg(last).arg(program);
    command
}

fn haproxy(kind: &Kind, target: SocketAddr, options: &Options) -> String {
    let mut text = format!("global\n maxconn 9500\n nbthread {}\n", options.threads);
    match kind {
        Kind::Pontoon(_) => lines(&mut text, &options.global),
        Kind::HaproxySplice => text.push_str(" tune.pipesize 1048576\n maxpipes 200\n"),
        _ => {}
    }
    text.push_str(
        "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n",
    );
    if matches!(kind, Kind::HaproxySplice) {
        text.push_str(" option splice-request\n option splice-response\n");
    }
    lines(&mut text, &options.config);
    let _ok = write!(
        text,
        "listen l\n bind {target} backlog 32768\n server s {BACKEND}\n"
    );
    text
}

fn lines(text: &mut String, lines: &[String]) {
    for line in lines {
        let _ok = writeln!(text, " {line}");
    }
}

fn nginx(target: SocketAddr, options: &Options) -> String {
    let module = "/usr/lib/nginx/modules/ngx_stream_module.so";
    let load = if std::path::Path::new(module).exists() {
        format!("load_module {module};\n")
    } else {
        String::new()
    };
    format!(
        "{load}worker_processes {};\nmaster_process off;\ndaemon off;\nerror_log stderr;\npid /dev/null;\n\
         events {{ worker_connections 19500; }}\n\
         stream {{ server {{ listen {target} backlog=32768; proxy_pass {BACKEND}; proxy_half_close on; }} }}\n",
        options.threads
    )
}

impl Round {
    fn new(outcome: &Outcome, begin: &Reading, end: &Reading) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "no count here needs 53 bits")]
        let units = outcome.units.max(1) as f64;
        let quantile = |q| {
            let nanoseconds = outcome.latency.value_at_quantile(q);
            Duration::from_nanos(nanoseconds).as_secs_f64() * 1e6
        };
        Self {
            proxy: end.proxy.saturating_sub(begin.proxy).as_secs_f64() / units,
            machine: end.machine.used_since(&begin.machine).as_secs_f64() / units,
            rate: outcome.rate(),
            p50: quantile(0.5),
            p99: quantile(0.99),
            errors: outcome.errors,
        }
    }
}

/// A line a contender: medians, and ratios to HAProxy (or whoever is first) in the same round.
fn report(contenders: &[Contender], bulk: bool) -> String {
    let (unit, scale, per_second) = if bulk {
        ("CPU ms/GB", 1e12, 1e-9)
    } else {
        ("CPU us/unit", 1e6, 1.0)
    };
    let mut text = format!(
        "{:16} {:>12} {:>9} {:>12} {:>8} {:>8}  ratio of proxy CPU   machine CPU          rate                 p50                  errors\n",
        "", unit, "machine", "rate/s", "p50 us", "p99 us"
    );
    let Some(base) = contenders
        .iter()
        .find(|one| one.name == "haproxy")
        .or(contenders.first())
    else {
        return text;
    };
    for one in contenders {
        let median = |of: fn(&Round) -> f64| quartiles(one.rounds.iter().map(of).collect())[1];
        let _ok = write!(
            text,
            "{:16} {:12.2} {:9.2} {:12.3} {:8.1} {:8.1} ",
            one.name,
            median(|round| round.proxy) * scale,
            median(|round| round.machine) * scale,
            median(|round| round.rate) * per_second,
            median(|round| round.p50),
            median(|round| round.p99)
        );
        let figures: [fn(&Round) -> f64; 4] = [
            |round| round.proxy,
            |round| round.machine,
            |round| round.rate,
            |round| round.p50,
        ];
        for of in figures {
            let ratios = one
                .rounds
                .iter()
                .zip(&base.rounds)
                .map(|(a, b)| of(a) / of(b));
            let [low, middle, high] = quartiles(ratios.collect());
            let _ok = write!(text, " {middle:6.3} ({low:.3}-{high:.3})");
        }
        let errors: u64 = one.rounds.iter().map(|round| round.errors).sum();
        let _ok = writeln!(text, " {errors}");
    }
    text
}

/// First quartile, median and third.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let at = |part: usize| {
        values
            .get((values.len().max(1) - 1) * part / 4)
            .copied()
            .unwrap_or(f64::NAN)
    };
    [at(1), at(2), at(3)]
}
