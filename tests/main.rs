//! All tests that run the program itself, in one binary.
//!
//! A test says what it needs; on a machine that lacks it, it is reported as skipped with the
//! reason, or fails if `PONTOON_REQUIRE_PEERS=1`.

mod chaos;
mod checks;
mod cloud;
mod commands;
mod compat;
mod cost;
mod database;
mod demo;
mod documentation;
mod election;
mod examples;
mod exasol;
mod failover;
mod fuzz;
mod handover;
mod harness;
mod language;
mod load;
mod logs;
mod metrics;
mod network;
mod node;
mod packages;
mod peers;
mod process;
mod proxy;
mod real;
mod reload;
mod runtime;
mod seed;
mod site;
mod stats;
mod tmux;
mod views;

fn main() -> std::process::ExitCode {
    // Before there are threads.
    if let Some(code) = site::inside() {
        return code;
    }
    let arguments = libtest_mimic::Arguments::from_args();
    libtest_mimic::run(
        &arguments,
        tests().into_iter().map(harness::Test::into_trial).collect(),
    )
    .exit_code()
}

/// Every test of this binary.
fn tests() -> Vec<harness::Test> {
    let mut tests = Vec::new();
    chaos::register(&mut tests);
    checks::register(&mut tests);
    cloud::register(&mut tests);
    commands::register(&mut tests);
    compat::register(&mut tests);
    cost::register(&mut tests);
    database::register(&mut tests);
    demo::register(&mut tests);
    documentation::register(&mut tests);
    election::register(&mut tests);
    exasol::register(&mut tests);
    examples::register(&mut tests);
    failover::register(&mut tests);
    fuzz::register(&mut tests);
    handover::register(&mut tests);
    language::register(&mut tests);
    load::register(&mut tests);
    logs::register(&mut tests);
    metrics::register(&mut tests);
    network::register(&mut tests);
    node::register(&mut tests);
    packages::register(&mut tests);
    peers::register(&mut tests);
    process::register(&mut tests);
    proxy::register(&mut tests);
    real::register(&mut tests);
    reload::register(&mut tests);
    seed::register(&mut tests);
    site::register(&mut tests);
    runtime::register(&mut tests);
    stats::register(&mut tests);
    views::register(&mut tests);
    tests
}
