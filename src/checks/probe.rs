//! One probe of one server: from what was configured to a result.

use std::sync::Arc;

use pontoon_config::haproxy::{
    check::{CheckMethod, CheckTls, HttpStep, StepAction},
    model::{AgentCheck, Global, Proxy, Server, ServerCheck, ServerSide},
};
use pontoon_engine::health::CheckResult;

use super::{
    LoadError, agent, connect, exasol,
    exchange::Exchange,
    external::{self, External},
    http, ldap, mysql, postgres, redis, script, smtp, ssl_hello,
    subject::{self, Subject},
    target::{Deadlines, Limits, Target},
    tls::{Files, Tls},
    verdict::Verdict,
};
use crate::state::whereabouts::Moved;

/// `tune.bufsize` when nothing is said, in bytes.
const BUFFER_SIZE: u32 = 16_384;

/// A check, with all its files read.
#[derive(Debug)]
pub(super) struct Probe {
    target: Target,
    limits: Limits,
    /// Bytes of an answer that are kept.
    buffer: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// What the backend says, with the TLS of each of its steps; empty if none has any.
    Health {
        method: Arc<CheckMethod>,
        tls: Vec<Option<Arc<Tls>>>,
    },
    External(External),
    Agent {
        question: Option<Vec<u8>>,
    },
}

impl Probe {
    /// The health check of a server.
    ///
    /// # Errors
    /// Files of `check-ssl` cannot be used.
    pub(super) fn health(
        global: &Global,
        proxy: &Proxy,
        side: &ServerSide,
        server: &Server,
        check: &ServerCheck,
        files: &mut Files,
    ) -> Result<Self, Vec<LoadError>> {
        let name = format!("{}/{}", proxy.name, server.settings.name);
        let own = match (&*side.check, &check.tls) {
            (CheckMethod::Exasol(method), _) => exasol::tls(*method, check, &name, files),
            (_, None) => Ok(None),
            (_, Some(tls)) => files.client(tls, &check.alpn, &name).map(Some),
        };
        let own = own.map_err(|error| vec![error])?;
        let steps = load_steps(&side.check, check, &name, files)?;
        let kind = match &*side.check {
            CheckMethod::External { command } => {
                Kind::External(subject::external(command, proxy, side, server))
            }
            _ => Kind::Health {
                method: Arc::clone(&side.check),
                tls: steps,
            },
        };
        let interval = server.settings.health.map(|health| health.interval);
        Ok(Self {
            target: Target::of_check(server, check, side, own),
            limits: limits(side, interval),
            buffer: buffer(global),
            kind,
        })
    }

    /// The agent of a server.
    pub(super) fn agent(
        global: &Global,
        side: &ServerSide,
        server: &Server,
        agent: &AgentCheck,
    ) -> Self {
        let interval = server.settings.agent.map(|agent| agent.interval);
        Self {
            target: Target::of_agent(server, agent, side),
            limits: limits(side, interval),
            buffer: buffer(global),
            kind: Kind::Agent {
                question: agent.send.clone(),
            },
        }
    }

    fn moved(&self, subject: Subject<'_>, moved: &Moved) -> Target {
        match self.kind {
            Kind::Agent { .. } => self.target.of_agent_moved(subject.model(), moved),
            _ => self.target.of_check_moved(subject.model(), moved),
        }
    }

    /// Probes once.
    pub(super) async fn run(&self, subject: Subject<'_>) -> CheckResult {
        let deadlines = Deadlines::start(self.limits);
        let moved = subject.counters().whereabouts.get();
        let target = moved.as_ref().map(|moved| self.moved(subject, moved));
        let exchange = Exchange {
            target: target.as_ref().unwrap_or(&self.target),
            deadlines: &deadlines,
            limit: self.buffer,
        };
        let verdict = match &self.kind {
            Kind::Health { method, tls } => check(exchange, method, tls, subject).await,
            Kind::External(program) => {
                let sessions = subject.counters().sessions.get();
                let address = moved.as_ref().and_then(|moved| moved.address.as_ref());
                let told = address.map(|(it, _)| subject::external_at(program, Some(it)));
                let program = told.as_ref().unwrap_or(program);
                external::probe(program, sessions, &deadlines).await
            }
            Kind::Agent { question } => {
                let other = moved.as_ref().and_then(|moved| moved.agent_send.as_deref());
                agent::probe(exchange, other.or(question.as_deref())).await
            }
        };
        let Verdict { status, code, info } = verdict;
        CheckResult {
            status,
            code,
            info,
            duration: deadlines.elapsed(),
        }
    }
}

async fn check(
    exchange: Exchange<'_>,
    method: &CheckMethod,
    tls: &[Option<Arc<Tls>>],
    subject: Subject<'_>,
) -> Verdict {
    let render = |format: &_| subject.render(format);
    match method {
        // An external check has a kind of its own, and never gets here.
        CheckMethod::Connect | CheckMethod::External { .. } => {
            connect::probe(exchange.target, exchange.deadlines).await
        }
        CheckMethod::Script(steps) => {
            let render = &render;
            script::probe(exchange, script::Script { steps, tls, render }).await
        }
        CheckMethod::Http(check) => {
            let state = check.send_state.then(|| subject.state_header());
            let prepared = http::Prepared {
                check,
                tls,
                render: &render,
                state: state.as_deref(),
            };
            http::probe(exchange, prepared).await
        }
        CheckMethod::SslHello => ssl_hello::probe(exchange).await,
        CheckMethod::Postgres { user } => postgres::probe(exchange, user).await,
        CheckMethod::Mysql { user, pre_41 } => {
            let login = mysql::Login {
                user: user.as_deref(),
                pre_41: *pre_41,
            };
            mysql::probe(exchange, login).await
        }
        CheckMethod::Redis => redis::probe(exchange).await,
        CheckMethod::Smtp { hello, domain } => smtp::probe(exchange, hello, domain).await,
        CheckMethod::Exasol(check) => exasol::probe(exchange, *check).await,
        CheckMethod::Ldap => ldap::probe(exchange).await,
    }
}

fn limits(side: &ServerSide, interval: Option<std::time::Duration>) -> Limits {
    // Whatever is probed has an interval.
    let interval = interval.unwrap_or_default();
    Limits::new(interval, side.timeout_connect, side.timeout_check)
}

fn buffer(global: &Global) -> usize {
    let bytes = global.tune.buffer_size.unwrap_or(BUFFER_SIZE);
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The TLS of each step of a script; empty if none has any.
fn load_steps(
    method: &CheckMethod,
    check: &ServerCheck,
    name: &str,
    files: &mut Files,
) -> Result<Vec<Option<Arc<Tls>>>, Vec<LoadError>> {
    let steps = step_tls(method);
    if steps.iter().all(Option::is_none) {
        return Ok(Vec::new());
    }
    let (loaded, failed): (Vec<_>, Vec<_>) = steps
        .into_iter()
        .map(|step| {
            let tls = step.map(|step| of_step(step, check));
            tls.map(|tls| files.client(&tls, &check.alpn, name))
                .transpose()
        })
        .partition(Result::is_ok);
    if !failed.is_empty() {
        return Err(failed.into_iter().filter_map(Result::err).collect());
    }
    Ok(loaded.into_iter().filter_map(Result::ok).collect())
}

/// What a step says is the name; everything else is the server's own.
fn of_step(step: &CheckTls, check: &ServerCheck) -> CheckTls {
    CheckTls {
        server_name: step.server_name.clone(),
        ..(*check.step_tls).clone()
    }
}

/// The TLS settings of each step of a script.
fn step_tls(method: &CheckMethod) -> Vec<Option<&Arc<CheckTls>>> {
    match method {
        CheckMethod::Script(steps) => steps
            .iter()
            .map(|step| match &step.action {
                StepAction::Connect(connect) => connect.tls.as_ref(),
                _ => None,
            })
            .collect(),
        CheckMethod::Http(check) => check
            .steps
            .iter()
            .map(|step| match step {
                HttpStep::Connect(connect) => connect.tls.as_ref(),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}
