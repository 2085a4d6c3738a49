//! A program inside a host.

use std::{
    fs,
    process::{Command, ExitStatus},
    time::Duration,
};

use rustix::process::Signal;

use super::signal_one;
use crate::{
    problem::{Problem, Result},
    program::Program,
    wait,
};

/// A process inside a host, and the `nsenter` outside that waits for it. It ends with its owner;
/// what it has put into the background ends with the host.
#[derive(Debug)]
pub struct Inmate {
    outside: Program,
    /// `None` if it had ended before it was seen.
    pid: Option<u32>,
}

impl Inmate {
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let mut outside = Program::start(command)?;
        let parent = outside.pid();
        let pid = wait::until("a program to be started", wait::PATIENCE, || {
            let child = child_of(parent);
            (child.is_some() || !matches!(outside.ended(), Ok(None))).then_some(child)
        })?;
        Ok(Self { outside, pid })
    }

    /// Its process number, outside; `None` if it had ended before it was seen.
    #[must_use]
    pub const fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// All lines of both its outputs so far.
    #[must_use]
    pub fn output(&self) -> Vec<String> {
        self.outside.output()
    }

    /// Waits for a line of its output.
    ///
    /// # Errors
    /// No such line came; the error shows what did.
    pub fn wait_for_line(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        self.outside.wait_for_line(what, wanted)
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// It is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.pid;
        signal_one(
            pid.ok_or_else(|| Problem::Unexpected("it has ended".into()))?,
            signal,
        )?;
        if signal == Signal::CONT {
            // nsenter stops with its child, and would not wake up by itself.
            self.outside.signal(signal)?;
        }
        Ok(())
    }

    /// Whether it has ended already, and how.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.outside.ended()
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// It is still there after `patience`.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        self.outside.wait(patience)
    }
}

impl Drop for Inmate {
    fn drop(&mut self) {
        // Once it has been waited for, its number may be somebody else's.
        if matches!(self.outside.ended(), Ok(None)) {
            let _gone = self.signal(Signal::KILL);
        }
    }
}

/// The first child of a process, if it has one yet.
pub(super) fn child_of(parent: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}
