//! One floating IP's provider as the rest of the program sees it.

use std::time::Duration;

use pontoon_config::keepalived::model::{FloatingIp, Provider};
use pontoon_engine::floating_ip::event::{Failure, Whereabouts};

use super::{
    aws::Ec2,
    digitalocean::DigitalOcean,
    environment::Environment,
    fence::Permit,
    hetzner::Hetzner,
    http::Call,
    problem::{self, OpenError, Problem},
};

/// Asks one provider about one address. A future that is dropped stops at once; bytes that have
/// left may still have their effect.
#[derive(Debug)]
pub struct Client {
    /// What one call may take in all, `api_timeout`.
    limit: Duration,
    provider: Api,
}

/// One variant per provider.
#[derive(Debug)]
enum Api {
    Aws(Box<Ec2>),
    Hetzner(Box<Hetzner>),
    DigitalOcean(Box<DigitalOcean>),
}

/// One thing that [`Client::preflight`] has looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What: `credentials`, `address`, …
    pub what: String,
    /// How it was found.
    pub outcome: Outcome,
}

/// How something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be; the text says what was seen.
    Fine(String),
    /// Not so.
    Problem {
        /// What is wrong.
        text: String,
        /// What to do about it; may be empty.
        advice: String,
    },
}

impl Client {
    /// Ready for the first call; nothing is sent yet.
    ///
    /// # Errors
    /// A URL of the file or the environment is none, or `ca_file` cannot be used.
    pub fn new(file: &FloatingIp) -> Result<Self, OpenError> {
        Self::in_environment(file, &Environment::of_process())
    }

    /// As [`Client::new`], with other environment variables than those of the process.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn in_environment(file: &FloatingIp, environment: &Environment) -> Result<Self, OpenError> {
        let provider = match &file.provider {
            Provider::Aws(aws) => Api::Aws(Box::new(Ec2::new(file, aws, environment)?)),
            Provider::Hetzner(cloud) => {
                Api::Hetzner(Box::new(Hetzner::new(file, cloud, environment)?))
            }
            Provider::DigitalOcean(cloud) => {
                Api::DigitalOcean(Box::new(DigitalOcean::new(file, cloud, environment)?))
            }
        };
        Ok(Self {
            limit: file.api_timeout,
            provider,
        })
    }

    /// Where the provider says the address is.
    ///
    /// # Errors
    /// Within `api_timeout`: what went wrong, and what to do about it.
    pub async fn describe(&mut self, permit: &Permit) -> Result<Whereabouts, Failure> {
        let call = Call::within(self.limit, permit);
        let answer = match &mut self.provider {
            Api::Aws(api) => api.describe(&call).await,
            Api::Hetzner(api) => api.describe(&call).await,
            Api::DigitalOcean(api) => api.describe(&call).await,
        };
        answer.map_err(Failure::from)
    }

    /// Brings the address here, from wherever it is.
    ///
    /// # Errors
    /// Within `api_timeout`: what went wrong, and what to do about it.
    pub async fn associate(&mut self, permit: &Permit) -> Result<(), Failure> {
        let call = Call::within(self.limit, permit);
        let answer = match &mut self.provider {
            Api::Aws(api) => api.associate(&call).await,
            Api::Hetzner(api) => api.associate(&call).await,
            Api::DigitalOcean(api) => api.associate(&call).await,
        };
        answer.map_err(Failure::from)
    }

    /// Finds out what a first call needs: what this node is, credentials, and whether the API can be
    /// reached. The API is not asked anything. Tells how long the credentials are fresh, if they end.
    ///
    /// # Errors
    /// Within `api_timeout`: why this node could not make a call, and what to do about it.
    pub async fn prepare(&mut self, permit: &Permit) -> Result<Option<Duration>, Failure> {
        let call = Call::within(self.limit, permit);
        let fresh_for = match &mut self.provider {
            Api::Aws(api) => api.prepare(&call).await,
            Api::Hetzner(api) => api.prepare(&call).await.map(|()| None),
            Api::DigitalOcean(api) => api.prepare(&call).await.map(|()| None),
        };
        fresh_for.map_err(Failure::from)
    }

    /// Tries out everything that a failover needs, without moving anything. Each step may take
    /// `api_timeout`.
    pub async fn preflight(&mut self) -> Vec<Finding> {
        match &mut self.provider {
            Api::Aws(api) => api.preflight(self.limit).await,
            Api::Hetzner(api) => api.preflight(self.limit).await,
            Api::DigitalOcean(api) => api.preflight(self.limit).await,
        }
    }
}

impl Finding {
    /// From how a step went.
    pub fn of(what: impl Into<String>, step: Result<String, Problem>) -> Self {
        let outcome = match step {
            Ok(text) => Outcome::Fine(problem::line(&text)),
            Err(Problem { text, advice, .. }) => Outcome::Problem { text, advice },
        };
        Self {
            what: what.into(),
            outcome,
        }
    }
}
