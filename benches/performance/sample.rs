//! One sample: what a load came to in one round, and what it cost.

use pontoon_lab::load::Outcome;
use serde::{Deserialize, Serialize};

/// What was counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// In which round.
    pub(crate) round: usize,
    /// Connections, messages, bytes, sessions or transactions.
    pub(crate) units: u64,
    /// For so many seconds.
    pub(crate) seconds: f64,
    /// What went wrong.
    pub(crate) errors: u64,
    /// Seconds of CPU of the proxy; none without one.
    pub(crate) proxy: Option<f64>,
    /// Seconds of CPU of the whole machine.
    pub(crate) machine: f64,
    /// Unless it means nothing.
    pub(crate) latency: Option<Latency>,
    /// For idle sessions.
    pub(crate) memory: Option<Memory>,
}

/// Quantiles in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// Half are faster.
    pub(crate) p50: f64,
    /// 99 of 100 are.
    pub(crate) p99: f64,
    /// 999 of 1,000 are.
    pub(crate) p999: f64,
}

/// Bytes a session.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Of the proxy's process; none without one.
    pub(crate) process: Option<f64>,
    /// Of the kernel, clients' and servers' sockets included.
    pub(crate) kernel: f64,
}

/// What something cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Seconds of CPU of the proxy; none without one.
    pub(crate) proxy: Option<f64>,
    /// Seconds of CPU of the whole machine.
    pub(crate) machine: f64,
}

impl Sample {
    /// What the load generator has counted.
    pub(crate) fn new(round: usize, outcome: &Outcome, cost: Cost) -> Self {
        let latency = &outcome.latency;
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds below an hour")]
        let at = |quantile| latency.value_at_quantile(quantile) as f64 / 1000.0;
        Self {
            round,
            units: outcome.units,
            seconds: outcome.elapsed.as_secs_f64(),
            errors: outcome.errors,
            proxy: cost.proxy,
            machine: cost.machine,
            latency: (!latency.is_empty()).then(|| Latency {
                p50: at(0.5),
                p99: at(0.99),
                p999: at(0.999),
            }),
            memory: None,
        }
    }

    fn units(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
        let units = self.units as f64;
        units.max(1.0)
    }

    /// Units a second.
    pub(crate) fn rate(&self) -> f64 {
        self.units() / self.seconds.max(f64::EPSILON)
    }

    /// Seconds of CPU of the proxy for a unit.
    pub(crate) fn proxy_per_unit(&self) -> Option<f64> {
        self.proxy.map(|seconds| seconds / self.units())
    }

    /// Seconds of CPU of the whole machine for a unit.
    pub(crate) fn machine_per_unit(&self) -> f64 {
        self.machine / self.units()
    }
}
