//! The picture, as tmux sees it.

use std::process::Command;

use pontoon_lab::{needs::Need, problem::Trying as _, temp::TempDir, wait};

use super::footprint::Footprint;
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| {
        let test = Test::new(format!("demo::{name}"), run);
        tests.push(test.needs(Need::Program("tmux")).needs(Need::Namespaces));
    };
    add("keys_break_and_mend_what_the_picture_shows", keys);
    add("the_terminal_is_given_back_after_a_signal", signal);
}

/// A terminal with a shell, on a tmux of its own.
struct Terminal {
    folder: TempDir,
}

impl Terminal {
    fn open() -> Result<Self, Failure> {
        let terminal = Self {
            folder: TempDir::new("tmux")?,
        };
        let shell = "env -i PATH=$PATH TERM=$TERM PS1='ready> ' sh";
        terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "80",
            "-y",
            "26",
            shell,
        ])?;
        terminal.see("ready>")?;
        Ok(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> Result<String, Failure> {
        let socket = self.folder.path().join("socket");
        let mut command = Command::new("tmux");
        let output = command.arg("-S").arg(socket).args(arguments).output();
        let output = output.trying("run tmux")?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }

    fn keys(&self, keys: &[&str]) -> Outcome {
        self.tmux(&[&["send-keys"], keys].concat()).map(drop)
    }

    fn shown(&self) -> Result<String, Failure> {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits until this stands somewhere on it.
    fn see(&self, text: &str) -> Outcome {
        let mut last = String::new();
        let seen = wait::until(text, wait::PATIENCE, || {
            last = self.shown().unwrap_or_default();
            last.contains(text).then_some(())
        });
        seen.map_err(|problem| Failure::from(problem).with(&last))
    }

    /// How the terminal is set, in a file that a command of the shell writes.
    fn modes(&self, name: &str) -> Result<String, Failure> {
        let file = self.folder.path().join(name);
        let line = format!("stty -a >{0}.new && mv {0}.new {0}", file.display());
        self.keys(&[&line, "Enter"])?;
        let written = wait::until("stty", wait::PATIENCE, || {
            std::fs::read_to_string(&file).ok()
        });
        written.map_err(|problem| Failure::from(problem).with(&self.shown().unwrap_or_default()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Whatever runs there is told that its terminal is gone.
        let _gone = self.tmux(&["kill-server"]);
    }
}

fn start(demo: &Footprint, terminal: &Terminal) -> Outcome {
    let line = format!("{} demo", demo.program().display());
    terminal.keys(&[&line, "Enter"])?;
    terminal.see("leads to node 1")?;
    terminal.see("│ MASTER")
}

fn keys() -> Outcome {
    let demo = Footprint::new()?;
    let terminal = Terminal::open()?;
    let before = terminal.modes("before")?;
    start(&demo, &terminal)?;
    let broken = [
        ("p", "you: kill the proxy of node 1"),
        ("b", "10.0.1.12 dead [b]"),
        ("e", "API down    [e]"),
        ("l", "╳ cut  [l]"),
        ("2", "without power"),
    ];
    for (key, shown) in broken {
        terminal.keys(&[key])?;
        terminal.see(shown)?;
    }
    terminal.tmux(&["resize-window", "-x", "60", "-y", "12"])?;
    terminal.see(" connections a second")?;
    terminal.tmux(&["resize-window", "-x", "100", "-y", "40"])?;
    terminal.see("┌─ node 1  10.0.1.207 ──[1]──┐")?;
    terminal.keys(&["h"])?;
    for mended in [
        "10.0.1.12 up   [b]",
        "API up      [e]",
        "│ VRRP [l]",
        "│ BACKUP",
    ] {
        terminal.see(mended)?;
    }
    terminal.see(" outage ")?;
    terminal.tmux(&["resize-window", "-x", "80", "-y", "26"])?;
    terminal.keys(&["q"])?;
    assert_given_back(&demo, &terminal, &before)
}

fn signal() -> Outcome {
    let demo = Footprint::new()?;
    let terminal = Terminal::open()?;
    let before = terminal.modes("before")?;
    start(&demo, &terminal)?;
    // Ctrl-Z would leave the picture on the screen: it does nothing.
    terminal.keys(&["C-z"])?;
    terminal.keys(&["C-c"])?;
    assert_given_back(&demo, &terminal, &before)
}

fn assert_given_back(demo: &Footprint, terminal: &Terminal, before: &str) -> Outcome {
    // Until it has ended, keys are still its.
    demo.assert_gone()?;
    let shown = terminal.shown()?;
    assert!(
        !shown.contains("MASTER"),
        "the picture is still there:\n{shown}"
    );
    assert_eq!(terminal.modes("after")?, before);
    Ok(())
}
