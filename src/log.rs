//! Log lines: HAProxy's formats, syslog and descriptors, never blocking.

use pontoon_config::haproxy::model::{LogLevel, Proxy};
use pontoon_engine::backend::{HealthReport, StateChange};

use crate::record::{Concurrency, SessionRecord};

/// Where lines go. Cheap to use from any thread; never blocks.
#[derive(Debug)]
pub struct Logger {}

impl Logger {
    /// The line of a finished session (or, with `option logasap`, of one that just connected),
    /// if its proxy's options want one.
    pub fn session(&self, _proxy: &Proxy, _record: &SessionRecord, _concurrency: Concurrency) {
        todo!()
    }

    /// `Server be/s is DOWN, …`.
    pub fn state_changed(&self, _proxy: &Proxy, _change: &StateChange) {
        todo!()
    }

    /// `Health check for server be/s …`, if the proxy has `option log-health-checks`.
    pub fn health_report(&self, _proxy: &Proxy, _report: &HealthReport) {
        todo!()
    }

    /// `backend be has no server available!`
    pub fn no_server_left(&self, _proxy: &Proxy) {
        todo!()
    }

    /// Any other line: to the proxy's targets, or to the global ones.
    pub fn event(&self, _proxy: Option<&Proxy>, _level: LogLevel, _message: &str) {
        todo!()
    }
}
