//! A terminal, as tmux shows one.

use std::process::Command;

use pontoon_lab::{problem::Trying as _, temp::TempDir, wait};

use crate::harness::{Failure, Outcome};

/// A terminal with a shell, on a tmux of its own.
pub(crate) struct Terminal {
    folder: TempDir,
}

impl Terminal {
    /// 80 columns and 26 rows.
    pub(crate) fn open() -> Result<Self, Failure> {
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

    /// Runs a command of tmux.
    pub(crate) fn tmux(&self, arguments: &[&str]) -> Result<String, Failure> {
        let socket = self.folder.path().join("socket");
        let mut command = Command::new("tmux");
        let output = command.arg("-S").arg(socket).args(arguments).output();
        let output = output.trying("run tmux")?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }

    /// Presses keys.
    pub(crate) fn keys(&self, keys: &[&str]) -> Outcome {
        self.tmux(&[&["send-keys"], keys].concat()).map(drop)
    }

    /// What stands on it.
    pub(crate) fn shown(&self) -> Result<String, Failure> {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits until this stands somewhere on it.
    pub(crate) fn see(&self, text: &str) -> Outcome {
        let mut last = String::new();
        let seen = wait::until(text, wait::PATIENCE, || {
            last = self.shown().unwrap_or_default();
            last.contains(text).then_some(())
        });
        seen.map_err(|problem| Failure::from(problem).with(&last))
    }

    /// How the terminal is set, in a file that a command of the shell writes.
    pub(crate) fn modes(&self, name: &str) -> Result<String, Failure> {
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
