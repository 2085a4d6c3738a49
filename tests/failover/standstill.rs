//! A node that stands still for a while (a paused machine, a slow disk), and goes on.

use std::{thread, time::Duration};

use pontoon_lab::{
    needs::Need,
    node::Programs,
    wait::{self, PATIENCE},
};

use super::{
    on_hosts,
    setup::{Place, Setup},
    street::Street,
};
use crate::harness::{Outcome, Test, pontoon};

/// Just longer than three adverts of 0.1 s and the skew: four are waiting then.
const STANDSTILL: Duration = Duration::from_millis(400);
/// Long enough to take over if it was going to, and to hear an advert.
const A_MOMENT: Duration = Duration::from_millis(130);
/// By luck, once may go well.
const TIMES: usize = 10;

/// Adds them.
pub(super) fn register(tests: &mut Vec<Test>) {
    let name = "a_backup_that_stood_still_hears_before_it_takes_over";
    tests.push(on_hosts(name, backup).needs(Need::Program("tcpdump")));
}

fn backup() -> Outcome {
    let ours = Programs::Apart(pontoon());
    let mut street = Street::build(Setup::v3(false, false, true), [ours, ours])?;
    street.first.start_election()?;
    street.alone(Place::First)?;
    street.second.start_election()?;
    wait::until("a backup that hears", PATIENCE, || {
        let said = street.second.output();
        said.contains("computes its checksum").then_some(())
    })?;
    for _ in 0..TIMES {
        street.second.host.pause();
        thread::sleep(STANDSTILL);
        street.second.host.resume();
        thread::sleep(A_MOMENT);
    }
    if street.second.output().contains("MASTER STATE") {
        return Err(street.complain("it has not heard what was waiting for it"));
    }
    Ok(())
}
