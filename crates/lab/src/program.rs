//! A program under test: started, watched, and ended with its owner.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    problem::{Problem, Result, Trying},
    wait,
};

/// A running child whose output is collected.
#[derive(Debug)]
pub struct Program {
    child: Child,
    output: Arc<Mutex<Vec<String>>>,
}

impl Program {
    /// Starts it.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        let what = format!("start {}", command.get_program().to_string_lossy());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .trying(what)?;
        let output = Arc::default();
        collect(child.stdout.take(), &output);
        collect(child.stderr.take(), &output);
        Ok(Self { child, output })
    }

    /// Its process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All lines of both its outputs so far.
    #[must_use]
    pub fn output(&self) -> Vec<String> {
        self.output
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// It is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Problem::Unexpected("a process without a number".into()))?;
        kill_process(pid, signal).trying("send a signal")
    }

    /// Whether it has ended already, and how.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().trying("wait for a program")
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// It is still there after `patience`.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        wait::until("a program to end", patience, || {
            self.child.try_wait().ok().flatten()
        })
    }

    /// Waits for a line of its output.
    ///
    /// # Errors
    /// No such line came; the error shows what did.
    pub fn wait_for_line(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let found = wait::until(what, wait::PATIENCE, || {
            self.output().into_iter().find(|line| wanted(line))
        });
        found.map_err(|problem| {
            Problem::Unexpected(format!("{problem}; it said:\n{}", self.output().join("\n")))
        })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing left to do.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn collect(pipe: Option<impl Read + Send + 'static>, output: &Arc<Mutex<Vec<String>>>) {
    let Some(pipe) = pipe else { return };
    let output = Arc::clone(output);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines() {
            let Ok(line) = line else { return };
            output
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
        }
    });
}
