//! Health checks: probes servers and agents, tells the backends what they found, and drives the
//! backends' own timers.
//!
//! ```text
//! schedule   when              one sleeping task per checked server
//! probe      what              from the configuration to a result
//! connect, script, http, redis, postgres, mysql, smtp, ldap, exasol, ssl_hello, agent, external
//! conversation, socket, tls    how, with bounded time and memory
//! ```

use std::{path::PathBuf, sync::Arc, time::Duration};

use pontoon_config::haproxy::model::{Global, Model, Proxy, Server, ServerSide};
use pontoon_engine::units::ProxyId;
use tokio::{task::JoinSet, time::Instant};

use self::{
    probe::Probe,
    schedule::{Job, Role},
    tls::Files,
};
use crate::state::{Running, operate::ServerAt};

mod agent;
mod connect;
mod conversation;
mod exasol;
mod exchange;
mod external;
pub(crate) mod fuzzing;
mod http;
mod ldap;
mod mysql;
mod pattern;
mod postgres;
mod probe;
mod redis;
mod schedule;
mod script;
mod smtp;
mod socket;
mod ssl_hello;
mod subject;
mod target;
#[cfg(test)]
mod testing;
mod tls;
mod verdict;

/// The checks of a configuration, with everything read that lies in files.
#[derive(Debug)]
pub struct Checks {
    jobs: Vec<Job>,
    backends: Vec<ProxyId>,
}

/// A file that a check needs cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("'{server}': {}: {problem}", file.display())]
pub struct LoadError {
    /// `backend/server`.
    pub server: String,
    /// The file named by `ca-file` or `crt`.
    pub file: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

impl Checks {
    /// Reads what the checks of a configuration need (`ca-file`, `crt`). To be called before
    /// `chroot` and before privileges are dropped.
    ///
    /// # Errors
    /// All files that cannot be used.
    pub fn load(model: &Model) -> Result<Self, Vec<LoadError>> {
        let mut jobs = Vec::new();
        let mut errors = Vec::new();
        let mut backends = Vec::new();
        let mut files = Files::default();
        for proxy in model.proxies.iter().filter(|proxy| !proxy.disabled) {
            let Some(side) = &proxy.backend else { continue };
            backends.push(proxy.id);
            for server in &side.servers {
                match health_job(&model.global, proxy, side, server, &mut files) {
                    Ok(job) => jobs.extend(job),
                    Err(problems) => errors.extend(problems),
                }
                jobs.extend(agent_job(&model.global, proxy, side, server));
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        spread(&mut jobs, &model.global);
        Ok(Self { jobs, backends })
    }

    /// Checks until dropped. To be polled on a current-thread tokio runtime with I/O and time;
    /// external checks need that runtime's process driver as well.
    pub async fn run(self, running: Arc<Running>) {
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for job in self.jobs {
            tasks.spawn(job.run(Arc::clone(&running), started));
        }
        for proxy in self.backends {
            tasks.spawn(schedule::drive_timers(Arc::clone(&running), proxy));
        }
        loop {
            tokio::select! {
                newcomers = running.newcomers.next() => {
                    for job in newcomers.into_iter().flat_map(|at| jobs_of(&running, at)) {
                        tasks.spawn(job.run(Arc::clone(&running), Instant::now()));
                    }
                }
                Some(_ended) = tasks.join_next() => {}
            }
        }
    }

    /// Whether a server could be checked that is to be added to this proxy.
    ///
    /// # Errors
    /// Why not: files that its checks need can be read at the start only, for example.
    pub fn would_do(running: &Running, proxy: ProxyId, server: &Server) -> Result<(), String> {
        let proxy = running.proxy(proxy);
        let Some(side) = &proxy.backend else {
            return Ok(());
        };
        let job = health_job(
            &running.model.global,
            proxy,
            side,
            server,
            &mut Files::default(),
        );
        job.map(drop).map_err(|problems| {
            let problems = problems.iter().map(ToString::to_string);
            problems.collect::<Vec<_>>().join("; ")
        })
    }
}

/// What is to be done for a server that was added.
fn jobs_of(running: &Running, at: ServerAt) -> Vec<Job> {
    let proxy = running.proxy(at.backend);
    let Some((side, server)) = proxy
        .backend
        .as_ref()
        .and_then(|side| Some((side, side.servers.get(at.server.index())?)))
    else {
        return Vec::new();
    };
    let global = &running.model.global;
    // That it can be loaded was found out before it was added.
    let health = health_job(global, proxy, side, server, &mut Files::default());
    let mut jobs: Vec<_> = health.ok().flatten().into_iter().collect();
    jobs.extend(agent_job(global, proxy, side, server));
    for job in &mut jobs {
        job.offset = Duration::ZERO;
    }
    jobs
}

fn health_job(
    global: &Global,
    proxy: &Proxy,
    side: &ServerSide,
    server: &Server,
    files: &mut Files,
) -> Result<Option<Job>, Vec<LoadError>> {
    let (Some(check), Some(health)) = (&server.check, server.settings.health) else {
        return Ok(None);
    };
    Ok(Some(Job {
        proxy: proxy.id,
        server: server.id,
        role: Role::Health,
        probe: Probe::health(global, proxy, side, server, check, files)?,
        offset: health.interval,
    }))
}

fn agent_job(global: &Global, proxy: &Proxy, side: &ServerSide, server: &Server) -> Option<Job> {
    let agent = server.agent.as_ref()?;
    let interval = server.settings.agent?.interval;
    // An agent's first turn keeps step with its server's checks.
    let spread_over = server
        .settings
        .health
        .map_or(interval, |health| health.interval);
    Some(Job {
        proxy: proxy.id,
        server: server.id,
        role: Role::Agent { interval },
        probe: Probe::agent(global, side, server, agent),
        offset: spread_over,
    })
}

/// Turns what each job spreads over into when it first runs.
fn spread(jobs: &mut [Job], global: &Global) {
    let count = jobs.len();
    for (index, job) in jobs.iter_mut().enumerate() {
        job.offset = schedule::offset(job.offset, global, index, count);
    }
}

#[cfg(test)]
mod tests;
