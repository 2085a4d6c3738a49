//! Shows what a unit of each kind of work costs a build of Pontoon: instructions, allocations and
//! system calls, and where they come from.
//!
//! ```text
//! cargo build --profile gate --bin pontoon
//! cargo run -p pontoon-lab --example cost -- target/gate/pontoon [CASE…] [--top N] [--global LINE] [--listen LINE]
//! ```
//! A case is chosen by a part of its name, `--global` and `--listen` add lines to the configuration.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::{path::PathBuf, process::ExitCode};

use pontoon_lab::{
    cost::{self, Case, Cost, Share},
    crowd::raise_file_limit,
};

const USAGE: &str = "usage: cost PROGRAM [CASE…] [--top N] [--global LINE] [--listen LINE]";

fn main() -> ExitCode {
    let Some(options) = Options::parse(std::env::args().skip(1)) else {
        println!("{USAGE}");
        return ExitCode::FAILURE;
    };
    let raised = raise_file_limit();
    for mut case in cost::all().into_iter().filter(|case| options.wants(case)) {
        case.scene.global += &options.global;
        case.scene.listen += &options.listen;
        match raised
            .as_ref()
            .map(|()| cost::measure(&options.program, &case))
        {
            Ok(Ok(cost)) => show(&case, &cost, options.top),
            Ok(Err(problem)) => println!("{}: {problem}", case.name),
            Err(problem) => println!("{}: {problem}", case.name),
        }
    }
    ExitCode::SUCCESS
}

#[derive(Default)]
struct Options {
    program: PathBuf,
    cases: Vec<String>,
    top: usize,
    global: String,
    listen: String,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self {
            program: arguments.next()?.into(),
            ..Self::default()
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--top" => options.top = arguments.next()?.parse().ok()?,
                "--global" => options.global += &format!(" {}\n", arguments.next()?),
                "--listen" => options.listen += &format!(" {}\n", arguments.next()?),
                word => options.cases.push(word.into()),
            }
        }
        Some(options)
    }

    fn wants(&self, case: &Case) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|part| case.name.contains(part))
    }
}

fn show(case: &Case, cost: &Cost, top: usize) {
    println!("{}", case.name);
    for (threads, share) in [("data", &cost.data), ("main", &cost.main)] {
        println!(
            "  {threads} {:9.0} instructions {:6.2} allocations {:6.2} system calls",
            share.instructions,
            share.allocations.sum(),
            share.syscalls.sum(),
        );
        if top > 0 {
            detail(share, top);
        }
    }
}

fn detail(share: &Share, top: usize) {
    for (call, times) in share.syscalls.iter() {
        if times.abs() > 0.005 {
            println!("    {times:9.2} {call}");
        }
    }
    for (chain, times) in share.allocations.greatest_first().into_iter().take(top) {
        println!("    {times:9.2} allocations: {chain}");
    }
    for (function, own) in share.functions.greatest_first().into_iter().take(top) {
        println!("    {own:9.1} {function}");
    }
}
