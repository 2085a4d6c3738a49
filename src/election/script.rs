//! Scripts: the programs that a `keepalived.conf` wants to be run.
//!
//! What was written is looked at once, when the file is read: [`Scripts::prepare`] finds the program and
//! the user, and says what is wrong with them. A [`Script`] can then be started again and again.

mod adopted;
mod groups;
mod identity;
pub(super) mod launched;
mod line;
mod run;
mod security;
pub(super) mod wire;

use std::{
    env,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
};

use pontoon_config::keepalived::model::{Command, Global};

pub(super) use self::{
    adopted::SavedRun,
    groups::Groups,
    run::{End, Ran, Running},
    security::{Weakness, weakness},
};
use self::{identity::Identity, line::Line, wire::Wanted};
use super::log::{Level, Log};
use crate::files::without_number;

const SHELL: &str = "/bin/sh";
/// Understands `</dev/tcp/127.0.0.1/80`, a check that many files contain.
const BASH: &str = "/bin/bash";
/// Where programs are if the environment does not say.
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What holds for all scripts of a file.
#[derive(Debug, Clone)]
pub(super) struct Scripts {
    default: Identity,
    /// `enable_script_security`.
    security: bool,
}

/// Something that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    program: PathBuf,
    /// As written: some programs look at it to know who they are.
    name: OsString,
    arguments: Vec<String>,
    identity: Identity,
}

/// Why a script is not run.
#[derive(Debug, thiserror::Error)]
pub(super) enum Disabled {
    /// There is nothing to run.
    #[error("there is no command between the quotes")]
    Empty,
    /// No directory has it.
    #[error("Cannot find script {word} in path ({path}): install it, or write where it is")]
    NotInPath { word: String, path: String },
    /// It cannot be looked at.
    #[error("Script {program} cannot be accessed - {cause}: put it there, or correct the path")]
    Inaccessible { program: String, cause: String },
    /// It is a directory or the like.
    #[error("{0} is not a file that can be run: correct the path")]
    NotAFile(String),
    /// A right is missing.
    #[error("script '{program}' is not executable for {user}: {remedy}")]
    NotExecutable {
        program: String,
        user: String,
        remedy: String,
    },
    /// Somebody else could change it.
    #[error("Unsafe permissions found for script '{program}': {weakness}")]
    Insecure { program: String, weakness: Weakness },
}

/// Something about a script that will surprise.
#[derive(Debug, PartialEq, Eq)]
enum Remark {
    /// Found by name.
    FoundInPath { word: String, program: PathBuf },
    /// Run by a shell.
    Shell {
        shell: &'static str,
        because: String,
    },
    /// Somebody else could change it, and nobody forbids that.
    Unsafe {
        program: PathBuf,
        weakness: Weakness,
    },
}

impl Scripts {
    /// What the file says of all scripts.
    pub(super) fn new(global: &Global) -> Self {
        Self {
            default: Identity::default_of(global),
            security: global.script_security,
        }
    }

    /// Makes a command ready to be run, and logs what there is to say about it; `purpose` names
    /// it: `track script chk_haproxy`. `None`: it cannot or must not be run.
    pub(super) fn prepare(&self, command: &Command, purpose: &str, log: &Log) -> Option<Script> {
        let mut remarks = Vec::new();
        let script = self.judge(command, &mut remarks);
        for remark in remarks {
            remark.tell(purpose, log);
        }
        let disabled = match script {
            Ok(script) => return Some(script),
            Err(disabled) => disabled,
        };
        log.line(
            Level::Error,
            format_args!(
                "Disabling {purpose}: {disabled}. Then reload; until then it has no effect"
            ),
        );
        None
    }

    /// As [`Scripts::prepare`], for who has nobody to tell.
    pub(super) fn look_at(&self, command: &Command) -> Option<Script> {
        self.judge(command, &mut Vec::new()).ok()
    }

    /// Gives a file to the user that a script runs as, or to that of all scripts.
    ///
    /// # Errors
    /// We are not allowed to.
    pub(super) fn give_to_user_of(&self, script: Option<&Script>, file: &Path) -> io::Result<()> {
        let identity = script.map_or(&self.default, |script| &script.identity);
        match identity.to_become() {
            Some(identity) => {
                std::os::unix::fs::chown(file, Some(identity.uid), Some(identity.gid))
            }
            None => Ok(()),
        }
    }

    fn judge(&self, command: &Command, remarks: &mut Vec<Remark>) -> Result<Script, Disabled> {
        let user = command.user.as_ref();
        let identity = user.map_or_else(|| self.default.clone(), Identity::of);
        match line::parse(&command.line) {
            Line::Shell { program, because } => {
                // Whether it exists is for the shell to find out.
                let program = find(&program, remarks).ok();
                if let Some(program) = program.filter(|program| program.exists()) {
                    self.secure(&program, &identity, remarks)?;
                }
                Ok(Script::by_shell(&command.line, because, identity, remarks))
            }
            Line::Direct(words) => self.direct(&command.line, words, identity, remarks),
        }
    }

    fn direct(
        &self,
        line: &str,
        words: Vec<String>,
        identity: Identity,
        remarks: &mut Vec<Remark>,
    ) -> Result<Script, Disabled> {
        let mut words = words.into_iter();
        let word = words.next().filter(|word| !word.is_empty());
        let word = word.ok_or(Disabled::Empty)?;
        let program = match find(&word, remarks) {
            Err(Disabled::NotInPath { .. }) if line::is_shell_word(&word) => {
                return Ok(Script::by_shell(line, word, identity, remarks));
            }
            found => found?,
        };
        // What we may not even look at, the launcher may, and judges.
        if launched::in_use().is_none() || !is_hidden(&program) {
            executable(&program, &identity)?;
            self.secure(&program, &identity, remarks)?;
        }
        Ok(Script {
            program,
            name: word.into(),
            arguments: words.collect(),
            identity,
        })
    }

    /// Only what runs as root is dangerous in the hands of others (keepalived.conf(5)).
    fn secure(
        &self,
        program: &Path,
        identity: &Identity,
        remarks: &mut Vec<Remark>,
    ) -> Result<(), Disabled> {
        if !identity.is_root() {
            return Ok(());
        }
        let found = security::weakness(program);
        let Some(weakness) = found.map_err(|error| inaccessible(program, &error))? else {
            return Ok(());
        };
        if self.security {
            let program = program.display().to_string();
            return Err(Disabled::Insecure { program, weakness });
        }
        let program = program.to_owned();
        remarks.push(Remark::Unsafe { program, weakness });
        Ok(())
    }
}

impl Script {
    fn by_shell(
        line: &str,
        because: String,
        identity: Identity,
        remarks: &mut Vec<Remark>,
    ) -> Self {
        let shell = if line::wants_bash(line) && Path::new(BASH).exists() {
            BASH
        } else {
            SHELL
        };
        remarks.push(Remark::Shell { shell, because });
        // Added arguments follow the line's own, unless the line says where it wants them.
        let line = if line::uses_arguments(line) {
            line.to_owned()
        } else {
            format!("{line} \"$@\"")
        };
        Self {
            program: shell.into(),
            name: shell.into(),
            arguments: vec!["-c".into(), line, shell.into()],
            identity,
        }
    }

    /// Starts it, with more arguments behind its own.
    ///
    /// # Errors
    /// Out of processes or descriptors, or the program has gone or changed since.
    pub(super) async fn start(&self, more: &[String]) -> io::Result<Running> {
        match launched::in_use() {
            Some(launcher) => Running::launch(launcher, self, more).await,
            None => Running::start(self.command(more)),
        }
    }

    /// As the launcher knows it.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            program: self.program.clone(),
            name: self.name.clone(),
            arguments: self.arguments.clone(),
            uid: self.identity.numbers.uid,
            gid: self.identity.numbers.gid,
        }
    }

    /// What is executed; its output goes nowhere yet.
    pub(super) fn command(&self, more: &[String]) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.arg0(&self.name).args(&self.arguments).args(more);
        for variable in env::vars_os()
            .map(|(name, _)| name)
            .filter(|it| is_ours(it))
        {
            command.env_remove(variable);
        }
        pontoon_sys::process::script::isolate(&mut command, self.identity.to_become());
        command
    }
}

/// Variables that are meant for this process only.
fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("PONTOON_")
        || ["NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_"]
            .iter()
            .any(|start| name.starts_with(start))
}

/// Where a program is. The path is kept as it is found, links and all: a program behind a link
/// may want to know by which name it was called.
fn find(word: &str, remarks: &mut Vec<Remark>) -> Result<PathBuf, Disabled> {
    if word.contains('/') {
        return Ok(word.into());
    }
    let path = env::var("PATH").unwrap_or_else(|_| USUAL_PATH.to_owned());
    let runs = |file: &PathBuf| {
        fs::metadata(file).is_ok_and(|found| found.is_file() && found.mode() & 0o111 != 0)
    };
    let program = env::split_paths(&path)
        .map(|directory| directory.join(word))
        .find(runs);
    let word = word.to_owned();
    let Some(program) = program else {
        return Err(Disabled::NotInPath { word, path });
    };
    remarks.push(Remark::FoundInPath {
        word,
        program: program.clone(),
    });
    Ok(program)
}

fn is_hidden(program: &Path) -> bool {
    fs::metadata(program).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

fn inaccessible(program: &Path, error: &io::Error) -> Disabled {
    Disabled::Inaccessible {
        program: program.display().to_string(),
        cause: without_number(&error.to_string()),
    }
}

/// Whether a user may run a program: the bits of the file, and of the directories on the way.
fn executable(program: &Path, identity: &Identity) -> Result<(), Disabled> {
    let of = |part: &Path| fs::metadata(part).map_err(|error| inaccessible(program, &error));
    let file = of(program)?;
    if !file.is_file() {
        return Err(Disabled::NotAFile(program.display().to_string()));
    }
    let refused = |remedy: String| Disabled::NotExecutable {
        program: program.display().to_string(),
        user: identity.name.clone(),
        remedy,
    };
    if !identity.may_run(file.mode(), file.uid(), file.gid()) {
        let shown = program.display();
        return Err(refused(if file.mode() & 0o111 == 0 {
            format!("chmod +x {shown}")
        } else {
            format!("chown {} {shown}", identity.name)
        }));
    }
    let directories = program.ancestors().skip(1);
    for directory in directories.filter(|it| !it.as_os_str().is_empty()) {
        let found = of(directory)?;
        if !identity.is_root() && !identity.may_run(found.mode(), found.uid(), found.gid()) {
            return Err(refused(format!("chmod +x {}", directory.display())));
        }
    }
    Ok(())
}

impl Remark {
    fn tell(&self, purpose: &str, log: &Log) {
        match self {
            Self::FoundInPath { word, program } => log.line(
                Level::Info,
                format_args!(
                    "{purpose}: script `{word}` resolved by path search to `{}`",
                    program.display()
                ),
            ),
            Self::Shell { shell, because } => log.line(
                Level::Info,
                format_args!("{purpose}: run by {shell}, for the sake of `{because}`"),
            ),
            Self::Unsafe { program, weakness } => log.line(
                Level::Warning,
                format_args!(
                    "SECURITY VIOLATION - {purpose}: Unsafe permissions found for script '{}', \
                     which runs as root: {weakness}. With enable_script_security it would be disabled",
                    program.display()
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests;
