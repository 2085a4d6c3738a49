//! What the commands of the master socket do.

use std::time::Instant;

use super::{
    ConsoleId,
    client::Client,
    command::{Command, Level, Target},
    prompt, show,
    show::{Row, Rows},
};
use crate::supervisor::{
    Supervisor,
    child::{Child, State},
    process::Process,
    reload::Asker,
};

impl Supervisor {
    /// How the master asks for commands.
    pub(in crate::supervisor) const fn prompt(&self) -> &'static str {
        if self.reloads.failed > 0 {
            "master[ReloadFailed]> "
        } else {
            "master> "
        }
    }

    pub(in crate::supervisor) fn commanded(&mut self, id: ConsoleId, command: Command) {
        let Some(level) = self.client(id).map(|client| client.level) else {
            return;
        };
        match command {
            Command::Relay { target, command } => self.relay(id, &target, &command),
            Command::Turn(target) => self.turn(id, target),
            Command::Processes => self.say(id, &show::processes(&self.rows())),
            Command::Version => self.say(id, &format!("{}\n\n", crate::VERSION)),
            Command::ShowLevel => self.say(id, &format!("{}\n\n", level.name())),
            Command::ShowSockets => self.say(id, "\n"),
            Command::Reload if level < Level::Operator => self.say(id, "Permission denied\n\n"),
            Command::Reload => self.reload_asked(Some(Asker::Console(id))),
            Command::Help(words) => self.say(id, &show::help(&words)),
            Command::Unknown(words) => self.say(id, &show::unknown(&words)),
            Command::Lower(to) => self.lower(id, to),
            Command::Prompt => self.toggle_prompt(id),
            Command::Quit => self.leave(id, ""),
            Command::Mode(mode) => {
                let text = format!("{mode} has no effect: no command here asks for it\n\n");
                self.say(id, &text);
            }
        }
    }

    fn client(&mut self, id: ConsoleId) -> Option<&mut Client> {
        self.console.client(id)
    }

    fn say(&mut self, id: ConsoleId, text: &str) {
        let master = self.prompt();
        if let Some(client) = self.client(id) {
            let prompt = prompt(client, master);
            client.answered(text, &prompt);
        }
    }

    /// It is told this, and left.
    pub(in crate::supervisor) fn leave(&mut self, id: ConsoleId, text: &str) {
        if let Some(client) = self.client(id) {
            client.left(text);
        }
    }

    fn lower(&mut self, id: ConsoleId, to: Level) {
        if let Some(client) = self.client(id) {
            if client.level < to {
                return self.leave(id, "Permission denied!\n");
            }
            client.level = to;
        }
        self.say(id, "");
    }

    fn toggle_prompt(&mut self, id: ConsoleId) {
        if let Some(client) = self.client(id) {
            client.interactive = !client.interactive;
        }
        self.say(id, "");
    }

    /// The process that is meant; `None`: the master.
    fn meant(&self, target: &Target) -> Result<Option<u32>, String> {
        let missing = |prefix: &str| {
            Err(format!(
                "Can't find the target PID matching the prefix '{prefix}'\n"
            ))
        };
        let worker = self.children.proxy.as_ref().and_then(Child::process);
        let worker = worker.map(Process::pid);
        match target {
            Target::Master => Ok(None),
            Target::Process(pid) if *pid == std::process::id() => Ok(None),
            Target::Worker => worker.map_or_else(|| missing("@1"), |pid| Ok(Some(pid))),
            Target::Process(pid) => {
                let leaving = self.children.leaving.iter().map(|it| it.process.pid());
                let known = leaving.chain(worker).any(|it| it == *pid);
                if known {
                    Ok(Some(*pid))
                } else {
                    missing(&format!("@!{pid}"))
                }
            }
            Target::Nobody(prefix) => missing(prefix),
        }
    }

    fn turn(&mut self, id: ConsoleId, target: Target) {
        match self.meant(&target) {
            Ok(pid) => {
                if let Some(client) = self.client(id) {
                    // It stays with that process, even if a reload makes another one the first.
                    client.target = pid.map_or(Target::Master, Target::Process);
                    client.turned_to = pid;
                }
                self.say(id, "");
            }
            Err(text) => self.leave(id, &text),
        }
    }

    fn relay(&mut self, id: ConsoleId, target: &Target, command: &str) {
        let asked = self.meant(target).and_then(|pid| {
            // Whoever means the master by its number.
            let pid =
                pid.ok_or_else(|| "The master takes commands behind '@' only.\n".to_owned())?;
            let client = self.client(id).ok_or_else(String::new)?;
            let asked = client.ask(pid, command, Instant::now());
            asked.map_err(|error| format!("Process {pid} does not answer: {error}\n"))
        });
        if let Err(text) = asked {
            self.leave(id, &text);
        }
    }

    fn rows(&self) -> Rows {
        let attempts = self.reloads.attempts;
        let row = |pid, since: Instant, born: u32| Row {
            pid,
            reloads: attempts.saturating_sub(born),
            up_for: since.elapsed(),
        };
        let worker = self.children.proxy.as_ref().and_then(|child| {
            let process = child.process()?;
            let since = match child.state() {
                State::Up { since, .. } => *since,
                _ => Instant::now(),
            };
            Some(row(process.pid(), since, child.born))
        });
        let old = self.children.leaving.iter();
        Rows {
            master: row(std::process::id(), self.started, 0),
            failed: self.reloads.failed,
            worker,
            old: old
                .map(|it| row(it.process.pid(), it.up_since, it.born))
                .collect(),
        }
    }
}
