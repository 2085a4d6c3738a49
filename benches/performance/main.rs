//! What a connection, a message and a byte cost: Pontoon, HAProxy and others, in turns, in the same run.
//!
//! `cargo bench --bench performance -- [--workload NAME,…] [--contender NAME,…] [--cc cubic,bbr,reno]
//! [--rounds N] [--seconds S] [--seed N] [--quick] [--install] [--judge] [--report] [--list] [--out FOLDER]
//! [--pontoon PROGRAM]`; needs root and two processors. `docs/performance.md` says what it all means.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures are what it is for"
)]

mod contender;
mod contestant;
mod database;
mod field;
mod install;
mod judge;
mod machine;
mod meter;
mod options;
mod page;
mod plot;
mod report;
mod results;
mod sample;
mod scenario;
mod setting;
#[path = "../shared/mod.rs"]
mod shared;
mod stage;
mod statistics;
mod work;

use std::process::ExitCode;

use pontoon_lab::{crowd::raise_file_limit, needs::Need};

use self::{
    judge::Verdicts,
    options::{Aim, Options},
    report::Report,
    results::Results,
};

/// What everything here needs: 9,000 sessions have a client's and a server's side.
const NEEDS: [Need; 4] = [
    Need::Root,
    Need::Namespaces,
    Need::Program("haproxy"),
    Need::OpenFiles(20_000),
];

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(complaint) => {
            eprintln!("{complaint}");
            return ExitCode::FAILURE;
        }
    };
    match run(&options) {
        Ok(code) => code,
        Err(complaint) => {
            eprintln!("{complaint}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, String> {
    if options.install {
        install::peers()?;
    }
    let mut results = Results::read(&options.out)?;
    match options.aim {
        Aim::List => {
            print!("{}", work::list(options));
            return Ok(ExitCode::SUCCESS);
        }
        Aim::Measure => {
            if let Some(missing) = NEEDS.into_iter().find_map(Need::missing) {
                return Err(format!("cannot measure: {missing}"));
            }
            raise_file_limit().map_err(|problem| problem.to_string())?;
            work::measure(options, &mut results)?;
        }
        Aim::Report => {}
    }
    let verdicts = Verdicts::of(&results);
    let report = Report::new(&results, &verdicts);
    report
        .write(&options.out)
        .map_err(|error| format!("cannot write to {}: {error}", options.out.display()))?;
    println!("{}", verdicts.table());
    let incomplete = !options.contenders.is_empty() && results.lack(&options.contenders);
    if incomplete {
        eprintln!("not all who were named were measured without a fault");
    }
    let failed = incomplete || options.judge && !verdicts.all_met(options.is_whole());
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
