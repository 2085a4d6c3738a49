//! Servers that come and go while the process runs.

use super::*;

fn newcomer() -> ServerSettings {
    ServerSettings {
        disabled: true,
        ..server("new")
    }
}

fn ready(bench: &mut Bench, id: ServerId) {
    let now = bench.now;
    bench.backend.set_admin(id, AdminState::Ready, now);
}

fn maintain(bench: &mut Bench, id: ServerId) {
    let now = bench.now;
    bench.backend.set_admin(id, AdminState::Maintenance, now);
}

#[test]
fn a_newcomer_gets_its_share_once_it_is_ready_under_every_dynamic_algorithm() {
    let consistent = Hash {
        method: HashMethod::Consistent,
        ..Hash::default()
    };
    for algorithm in [
        Algorithm::RoundRobin,
        Algorithm::LeastConn,
        Algorithm::Random { draws: 2 },
        Algorithm::Source(consistent),
    ] {
        let mut bench = Bench::new(algorithm, weighted(&[1, 1]));
        for _ in 0..3 {
            bench.short();
        }
        let now = bench.now;
        let id = bench.backend.join(newcomer(), now);
        assert_eq!((id, bench.status(2).as_str()), (ServerId(2), "MAINT"));
        let draw = |bench: &mut Bench| {
            let mut got = [0; 3];
            for number in 0..=255 {
                let placement = bench.place_as(|request| Request {
                    client: client(number),
                    random: u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15),
                    ..request
                });
                let Placement::Server(id) = placement else {
                    panic!("{algorithm:?}: {placement:?}");
                };
                bench.backend.release(id, bench.now);
                got[id.index()] += 1;
            }
            got
        };
        let [one, two, three] = draw(&mut bench);
        assert!(one > 0 && two > 0 && three == 0, "{algorithm:?}");
        ready(&mut bench, id);
        let [one, two, three] = draw(&mut bench);
        assert!(
            one > 40 && two > 40 && three > 40,
            "{algorithm:?}: {one} {two} {three}"
        );
    }
}

#[test]
fn the_first_with_a_free_slot_may_be_a_newcomer() {
    let mut bench = Bench::new(Algorithm::First, limited(2, 1));
    let now = bench.now;
    let id = bench.backend.join(newcomer(), now);
    assert_eq!((bench.long(), bench.long()), (1, 2));
    assert!(matches!(bench.place(), Placement::Queued { .. }));
    ready(&mut bench, id);
    let admitted = bench
        .orders()
        .into_iter()
        .any(|order| matches!(order, Action::Admit { server, .. } if server == id));
    assert!(admitted);
    assert_eq!(bench.long(), 3);
}

#[test]
fn a_rotation_goes_on_where_it_was_when_somebody_joins() {
    let mut bench = Bench::new(Algorithm::RoundRobin, weighted(&[1, 1, 1]));
    assert_eq!((bench.short(), bench.short()), (1, 2));
    let now = bench.now;
    bench.backend.join(newcomer(), now);
    assert_eq!((bench.short(), bench.short(), bench.short()), (3, 1, 2));
}

#[test]
fn only_a_server_without_sessions_in_maintenance_may_go() {
    let mut bench = Bench::new(Algorithm::First, weighted(&[1, 1]));
    let (now, first) = (bench.now, ServerId(0));
    assert_eq!(bench.backend.leave(first, now), Err(Stays::InUse));
    assert_eq!(bench.long(), 1);
    maintain(&mut bench, first);
    assert_eq!(bench.backend.leave(first, now), Err(Stays::Busy));
    bench.backend.release(first, now);
    assert_eq!(bench.backend.leave(first, now), Ok(()));
    // Whatever happens to it later.
    ready(&mut bench, first);
    bench.backend.tracked_changed(
        first,
        &Arc::from("be/s"),
        OperState::Up,
        AdminState::Ready,
        now,
    );
    assert_eq!(bench.short(), 2);
    let id = bench.backend.join(newcomer(), now);
    assert_eq!(id, ServerId(2));
}

#[test]
fn checks_of_a_newcomer_wait_until_they_are_switched_on() {
    let mut bench = Bench::new(Algorithm::RoundRobin, weighted(&[1]));
    let settings = ServerSettings {
        disabled: true,
        ..checked("new")
    };
    let now = bench.now;
    let id = bench.backend.join(settings, now);
    ready(&mut bench, id);
    assert_eq!(bench.backend.check_interval(id), None);
    bench.backend.switch_checks(id, true);
    assert!(bench.backend.check_interval(id).is_some());
    maintain(&mut bench, id);
    bench.backend.leave(id, now).unwrap();
    assert_eq!(bench.backend.check_interval(id), None);
    assert_eq!(bench.backend.readiness(), Readiness::Unchecked);
}
