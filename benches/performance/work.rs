//! Who is measured when: all contenders in turns, in another order each round, so that a bad minute of the
//! machine hits all.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

use pontoon_lab::{
    problem::{self, Problem},
    spread::Spread,
};

use crate::{
    contender::Contender,
    field::Field,
    machine::{self, Machine},
    options::Options,
    results::{Entry, Measured, Results, Run},
    sample::Sample,
    scenario::{Congestion, Scenario},
    setting::{BACKEND, Plan},
    stage::Stage,
    statistics::ratios,
};

/// What would be measured, and how long it would take.
pub(crate) fn list(options: &Options) -> String {
    let field = Field::find(options);
    let mut text = String::new();
    for (scenario, congestion) in options.tasks() {
        let names: Vec<_> = field
            .of(options, scenario, congestion)
            .iter()
            .map(|(one, _)| one.name())
            .collect();
        // Writing into a String cannot fail.
        let _ok = writeln!(
            text,
            "{:<20} {:<6} {:>3} s  {}: {}",
            scenario.name,
            congestion.name(),
            field.expected(options, scenario, congestion).as_secs(),
            scenario.title,
            names.join(", ")
        );
    }
    let _ok = writeln!(text, "{}", field.announcement(options));
    text
}

/// Measures everything that is asked for; what is done is written at once.
///
/// # Errors
/// A scenario cannot be set up, or results cannot be written.
pub(crate) fn measure(options: &Options, results: &mut Results) -> Result<(), String> {
    let field = Field::find(options);
    eprintln!("{}", field.announcement(options));
    let run = Run {
        commit: if options.own_build {
            machine::commit()
        } else {
            "another build".into()
        },
        date: jiff::Zoned::now().strftime("%F %H:%M").to_string(),
        machine: Machine::here(),
        rounds: options.rounds,
        seconds: options.duration.as_secs_f64(),
        seed: options.seed,
        versions: field.versions(),
    };
    let tasks = options.tasks();
    for (number, (scenario, congestion)) in tasks.iter().enumerate() {
        let began = Instant::now();
        let programs = field.of(options, scenario, *congestion);
        let mut measured = apart(|| play(options, scenario, *congestion, &programs))
            .map_err(|problem| format!("{}: {problem}", scenario.name))?;
        for (contender, reason) in &field.missing {
            if options.field(scenario, *congestion).contains(contender) {
                measured
                    .missing
                    .insert(contender.name().into(), reason.clone());
            }
        }
        let took = began.elapsed().as_secs();
        eprintln!(
            "[{}/{}] {took} s {}",
            number + 1,
            tasks.len(),
            told(scenario, *congestion, &measured)
        );
        results.add(&run, measured);
        keep_configurations(options, scenario, &programs)
            .and_then(|()| results.write(&options.out))
            .map_err(|error| format!("cannot write to {}: {error}", options.out.display()))?;
    }
    Ok(())
}

/// On a thread of its own: a scenario leaves the network and the processors of the thread that plays it.
fn apart<T: Send>(work: impl FnOnce() -> problem::Result<T> + Send) -> problem::Result<T> {
    let done = thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|_| Err(Problem::Unexpected("it panicked".into())))
}

fn play(
    options: &Options,
    scenario: &Scenario,
    congestion: Congestion,
    programs: &[(Contender, PathBuf)],
) -> problem::Result<Measured> {
    let (mut stage, missing) = Stage::set(scenario, congestion, programs)?;
    let mut order = stage.contenders();
    let mut entries: Vec<_> = order.iter().map(|one| Entry::empty(*one)).collect();
    let mut dice = Dice(options.seed);
    let duration = scenario.duration(options.duration);
    for round in 1..=scenario.rounds(options.rounds) {
        dice.shuffle(&mut order);
        for contender in &order {
            let Some(entry) = entries
                .iter_mut()
                .find(|it| it.contender == contender.name())
            else {
                continue;
            };
            match stage.sample(*contender, round, duration) {
                Ok(sample) => entry.samples.push(sample),
                Err(problem) => {
                    eprintln!("{}, {}: {problem}", scenario.name, contender.title());
                    entry.failures.push(problem.to_string());
                }
            }
        }
    }
    if stage.wrong() > 0 {
        let wrong = format!("wrong bytes came on {} connections", stage.wrong());
        return Err(Problem::Unexpected(wrong));
    }
    for (contender, reason) in &missing {
        eprintln!("{}, without {}: {reason}", scenario.name, contender.title());
    }
    let missing = missing
        .into_iter()
        .map(|(one, reason)| (one.name().to_owned(), reason));
    Ok(Measured {
        scenario: scenario.name.into(),
        congestion: congestion.name().into(),
        run: 0,
        entries,
        missing: missing.collect(),
    })
}

impl Entry {
    fn empty(contender: Contender) -> Self {
        Self {
            contender: contender.name().into(),
            samples: Vec::new(),
            failures: Vec::new(),
        }
    }
}

/// Numbers that are the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            let other = self.throw() % (last as u64 + 1);
            all.swap(last, usize::try_from(other).unwrap_or(0));
        }
    }
}

/// A line that says how it went: CPU and rate, as ratios to HAProxy.
fn told(scenario: &Scenario, congestion: Congestion, measured: &Measured) -> String {
    let mut text = format!("{} {}", scenario.name, congestion.name());
    let theirs = measured.samples(Contender::Haproxy).unwrap_or_default();
    for contender in Contender::ALL {
        let Some(samples) = measured.samples(contender) else {
            continue;
        };
        let median = |value: fn(&Sample) -> Option<f64>| {
            let spread = Spread::of(ratios(samples, theirs, value));
            spread.map_or_else(|| "–".into(), |it| format!("{:.2}", it.median))
        };
        let errors: u64 = samples.iter().map(|sample| sample.errors).sum();
        // Writing into a String cannot fail.
        let _ok = write!(
            text,
            "; {} CPU {} rate {}{}",
            contender.name(),
            median(|it| it
                .memory
                .map_or_else(|| it.proxy_per_unit(), |memory| memory.process)),
            median(|it| Some(it.rate())),
            if errors == 0 {
                String::new()
            } else {
                format!(" ({errors} errors)")
            }
        );
    }
    text
}

/// Keeps each contender's configuration in each setting.
fn keep_configurations(
    options: &Options,
    scenario: &Scenario,
    programs: &[(Contender, PathBuf)],
) -> std::io::Result<()> {
    let folder = options
        .out
        .join("configurations")
        .join(scenario.setting.name);
    fs::create_dir_all(&folder)?;
    for (contender, _) in programs {
        let plan = Plan::new(scenario.setting, *contender, BACKEND);
        let Some(launch) = contender.launch(&plan) else {
            continue;
        };
        let write = |name: &str, text: &str| {
            let path: &Path = &folder.join(format!("{}-{name}", contender.name()));
            fs::write(path, shortened(text))
        };
        write(launch.file, &launch.text)?;
        if let Some((name, text)) = &launch.second {
            write(name, text)?;
        }
    }
    Ok(())
}

/// A thousand lines of the same kind are not worth keeping.
fn shortened(text: &str) -> String {
    const KEPT: usize = 24;
    let lines: Vec<_> = text.lines().collect();
    if lines.len() <= 4 * KEPT {
        return text.to_owned();
    }
    let (first, last) = (&lines[..KEPT], &lines[lines.len() - 4..]);
    let left_out = lines.len() - KEPT - 4;
    format!(
        "{}\n# … {left_out} more lines …\n{}\n",
        first.join("\n"),
        last.join("\n")
    )
}
