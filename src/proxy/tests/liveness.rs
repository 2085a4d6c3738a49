//! What a data thread shows of being alive.

use super::fixture::{Fixture, echo};
use crate::state::mailbox::Message;

#[test]
fn an_idle_thread_shows_that_it_is_alive_until_it_ends() {
    let fixture = Fixture::start(&[echo()], 2, "");
    for _ in 0..2 {
        let before = fixture.running.slowest_turn();
        fixture.wait_until("another turn of each thread", |running| {
            running.slowest_turn() > before
        });
    }
    fixture.post(|| Message::Quit);
    fixture.wait_until("the end of all turns", |running| {
        running.slowest_turn().is_none()
    });
}
