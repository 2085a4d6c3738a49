//! Passes and failures in a row.

use super::{InitialState, Settings};

/// Where a server stands between down for good (0) and up for good (`rise + fall - 1`): HAProxy's
/// `check_health`. From `rise` on it is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counter {
    rise: u32,
    fall: u32,
    health: u32,
}

impl Counter {
    /// Before the first check.
    pub(crate) fn new(settings: &Settings) -> Self {
        let (rise, fall) = (settings.rise.max(1), settings.fall.max(1));
        let health = match settings.initial {
            InitialState::Up => rise,
            InitialState::FullyUp => rise + fall - 1,
            InitialState::Down => rise - 1,
            InitialState::FullyDown => 0,
        };
        Self { rise, fall, health }
    }

    /// 0 to `rise + fall - 1`.
    pub(crate) const fn health(self) -> u32 {
        self.health
    }

    pub(crate) const fn rise(self) -> u32 {
        self.rise
    }

    pub(crate) const fn fall(self) -> u32 {
        self.fall
    }

    pub(crate) const fn is_up(self) -> bool {
        self.health >= self.rise
    }

    /// Neither up nor down for good.
    pub(crate) const fn in_transition(self) -> bool {
        self.health != 0 && self.health != self.top()
    }

    /// A check passed. One is enough to make an up server up for good.
    pub(crate) const fn pass(&mut self) {
        self.health += 1;
        if self.is_up() {
            self.health = self.top();
        }
    }

    /// A check failed. One is enough to make a down server down for good.
    pub(crate) const fn fail(&mut self) {
        if self.health > self.rise {
            self.health -= 1;
        } else {
            self.health = 0;
        }
    }

    /// One more failure would take it down.
    pub(crate) fn weaken(&mut self) {
        self.health = self.health.min(self.rise);
    }

    /// Up for good at once.
    pub(crate) const fn bring_up(&mut self) {
        self.health = self.top();
    }

    /// Down at once.
    pub(crate) const fn bring_down(&mut self) {
        self.health = 0;
    }

    /// Goes on from what another counted, perhaps towards other numbers.
    pub(crate) fn resume(&mut self, health: u32, rise: u32, fall: u32) {
        let top = rise.saturating_add(fall).saturating_sub(1);
        self.health = if health < rise {
            health.min(self.rise - 1)
        } else if health >= top {
            self.top()
        } else {
            (self.rise + (health - rise)).min(self.top())
        };
    }

    /// Up or down, but the next word may change that.
    pub(crate) const fn doubt(&mut self, up: bool) {
        self.health = if up { self.rise } else { self.rise - 1 };
    }

    /// Back from maintenance: up until the first check says otherwise.
    pub(crate) const fn start_over(&mut self) {
        self.health = self.rise;
    }

    const fn top(self) -> u32 {
        self.rise + self.fall - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn counter(initial: InitialState) -> Counter {
        Counter::new(&Settings {
            rise: 2,
            fall: 3,
            interval: Duration::from_secs(2),
            fast_interval: None,
            down_interval: None,
            initial,
        })
    }

    #[test]
    fn three_failures_take_it_down_and_two_passes_bring_it_back() {
        let mut server = counter(InitialState::FullyUp);
        let healths = [
            Counter::fail,
            Counter::fail,
            Counter::fail,
            Counter::pass,
            Counter::pass,
        ]
        .map(|event| {
            event(&mut server);
            (server.health(), server.is_up())
        });
        assert_eq!(
            healths,
            [(3, true), (2, true), (0, false), (1, false), (4, true)]
        );
    }

    #[test]
    fn a_single_pass_heals_a_server_that_is_going_down() {
        let mut server = counter(InitialState::FullyUp);
        server.fail();
        server.fail();
        server.pass();
        assert_eq!(server.health(), 4);
    }

    #[test]
    fn the_initial_state_says_how_much_proof_is_needed() {
        let mut up = counter(InitialState::Up);
        up.fail();
        assert!(!up.is_up());
        let mut down = counter(InitialState::Down);
        assert!(!down.is_up());
        down.pass();
        assert!(down.is_up());
        let mut fully_down = counter(InitialState::FullyDown);
        fully_down.pass();
        assert!(!fully_down.is_up());
    }
}
