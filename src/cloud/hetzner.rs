//! Hetzner Cloud.

use std::time::Duration;

use pontoon_config::keepalived::model::{FloatingIp, ServerCloud};
use pontoon_engine::floating_ip::event::Whereabouts;

use super::{
    client::Finding,
    environment::Environment,
    http::{Call, Http},
    problem::{OpenError, Problem},
};

/// One address at Hetzner Cloud.
#[derive(Debug)]
pub(super) struct Hetzner {
    _http: Http,
}

impl Hetzner {
    pub(super) fn new(
        file: &FloatingIp,
        _own: &ServerCloud,
        environment: &Environment,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            _http: Http::to_api(file, environment)?,
        })
    }

    #[expect(clippy::unused_async, reason = "calls the API once it is written")]
    pub(super) async fn describe(&mut self, _call: &Call<'_>) -> Result<Whereabouts, Problem> {
        Err(unwritten())
    }

    #[expect(clippy::unused_async, reason = "calls the API once it is written")]
    pub(super) async fn associate(&mut self, _call: &Call<'_>) -> Result<(), Problem> {
        Err(unwritten())
    }

    #[expect(clippy::unused_async, reason = "calls the API once it is written")]
    pub(super) async fn preflight(&mut self, _limit: Duration) -> Vec<Finding> {
        vec![Finding::of("provider", Err(unwritten()))]
    }
}

fn unwritten() -> Problem {
    Problem::refused("Hetzner Cloud is not supported by this build yet", "")
}
