//! Whole sessions over loopback, on data threads started in this process.

mod arrivals;
mod bulk;
mod endings;
pub(crate) mod fixture;
mod liveness;
mod observing;

/// An idle session costs its box, its slot in the table and its timer; nothing else.
#[test]
fn an_idle_session_is_small() {
    let session = size_of::<super::session::Session>();
    let slot = super::table::SLOT_SIZE + super::timers::SLOT_SIZE;
    assert!(session + slot <= 464, "{session} + {slot} bytes");
}
