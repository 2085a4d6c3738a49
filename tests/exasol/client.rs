//! The real client: pyexasol in a Python of its own, asked line by line.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use pontoon_lab::needs;
use serde_json::{Value, json};

use crate::harness::Failure;

const PROGRAM: &str = include_str!("client.py");
/// pyexasol's own patience for an answer is 30 s; a long pause is asked for on top.
const PATIENCE: Duration = Duration::from_secs(100);

/// A Python with pyexasol.
pub(super) struct Client {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<String>,
    dsn: String,
}

impl Client {
    /// One that connects to this address, and to a server with this certificate.
    pub(super) fn start(address: std::net::SocketAddr, fingerprint: &str) -> Result<Self, Failure> {
        let python = needs::python_with("pyexasol").ok_or("no python3 can import pyexasol")?;
        let mut child = Command::new(python)
            .args(["-W", "ignore", "-c", PROGRAM])
            .env("EXASOL_TELEMETRY_DISABLE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // pyexasol prints what its threads meet when a node is killed; answers tell it, too.
            .stderr(Stdio::null())
            .spawn()?;
        let (requests, output) = (child.stdin.take(), child.stdout.take());
        let requests = requests.ok_or("no standard input")?;
        let output = output.ok_or("no standard output")?;
        let (say, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if say.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            requests,
            answers,
            dsn: format!("{}/{fingerprint}:{}", address.ip(), address.port()),
        })
    }

    /// Logs in. Returns the node that the session has come to.
    pub(super) fn connect(&mut self, session: &str) -> Result<usize, Failure> {
        let dsn = self.dsn.clone();
        let node = self.ask(&json!({"do": "connect", "session": session, "dsn": dsn}))?;
        let node = node.as_u64().and_then(|node| usize::try_from(node).ok());
        node.ok_or_else(|| Failure::from("a node without a number"))
    }

    /// One request about a session that is answered by a number.
    pub(super) fn number(
        &mut self,
        what: &str,
        session: &str,
        more: &[(&str, Value)],
    ) -> Result<u64, Failure> {
        let mut request = json!({"do": what, "session": session});
        for (name, value) in more {
            request[*name] = value.clone();
        }
        let answer = self.ask(&request)?;
        let number = answer.as_u64();
        number.ok_or_else(|| format!("{what} is answered by {answer}").into())
    }

    /// The first value of a statement's result.
    pub(super) fn value(&mut self, session: &str, sql: &str) -> Result<u64, Failure> {
        self.number("value", session, &[("sql", json!(sql))])
    }

    /// Says goodbye.
    pub(super) fn close(&mut self, session: &str) -> Result<(), Failure> {
        self.ask(&json!({"do": "close", "session": session}))
            .map(drop)
    }

    /// Clients that come, work and go from now on.
    pub(super) fn crowd(&mut self, clients: usize) -> Result<(), Failure> {
        let dsn = self.dsn.clone();
        self.ask(&json!({"do": "crowd", "dsn": dsn, "clients": clients}))
            .map(drop)
    }

    /// How the crowd fares.
    pub(super) fn crowd_report(&mut self) -> Result<Report, Failure> {
        self.ask(&json!({"do": "crowd report"}))
            .map(|it| Report::of(&it))
    }

    /// Sends the crowd home.
    pub(super) fn crowd_end(&mut self) -> Result<Report, Failure> {
        self.ask(&json!({"do": "crowd end"}))
            .map(|it| Report::of(&it))
    }

    fn ask(&mut self, request: &Value) -> Result<Value, Failure> {
        writeln!(self.requests, "{request}")?;
        let answer = self.answers.recv_timeout(PATIENCE);
        let answer = answer.map_err(|error| format!("no answer to {request}: {error}"))?;
        let mut answer: Value = serde_json::from_str(&answer).map_err(|e| e.to_string())?;
        match answer.get("error") {
            Some(error) => Err(format!("{request}: {error}").into()),
            None => Ok(answer["ok"].take()),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// What a crowd has seen.
#[derive(Debug)]
pub(super) struct Report {
    /// Rounds: log in, query, export, log out.
    pub(super) done: u64,
    /// Rounds that were cut off, and tried again.
    pub(super) cut_off: u64,
    /// Rounds that were tried in vain.
    pub(super) given_up: Vec<Value>,
}

impl Report {
    fn of(answer: &Value) -> Self {
        let number = |name: &str| answer[name].as_u64().unwrap_or_default();
        Self {
            done: number("done"),
            cut_off: number("cut_off"),
            given_up: answer["given_up"].as_array().cloned().unwrap_or_default(),
        }
    }
}
