//! A machine of the site: process, mount and network namespaces of its own.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::UnixStream,
    },
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use pontoon_sys::{namespace::Network, process::wait::readable};

use super::{
    init::order,
    nursery::{Born, Nursery, Plan},
    words::{self, Letter, YES},
};
use crate::problem::{Problem, Result, Trying};

/// How long its first process may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running machine. Dropped, it loses power.
#[derive(Debug)]
pub(super) struct Machine {
    name: String,
    control: Mutex<OwnedFd>,
    /// Ends with the last process.
    life: OwnedFd,
}

/// A program that was started on a machine.
#[derive(Debug)]
pub(super) struct Started {
    /// Both its outputs, until nobody can write there any more.
    pub(super) output: File,
    /// How it ended, or nothing if the machine was switched off before.
    pub(super) end: File,
}

impl Machine {
    pub(super) fn boot(nursery: &Nursery, plan: &Plan<'_>, network: &Network) -> Result<Self> {
        let Born { control, life } = nursery.boot(plan, network)?;
        Ok(Self {
            name: plan.name.into(),
            control: Mutex::new(control),
            life,
        })
    }

    /// Starts a program.
    pub(super) fn start(&self, line: &[&str]) -> Result<Started> {
        let what = format!("start {} on {}", line.join(" "), self.name);
        let (output, write_output) = io::pipe().trying(&what)?;
        let (end, write_end) = io::pipe().trying(&what)?;
        let words = [&[order::START], line].concat();
        self.ask(&words, &[write_output.into(), write_end.into()])?;
        Ok(Started {
            output: OwnedFd::from(output).into(),
            end: OwnedFd::from(end).into(),
        })
    }

    /// Runs a program to its end and returns what it said.
    pub(super) fn run(&self, line: &[&str]) -> Result<String> {
        let what = format!("run {} on {}", line.join(" "), self.name);
        let Started { output, mut end } = self.start(line)?;
        let lines = BufReader::new(output).lines().map_while(io::Result::ok);
        let said: String = lines.map(|line| line + "\n").collect();
        let mut how = String::new();
        end.read_to_string(&mut how).trying(&what)?;
        if how == "exited with code 0" {
            return Ok(said);
        }
        Err(Problem::Unexpected(format!("{what}: it {how}\n{said}")))
    }

    /// Kills all processes of this name; tells how many there were.
    pub(super) fn kill_all(&self, name: &str) -> Result<usize> {
        let letter = self.ask(&[order::KILL, name], &[])?;
        let count = letter.words.get(1).and_then(|count| count.parse().ok());
        count.ok_or_else(|| Problem::Unexpected("a kill without a count".into()))
    }

    /// What a file holds.
    pub(super) fn read(&self, path: &str) -> Result<String> {
        let letter = self.ask(&[order::READ, path], &[])?;
        Ok(letter.words[1..].join("\0"))
    }

    /// A connection to who listens at a path.
    pub(super) fn connect(&self, path: &str) -> Result<UnixStream> {
        let letter = self.ask(&[order::CONNECT, path], &[])?;
        let passed = letter.descriptors.into_iter().next();
        let passed = passed.ok_or_else(|| Problem::Unexpected("no connection came".into()))?;
        Ok(passed.into())
    }

    fn ask(&self, words: &[&str], passed: &[OwnedFd]) -> Result<Letter> {
        let what = || format!("{} on {}", words.join(" "), self.name);
        let passed: Vec<_> = passed.iter().map(|passed| passed.as_fd()).collect();
        let control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        words::send(&*control, words, &passed).trying(what())?;
        match words::receive(&*control, Some(PATIENCE)).trying(what())? {
            Some(letter) if letter.words.first().is_some_and(|word| word == YES) => Ok(letter),
            Some(letter) => {
                let why = letter.words[1..].join(" ");
                Err(Problem::Unexpected(format!("{}: {why}", what())))
            }
            None => Err(Problem::Unexpected(format!("{}: it is off", what()))),
        }
    }

    /// Ends all its processes at once, as a power cut does, and waits until they have.
    pub(super) fn power_off(self) -> Result<()> {
        let Self {
            name,
            control,
            life,
        } = self;
        drop(control);
        let [ended] = readable([Some(life.as_fd())], Some(PATIENCE)).trying("wait")?;
        if ended {
            return Ok(());
        }
        Err(Problem::Timeout {
            what: format!("{name} to go off"),
            seconds: PATIENCE.as_secs(),
        })
    }
}

/// Tells each line that a program says, and then how it ended, if it did so by itself.
pub(super) fn listen(
    started: Started,
    line: impl Fn(String) + Send + 'static,
    ended: impl FnOnce(String) + Send + 'static,
) {
    thread::spawn(move || {
        let Started { output, mut end } = started;
        for said in BufReader::new(output).lines().map_while(io::Result::ok) {
            line(said);
        }
        let mut how = String::new();
        if end.read_to_string(&mut how).is_ok() && !how.is_empty() {
            ended(how);
        }
    });
}
