//! What a data thread shows of being alive.

use std::{
    io::{Read as _, Write as _},
    time::{Duration, Instant},
};

use pontoon_engine::units::ProxyId;

use super::fixture::{Fixture, echo};

const SLOW: Duration = Duration::from_millis(50);

#[test]
fn who_is_stuck_in_a_turn_is_slow_and_who_waits_is_not() {
    let fixture = Fixture::start(&[echo()], 2, "");
    let guard = fixture.running.backend(ProxyId(0)).unwrap().balancer();
    let mut client = fixture.connect();
    client.write_all(b"x").unwrap();
    // Whoever serves it waits for us.
    fixture.wait_until("a slow thread", |running| {
        running.slowest_thread(Instant::now()) > SLOW
    });
    drop(guard);
    client.read_exact(&mut [0]).unwrap();
    // By then, a turn without an end would count as slow.
    let begin = Instant::now();
    fixture.wait_until("a quiet thread", |running| {
        let now = Instant::now();
        now > begin + SLOW && running.slowest_thread(now).is_zero()
    });
}
