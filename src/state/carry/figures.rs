//! Rates and averages, as another process goes on with them.

use serde::{Deserialize, Serialize};

pub(super) use crate::state::rate::CarriedRate;
use crate::state::{Times, counters::CarriedAverage};

/// The averages of a server or backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct CarriedTimes {
    queue: CarriedAverage,
    connect: CarriedAverage,
    response: CarriedAverage,
    total: CarriedAverage,
}

impl CarriedTimes {
    pub(super) fn of(times: &Times) -> Self {
        Self {
            queue: times.queue.carry(),
            connect: times.connect.carry(),
            response: times.response.carry(),
            total: times.total.carry(),
        }
    }

    pub(super) fn restore(&self, times: &Times) {
        times.queue.resume(self.queue);
        times.connect.resume(self.connect);
        times.response.resume(self.response);
        times.total.resume(self.total);
    }
}
