//! EC2.

use std::time::Duration;

use pontoon_config::keepalived::model::{Aws, FloatingIp};
use pontoon_engine::floating_ip::event::Whereabouts;

use super::{
    client::Finding,
    environment::Environment,
    http::{Call, Http},
    problem::{OpenError, Problem},
};

/// One address at EC2.
#[derive(Debug)]
pub(super) struct Ec2 {
    _http: Http,
}

impl Ec2 {
    pub(super) fn new(
        file: &FloatingIp,
        _own: &Aws,
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
    Problem::refused("EC2 is not supported by this build yet", "")
}
