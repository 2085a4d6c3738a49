//! What is known of the servers, for whoever decides whether this node should hold an address.

use super::*;

fn pair() -> Bench {
    let servers = vec![checked("a"), checked("b"), server("unchecked")];
    Bench::new(Algorithm::RoundRobin, servers)
}

#[test]
fn servers_without_checks_prove_nothing() {
    let bench = Bench::new(Algorithm::RoundRobin, vec![server("a")]);
    assert_eq!(bench.backend.readiness(), Readiness::Unchecked);
}

#[test]
fn a_server_that_begins_up_is_pending_until_a_check_has_passed() {
    let mut bench = pair();
    assert_eq!(bench.backend.readiness(), Readiness::Pending);
    bench.check(0, CheckStatus::L4Connection);
    assert_eq!(bench.backend.readiness(), Readiness::Pending);
    bench.check(1, CheckStatus::L4Ok);
    assert_eq!(bench.backend.readiness(), Readiness::Usable);
}

#[test]
fn a_proven_server_stays_usable_until_it_is_down() {
    let mut bench = pair();
    bench.take_down(1);
    bench.check(0, CheckStatus::L4Ok);
    bench.check(0, CheckStatus::L4Connection);
    assert_eq!(bench.backend.readiness(), Readiness::Usable);
    bench.take_down(0);
    assert_eq!(bench.backend.readiness(), Readiness::AllDown);
    bench.bring_up(1);
    assert_eq!(bench.backend.readiness(), Readiness::Usable);
}

#[test]
fn a_server_must_pass_again_after_maintenance() {
    let mut bench = pair();
    bench.take_down(1);
    bench.check(0, CheckStatus::L4Ok);
    let set = |bench: &mut Bench, state| bench.backend.set_admin(ServerId(0), state, bench.now);
    set(&mut bench, AdminState::Maintenance);
    assert_eq!(bench.backend.readiness(), Readiness::AllDown);
    set(&mut bench, AdminState::Ready);
    assert_eq!(bench.backend.readiness(), Readiness::Pending);
}

#[test]
fn of_several_backends_the_best_counts() {
    use Readiness::{AllDown, Pending, Unchecked, Usable};
    assert_eq!(Unchecked.and(AllDown), AllDown);
    assert_eq!(Pending.and(AllDown), Pending);
    assert_eq!(AllDown.and(Usable), Usable);
    assert_eq!(Usable.and(Unchecked), Usable);
}
