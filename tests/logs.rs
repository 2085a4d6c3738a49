//! Log lines: the real HAProxy and ours do the same, and what each writes is compared line by
//! line; and what ours promises beyond (it never waits).

mod events;
mod normal;
mod peers;
mod pressure;
mod progress;
mod sessions;
mod sinks;

use std::{any::Any, net::SocketAddr};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    needs::Need,
    syslog::Syslog,
};

use rustix::process::Signal;

use crate::harness::{Failure, Outcome, Test, pontoon};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    let tables = [events::SCRIPTS, sessions::SCRIPTS, peers::SCRIPTS];
    for script in tables.into_iter().flatten() {
        let test = Test::new(format!("logs::{}", script.name), || compare(script));
        let test = test.needs(Need::Program("haproxy"));
        tests.push(
            script
                .needs
                .iter()
                .fold(test, |test, need| test.needs(*need)),
        );
    }
    sinks::register(tests);
    pressure::register(tests);
    progress::register(tests);
}

/// What is done to both programs.
struct Script {
    name: &'static str,
    needs: &'static [Need],
    /// Lines of `global` and `defaults`.
    settings: &'static str,
    /// The proxies. `{log}` is the syslog daemon, `{page}` the statistics page, `{front}` is free
    /// to listen on, so are `{s1}` and `{s2}`, and `{agent}` is a free port.
    config: &'static str,
    run: Run,
    /// How many lines come of it.
    lines: usize,
    /// Order has no meaning: the lines come from independent timers.
    any_order: bool,
    /// Lines that are not compared (by what they contain), and why.
    left_out: &'static [(&'static str, &'static str)],
}

/// Starts the balancer, does something, and returns what must live until the lines are counted.
type Run = fn(&mut Stage) -> Result<Alive, Failure>;
type Alive = Box<dyn Any>;

const PLAIN: Script = Script {
    name: "",
    needs: &[],
    settings: "",
    config: "",
    run: |_| Ok(Box::new(())),
    lines: 1,
    any_order: false,
    left_out: &[],
};

/// What a script may use.
struct Stage {
    kind: Kind,
    text: String,
    syslog: Syslog,
    page: SocketAddr,
    front: SocketAddr,
    s1: SocketAddr,
    s2: SocketAddr,
    agent: SocketAddr,
    balancer: Option<Balancer>,
}

impl Stage {
    fn set(kind: Kind, script: &Script) -> Result<Self, Failure> {
        let mut stage = Self {
            kind,
            text: String::new(),
            syslog: Syslog::start()?,
            page: free_address()?,
            front: free_address()?,
            s1: free_address()?,
            s2: free_address()?,
            agent: free_address()?,
            balancer: None,
        };
        let Script {
            settings, config, ..
        } = script;
        // The page comes last: when it listens, all do.
        stage.text = stage.fill(&format!(
            "global\n log {{log}} local2\n\
             defaults\n mode tcp\n log global\n timeout connect 1s\n timeout client 2s\n\
             timeout server 2s\n retries 0\n{settings}{config}\
             listen page\n bind {{page}}\n mode http\n no log\n stats enable\n\
             stats uri /stats\n stats admin if TRUE\n"
        ));
        Ok(stage)
    }

    fn fill(&self, text: &str) -> String {
        let text = text.replace("{agent}", &self.agent.port().to_string());
        [
            ("{log}", self.syslog.address()),
            ("{page}", self.page),
            ("{front}", self.front),
            ("{s1}", self.s1),
            ("{s2}", self.s2),
        ]
        .iter()
        .fold(text, |text, (name, address)| {
            text.replace(name, &address.to_string())
        })
    }

    fn start(&mut self) -> Outcome {
        let balancer = Balancer::start(self.kind, pontoon(), &self.text, self.page)?;
        self.balancer = Some(balancer);
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Outcome {
        let balancer = self.balancer.as_ref();
        let balancer = balancer.ok_or_else(|| "nothing was started".to_owned())?;
        Ok(balancer.program.signal(signal)?)
    }

    fn wait_for_count(&self, count: usize) -> Outcome {
        self.syslog.wait_for_count("lines", count, |_| true)?;
        Ok(())
    }

    fn wait_for(&self, text: &str) -> Outcome {
        self.syslog.wait_for(text, |line| line.contains(text))?;
        Ok(())
    }
}

fn compare(script: &'static Script) -> Outcome {
    let theirs = observe(script, Kind::Haproxy)?;
    let ours = observe(script, Kind::Pontoon)?;
    if theirs == ours {
        return Ok(());
    }
    Err(Failure::from(format!(
        "HAProxy wrote\n  {}\nPontoon wrote\n  {}",
        theirs.join("\n  "),
        ours.join("\n  ")
    )))
}

fn observe(script: &Script, kind: Kind) -> Result<Vec<String>, Failure> {
    let mut stage = Stage::set(kind, script)?;
    let _alive = (script.run)(&mut stage)?;
    let left_out = |line: &str| script.left_out.iter().any(|(part, _)| line.contains(part));
    let lines = stage
        .syslog
        .wait_for_count("log lines", script.lines, |line| !left_out(line))?;
    let mut lines: Vec<_> = lines.iter().map(|line| normal::normal(line)).collect();
    if script.any_order {
        lines.sort();
    }
    Ok(lines)
}
