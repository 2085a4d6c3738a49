//! The node of the demo: `pontoon run` on a copy of the configuration.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, Sender},
    thread,
    time::{Duration, Instant},
};

use pontoon_sys::process::{
    Pid, Signal,
    child::{Bond, prepare, signal_pid},
};

use super::{DemoError, Event, site::ENTRANCE};

/// How long the proxy may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often is looked whether it has stopped.
const LOOK: Duration = Duration::from_millis(10);

/// A running node; it stops with its owner.
#[derive(Debug)]
pub(super) struct Node {
    child: Child,
    folder: PathBuf,
}

impl Node {
    /// Starts it; what it says comes as events.
    pub(super) fn start(configuration: &str, events: &Sender<Event>) -> Result<Self, DemoError> {
        let folder = std::env::temp_dir().join(format!("pontoon-demo-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let file = folder.join("haproxy.cfg");
        fs::write(&file, configuration)?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("pontoon")
            .arg("run")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        prepare(&mut command, std::io::stderr().as_fd(), Bond::DiesWithUs);
        let mut child = command.spawn()?;
        forward(child.stdout.take(), events, Event::Line, Some(Event::Ended));
        forward(child.stderr.take(), events, Event::Complaint, None);
        Ok(Self { child, folder })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // One that has ended already needs no signal.
            let _gone = signal_pid(pid, Signal::TERM);
        }
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(LOOK);
        }
        // Only what did not stop in time is killed; only what was written is removed.
        let _stopped = self.child.kill();
        let _reaped = self.child.wait();
        let _removed = fs::remove_dir_all(&self.folder);
    }
}

fn forward(
    pipe: Option<impl Read + Send + 'static>,
    events: &Sender<Event>,
    wrap: impl Fn(String) -> Event + Send + 'static,
    last: Option<Event>,
) {
    let Some(pipe) = pipe else { return };
    let events = events.clone();
    thread::spawn(move || {
        let lines = BufReader::new(pipe).lines().map_while(Result::ok);
        for event in lines.map(wrap).chain(last) {
            if events.send(event).is_err() {
                return;
            }
        }
    });
}

/// Waits until the proxy says that it has started.
pub(super) fn wait_until_started(incoming: &Receiver<Event>) -> Result<(), DemoError> {
    let deadline = Instant::now() + PATIENCE;
    let mut said = Vec::new();
    let failed = |said: &[String]| {
        // Which version runs from where is no reason why it does not.
        let reasons = said.iter().filter(|line| !line.starts_with("[NOTICE]"));
        DemoError::Proxy(reasons.cloned().collect::<Vec<_>>().join("\n"))
    };
    while let Some(left) = deadline.checked_duration_since(Instant::now()) {
        match incoming.recv_timeout(left) {
            // All addresses are bound before the first line; the statistics log nothing.
            Ok(Event::Line(text)) if text == "Proxy entrance started." => return Ok(()),
            Ok(Event::Line(text) | Event::Complaint(text)) => said.push(text),
            Ok(Event::Ended) => {
                // Its last words may still be on their way through the other pipe.
                while let Ok(Event::Complaint(text)) = incoming.recv_timeout(10 * LOOK) {
                    said.push(text);
                }
                return Err(failed(&said));
            }
            Ok(Event::Key(_) | Event::Stop) => {}
            Err(_) => break,
        }
    }
    said.push(format!("nothing listens on {ENTRANCE} after {PATIENCE:?}"));
    Err(failed(&said))
}
