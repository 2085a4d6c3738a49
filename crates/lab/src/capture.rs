//! What goes over a cable, and what `tshark` thinks of it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::Signal;

use crate::{
    needs, netns,
    problem::{Problem, Result, Trying},
    program::Program,
    temp::TempDir,
    wait,
};

/// A running `tcpdump`.
#[derive(Debug)]
pub struct Capture {
    program: Program,
    folder: TempDir,
}

impl Capture {
    /// Begins on an interface of a namespace, with a filter in tcpdump's language; returns once
    /// it listens.
    ///
    /// # Errors
    /// `tcpdump` refuses.
    pub fn start(namespace: &str, interface: &str, filter: &str) -> Result<Self> {
        let folder = TempDir::new("capture")?;
        let mut command = netns::command(namespace, "tcpdump");
        command.args([
            "-i",
            interface,
            "-n",
            "-U",
            "--immediate-mode",
            "-Z",
            "root",
        ]);
        command.arg("-w").arg(trace_in(&folder));
        let program = Program::start(command.arg(filter))?;
        program.wait_for_line("tcpdump to listen", |line| line.contains("listening on"))?;
        Ok(Self { program, folder })
    }

    /// Waits until it has seen so many frames that this filter in tshark's language lets through.
    ///
    /// # Errors
    /// They do not come; `tshark` refuses.
    pub fn wait_for(&self, filter: &str, count: usize) -> Result<()> {
        let path = trace_in(&self.folder);
        let enough = || {
            // The last frame may be half written: then tshark refuses, and is asked again.
            let frames = frames(&path, filter, &["frame.number"]).ok()?;
            (frames.len() >= count).then_some(())
        };
        wait::until(&format!("{count} frames: {filter}"), wait::PATIENCE, enough)
    }

    /// Ends it.
    ///
    /// # Errors
    /// `tcpdump` does not end.
    pub fn finish(mut self) -> Result<Trace> {
        self.program.signal(Signal::INT)?;
        self.program.wait(wait::PATIENCE)?;
        Ok(Trace {
            folder: self.folder,
        })
    }
}

/// What was captured.
#[derive(Debug)]
pub struct Trace {
    folder: TempDir,
}

/// A frame: the wanted fields that it has, by tshark's names; values that occur more than once
/// are separated by commas.
pub type Frame = BTreeMap<String, String>;

impl Trace {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        trace_in(&self.folder)
    }

    /// These fields of all frames that a filter in tshark's language lets through.
    ///
    /// # Errors
    /// `tshark` refuses.
    pub fn frames(&self, filter: &str, fields: &[&str]) -> Result<Vec<Frame>> {
        frames(&self.path(), filter, fields)
    }

    /// Everything tshark finds wrong or strange, a sentence each: bad checksums, malformed
    /// packets, values that should not be. That an address moves is what a failover is; it does
    /// not count.
    ///
    /// # Errors
    /// `tshark` refuses.
    pub fn complaints(&self, filter: &str) -> Result<Vec<String>> {
        let mut command = tshark(&self.path())?;
        let wanted = format!("({filter}) && (_ws.expert || _ws.malformed)");
        command.args(["-Y", &wanted, "-T", "fields", "-E", "separator=/s"]);
        for field in ["frame.number", "_ws.expert.message", "_ws.col.Info"] {
            command.args(["-e", field]);
        }
        Ok(output(&mut command)?.lines().map(str::to_owned).collect())
    }
}

fn trace_in(folder: &TempDir) -> PathBuf {
    folder.path().join("trace.pcap")
}

fn frames(trace: &Path, filter: &str, fields: &[&str]) -> Result<Vec<Frame>> {
    let mut command = tshark(trace)?;
    command.args(["-Y", filter, "-T", "fields"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let text = output(&mut command)?;
    let frame = |line: &str| {
        let named = fields.iter().zip(line.split('\t'));
        let present = named.filter(|(_, value)| !value.is_empty());
        present
            .map(|(name, value)| ((*name).to_owned(), value.to_owned()))
            .collect()
    };
    Ok(text.lines().map(frame).collect())
}

fn tshark(trace: &Path) -> Result<Command> {
    let tshark = needs::find("tshark");
    let tshark = tshark.ok_or_else(|| Problem::Unexpected("tshark is not installed".into()))?;
    let mut command = Command::new(tshark);
    command.args(["-n", "-o", "ip.check_checksum:TRUE"]);
    command.args(["-o", "arp.detect_duplicate_ips:FALSE"]);
    command.arg("-r").arg(trace);
    Ok(command)
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().trying("run tshark")?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Problem::Unexpected(format!("tshark: {}", said.trim())))
}
