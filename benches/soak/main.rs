//! Half an hour of mixed load on the program: are memory, descriptors and latency flat, and is nothing lost?
//!
//! `cargo bench --bench soak -- [--minutes N | --seconds N] [--engine auto|epoll] [--threads N] [--cc NAME]
//! [--pontoon PROGRAM] [--out FOLDER]`; needs root. Ends with an error if the run was not good. `docs/performance.md`
//! says what it means.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its findings are what it is for"
)]

use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

use pontoon_lab::{
    needs::Need,
    soak::{self, Plan, Report},
};

/// What it does not go without.
const NEEDS: [Need; 4] = [
    Need::Root,
    Need::Namespaces,
    Need::Program("ip"),
    Need::OpenFiles(4000),
];

fn main() -> ExitCode {
    match options(std::env::args().skip(1)).and_then(|(plan, out)| soak(&plan, &out)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(complaint) => {
            eprintln!("{complaint}");
            ExitCode::FAILURE
        }
    }
}

/// Runs it, tells and keeps what was found; whether that is good.
fn soak(plan: &Plan, out: &PathBuf) -> Result<bool, String> {
    if let Some(missing) = NEEDS.into_iter().find_map(Need::missing) {
        return Err(format!("cannot soak: {missing}"));
    }
    let report = soak::run(plan).map_err(|problem| problem.to_string())?;
    println!("{}", report.markdown());
    keep(plan, &report, out).map_err(|error| format!("{}: {error}", out.display()))?;
    Ok(report.is_good())
}

fn keep(plan: &Plan, report: &Report, out: &PathBuf) -> std::io::Result<()> {
    fs::create_dir_all(out)?;
    let name = format!("soak-{}", plan.engine.as_deref().unwrap_or("auto"));
    let write = |kind: &str, text: String| fs::write(out.join(format!("{name}.{kind}")), text);
    write("json", format!("{:#}\n", report.json()))?;
    write("md", report.markdown())?;
    write("svg", report.svg())
}

fn options(arguments: impl Iterator<Item = String>) -> Result<(Plan, PathBuf), String> {
    let mut plan = Plan {
        program: PathBuf::from(env!("CARGO_BIN_EXE_pontoon")),
        duration: Duration::from_secs(30 * 60),
        engine: None,
        threads: 2,
        congestion_control: "cubic".into(),
    };
    let mut out = PathBuf::from("benches/results");
    // cargo adds --bench.
    let mut words = arguments.filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("{word} wants a value"))?;
        match word.as_str() {
            "--minutes" => plan.duration = Duration::from_secs(60) * number(&value)?,
            "--seconds" => plan.duration = Duration::from_secs(1) * number(&value)?,
            "--engine" => plan.engine = Some(value),
            "--threads" => {
                plan.threads = u16::try_from(number(&value)?).map_err(|error| error.to_string())?;
            }
            "--cc" => plan.congestion_control = value,
            "--pontoon" => plan.program = value.into(),
            "--out" => out = value.into(),
            _ => return Err(format!("unknown: {word}")),
        }
    }
    Ok((plan, out))
}

fn number(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("not a number: {text}"))
}
