//! What a client sees of a failover: HAProxy with Keepalived, and Pontoon, side by side.
//!
//! `cargo bench --bench failover -- [--runs N] [--jobs N] [--timing v2|v3] [--scenario NAME]
//! [--contender NAME] [--pontoon PROGRAM] [--out FOLDER]`; needs root. `docs/failover.md` says what it all means.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures are what it is for"
)]

mod contender;
mod options;
mod plot;
mod report;
mod scenario;
#[path = "../shared/mod.rs"]
mod shared;
mod timing;
mod work;

use std::process::ExitCode;

use pontoon_lab::needs::Need;

use self::{options::Options, report::Report};

/// What everything here needs.
const NEEDS: [Need; 6] = [
    Need::Root,
    Need::Namespaces,
    Need::Hosts,
    Need::Program("haproxy"),
    Need::Program("keepalived"),
    Need::Program("killall"),
];

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(complaint) => {
            eprintln!("{complaint}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(missing) = NEEDS.into_iter().find_map(Need::missing) {
        eprintln!("cannot measure: {missing}");
        return ExitCode::FAILURE;
    }
    let figures = work::measure(&options);
    let report = Report::new(&figures);
    println!("{}", report.table());
    match report.write(&options.out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write to {}: {error}", options.out.display());
            ExitCode::FAILURE
        }
    }
}
