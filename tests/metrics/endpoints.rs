//! The listeners beside all proxies: health, and what other balancers are told.

use std::{
    io::Read as _,
    net::{SocketAddr, TcpStream},
};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    client::Client,
    needs::Need,
    server::{Behaviour, Server},
    wait,
};
use rustix::process::Signal;

use super::scrape::{get, scrape};
use crate::harness::{Failure, Outcome, Test, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new(
        "metrics::a_stop_is_said_before_anything_else_happens",
        a_stop_is_said_first,
    ));
    tests.push(Test::new(
        "metrics::without_a_usable_server_nobody_is_sent_here",
        without_a_server,
    ));
    tests.push(Test::new(
        "metrics::an_address_in_use_is_a_reason_not_to_start",
        in_use,
    ));
    let test = Test::new(
        "metrics::haproxy_drains_what_says_that_it_stops",
        haproxy_drains_it,
    );
    tests.push(test.needs(Need::Program("haproxy")));
}

/// A balancer before one server.
struct Site {
    metrics: SocketAddr,
    agent: SocketAddr,
    front: SocketAddr,
    balancer: Balancer,
}

impl Site {
    fn start(server: SocketAddr, more: &str) -> Result<Self, Failure> {
        let [metrics, agent, front] = [free_address()?, free_address()?, free_address()?];
        let config = format!(
            "global\n tune.pontoon.metrics {metrics}\n tune.pontoon.agent {agent}\n{more}\n\
             defaults\n mode tcp\n timeout connect 1s\n timeout client 1m\n timeout server 1m\n\
             listen l\n bind {front}\n server s {server} check inter 50ms\n"
        );
        Ok(Self {
            metrics,
            agent,
            front,
            balancer: Balancer::start(Kind::Pontoon, pontoon(), &config, front)?,
        })
    }

    fn health(&self) -> Result<(u16, String), Failure> {
        get(self.metrics, "/health")
    }

    fn agent(&self) -> Result<String, Failure> {
        let mut said = String::new();
        TcpStream::connect(self.agent)?.read_to_string(&mut said)?;
        Ok(said)
    }

    fn wait_for(&self, status: u16, word: &str, said: &str) -> Outcome {
        let what = format!("{status} {word:?}, {said:?}");
        wait::until(&what, wait::PATIENCE, || {
            let health = self.health().ok()? == (status, word.to_owned());
            (health && self.agent().ok()? == said).then_some(())
        })?;
        Ok(())
    }
}

fn a_stop_is_said_first() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let mut site = Site::start(server.address(), " grace 1s")?;
    site.wait_for(200, "ok\n", "ready up\n")?;
    let mut long = Client::connect(site.front)?;
    long.send(b"hello")?;
    long.receive(5, wait::PATIENCE)?;
    site.balancer.program.signal(Signal::USR1)?;
    site.wait_for(503, "stopping\n", "drain\n")?;
    // In the time of grace, who has not heard it yet is served.
    let mut late = Client::connect(site.front)?;
    late.send(b"hi")?;
    late.receive(2, wait::PATIENCE)?;
    drop(late);
    wait::until("the listener to close", wait::PATIENCE, || {
        TcpStream::connect(site.front).err().map(drop)
    })?;
    // A session goes on, and so does the word.
    site.wait_for(503, "stopping\n", "drain\n")?;
    let scrape = scrape(site.metrics, "/metrics")?;
    if scrape.value("haproxy_process_stopping")? != "1" {
        return Err("the metrics do not say that it stops".into());
    }
    long.send(b"again")?;
    long.receive(5, wait::PATIENCE)?;
    drop(long);
    let status = site.balancer.program.wait(wait::PATIENCE)?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("it ended with {status}").into())
    }
}

fn without_a_server() -> Outcome {
    let dead = free_address()?;
    let site = Site::start(dead, "")?;
    site.wait_for(503, "no usable server\n", "ready down #no usable server\n")?;
    let _server = Server::on(dead, Behaviour::Echo)?;
    site.wait_for(200, "ok\n", "ready up\n")?;
    for (path, status) in [("/", 404), ("/metrics?scope=x", 400), ("/health?x", 200)] {
        let (is, text) = get(site.metrics, path)?;
        if is != status {
            return Err(format!("{path}: {is} {text}").into());
        }
    }
    Ok(())
}

fn in_use() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let site = Site::start(server.address(), "")?;
    let front = free_address()?;
    let config = format!(
        "global\n tune.pontoon.metrics {}\nlisten l\n mode tcp\n bind {front}\n timeout client 1s\n\
         \x20timeout server 1s\n timeout connect 1s\n",
        site.metrics
    );
    match Balancer::start(Kind::Pontoon, pontoon(), &config, front) {
        Err(problem) if problem.to_string().contains("tune.pontoon.metrics") => Ok(()),
        Err(problem) => Err(problem.to_string().into()),
        Ok(_) => Err("it started all the same".into()),
    }
}

/// The real HAProxy in front, with an agent check.
fn haproxy_drains_it() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let site = Site::start(server.address(), " grace 20s")?;
    let [front, page] = [free_address()?, free_address()?];
    let config = format!(
        "defaults\n mode tcp\n timeout connect 1s\n timeout client 1m\n timeout server 1m\n\
         listen l\n bind {front}\n server pontoon {} check inter 50ms agent-check agent-inter 50ms agent-port {}\n\
         listen p\n mode http\n bind {page}\n http-request use-service prometheus-exporter\n",
        site.front,
        site.agent.port(),
    );
    let _upstream = Balancer::start(Kind::Haproxy, pontoon(), &config, page)?;
    let state = |state: &str| {
        let sample =
            format!("haproxy_server_status{{proxy=\"l\",server=\"pontoon\",state=\"{state}\"}}");
        wait::until(state, wait::PATIENCE, || {
            let scrape = scrape(page, "/metrics").ok()?;
            (scrape.value(&sample).ok()? == "1").then_some(())
        })
    };
    state("UP")?;
    site.balancer.program.signal(Signal::USR1)?;
    Ok(state("DRAIN")?)
}
