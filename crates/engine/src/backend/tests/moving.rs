//! Sessions that another process has left behind.

use super::*;

#[test]
fn whoever_moves_in_takes_a_slot_but_nobodys_turn() {
    let mut bench = Bench::new(Algorithm::RoundRobin, limited(2, 1));
    bench.backend.occupy(ServerId(0), bench.now);
    assert_eq!(bench.view(0).picked, 0);
    assert_eq!(bench.long(), 2, "the first is full");
    let Placement::Queued { .. } = bench.place() else {
        panic!("both are full");
    };
    bench.backend.release(ServerId(0), bench.now);
    let admitted = Action::Admit {
        session: session(2),
        server: ServerId(0),
    };
    assert_eq!(bench.orders(), [admitted]);
}

#[test]
fn slots_beyond_the_limit_are_taken_and_given_back() {
    let mut bench = Bench::new(Algorithm::RoundRobin, limited(1, 1));
    for _ in 0..3 {
        bench.backend.occupy(ServerId(0), bench.now);
    }
    for _ in 0..2 {
        bench.backend.release(ServerId(0), bench.now);
    }
    assert!(matches!(bench.place(), Placement::Queued { .. }));
    bench.backend.release(ServerId(0), bench.now);
    assert_eq!(bench.orders().len(), 1, "now there is room");
}

#[test]
fn who_waits_goes_on_waiting_in_the_same_order() {
    let mut old = Bench::new(Algorithm::RoundRobin, limited(2, 1));
    assert_eq!((old.long(), old.long()), (1, 2));
    for _ in 0..3 {
        old.place();
    }
    old.place_as(|request| Request {
        forced: Some(ServerId(1)),
        ..request
    });
    let order = old.backend.queue_order();
    let keys: Vec<_> = order.iter().map(|(key, _)| key.slot).collect();
    assert_eq!(keys, [3, 4, 5, 6]);
    assert_eq!(order[3].1, Some(ServerId(1)));

    let mut new = Bench::new(Algorithm::RoundRobin, limited(2, 1));
    for server in [0, 1] {
        new.backend.occupy(ServerId(server), new.now);
    }
    for (key, server) in order {
        new.backend.wait_on(key, server, new.now);
    }
    assert_eq!(new.backend.queue_order(), old.backend.queue_order());
    for server in [1, 1, 0, 1] {
        new.backend.release(ServerId(server), new.now);
    }
    let admitted: Vec<_> = new
        .orders()
        .into_iter()
        .map(|action| match action {
            Action::Admit { session, server } => (session.slot, server.0),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(admitted, [(3, 1), (4, 1), (5, 0), (6, 1)]);
}

#[test]
fn who_waits_is_let_in_at_once_where_there_is_room_now() {
    let mut bench = Bench::new(Algorithm::RoundRobin, limited(1, 1));
    bench.backend.wait_on(session(9), None, bench.now);
    let admitted = Action::Admit {
        session: session(9),
        server: ServerId(0),
    };
    assert_eq!(bench.orders(), [admitted]);
}
